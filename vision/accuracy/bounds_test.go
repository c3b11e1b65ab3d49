package accuracy

import (
	"math"
	"testing"
)

func TestBounds(t *testing.T) {
	for _, c := range []struct {
		k, n      int
		low, high float64
	}{ // as scipy.stats.binomtest(k, n).proportion_ci(method="exact") has them
		{0, 300, 0, 0.01222}, {300, 300, 0.98778, 1}, {1, 100, 0.00025, 0.05446}, {59, 100, 0.48714, 0.68737},
		{0, 0, 0, 1}, {5, 10, 0.18709, 0.81291},
	} {
		low, high := Bounds(c.k, c.n)
		if math.Abs(low-c.low) > 2e-5 || math.Abs(high-c.high) > 2e-5 {
			t.Errorf("%d of %d: %.5f to %.5f, want %.5f to %.5f", c.k, c.n, low, high, c.low, c.high)
		}
	}
}
