package attacks

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"image"
	"image/color"
	"image/jpeg"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"smiletill/vision/spline"
)

// dummy is a person without networks: the marks of a committed portrait over a picture with detail
// everywhere.
func dummy(t *testing.T) *Person {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("..", "visits", "portraits", "hopper.json"))
	if err != nil {
		t.Fatal(err)
	}
	var sheet struct {
		Landmarks [MarkCount][3]float64 `json:"landmarks"`
	}
	if err := json.Unmarshal(raw, &sheet); err != nil {
		t.Fatal(err)
	}
	photo := Photo{}
	for _, m := range sheet.Landmarks {
		photo.Marks = append(photo.Marks, [2]float64{m[0], m[1]})
	}
	img := image.NewRGBA(image.Rect(0, 0, 512, 512))
	for y := range 512 {
		for x := range 512 {
			v := 120 + 50*math.Sin(float64(x)/9) + 40*math.Cos(float64(y)/7)
			img.Set(x, y, color.RGBA{uint8(v), uint8(0.8 * v), uint8(0.7 * v), 255})
		}
	}
	photo.Image = img
	p, err := NewPerson(photo, photo)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// shown is what the face of a visit is on.
func (v *Visit) shown() (*surface, *face) {
	switch a := v.scene.cast[len(v.scene.cast)-1].(type) {
	case *person:
		return a.head.surface, a.head.face
	case *sheet:
		return a.shown[0], a.faces[0]
	}
	return nil, nil
}

// turn is that of the head, or of the hand that holds the sheet.
func (v *Visit) turn() *timeline {
	if s, ok := v.scene.cast[len(v.scene.cast)-1].(*sheet); ok {
		return &s.tilt
	}
	return v.line
}

// offPlane is how far the face of a visit is from one plane: of all maps of a plane from the picture at one
// time to that at another, the best leaves so much, the root of the mean square, in percent of the eyes'
// distance.
func (v *Visit) offPlane(t *testing.T, a, b float64) float64 {
	t.Helper()
	places := func(at float64) (out []spot) {
		v.render(at)
		s, f := v.shown()
		for i := range s.now {
			if share, _ := f.around(f.lattice.spot(i)); share < 0.9 {
				out = append(out, spot{float64(s.now[i].sx), float64(s.now[i].sy)})
			}
		}
		return out
	}
	v.frame = 1
	from, to := places(a), places(b)
	// x' = (h0 x + h1 y + h2) / (h6 x + h7 y + 1), linear in h; coordinates around 0 and 1 keep it well
	// conditioned.
	m := make([][]float64, 8)
	for i := range m {
		m[i] = make([]float64, 9)
	}
	norm := func(p spot) spot { return spot{(p.x - 320) / 100, (p.y - 240) / 100} }
	for i := range from {
		p, q := norm(from[i]), norm(to[i])
		for _, row := range [][9]float64{
			{p.x, p.y, 1, 0, 0, 0, -q.x * p.x, -q.x * p.y, q.x}, {0, 0, 0, p.x, p.y, 1, -q.y * p.x, -q.y * p.y, q.y},
		} {
			for j := range 8 {
				for k := range 9 {
					m[j][k] += row[j] * row[k]
				}
			}
		}
	}
	spline.Solve(m)
	var sum float64
	for i := range from {
		p, q := norm(from[i]), norm(to[i])
		w := m[6][8]*p.x + m[7][8]*p.y + 1
		x, y := (m[0][8]*p.x+m[1][8]*p.y+m[2][8])/w, (m[3][8]*p.x+m[4][8]*p.y+m[5][8])/w
		sum += (x-q.x)*(x-q.x) + (y-q.y)*(y-q.y)
	}
	return 100 * 100 * math.Sqrt(sum/float64(len(from))) / 95
}

// What is said to be flat moves as one plane does, and what is a head does not, once it turns.
func TestFlatIsFlat(t *testing.T) {
	if testing.Short() {
		t.Skip("`make long` plays it without the race detector")
	}
	p := dummy(t)
	for _, s := range []Species{Living, InjectedClip, Print, WarpFace, SwapCut, InjectedWarp} {
		tried := 0
		for i := range uint32(40) {
			v, err := New(s, p, ChoosingSeed(i), Options{})
			if err != nil {
				t.Fatal(err)
			}
			if s != InjectedWarp && math.Abs(v.turn().turn) < 6*math.Pi/180 {
				continue
			}
			if tried++; tried > 2 {
				break
			}
			v.line.blinks, v.line.talkTo = nil, 0
			far := v.offPlane(t, v.turn().turnAt, v.turn().turnAt+0.6)
			if v.truth.Flat && far > 0.05 || !v.truth.Flat && far < 0.8 {
				t.Errorf("%s, turned by %.1f degrees: %.2f %% of the eyes' distance off a plane", s,
					v.turn().turn*180/math.Pi,
					far)
			}
		}
		if tried == 0 {
			t.Errorf("%s: none turned", s)
		}
	}
}

// A head answers the screen with its relief, a print with one plane.
func TestLightFallsOnRelief(t *testing.T) {
	p := dummy(t)
	for _, s := range []Species{Living, Print} {
		v, err := New(s, p, ChoosingSeed(3), Options{})
		if err != nil {
			t.Fatal(err)
		}
		v.frame = 1
		v.render(0.1)
		on, f := v.shown()
		low, high := math.Inf(1), 0.0
		for i := range on.now {
			if share, _ := f.around(f.lattice.spot(i)); share < 0.8 {
				low, high = min(low, float64(on.now[i].screen)), max(high, float64(on.now[i].screen))
			}
		}
		if ratio := low / high; s == Living && ratio > 0.5 || s == Print && ratio < 0.6 {
			t.Errorf("%s: the darkest place of the face gets %.2f of the screen's light on the brightest", s, ratio)
		}
	}
}

