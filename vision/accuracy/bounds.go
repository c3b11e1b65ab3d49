package accuracy

import "math"

// Bounds are the exact two-sided 95 % bounds of a rate of which k of n were seen (Clopper and Pearson 1934),
// 0..1; of none at all, all is possible.
func Bounds(k, n int) (low, high float64) {
	const tail = 0.025
	if n <= 0 {
		return 0, 1
	}
	high = 1
	if k < n {
		high = solveRate(func(p float64) bool { return atMost(k, n, p) > tail })
	}
	if k > 0 {
		low = solveRate(func(p float64) bool { return 1-atMost(k-1, n, p) < tail })
	}
	return low, high
}

// solveRate finds the rate up to which below holds.
func solveRate(below func(p float64) bool) float64 {
	lo, hi := 0.0, 1.0
	for range 60 {
		if mid := (lo + hi) / 2; below(mid) {
			lo = mid
		} else {
			hi = mid
		}
	}
	return (lo + hi) / 2
}

// atMost is the probability of k or fewer of n at rate p.
func atMost(k, n int, p float64) float64 {
	if p <= 0 {
		return 1
	}
	if p >= 1 {
		return 0
	}
	whole, _ := math.Lgamma(float64(n) + 1)
	var sum float64
	for i := range k + 1 {
		a, _ := math.Lgamma(float64(i) + 1)
		b, _ := math.Lgamma(float64(n-i) + 1)
		sum += math.Exp(whole - a - b + float64(i)*math.Log(p) + float64(n-i)*math.Log1p(-p))
	}
	return min(sum, 1)
}
