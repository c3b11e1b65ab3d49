//go:build cgo && linux && !notflite

package vision_test

import (
	"bytes"
	"errors"
	"image"
	"image/color"
	"image/draw"
	"image/jpeg"
	"math"
	"os"
	"path/filepath"
	"testing"
	"time"

	"smiletill/models"
	"smiletill/vision"
	"smiletill/vision/tflite"
)

func network(t testing.TB, task models.Task) *tflite.Interpreter {
	t.Helper()
	p, err := tflite.Open(weights(t, task), tflite.Options{Threads: 1, XNNPACK: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() })
	return p
}

// shipped are the thresholds with the cosines of the default set, whose networks these tests run.
func shipped(t testing.TB) vision.Thresholds {
	t.Helper()
	set, err := models.Open("")
	if err != nil {
		t.Fatal(err)
	}
	th, e := vision.DefaultThresholds(), set.Model(models.Embed).Thresholds
	th.Match, th.Verify, th.SameFace, th.Margin = e.Match, e.Verify, e.SameFace, e.Margin
	return th
}

func pipeline(t testing.TB) *vision.Pipeline {
	t.Helper()
	th := shipped(t)
	th.Views = vision.Plain // the same picture gives the same embedding again
	return vision.New(vision.Networks{Detector: network(t, models.Detect), Mesh: network(t, models.Mesh),
		Embedder: network(t, models.Embed)}, th)
}

func picture(t testing.TB, name string) *image.YCbCr {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	img, err := jpeg.Decode(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	return img.(*image.YCbCr)
}

// look copies the embedding, so that two Looks can be compared.
func look(t testing.TB, p *vision.Pipeline, img image.Image) vision.Look {
	t.Helper()
	l, err := p.Look(img, vision.Embed)
	if err != nil {
		t.Fatal(err)
	}
	l.Embedding = append(vision.Embedding(nil), l.Embedding...)
	return l
}

func cosine(a, b []float32) float64 {
	var s float64
	for i := range a {
		s += float64(a[i]) * float64(b[i])
	}
	return s
}

// drawn makes a 640x480 picture out of the sr part of src, at dr, on grey.
func drawn(src image.Image, sr, dr image.Rectangle) *image.RGBA {
	m := image.NewRGBA(image.Rect(0, 0, 640, 480))
	draw.Draw(m, m.Rect, image.NewUniform(color.Gray{96}), image.Point{}, draw.Src)
	for y := dr.Min.Y; y < dr.Max.Y; y++ {
		for x := dr.Min.X; x < dr.Max.X; x++ {
			m.Set(x, y, src.At(sr.Min.X+(x-dr.Min.X)*sr.Dx()/dr.Dx(), sr.Min.Y+(y-dr.Min.Y)*sr.Dy()/dr.Dy()))
		}
	}
	return m
}

func mapped(src image.Image, f func(v uint8) uint8) *image.RGBA {
	m := image.NewRGBA(src.Bounds())
	draw.Draw(m, m.Rect, src, src.Bounds().Min, draw.Src)
	for i := range m.Pix {
		if i%4 != 3 {
			m.Pix[i] = f(m.Pix[i])
		}
	}
	return m
}

// blurred is the mean of each pixel's box of r pixels to all sides, as far as there are some.
func blurred(src *image.YCbCr, r int) *image.Gray {
	b := src.Bounds()
	m := image.NewGray(b)
	w := b.Dx() + 1
	sums := make([]int, w*(b.Dy()+1)) // of what is above and left of a place
	for y := range b.Dy() {
		row := 0
		for x := range b.Dx() {
			row += int(src.Y[src.YOffset(b.Min.X+x, b.Min.Y+y)])
			sums[(y+1)*w+x+1] = sums[y*w+x+1] + row
		}
	}
	for y := range b.Dy() {
		for x := range b.Dx() {
			box := image.Rect(x-r, y-r, x+r+1, y+r+1).Intersect(image.Rect(0, 0, b.Dx(), b.Dy()))
			top, end := sums[box.Min.Y*w:], sums[box.Max.Y*w:]
			sum := end[box.Max.X] - end[box.Min.X] - top[box.Max.X] + top[box.Min.X]
			m.SetGray(b.Min.X+x, b.Min.Y+y, color.Gray{uint8(sum / (box.Dx() * box.Dy()))})
		}
	}
	return m
}

func TestLookRefusesFrames(t *testing.T) {
	p, hopper := pipeline(t), picture(t, "hopper.jpg")
	whole, face := hopper.Bounds(), image.Rect(80, 0, 560, 480)
	two := drawn(hopper, face, image.Rect(0, 100, 320, 420))
	draw.Draw(two, image.Rect(320, 0, 640, 480), two, image.Point{}, draw.Src)
	for _, c := range []struct {
		name  string
		img   image.Image
		want  vision.Reason
		faces int
	}{
		{"grey", image.NewGray(whole), vision.NoFace, 0},
		{"one pixel", image.NewRGBA(image.Rect(0, 0, 1, 1)), vision.NoFace, 0},
		{"a line", image.NewRGBA(image.Rect(0, 0, 640, 1)), vision.NoFace, 0},
		{"two people", two, vision.SeveralFaces, 2},
		{"far away", drawn(hopper, face, image.Rect(210, 130, 430, 350)), vision.TooFar, 1},
		{"too close", drawn(hopper, image.Rect(210, 75, 430, 240), whole), vision.TooClose, 1},
		{"at the edge", drawn(hopper, face, image.Rect(370, 60, 730, 420)), vision.OffCentre, 1},
		{"dark", mapped(hopper, func(v uint8) uint8 { return v / 9 }), vision.TooDark, 1},
		{"bright", mapped(hopper, func(v uint8) uint8 { return 255 - (255-v)/4 }), vision.TooBright, 1},
		{"blurred", blurred(hopper, 10), vision.Blurred, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := look(t, p, c.img)
			if l.Reason != c.want || l.Faces != c.faces || len(l.Embedding) != 0 {
				t.Errorf("reason %q with %d faces, want %q with %d: %+v", l.Reason, l.Faces, c.want, c.faces, l)
			}
		})
	}
	// A turned head cannot be had from one portrait: tighten the limits instead.
	th := vision.DefaultThresholds()
	th.PitchMax = 1
	strict := vision.New(vision.Networks{Detector: network(t, models.Detect), Mesh: network(t, models.Mesh),
		Embedder: network(t, models.Embed)}, th)
	if l := look(t, strict, hopper); l.Reason != vision.TurnedAway {
		t.Errorf("reason %q, want %q: %+v", l.Reason, vision.TurnedAway, l)
	}
}

