//go:build cgo && linux && !notflite

package vision_test

import (
	"bytes"
	"image/jpeg"
	"math/rand"
	"testing"
	"time"

	"smiletill/vision"
	"smiletill/vision/visits"
)

// looked is a clip of 10 frames a second, each frame looked at once.
func looked(t *testing.T, p *vision.Pipeline, name string) (looks []vision.Look) {
	t.Helper()
	clip, err := visits.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	for _, frame := range clip.Frames {
		img, err := jpeg.Decode(bytes.NewReader(frame))
		if err != nil {
			t.Fatal(err)
		}
		looks = append(looks, look(t, p, img))
	}
	return looks
}

// camera shows what at(t) gives of the looks, fps times a second, until it gives -1. It returns the end, and
// when that was first found.
func camera(v *vision.Visit, fps int, looks []vision.Look, at func(time.Duration) int) (f vision.Finding,
	since time.Duration,
) {
	start, stage := time.Now(), vision.Stage("")
	for i := 0; ; i++ {
		now := time.Duration(i) * time.Second / time.Duration(fps)
		n := at(now)
		if n < 0 {
			return f, since
		}
		if f = v.Observe(looks[n], start.Add(now)); f.Stage != stage {
			stage, since = f.Stage, now
		}
	}
}

func rates() []int { return []int{10, 15, 30, 60} }

// The same visit ends the same way at the same moment before cameras of 10 to 60 frames a second.
func TestFilmsAtAllRates(t *testing.T) {
	p := pipeline(t)
	smiles, stranger := looked(t, p, "customer_smile"), looked(t, p, "stranger_smile")
	customer := one{smiles[24].Embedding}
	once := func(n int) func(time.Duration) int {
		return func(now time.Duration) int {
			if i := int(now / (100 * time.Millisecond)); i < n {
				return i
			}
			return -1
		}
	}
	for _, c := range []struct {
		name  string
		looks []vision.Look
		at    func(time.Duration) int
		want  vision.Stage
		met   int
	}{
		{"a customer smiles", smiles, once(len(smiles)), vision.Consented, 0},
		{"a customer who leaves before the smile", smiles, once(29), vision.Recognised, 0},
		{"a stranger smiles", stranger, once(len(stranger)), vision.Unknown, 1},
		{"a stranger stays", stranger, func(now time.Duration) int {
			if now > 7*time.Second {
				return -1
			}
			return 10 + int(now/(100*time.Millisecond))%28
		}, vision.Refused, 1},
	} {
		var first time.Duration
		for _, fps := range rates() {
			v := vision.NewVisit(customer, shipped(t))
			f, since := camera(v, fps, c.looks, c.at)
			if fps == 10 {
				first = since
			}
			if f.Stage != c.want || f.Strangers != c.met {
				t.Errorf("%s, %d fps: %s, %d strangers; want %s, %d", c.name, fps, f.Stage, f.Strangers, c.want, c.met)
			}
			if d := since - first; d < -120*time.Millisecond || d > 120*time.Millisecond {
				t.Errorf("%s: after %v at %d fps, %v at 10", c.name, since, fps, first)
			}
			t.Logf("%s, %d fps: %s after %v", c.name, fps, f.Stage, since)
		}
	}
}

// A mouth that moves for less than 300 ms has not smiled, however it falls between the frames.
func TestShortSmilesAtAllRates(t *testing.T) {
	p := pipeline(t)
	looks := looked(t, p, "customer_smile")
	for _, fps := range []int{5, 10, 15, 24, 30, 60, 120} {
		for _, ms := range []time.Duration{100, 133, 200, 250, 299} {
			v := vision.NewVisit(one{looks[24].Embedding}, shipped(t))
			f, _ := camera(v, fps, looks, func(now time.Duration) int {
				beat := (now + 7*time.Millisecond) % time.Second
				switch {
				case now > 8*time.Second:
					return -1
				case now > 2*time.Second && beat < ms*time.Millisecond:
					return 36 + int(beat/(100*time.Millisecond))
				}
				return 20 + int(now/(100*time.Millisecond))%8
			})
			if f.Stage != vision.Recognised {
				t.Errorf("a mouth that moves for %d ms, seen at %d fps: %s", ms, fps, f.Stage)
			}
		}
	}
}

// A poster is no stranger: it ends no payment and locks no terminal, and whoever steps before it can pay.
func TestStillFaces(t *testing.T) {
	if testing.Short() {
		t.Skip("`make long` plays it without the race detector")
	}
	p, r := pipeline(t), rand.New(rand.NewSource(3))
	var looks []vision.Look
	for range 24 { // the same picture under a camera's noise
		looks = append(looks, look(t, p, moved(picture(t, "collins.jpg"), 3, 0.9, 12, 0.9, r)))
	}
	smiles := looked(t, p, "customer_smile")
	for _, fps := range rates() {
		v := vision.NewVisit(one{smiles[24].Embedding}, shipped(t))
		f, _ := camera(v, fps, looks, func(now time.Duration) int {
			if now > 20*time.Second {
				return -1
			}
			return int(now/(time.Second/30)) % len(looks)
		})
		if f.Stage != vision.Unknown || !f.Still || f.Strangers != 0 {
			t.Errorf("a poster at %d fps: %s, still %v, %d strangers", fps, f.Stage, f.Still, f.Strangers)
		}
		f, _ = camera(v, fps, smiles, func(now time.Duration) int {
			if i := int(now / (100 * time.Millisecond)); i < len(smiles) {
				return i
			}
			return -1
		})
		if f.Stage != vision.Consented {
			t.Errorf("a customer before it at %d fps: %s", fps, f.Stage)
		}
	}
}
