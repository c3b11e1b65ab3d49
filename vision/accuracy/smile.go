package accuracy

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
)

// Smiler is what was measured of one person's smile over the own rest, one value a frame.
type Smiler struct {
	Rest  []float32 // of frames at rest
	Smile []float32 // of frames that smile, the photo as it is first
}

// SmileReport says how many frames rise by a threshold.
type SmileReport struct {
	People               int
	RestFrames, Smiling  int
	Rise                 float32      // the threshold in use
	False, Frames, Faces Interval     // at it: resting frames, smiling frames, smiling photos as they are; 0..1
	Curve                []SmilePoint // other thresholds
}

// SmilePoint is one threshold of the curve; shares are 0..1.
type SmilePoint struct{ Rise, False, Frames, Faces float32 }

// MeasureSmiles counts the frames above rise, with 95 % bounds from a bootstrap over people.
func MeasureSmiles(people []Smiler, rise float32, seed uint64) (SmileReport, error) {
	r := SmileReport{People: len(people), Rise: rise}
	for _, p := range people {
		r.RestFrames, r.Smiling = r.RestFrames+len(p.Rest), r.Smiling+len(p.Smile)
	}
	if len(people) < 2 || r.RestFrames == 0 || r.Smiling == 0 {
		return r, fmt.Errorf("measure smiles: people with usable photos: %d: %w", len(people), ErrTooFew)
	}
	rng := rand.New(rand.NewPCG(seed, 0x5a11e))
	const rounds = 1000
	var drawn [3][]float64
	for range rounds {
		some := make([]Smiler, len(people))
		for i := range some {
			some[i] = people[rng.IntN(len(people))]
		}
		for k, share := range above(some, rise) {
			drawn[k] = append(drawn[k], share)
		}
	}
	bounds := func(k int) Interval {
		slices.Sort(drawn[k])
		return Interval{Value: above(people, rise)[k], Low: drawn[k][rounds/40], High: drawn[k][rounds-1-rounds/40]}
	}
	r.False, r.Frames, r.Faces = bounds(0), bounds(1), bounds(2)
	for _, at := range []float32{0.05, 0.075, 0.1, 0.125, 0.15, 0.175, 0.2, 0.25, 0.3} {
		s := above(people, at)
		r.Curve = append(r.Curve, SmilePoint{at, float32(s[0]), float32(s[1]), float32(s[2])})
	}
	return r, nil
}

// above are the shares of resting frames, smiling frames and smiling photos that rise by at least rise.
func above(people []Smiler, rise float32) (share [3]float64) {
	var n [3]float64
	count := func(k int, v float32) {
		if n[k]++; v >= rise {
			share[k]++
		}
	}
	for _, p := range people {
		for _, v := range p.Rest {
			count(0, v)
		}
		for i, v := range p.Smile {
			count(1, v)
			if i == 0 {
				count(2, v)
			}
		}
	}
	for k := range share {
		share[k] /= max(n[k], 1)
	}
	return share
}

// String is the report as text.
func (r SmileReport) String() string {
	var b strings.Builder
	line := func(what string, i Interval) {
		fmt.Fprintf(&b, "%-44s %5.1f %%  (95 %% bounds %.1f to %.1f)\n", what, 100*i.Value, 100*i.Low, 100*i.High)
	}
	fmt.Fprintf(&b, "%d people, %d frames at rest, %d that smile; a smile rises by %.3f or more\n", r.People,
		r.RestFrames, r.Smiling, r.Rise)
	line("frames at rest taken for a smile", r.False)
	line("smiling frames accepted", r.Frames)
	line("smiling photos accepted, as they are", r.Faces)
	fmt.Fprintf(&b, "\n  rise   at rest  smiling frames  smiling photos\n")
	for _, p := range r.Curve {
		fmt.Fprintf(&b, "  %.3f  %6.2f %%  %12.1f %%  %12.1f %%\n", p.Rise, 100*p.False, 100*p.Frames, 100*p.Faces)
	}
	return b.String()
}
