//go:build cgo && linux && !notflite

package attacks_test

import (
	"fmt"
	"hash/fnv"
	"testing"
	"time"

	"smiletill/vision"
	"smiletill/vision/attacks"
)

// The real networks find the face in nearly all pictures of every species: what isn't seen is no attack.
func TestNetworksFindTheFaces(t *testing.T) {
	if testing.Short() {
		t.Skip("`make long` plays it without the race detector")
	}
	p := eyes(t)
	cast := people(t, p)
	for _, in := range attacks.Instruments() {
		frames, found, usable := 0, 0, 0
		for i := range uint32(2) {
			v, err := attacks.New(in.Species, cast[i], attacks.ChoosingSeed(100+i),
				attacks.Options{FPS: 5, Length: 1500 * time.Millisecond})
			if err != nil {
				t.Fatal(err)
			}
			v.Ask(500 * time.Millisecond)
			for img, _, ok := v.Next(); ok; img, _, ok = v.Next() {
				l, err := p.Look(img, vision.Landmarks)
				if err != nil {
					t.Fatal(err)
				}
				frames++
				if l.Faces == 1 {
					found++
				}
				if l.Reason == "" {
					usable++
				}
			}
		}
		t.Logf("%s: one face in %d of %d, usable %d", in.Species, found, frames, usable)
		if frames < 10 || 20*found < 19*frames {
			t.Errorf("%s: one face in %d of %d pictures", in.Species, found, frames)
		}
	}
}

// picture is the n-th of a visit, as a hash.
func picture(t *testing.T, v *attacks.Visit, n int) string {
	t.Helper()
	h := fnv.New64a()
	for range n {
		img, at, ok := v.Next()
		if !ok {
			t.Fatal("over")
		}
		fmt.Fprint(h, at)
		for _, plane := range [][]uint8{img.Y, img.Cb, img.Cr} {
			h.Write(plane)
		}
	}
	return fmt.Sprintf("%016x", h.Sum64())
}

// The same seed gives the same visit, another seed or person another.
func TestDeterministic(t *testing.T) {
	cast := people(t, eyes(t))
	for _, s := range []attacks.Species{attacks.Living, attacks.WarpAdaptive, attacks.ReplayCode} {
		hash := func(p *attacks.Person, seed attacks.Seed) string {
			v, err := attacks.New(s, p, seed, attacks.Options{Screen: flashing})
			if err != nil {
				t.Fatal(err)
			}
			v.Ask(time.Millisecond)
			return picture(t, v, 2)
		}
		one := hash(cast[0], attacks.ChoosingSeed(7))
		if again := hash(cast[0], attacks.ChoosingSeed(7)); again != one {
			t.Errorf("%s: the same seed gave %s and %s", s, one, again)
		}
		if hash(cast[0], attacks.ChoosingSeed(8)) == one || hash(cast[1], attacks.ChoosingSeed(7)) == one ||
			hash(cast[0], attacks.JudgingSeed(7)) == one {
			t.Errorf("%s: another seed or person gave the same visit", s)
		}
	}
}