// Each species is what it was: whoever changes one writes testdata/frozen.txt anew (GOLDEN=1), and does no
// work on a detector in the same commit. The file holds for amd64, where nothing is fused.
func TestFrozen(t *testing.T) {
	if testing.Short() {
		t.Skip("`make long` plays it without the race detector")
	}
	if runtime.GOARCH != "amd64" {
		t.Skip("compilers of other architectures fuse multiplications")
	}
	p := dummy(t)
	var got strings.Builder
	for _, in := range Instruments() {
		v, err := New(in.Species, p, ChoosingSeed(1), Options{FPS: 10})
		if err != nil {
			t.Fatal(err)
		}
		v.Ask(0)
		h := fnv.New64a()
		for range 2 {
			img, at, ok := v.Next()
			if !ok {
				t.Fatal("over")
			}
			fmt.Fprint(h, at)
			h.Write(img.Y)
			h.Write(img.Cb)
			h.Write(img.Cr)
			v.next += 1 // into the smile
		}
		fmt.Fprintf(&got, "%s %016x\n", in.Species, h.Sum64())
	}
	file := filepath.Join("testdata", "frozen.txt")
	if os.Getenv("GOLDEN") != "" {
		if err := os.WriteFile(file, []byte(got.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got.String() != string(want) {
		t.Errorf("the generator is not what it was (GOLDEN=1 takes it):\n%s", got.String())
	}
}

func TestOptionsHaveBounds(t *testing.T) {
	p := dummy(t)
	one := &Person{faces: p.faces[:1]}
	for _, c := range []struct {
		what    string
		species Species
		person  *Person
		o       Options
	}{
		{"unknown species", "mask", p, Options{}},
		{"nobody", Living, nil, Options{}},
		{"one photo in turn", SwapCut, one, Options{}},
		{"4 fps", Living, p, Options{FPS: 4}},
		{"NaN fps", Living, p, Options{FPS: math.NaN()}},
		{"no light", Living, p, Options{Lux: 0.5}},
		{"white", Living, p, Options{Albedo: 0.9}},
		{"an hour", Living, p, Options{Length: time.Hour}},
	} {
		if _, err := New(c.species, c.person, 1, c.o); !errors.Is(err, ErrOption) {
			t.Errorf("%s: got %v", c.what, err)
		}
	}
	good := Photo{Image: image.NewGray(image.Rect(0, 0, 64, 64))}
	for _, bad := range []Photo{{}, good, {Image: good.Image, Marks: make([][2]float64, MarkCount)}} {
		if bad.Image == nil {
			bad.Image = image.NewGray(image.Rectangle{})
		}
		if _, err := NewPerson(bad); !errors.Is(err, ErrPhoto) {
			t.Errorf("%d marks: got %v", len(bad.Marks), err)
		}
	}
	if _, err := NewPerson(); !errors.Is(err, ErrPhoto) {
		t.Errorf("no photo: got %v", err)
	}
	if ChoosingSeed(math.MaxUint32) >= JudgingSeed(0) {
		t.Error("the seeds for choosing reach those for judging")
	}
}

// Times rise, at about the rate asked for, and Ask sets the end.
func TestTimesAndEnd(t *testing.T) {
	v, err := New(InjectedWarp, dummy(t), JudgingSeed(1), Options{FPS: 5})
	if err != nil {
		t.Fatal(err)
	}
	last, n := -time.Second, 0
	for _, at, ok := v.Next(); ok; _, at, ok = v.Next() {
		if at <= last {
			t.Fatalf("picture %d at %v, after one at %v", n, at, last)
		}
		v.Ask(400 * time.Millisecond)
		v.Ask(time.Hour)
		last, n = at, n+1
	}
	if want := 400*time.Millisecond + v.truth.Onset + v.truth.Rise + seconds(afterAsk); last > want ||
		last < want-300*time.Millisecond || n < int(want/time.Second)*4 {
		t.Errorf("%d pictures, the last at %v, wanted up to %v", n, last, want)
	}
}

// What is lost is what image/jpeg loses.
func TestJPEGLoss(t *testing.T) {
	m := image.NewYCbCr(image.Rect(0, 0, Width, Height), image.YCbCrSubsampleRatio420)
	d := dice(1)
	for i := range m.Y {
		m.Y[i] = uint8(120 + 60*math.Sin(float64(i%Width)/11) + 30*math.Cos(float64(i/Width)/6) + 8*d.gauss())
	}
	for i := range m.Cb {
		m.Cb[i], m.Cr[i] = uint8(110+i%40), uint8(150-i%30)
	}
	var b bytes.Buffer
	if err := jpeg.Encode(&b, m, &jpeg.Options{Quality: 60}); err != nil {
		t.Fatal(err)
	}
	img, err := jpeg.Decode(&b)
	if err != nil {
		t.Fatal(err)
	}
	want := img.(*image.YCbCr)
	newJPEGLoss(60).lose(m)
	far := 0
	for i := range m.Y {
		if math.Abs(float64(m.Y[i])-float64(want.Y[i])) > 2 {
			far++
		}
	}
	if far > len(m.Y)/50 {
		t.Errorf("%d of %d values are not what image/jpeg makes of them", far, len(m.Y))
	}
}
