//go:build cgo && linux && !notflite

package vision_test

import (
	"bytes"
	"image"
	"image/draw"
	"image/jpeg"
	"math"
	"math/rand"
	"testing"
	"time"

	"smiletill/vision"
	"smiletill/vision/visits"
)

// shop is a film of a customer, with a picture of somebody else before the camera.
type shop struct {
	frames []image.Image   // of the customer, 10 a second
	shift  int             // pixels by which the customer is farther left
	poster *image.RGBA     // 640x480, of which
	part   image.Rectangle // is shown
	at     image.Point     // its upper left corner in the film
	waves  time.Duration   // from when on it is moved by hand; 0 is never
	noise  *rand.Rand
	grain  []int8 // -3..3, more than a picture needs
}

// picture is what the camera takes at a moment: the customer stands there for five seconds, then smiles.
func (s *shop) picture(now time.Duration) *image.RGBA {
	i := 20 + int(now/(100*time.Millisecond))%16
	if i >= 28 { // there and back again
		i = 55 - i
	}
	if smiles := now - 5*time.Second; smiles >= 0 {
		i = min(28+int(smiles/(100*time.Millisecond)), len(s.frames)-1)
	}
	m := image.NewRGBA(image.Rect(0, 0, 640, 480))
	draw.Draw(m, m.Rect, s.frames[i], image.Pt(s.shift, 0), draw.Src)
	at := s.at
	if s.waves > 0 && now >= s.waves {
		at.X += int(6 * math.Sin(4*(now-s.waves).Seconds()))
	}
	draw.Draw(m, s.part.Sub(s.part.Min).Add(at), s.poster, s.part.Min, draw.Src)
	grain := s.grain[s.noise.Intn(len(s.grain)-len(m.Pix)):]
	for i, p := range m.Pix {
		m.Pix[i] = uint8(min(max(int(p)+int(grain[i]), 0), 255))
	}
	return m
}

// end is what a visit comes to before a camera with so many pictures a second, and when that was found, and
// the poster before it. It looks no longer than 8 s.
func (s *shop) end(t *testing.T, p *vision.Pipeline, m vision.Matcher, fps int) (
	f vision.Finding, out, end time.Duration,
) {
	t.Helper()
	v, start := vision.NewVisit(m, shipped(t)), time.Now()
	for end < 8*time.Second && f.Stage != vision.Consented {
		l, err := p.LookFor(v, s.picture(end), start.Add(end))
		if err != nil {
			t.Fatal(err)
		}
		f = v.Observe(l, start.Add(end))
		if out == 0 && f.Poster != "" {
			out = end
		}
		end += time.Second / time.Duration(fps)
	}
	return f, out, end
}

// customerAlone are the clip's pictures, and the customer's gallery.
func customerAlone(t *testing.T, p *vision.Pipeline) (frames []image.Image, customer one) {
	t.Helper()
	clip, err := visits.Open("customer_smile")
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range clip.Frames {
		img, err := jpeg.Decode(bytes.NewReader(b))
		if err != nil {
			t.Fatal(err)
		}
		frames = append(frames, img)
	}
	return frames, one{look(t, p, frames[24]).Embedding}
}

// hanging makes films of a customer beside a poster of somebody with a face of so many pixels, at a place.
func hanging(t *testing.T, frames []image.Image) func(width, x, y int) *shop {
	collins, r := picture(t, "collins.jpg"), rand.New(rand.NewSource(7))
	grain := make([]int8, 4*640*480+1<<16)
	for i := range grain {
		grain[i] = int8(r.Intn(7) - 3)
	}
	return func(width, x, y int) *shop {
		scale := func(v int) int { return v * width / 204 } // the width of the face, in the middle of (322, 252)
		all := image.Rect(0, 0, min(scale(640), 640), min(scale(480), 480))
		middle := image.Pt(scale(322), scale(252))
		part := image.Rect(-width*4/5, -width*6/5, width*4/5, width).Add(middle).Intersect(all)
		return &shop{frames: frames, noise: r, grain: grain, part: part,
			at: image.Pt(x, y).Sub(middle).Add(part.Min), poster: drawn(collins, collins.Rect,
				image.Rect(0, 0, scale(640), scale(480)))}
	}
}

// A customer pays beside a poster, on either side, also if it is the larger one; not beside one that
// is moved.
func TestPosterBesideTheCustomer(t *testing.T) {
	if testing.Short() {
		t.Skip("`make long` plays it without the race detector")
	}
	p := pipeline(t)
	frames, customer := customerAlone(t, p)
	hung := hanging(t, frames)
	large := hung(230, 480, 240)
	large.shift = 110
	waved := hung(130, 540, 170)
	waved.waves = 4 * time.Second
	for _, c := range []struct {
		name   string
		rates  []int
		film   *shop
		want   vision.Stage
		poster vision.Side
	}{
		{"right of the customer", rates(), hung(130, 540, 170), vision.Consented, vision.Right},
		{"left, cut by the edge", []int{10, 30}, hung(120, 60, 240), vision.Consented, vision.Left},
		{"larger than the customer", []int{10, 30}, large, vision.Consented, vision.Right},
		{"moved by hand", []int{10, 30}, waved, vision.Searching, ""},
	} {
		var first time.Duration
		for _, fps := range c.rates {
			f, out, end := c.film.end(t, p, customer, fps)
			t.Logf("%s, %d fps: %s after %v, left out after %v", c.name, fps, f.Stage, end, out)
			if f.Stage != c.want || f.Poster != c.poster || f.Strangers != 0 {
				t.Errorf("%s, %d fps: %s, poster %q, %d strangers", c.name, fps, f.Stage, f.Poster, f.Strangers)
			}
			if fps == 10 {
				first = out
			}
			if d := out - first; out == 0 || d < -200*time.Millisecond || d > 200*time.Millisecond {
				t.Errorf("%s: left out after %v at %d fps, %v at 10", c.name, out, fps, first)
			}
		}
	}
}

// Two people stay two, however long they stand there; and to watch both costs no memory.
func TestTwoPeopleStayTwo(t *testing.T) {
	p := pipeline(t)
	clip, err := visits.Open("two_people")
	if err != nil {
		t.Fatal(err)
	}
	var frames []image.Image
	for _, b := range clip.Frames {
		img, err := jpeg.Decode(bytes.NewReader(b))
		if err != nil {
			t.Fatal(err)
		}
		frames = append(frames, img)
	}
	v, start := vision.NewVisit(nobody{}, shipped(t)), time.Now()
	see := func(i int) {
		at := start.Add(time.Duration(i) * 100 * time.Millisecond)
		l, err := p.LookFor(v, frames[i%len(frames)], at)
		if err != nil {
			t.Fatal(err)
		}
		f := v.Observe(l, at)
		if f.Reason != vision.SeveralFaces || f.Poster != "" {
			t.Fatalf("in frame %d: %q, a poster %q", i, f.Reason, f.Poster)
		}
	}
	n := 60
	for i := range n {
		see(i)
	}
	if a := testing.AllocsPerRun(5, func() { see(n); n++ }); a != 0 {
		t.Errorf("%v allocations a frame", a)
	}
}
