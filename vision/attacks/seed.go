package attacks

import "math"

// Seed picks one visit of a species: the same seed, person and species give the same visit.
type Seed uint64

// Seeds come in two ranges that never meet: what is used to choose a threshold is never used to judge it.
const (
	choosingFrom Seed = 1 << 40
	judgingFrom  Seed = 2 << 40
)

// ChoosingSeed is the i-th seed, from 0, of visits to look at, to learn from and to choose thresholds by.
func ChoosingSeed(i uint32) Seed { return choosingFrom + Seed(i) }

// JudgingSeed is the i-th seed, from 0, of visits whose outcome is reported. Who works on a detector looks at
// none of them.
func JudgingSeed(i uint32) Seed { return judgingFrom + Seed(i) }

// dice is splitmix64: the same numbers for the same seed in every release of Go.
type dice uint64

// newDice gives the dice for one purpose of a visit, so that a purpose that draws more does not change
// others.
func newDice(s Seed, purpose string) *dice {
	h := uint64(14695981039346656037) // FNV-1a
	for i := range len(purpose) {
		h = (h ^ uint64(purpose[i])) * 1099511628211
	}
	d := dice(uint64(s)*0x9e3779b97f4a7c15 ^ h)
	d.next()
	return &d
}

func (d *dice) next() uint64 {
	*d += 0x9e3779b97f4a7c15
	z := uint64(*d)
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// between is uniform in a..b.
func (d *dice) between(a, b float64) float64 { return a + (b-a)*float64(d.next()>>11)/(1<<53) }

// logBetween is uniform in the logarithm, for what spans orders of magnitude.
func (d *dice) logBetween(a, b float64) float64 { return math.Exp(d.between(math.Log(a), math.Log(b))) }

// chance is true with probability p.
func (d *dice) chance(p float64) bool { return d.between(0, 1) < p }

// pick is one of n, uniform.
func (d *dice) pick(n int) int { return int(d.next() % uint64(n)) }

// gauss is about normal with deviation 1: the sum of four 16-bit uniforms.
func (d *dice) gauss() float64 {
	v := d.next()
	sum := float64(v&0xffff) + float64(v>>16&0xffff) + float64(v>>32&0xffff) + float64(v>>48)
	return (sum/65536 - 2) * 1.7320508
}
