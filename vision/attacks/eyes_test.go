//go:build cgo && linux && !notflite

package attacks_test

import (
	"bytes"
	"image"
	"image/draw"
	"image/jpeg"
	"image/png"
	"os"
	"path/filepath"
	"testing"
	"time"

	"smiletill/models"
	"smiletill/vision"
	"smiletill/vision/attacks"
	"smiletill/vision/networks"
	"smiletill/vision/visits"
)

// eyes are the real networks.
func eyes(t testing.TB) *vision.Pipeline {
	t.Helper()
	set, err := models.Open("")
	if err != nil {
		t.Fatal(err)
	}
	n, closers, err := networks.Open(set, networks.OnPayments())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for _, c := range closers {
			c()
		}
	})
	th, err := networks.ThresholdsOf(set)
	if err != nil {
		t.Fatal(err)
	}
	return vision.New(n, th)
}

func decoded(t testing.TB, data []byte, err error) image.Image {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	img, err := jpeg.Decode(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	return img
}

// marked finds the marks that a program finds that bends photos.
func marked(t testing.TB, p *vision.Pipeline, img image.Image) attacks.Photo {
	t.Helper()
	l, err := p.Look(img, vision.Landmarks)
	if err != nil || l.Reason != "" {
		t.Fatal(err, l.Reason)
	}
	return attacks.Photo{Image: img, Marks: p.Marks()}
}

// people are the two of the committed portraits, each with a second photo: another pose, or a smile.
func people(t testing.TB, p *vision.Pipeline) []*attacks.Person {
	t.Helper()
	hopper := []attacks.Photo{}
	for _, name := range []string{"enrol_1", "enrol_3"} {
		data, err := visits.Photo(name)
		hopper = append(hopper, marked(t, p, decoded(t, data, err)))
	}
	clip, err := visits.Open("stranger_smile")
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(filepath.Join("..", "testdata", "collins.jpg"))
	collins := []attacks.Photo{
		marked(t, p, decoded(t, clip.Frames[15], nil)), marked(t, p, decoded(t, data, err)),
	}
	var out []*attacks.Person
	for _, photos := range [][]attacks.Photo{hopper, collins} {
		one, err := attacks.NewPerson(photos...)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, one)
	}
	return out
}

// TestSheets writes a contact sheet of each species into the folder ATTACK_SHEETS, to look at: four visits of
// choosing seeds, six moments each; ATTACK_SPECIES for one species.
func TestSheets(t *testing.T) {
	dir := os.Getenv("ATTACK_SHEETS")
	if dir == "" {
		t.Skip("ATTACK_SHEETS=folder writes contact sheets")
	}
	p := eyes(t)
	cast := people(t, p)
	for _, in := range attacks.Instruments() {
		if only := os.Getenv("ATTACK_SPECIES"); only != "" && only != string(in.Species) {
			continue
		}
		const rows, columns, w, h = 4, 6, 256, 192
		sheet := image.NewRGBA(image.Rect(0, 0, columns*w, rows*h))
		for r := range rows {
			v, err := attacks.New(in.Species, cast[r%2], attacks.ChoosingSeed(uint32(r)), attacks.Options{
				FPS: 10, Length: 5 * time.Second, Screen: flashing})
			if err != nil {
				t.Fatal(err)
			}
			v.Ask(2 * time.Second)
			seen := 0
			for {
				img, at, ok := v.Next()
				if !ok {
					break
				}
				if c := int((at.Seconds() - 1.2) / 0.4); at > 1200*time.Millisecond && c == seen && c < columns {
					shrunk(sheet, image.Rect(c*w, r*h, (c+1)*w, (r+1)*h), img)
					seen++
				}
			}
		}
		var b bytes.Buffer
		if err := png.Encode(&b, sheet); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, string(in.Species)+".png"), b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func shrunk(to draw.Image, r image.Rectangle, img image.Image) {
	b := img.Bounds()
	for y := range r.Dy() {
		for x := range r.Dx() {
			to.Set(r.Min.X+x, r.Min.Y+y, img.At(x*b.Dx()/r.Dx(), y*b.Dy()/r.Dy()))
		}
	}
}

// flashing is a light code for tests: a hue for 200 ms.
func flashing(at time.Duration) attacks.Colour {
	all := [...]attacks.Colour{{.9, .35, .35}, {.3, .7, .3}, {.35, .45, 1}, {.75, .6, .2}, {.6, .35, .8}, {.2,
		.65, .7}}
	n := int(at / (200 * time.Millisecond))
	return all[(n*7+n/6)%6]
}
