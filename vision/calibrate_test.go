package vision

import (
	"math/rand/v2"
	"testing"
	"time"
)

// TestCalibration: lights that a face answers tell how late they are seen; what does not answer tells
// nothing.
func TestCalibration(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(s *stage, round int)
		ok     bool
	}{
		{"a face", func(*stage, int) {}, true},
		{"a slow screen", func(s *stage, _ int) { s.late = 310 * time.Millisecond }, true},
		{"10 pictures a second", func(s *stage, _ int) { s.fps = 10 }, true},
		{"nobody's light", func(s *stage, _ int) { s.light = 0 }, false},
		{"a screen that is now late and now not",
			func(s *stage, i int) { s.late = time.Duration(50+50*i) * time.Millisecond }, false},
		{"in the sun", func(s *stage, _ int) { s.light = .002 }, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			cal, dice := NewCalibration(DefaultThresholds()), rand.New(rand.NewPCG(5, 3))
			random := rand.NewChaCha8([32]byte{9})
			start, late := time.Now(), time.Duration(0)
			for round := range calibrationRounds {
				s := lively()
				c.change(&s, round)
				late = s.late
				code, err := DrawCode(hues, page, random)
				if err != nil {
					t.Fatal(err)
				}
				begin := start.Add(time.Duration(round) * 3 * time.Second)
				// Told as shown with no delay, and not in step with the frames.
				lit := stage{}.said(code, begin.Add(time.Duration(500+37*round)*time.Millisecond))
				for k := range 5 * s.fps / 2 {
					at := begin.Add(time.Duration(k) * time.Second / time.Duration(s.fps))
					l := face1(anna, rest)
					l.Skin = s.skin(lit.shown(at.Add(-s.late).Sub(lit.At[0]).Seconds()), at.Sub(start), dice)
					cal.See(l, at)
				}
				if _, match, ok := cal.Round(lit); ok != (c.ok || s.light > .1) {
					t.Fatalf("round %d: match %.2f, %v", round, match, ok)
				}
			}
			delay, apart, ok := cal.Delay()
			if off := delay - late; ok != c.ok || ok && (off < -25*time.Millisecond || off > 25*time.Millisecond) {
				t.Errorf("%v, %v apart, %v; it was %v", delay, apart, ok, late)
			}
		})
	}
}
