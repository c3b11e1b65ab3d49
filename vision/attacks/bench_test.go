//go:build cgo && linux && !notflite

package attacks_test

import (
	"testing"

	"smiletill/vision/attacks"
)

// BenchmarkPictures is the time of one picture.
func BenchmarkPictures(b *testing.B) {
	cast := people(b, eyes(b))
	for _, s := range []attacks.Species{
		attacks.Living, attacks.Print, attacks.WarpFace, attacks.ReplayBezel, attacks.InjectedWarp,
	} {
		b.Run(string(s), func(b *testing.B) {
			n := uint32(0)
			var v *attacks.Visit
			for b.Loop() {
				if v != nil {
					if _, _, ok := v.Next(); ok {
						continue
					}
				}
				var err error
				if v, err = attacks.New(s, cast[n%2], attacks.ChoosingSeed(n), attacks.Options{}); err != nil {
					b.Fatal(err)
				}
				n++
			}
		})
	}
}
