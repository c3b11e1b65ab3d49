package accuracy

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"sort"
)

// falseAccepts are the rates that the tables show; the terminal's thresholds are set at them.
var falseAccepts = [...]float64{1e-3, 1e-4, 1e-5}

// needed is the rule of three: so many trials without an error bound a rate at 95 %.
func needed(rate float64) int { return int(math.Ceil(3/rate - 1e-6)) }

// verify reads the figures of one set off its scores.
func (s *scores) verify(name string, photos []int, o Options) Verification {
	v := Verification{Set: name, ROC: s.roc()}
	v.EqualError, v.EqualErrorCosine = s.equalError()
	points := make([]Point, len(falseAccepts))
	for i, far := range falseAccepts {
		p := &points[i]
		p.FAR = far
		if s.impostors < needed(far) {
			p.Missing = fmt.Sprintf("needs at least %s pairs of two people; there are %s",
				thousands(needed(far)), thousands(s.impostors))
			continue
		}
		cut := s.threshold(far)
		p.Cosine.Value, p.Accepted.Value = float64(cut), s.accepted(cut)
	}
	o.Progress("bootstrap ("+name+")", 0, 1)
	s.bootstrap(points, photos, o)
	v.Points = points
	return v
}

// threshold is the lowest cosine that at most far of the pairs of two people reach.
func (s *scores) threshold(far float64) float32 {
	k := int(far*float64(s.impostors) + 1e-9)
	if k >= len(s.tail) {
		return -1
	}
	return math.Nextafter32(s.tail[k].score, 2)
}

// accepted is the share of the pairs of one person that reach cut.
func (s *scores) accepted(cut float32) float64 {
	n := sort.Search(len(s.genuine), func(i int) bool { return s.genuine[i].score < cut })
	return float64(n) / float64(len(s.genuine))
}

// bootstrap draws people with replacement and fills in the bounds of points. A person drawn twice counts
// as two people of the same photos, whose pairs with one another are left out. Every set draws the same.
//
//go:norace
func (s *scores) bootstrap(points []Point, photos []int, o Options) {
	r := rand.New(rand.NewPCG(o.Seed, 1))
	weight := make([]float64, len(photos))
	below := make([]float64, len(s.genuine)+1) // weight of the genuine pairs before each
	for range o.Rounds {
		clear(weight)
		for range photos {
			weight[r.IntN(len(photos))]++
		}
		var sum, same float64 // of photos, and of pairs that are of one person
		for p, n := range photos {
			sum += weight[p] * float64(n)
			same += weight[p] * weight[p] * float64(n) * float64(n)
		}
		for _, p := range s.apart {
			same += 2 * weight[p[0]] * weight[p[1]] * float64(photos[p[0]]) * float64(photos[p[1]])
		}
		for i, g := range s.genuine {
			below[i+1] = below[i] + weight[g.a]
		}
		total := below[len(s.genuine)]
		impostors, passed, next := (sum*sum-same)/2, 0.0, 0
		for i := len(points) - 1; i >= 0; i-- { // from the rarest
			p := &points[i]
			if p.Missing != "" || total == 0 {
				continue
			}
			allowed := p.FAR*impostors + 1e-9
			for next < len(s.tail) {
				w := weight[s.tail[next].a] * weight[s.tail[next].b]
				if passed+w > allowed {
					break
				}
				passed += w
				next++
			}
			cut := float32(-1)
			if next < len(s.tail) {
				cut = math.Nextafter32(s.tail[next].score, 2)
			}
			n := sort.Search(len(s.genuine), func(i int) bool { return s.genuine[i].score < cut })
			p.cosines = append(p.cosines, float64(cut))
			p.rates = append(p.rates, below[n]/total)
		}
	}
	for i := range points {
		points[i].Cosine.bound(points[i].cosines)
		points[i].Accepted.bound(points[i].rates)
	}
}

// bound sets the bounds to the 2.5th and 97.5th percentile of the draws, which it leaves in their order.
func (v *Interval) bound(draws []float64) {
	if len(draws) == 0 {
		v.Low, v.High = v.Value, v.Value
		return
	}
	sorted := slices.Sorted(slices.Values(draws))
	at := func(q float64) float64 { return sorted[int(math.Round(q*float64(len(sorted)-1)))] }
	v.Low, v.High = at(0.025), at(0.975)
}

// equalError is the rate at which as many pairs of two people are accepted as of one are refused, and the
// cosine there; to the width of a bin.
func (s *scores) equalError() (rate, cosine float64) {
	refused := len(s.genuine) // at the highest threshold; index of the lowest accepted
	accepted, best := uint64(0), math.Inf(1)
	for b := bins - 1; b >= 0; b-- {
		accepted += s.bin[b]
		cut := float64(b)*binWidth - 1 - binWidth/2
		for refused > 0 && float64(s.genuine[len(s.genuine)-refused].score) >= cut {
			refused--
		}
		far := float64(accepted) / float64(s.impostors)
		frr := float64(refused) / float64(len(s.genuine))
		if gap := math.Abs(far - frr); gap < best {
			best, rate, cosine = gap, (far+frr)/2, cut
		}
	}
	return rate, cosine
}

// rocSteps is the number of points of the curve for each factor of ten.
const rocSteps = 20

// roc is the curve from one false accept up to all: exact where the pairs are kept, else to the width of
// a bin.
func (s *scores) roc() []XY {
	var curve []XY
	low := -math.Log10(float64(s.impostors))
	b, above := bins-1, s.bin[bins-1] // pairs in bins from b up
	for i := 0; ; i++ {
		far := math.Pow(10, low+float64(i)/rocSteps)
		if far >= 1 {
			return append(curve, XY{1, 1})
		}
		cut := s.threshold(far)
		if int(far*float64(s.impostors)+1e-9) >= len(s.tail) {
			for b > 0 && float64(above) < far*float64(s.impostors) {
				b--
				above += s.bin[b]
			}
			cut = float32(float64(b)*binWidth - 1 + binWidth/2)
		}
		curve = append(curve, XY{far, s.accepted(cut)})
	}
}
