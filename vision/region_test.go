package vision

import (
	"image"
	"math"
	"testing"
)

// part is a picture in a part of which faces count.
type part struct {
	image.Image
	left, top, right, bottom float64
}

func (p part) Region() (left, top, right, bottom float64) { return p.left, p.top, p.right, p.bottom }

// turnedPart lies on its side besides.
type turnedPart struct {
	part
	quarters int
}

func (p turnedPart) Turned() (image.Image, int) { return p.Image, p.quarters }

// seeing is a Pipeline whose detector sees faces of 100 pixels with their middles at these pixels of an
// upright picture with sides w and h, each less likely than the one before it.
func seeing(w, h int, middles ...image.Point) *Pipeline {
	p := &Pipeline{t: DefaultThresholds(), detector: blank()}
	logits, boxes := p.detector.net.Output(1), p.detector.net.Output(0)
	for i := range logits {
		logits[i] = -50
	}
	side := float32(max(w, h))
	for i, m := range middles {
		x, y := float32(m.X)+(side-float32(w))/2, float32(m.Y)+(side-float32(h))/2
		logits[i] = 9 - float32(i)/4
		a := p.detector.anchor[i]
		copy(boxes[i*boxValues:], []float32{(x/side - a[0]) * detectSide, (y/side - a[1]) * detectSide,
			100 / side * detectSide, 100 / side * detectSide})
	}
	return p
}

// Faces outside the region are nobody's: not a customer's, not one too many. Inside it all is as ever.
func TestRegion(t *testing.T) {
	lies := image.NewGray(image.Rect(0, 0, 640, 480))
	middle := part{lies, 0.25, 0, 0.75, 1}
	upright := turnedPart{part{lies, 0, 0.5, 1, 1}, 1} // the lower half of 480x640
	customer, poster, queue := image.Pt(320, 240), image.Pt(560, 200), image.Pt(70, 180)
	crowd := []image.Point{customer}
	for i := range maxFaces {
		crowd = append(crowd, image.Pt(60+i%2*520, 20+i/2*55))
	}
	nan := part{lies, math.NaN(), 0, 1, 1}
	for _, c := range []struct {
		name    string
		img     image.Image
		w, h    int
		faces   []image.Point
		reason  Reason
		count   int
		outside int
	}{
		{"all of it", lies, 640, 480, []image.Point{customer, poster}, SeveralFaces, 2, 0},
		{"a poster beside", middle, 640, 480, []image.Point{customer, poster}, "", 1, 1},
		{"the poster is the likelier one", middle, 640, 480, []image.Point{poster, customer}, "", 1, 1},
		{"a poster and a queue", middle, 640, 480, []image.Point{poster, customer, queue}, "", 1, 2},
		{"a poster alone", middle, 640, 480, []image.Point{poster}, NoFace, 0, 1},
		{"two inside", middle, 640, 480, []image.Point{customer, image.Pt(440, 240)}, SeveralFaces, 2, 0},
		{"a middle just inside", middle, 640, 480, []image.Point{image.Pt(166, 240)}, "", 1, 0},
		{"a middle just outside", middle, 640, 480, []image.Point{image.Pt(154, 240)}, NoFace, 0, 1},
		{"turned: below", upright, 480, 640, []image.Point{image.Pt(240, 400)}, "", 1, 0},
		{"turned: above", upright, 480, 640, []image.Point{image.Pt(240, 240)}, NoFace, 0, 1},
		{"turned: a poster above", upright, 480, 640, []image.Point{image.Pt(240, 150), image.Pt(240, 400)},
			"", 1, 1},
		{"more than are told apart", middle, 640, 480, crowd, SeveralFaces, 2, maxFaces - 1},
		{"no region at all", nan, 640, 480, []image.Point{customer}, NoFace, 0, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := seeing(c.w, c.h, c.faces...)
			if err := p.frame.set(c.img); err != nil {
				t.Fatal(err)
			}
			var l Look
			if _, err := p.find(&l, image.Rectangle{}); err != nil {
				t.Fatal(err)
			}
			if l.Reason != c.reason || l.Faces != c.count || l.Outside != c.outside {
				t.Errorf("reason %q, %d faces, %d outside; want %q, %d, %d", l.Reason, l.Faces, l.Outside, c.reason,
					c.count, c.outside)
			}
		})
	}
	p := seeing(640, 480, customer, poster)
	var img image.Image = middle
	if n := testing.AllocsPerRun(20, func() {
		var l Look
		_ = p.frame.set(img)
		_, _ = p.find(&l, image.Rectangle{})
	}); n > 1 { // the test's own Look
		t.Errorf("%v allocations a frame", n)
	}
}