func TestLookErrors(t *testing.T) {
	p, hopper := pipeline(t), picture(t, "hopper.jpg")
	short := *hopper
	short.Cb = short.Cb[:100]
	odd := *hopper
	odd.SubsampleRatio = 99
	for name, img := range map[string]image.Image{
		"nil": nil, "empty": image.NewGray(image.Rectangle{}), "short of bytes": &short, "subsampling": &odd,
		"enormous": image.NewUniform(color.Black),
	} {
		if _, err := p.Look(img, vision.Embed); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	d, m, e := network(t, models.Detect), network(t, models.Mesh), network(t, models.Embed)
	for name, n := range map[string]vision.Networks{
		"none":     {},
		"mixed up": {Detector: m, Mesh: d, Embedder: e},
		"embedder": {Detector: d, Mesh: m, Embedder: m},
	} {
		if _, err := vision.New(n, vision.DefaultThresholds()).Look(hopper, vision.Detect); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

type failing struct{ vision.Network }

var errBroken = errors.New("broken")

func (failing) Run() error { return errBroken }

func TestLookPassesErrorsOn(t *testing.T) {
	d, m, e := network(t, models.Detect), network(t, models.Mesh), network(t, models.Embed)
	for _, n := range []vision.Networks{{Detector: failing{d}, Mesh: m, Embedder: e},
		{Detector: d, Mesh: failing{m}, Embedder: e}, {Detector: d, Mesh: m, Embedder: failing{e}}} {
		l, err := vision.New(n, vision.DefaultThresholds()).Look(picture(t, "hopper.jpg"), vision.Embed)
		if !errors.Is(err, errBroken) || l.Embedding != nil {
			t.Errorf("Look = %+v, %v; want %v", l, err, errBroken)
		}
	}
}

func TestLookDepth(t *testing.T) {
	p, hopper := pipeline(t), picture(t, "hopper.jpg")
	for _, d := range []vision.Depth{vision.Detect, vision.Landmarks, vision.Embed} {
		l, err := p.Look(hopper, d)
		if err != nil || l.Reason != "" || l.Depth != d || l.Faces != 1 {
			t.Errorf("depth %d: %+v, %v", d, l, err)
		}
		if (l.Smile > 0) != (d >= vision.Landmarks) || (l.Embedding != nil) != (d == vision.Embed) {
			t.Errorf("depth %d gives %+v", d, l)
		}
	}
}

// What does not change a person must not change the embedding; another person must.
func TestEmbeddingTellsPeopleApart(t *testing.T) {
	p, hopper := pipeline(t), picture(t, "hopper.jpg")
	a := look(t, p, hopper)
	if n := cosine(a.Embedding, a.Embedding); math.Abs(n-1) > 1e-5 {
		t.Errorf("length %v, want 1", n)
	}
	mirrored := image.NewRGBA(hopper.Bounds())
	for y := range 480 {
		for x := range 640 {
			mirrored.Set(639-x, y, hopper.At(x, y))
		}
	}
	face := image.Rect(80, 0, 560, 480)
	for _, c := range []struct {
		name string
		img  image.Image
		min  float64
	}{
		{"the same", hopper, 0.99999},
		{"as RGBA", mapped(hopper, func(v uint8) uint8 { return v }), 0.99}, // int8 takes other steps
		{"mirrored", mirrored, 0.97},
		{"smaller and aside", drawn(hopper, face, image.Rect(200, 60, 560, 420)), 0.95},
		{"darker", mapped(hopper, func(v uint8) uint8 { return v / 2 }), 0.95},
	} {
		l := look(t, p, c.img)
		if l.Reason != "" {
			t.Errorf("%s: %q", c.name, l.Reason)
		} else if s := cosine(a.Embedding, l.Embedding); s < c.min {
			t.Errorf("%s: cosine %.4f, want at least %v", c.name, s, c.min)
		}
	}
	other := look(t, p, picture(t, "collins.jpg"))
	if s := cosine(a.Embedding, other.Embedding); other.Reason != "" || s > 0.3 {
		t.Errorf("another person: cosine %.4f (%q), want at most 0.3", s, other.Reason)
	}
	if other.Smile < a.Smile+0.05 {
		t.Errorf("the smiling portrait measures %.3f, the serious one %.3f", other.Smile, a.Smile)
	}
	m := look(t, p, mirrored)
	if math.Abs(float64(m.Pose.Yaw+a.Pose.Yaw)) > 3 || math.Abs(float64(m.Pose.Roll+a.Pose.Roll)) > 3 ||
		math.Abs(float64(m.Pose.Pitch-a.Pose.Pitch)) > 3 || math.Abs(float64(m.Smile-a.Smile)) > 0.1 {
		t.Errorf("mirrored %+v, straight %+v", m, a)
	}
	if a.EyesOpen < 0.15 || a.EyesOpen > 0.45 {
		t.Errorf("open eyes measure %v", a.EyesOpen)
	}
}

func TestRollIsMeasuredAndRemoved(t *testing.T) {
	p, hopper := pipeline(t), picture(t, "hopper.jpg")
	a := look(t, p, hopper)
	const turn = 15.0
	sin, cos := math.Sincos(turn * math.Pi / 180)
	m := image.NewRGBA(hopper.Bounds())
	for y := range 480 {
		for x := range 640 {
			u, v := float64(x-320), float64(y-240)
			m.Set(x, y, hopper.At(int(320+u*cos+v*sin), int(240-u*sin+v*cos))) // clockwise in the picture
		}
	}
	l := look(t, p, m)
	if got := l.Pose.Roll - a.Pose.Roll; math.Abs(float64(got-turn)) > 3 {
		t.Errorf("turned by %v degrees measures %v", turn, got)
	}
	if s := cosine(a.Embedding, l.Embedding); s < 0.9 {
		t.Errorf("cosine %.3f after a turn in the picture", s)
	}
}

// A picture within a bigger one, at an odd corner, is the same picture.
func TestSubImage(t *testing.T) {
	p, hopper := pipeline(t), picture(t, "hopper.jpg")
	for _, ratio := range []image.YCbCrSubsampleRatio{image.YCbCrSubsampleRatio444, image.YCbCrSubsampleRatio422,
		image.YCbCrSubsampleRatio420, image.YCbCrSubsampleRatio440, image.YCbCrSubsampleRatio411,
		image.YCbCrSubsampleRatio410} {
		m := image.NewYCbCr(hopper.Rect, ratio)
		for y := range 480 {
			for x := range 640 {
				c := hopper.YCbCrAt(x, y)
				m.Y[m.YOffset(x, y)], m.Cb[m.COffset(x, y)], m.Cr[m.COffset(x, y)] = c.Y, c.Cb, c.Cr
			}
		}
		r := image.Rect(91, 3, 551, 479)
		sub := m.SubImage(r)
		rgba := image.NewRGBA(r)
		draw.Draw(rgba, r, sub, r.Min, draw.Src)
		a, b := look(t, p, sub), look(t, p, rgba)
		if a.Reason != "" || b.Reason != "" || cosine(a.Embedding, b.Embedding) < 0.98 { // int8
			t.Errorf("%v: cosine %.4f with its copy (%q, %q)", ratio, cosine(a.Embedding, b.Embedding), a.Reason,
				b.Reason)
		}
		if !a.Box.In(r) || a.Box.Intersect(b.Box).Dx() < a.Box.Dx()*9/10 {
			t.Errorf("%v: box %v, of its copy %v", ratio, a.Box, b.Box)
		}
	}
}

func TestLookDoesNotAllocate(t *testing.T) {
	p, hopper := pipeline(t), picture(t, "hopper.jpg")
	var img image.Image = hopper
	if n := testing.AllocsPerRun(5, func() {
		if l, err := p.Look(img, vision.Embed); err != nil || l.Embedding == nil {
			t.Fatal(l, err)
		}
	}); n != 0 {
		t.Errorf("%v allocations a Look", n)
	}
	v := vision.NewVisit(nobody{}, shipped(t))
	l := look(t, p, hopper)
	at := time.Now()
	v.Observe(l, at)
	if n := testing.AllocsPerRun(3, func() { at = at.Add(33 * time.Millisecond); v.Observe(l, at) }); n > 0 {
		t.Errorf("%v allocations an Observe", n)
	}
}

// counting counts the runs of a network.
type counting struct {
	vision.Network
	runs *int
}

func (c counting) Run() error {
	*c.runs++
	return c.Network.Run()
}

// What a stage refuses, the next networks never see; and each stage that ran says how long it took.
func TestLookStopsEarly(t *testing.T) {
	var runs [3]int
	n := vision.Networks{Detector: counting{network(t, models.Detect), &runs[0]},
		Mesh: counting{network(t, models.Mesh), &runs[1]}, Embedder: counting{network(t, models.Embed), &runs[2]}}
	p, hopper := vision.New(n, vision.DefaultThresholds()), picture(t, "hopper.jpg")
	for name, c := range map[string]struct {
		img   image.Image
		depth vision.Depth
		want  [3]int
	}{
		"empty":     {image.NewGray(hopper.Rect), vision.Embed, [3]int{1, 0, 0}},
		"dark":      {mapped(hopper, func(v uint8) uint8 { return v / 9 }), vision.Embed, [3]int{1, 0, 0}},
		"blurred":   {blurred(hopper, 10), vision.Embed, [3]int{1, 0, 0}},
		"detect":    {hopper, vision.Detect, [3]int{1, 0, 0}},
		"landmarks": {hopper, vision.Landmarks, [3]int{1, 1, 0}},
		"embed":     {hopper, vision.Embed, [3]int{1, 1, 1}},
	} {
		runs = [3]int{}
		l, err := p.Look(c.img, c.depth)
		if err != nil {
			t.Fatal(err)
		}
		k := l.Took
		took := [3]int{min(int(k.Detect), 1), min(int(k.Mesh), 1), min(int(k.Embed), 1)}
		if runs != c.want || took != c.want || k.Sum() < k.Detect+k.Mesh+k.Embed || k.DetectCrop <= 0 {
			t.Errorf("%s: %v runs, want %v; took %+v", name, runs, c.want, k)
		}
	}
}

type nobody struct{}

func (nobody) Match([]float32) (string, float32, float32) { return "", -1, -1 }

func BenchmarkLook(b *testing.B) {
	p, hopper := pipeline(b), picture(b, "hopper.jpg")
	for name, d := range map[string]vision.Depth{"detect": vision.Detect, "landmarks": vision.Landmarks,
		"embed": vision.Embed} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if l, err := p.Look(hopper, d); err != nil || l.Reason != "" {
					b.Fatal(l, err)
				}
			}
		})
	}
	data, err := os.ReadFile("testdata/hopper.jpg")
	if err != nil {
		b.Fatal(err)
	}
	b.Run("jpeg+embed", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			img, err := jpeg.Decode(bytes.NewReader(data))
			if err != nil {
				b.Fatal(err)
			}
			if _, err := p.Look(img, vision.Embed); err != nil {
				b.Fatal(err)
			}
		}
	})
}
