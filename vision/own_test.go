package vision

import (
	"math"
	"testing"
	"time"
)

// smiler is a gallery that knows how its customers smile.
type smiler struct {
	gallery
	rest, rise float32
}

func (s smiler) Smile(string) (rest, rise float32, ok bool) { return s.rest, s.rise, true }

// A customer's own smile asks for half its rise, never for less than the least, and the own rest stands where
// the visit's is too low. What makes no sense is as if there were none.
func TestOwnSmile(t *testing.T) {
	nan := float32(math.NaN())
	face := func(m float32) Look { return face1(anna, m) }
	for _, c := range []struct {
		name       string
		rest, rise float32
		frames     []Look
		want       Stage
	}{
		{"a wide smiler smiles", 1, 0.6, shots(10, face(1), 6, face(1.3)), Consented},
		{"a wide smiler smirks", 1, 0.6, shots(10, face(1), 30, face(1.2)), Recognised},
		{"a mild smiler smiles", 1, 0.2, shots(10, face(1), 6, face(1.145)), Consented},
		{"the floor holds", 1, 0.02, shots(10, face(1), 30, face(1.13)), Recognised},
		{"the ceiling holds", 1, 1.9, shots(10, face(1), 6, face(1.26)), Consented},
		{"pouts, then rests", 1.1, 0.3, shots(20, face(0.85), 30, face(1.1)), Recognised},
		{"pouts, then smiles", 1.1, 0.3, shots(20, face(0.85), 6, face(1.25)), Consented},
		{"a rest that is no number", nan, 0.3, shots(10, face(1), 30, face(1.14)), Recognised},
		{"a rise that is no number", 1, nan, shots(10, face(1), 30, face(1.14)), Recognised},
		{"no rise", 1, 0, shots(10, face(1), 30, face(1.14)), Recognised},
		{"a rise below nothing", 1, -1, shots(10, face(1), 30, face(1.14)), Recognised},
		{"no sense, and a smile of everybody's", nan, nan, shots(10, face(1), 6, face(1.16)), Consented},
	} {
		v := NewVisit(smiler{both, c.rest, c.rise}, easy)
		if f, _ := run(v, c.frames); f.Stage != c.want {
			t.Errorf("%s: %s, want %s", c.name, f.Stage, c.want)
		}
	}
	// Everybody else after a pout: that is what the own rest is for.
	if f, _ := run(NewVisit(both, easy), shots(20, face(0.85), 30, face(1.1))); f.Stage != Consented {
		t.Errorf("without an own rest the pout was no rest: %s", f.Stage)
	}
}

// The page shows how far the customer's own smile has come.
func TestProgressOfOwnSmile(t *testing.T) {
	for rise, want := range map[float32]float32{0.5: 0.5 + 0.3*0.1/0.25, 0.3: 0.5 + 0.3*0.1/0.15} {
		f, _ := run(NewVisit(smiler{both, 1, rise}, easy), shots(10, face1(anna, 1), face1(anna, 1.1)))
		if d := f.Progress - want; d < -0.01 || d > 0.01 {
			t.Errorf("a tenth of an own smile of %.1f: progress %.3f, want %.3f", rise, f.Progress, want)
		}
	}
}

// An enrolment measures the level that was held, of the right face, over the rest.
func TestTrying(t *testing.T) {
	face := func(m float32) Look { return face1(anna, m) }
	parted := func(l Look) Look { l.Lips = 0.18; return l }
	for _, c := range []struct {
		name         string
		rest, smiles []Look
		ok           bool
		rise         float32
	}{
		{"smiles", shots(8, face(1)), shots(4, face(1), 8, face(1.4)), true, 0.4},
		{"smiles at the pictures too", shots(3, face(1), 7, face(1.4)), shots(12, face(1.4)), true, 0.4},
		{"smiles for a moment", shots(8, face(1)), shots(4, face(1), 2, face(1.4), 8, face(1)), false, 0},
		{"does not smile", shots(8, face(1)), shots(20, face(1.05)), false, 0.05},
		{"yawns", shots(8, face(1)), shots(20, wide(face(1.5))), false, 0},
		{"a small yawn", shots(8, face(1)), shots(20, parted(face(1.3))), false, 0},
		{"shows the teeth", shots(8, face(1)), shots(4, face(1), 8, parted(face(1.4))), true, 0.4},
		{"somebody else smiles", shots(8, face(1)), shots(20, face1(bert, 1.5)), false, 0},
		{"smiles to the side", shots(8, face(1)), shots(20, aside(face(1.5))), false, 0},
		{"too little rest was seen", shots(2, face(1)), shots(20, face(1.5)), false, 0},
		{"somebody else at rest", shots(8, face1(bert, 1)), shots(20, face(1.5)), false, 0},
		{"a low one", shots(8, face(0.7)), shots(20, face(0.95)), false, 0.25}, // no smile at the till either
	} {
		y, now := NewTrying(easy), time.Now()
		y.Face(anna)
		for _, l := range c.rest {
			y.Rest(l)
		}
		come := float32(0)
		for i, l := range c.smiles {
			come = y.Smile(l, now.Add(time.Duration(i)*100*time.Millisecond))
		}
		_, rise, ok := y.Result()
		if ok != c.ok || ok && (rise < c.rise-0.01 || rise > c.rise+0.01 || come < 1) {
			t.Errorf("%s: rise %.2f, %v, %.1f of what is wanted; want %.2f, %v", c.name, rise, ok, come, c.rise, c.ok)
		}
	}
}
