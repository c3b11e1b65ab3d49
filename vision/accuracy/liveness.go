package accuracy

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
)

// Presentations are the scores that one set of models gave the pictures of a test of presentation attack
// detection: 0 (attack) to 1 (bona fide), one of each picture that it answered.
type Presentations struct {
	Name             string
	Bonafide, Attack []float32
	NoBonafide       int     // bona fide pictures without an answer: no face was found
	NoAttack         int     // and attacks
	Threshold        float32 // the manifest's score
}

// Add takes in what was said of a picture.
func (p *Presentations) Add(attack, answered bool, score float32) {
	switch {
	case attack && answered:
		p.Attack = append(p.Attack, score)
	case attack:
		p.NoAttack++
	case answered:
		p.Bonafide = append(p.Bonafide, score)
	default:
		p.NoBonafide++
	}
}

// LivenessReport tells how well a set tells bona fide presentations from attacks, in the vocabulary of
// ISO/IEC 30107-3: APCER is the share of attacks that are classified as bona fide, BPCER the share of bona
// fide presentations that are classified as attacks, of those that were answered. Shares are 0..1.
type LivenessReport struct {
	Presentations
	AUC, EER Interval        // bounds by a bootstrap over pictures of 1,000 rounds
	Fixed    LivenessPoint   // at the manifest's threshold
	Points   []LivenessPoint // at the highest thresholds that keep BPCER within 1, 5 and 10 %
}

// LivenessPoint is one threshold: a picture is taken for bona fide from it on. The bounds are exact (Clopper
// and Pearson) for the threshold as it is.
type LivenessPoint struct {
	Limit        float64 // of BPCER; 0: the threshold was given
	Threshold    float32
	APCER, BPCER Interval
}

// MeasureLiveness computes the report. Its error is ErrTooFew, without two pictures of each kind.
func MeasureLiveness(p Presentations, seed uint64) (LivenessReport, error) {
	if len(p.Bonafide) < 2 || len(p.Attack) < 2 {
		return LivenessReport{}, fmt.Errorf("measure liveness: %d bona fide pictures and %d attacks with a face: "+
			"%w", len(p.Bonafide), len(p.Attack), ErrTooFew)
	}
	const rounds = 1000
	p.Bonafide, p.Attack = slices.Sorted(slices.Values(p.Bonafide)), slices.Sorted(slices.Values(p.Attack))
	r := LivenessReport{Presentations: p}
	rng := rand.New(rand.NewPCG(seed, 0x11fe))
	draw := func(from []float32) []float32 {
		some := make([]float32, len(from))
		for i := range some {
			some[i] = from[rng.IntN(len(from))]
		}
		slices.Sort(some)
		return some
	}
	var areas, rates []float64
	for range rounds {
		b, a := draw(p.Bonafide), draw(p.Attack)
		areas, rates = append(areas, area(b, a)), append(rates, equalError(b, a))
	}
	r.AUC.Value, r.EER.Value = area(p.Bonafide, p.Attack), equalError(p.Bonafide, p.Attack)
	r.AUC.bound(areas)
	r.EER.bound(rates)
	r.Fixed = p.at(p.Threshold, 0)
	for _, limit := range []float64{0.01, 0.05, 0.10} {
		r.Points = append(r.Points, p.at(p.Bonafide[int(limit*float64(len(p.Bonafide)))], limit))
	}
	return r, nil
}

// at counts the errors at a threshold; the scores are sorted.
func (p *Presentations) at(threshold float32, limit float64) LivenessPoint {
	refused, accepted := below(p.Bonafide, threshold), len(p.Attack)-below(p.Attack, threshold)
	return LivenessPoint{limit, threshold, exact(accepted, len(p.Attack)), exact(refused, len(p.Bonafide))}
}

// below counts the sorted scores under a threshold.
func below(sorted []float32, threshold float32) int {
	n, _ := slices.BinarySearch(sorted, threshold)
	return n
}

// area is the chance that a bona fide picture scores higher than an attack; of sorted scores.
func area(bonafide, attack []float32) float64 {
	under, upTo := 0, 0 // attacks that score less, and those that score no more
	var higher float64
	for _, b := range bonafide {
		for under < len(attack) && attack[under] < b {
			under++
		}
		for upTo = max(upTo, under); upTo < len(attack) && attack[upTo] == b; {
			upTo++
		}
		higher += float64(under+upTo) / 2
	}
	return higher / float64(len(bonafide)) / float64(len(attack))
}

// equalError is the mean of both error rates where they differ least; of sorted scores.
func equalError(bonafide, attack []float32) float64 {
	least, rate := 1.0, 0.5 // at the lowest threshold every attack is accepted
	for b, a := 0, 0; b < len(bonafide) || a < len(attack); {
		score := float32(math.Inf(1))
		if b < len(bonafide) {
			score = bonafide[b]
		}
		if a < len(attack) {
			score = min(score, attack[a])
		}
		for b < len(bonafide) && bonafide[b] <= score {
			b++
		}
		for a < len(attack) && attack[a] <= score {
			a++
		}
		refused, accepted := float64(b)/float64(len(bonafide)), 1-float64(a)/float64(len(attack))
		if d := math.Abs(refused - accepted); d < least {
			least, rate = d, (refused+accepted)/2
		}
	}
	return rate
}

// exact is a share with its Clopper-Pearson bounds of 95 %.
func exact(k, n int) Interval {
	i := Interval{Value: float64(k) / float64(n), Low: 0, High: 1}
	if k > 0 {
		i.Low = solve(func(p float64) bool { return 1-binomial(k-1, n, p) < 0.025 })
	}
	if k < n {
		i.High = solve(func(p float64) bool { return binomial(k, n, p) > 0.025 })
	}
	return i
}

// solve finds where a condition on 0..1 ceases to hold.
func solve(holds func(p float64) bool) float64 {
	low, high := 0.0, 1.0
	for range 50 {
		if mid := (low + high) / 2; holds(mid) {
			low = mid
		} else {
			high = mid
		}
	}
	return low
}

// binomial is the chance of up to k of n at the rate p, 0 < p < 1.
func binomial(k, n int, p float64) (sum float64) {
	all, _ := math.Lgamma(float64(n + 1))
	for i := range k + 1 {
		is, _ := math.Lgamma(float64(i + 1))
		rest, _ := math.Lgamma(float64(n - i + 1))
		sum += math.Exp(all - is - rest + float64(i)*math.Log(p) + float64(n-i)*math.Log1p(-p))
	}
	return sum
}

// String is the report as text.
func (r LivenessReport) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %d bona fide presentations and %d attack presentations were answered", r.Name,
		len(r.Bonafide), len(r.Attack))
	fmt.Fprintf(&b, "; no face was found in %d and %d\n", r.NoBonafide, r.NoAttack)
	fmt.Fprintf(&b, "  AUC %.4f (95 %% bounds %.4f to %.4f)\n", r.AUC.Value, r.AUC.Low, r.AUC.High)
	fmt.Fprintf(&b, "  EER %s\n\n", r.EER.percent())
	fmt.Fprintf(&b, "  %-30s  %-24s  %s\n", "threshold", "APCER %", "BPCER %")
	for _, p := range append([]LivenessPoint{r.Fixed}, r.Points...) {
		what := fmt.Sprintf("%.4f, the manifest's", p.Threshold)
		if p.Limit > 0 {
			what = fmt.Sprintf("%.4f, BPCER up to %.0f %%", p.Threshold, 100*p.Limit)
		}
		fmt.Fprintf(&b, "  %-30s  %-24s  %s\n", what, p.APCER.percent(), p.BPCER.percent())
	}
	return b.String()
}
