//go:build cgo && linux && !notflite

package vision_test

import (
	"bytes"
	"image"
	"image/jpeg"
	"testing"

	"smiletill/vision"
	"smiletill/vision/visits"
)

// part is a picture in a part of which faces count.
type part struct {
	image.Image
	right float64
}

func (p *part) Turned() (image.Image, int)                 { return p.Image, 0 }
func (p *part) Region() (left, top, right, bottom float64) { return 0, 0, p.right, 1 }

// enrolled is a photo of the customer.
func enrolled(t *testing.T) []byte {
	t.Helper()
	photo, err := visits.Photo("enrol_1")
	if err != nil {
		t.Fatal(err)
	}
	return photo
}

// Somebody outside the region changes nothing of what is seen of the customer inside, and costs no memory.
func TestLookInARegion(t *testing.T) {
	p := pipeline(t)
	clip, err := visits.Open("two_people")
	if err != nil {
		t.Fatal(err)
	}
	img, err := jpeg.Decode(bytes.NewReader(clip.Frames[0]))
	if err != nil {
		t.Fatal(err)
	}
	if l := look(t, p, img); l.Reason != vision.SeveralFaces || l.Outside != 0 {
		t.Errorf("both: %q, %d outside", l.Reason, l.Outside)
	}
	only := &part{img, 0.5}
	l := look(t, p, only)
	if l.Reason != "" || l.Faces != 1 || l.Outside != 1 || l.Box.Max.X > 320 {
		t.Fatalf("the customer alone: %+v", l)
	}
	alone, err := jpeg.Decode(bytes.NewReader(enrolled(t)))
	if err != nil {
		t.Fatal(err)
	}
	if c := cosine(l.Embedding, look(t, p, alone).Embedding); c < 0.9 {
		t.Errorf("the face inside is another one: cosine %.2f", c)
	}
	if l := look(t, p, &part{img, 0.1}); l.Reason != vision.NoFace || l.Outside != 2 {
		t.Errorf("nobody inside: %q, %d outside", l.Reason, l.Outside)
	}
	var in image.Image = only
	if n := testing.AllocsPerRun(5, func() { _, _ = p.Look(in, vision.Embed) }); n != 0 {
		t.Errorf("%v allocations a Look", n)
	}
}
