package vision

import (
	"math"
	"math/rand"
	"testing"
)

// Two processors that differ in the last bits of an affine must cut out the same pixels.
func TestSnappedForgetsLastBits(t *testing.T) {
	r := rand.New(rand.NewSource(3))
	for range 1000 {
		a := affine{x0: r.Float64() * 640, xi: r.NormFloat64(), xj: r.NormFloat64(),
			y0: r.Float64() * 480, yi: r.NormFloat64(), yj: r.NormFloat64()}
		b := a
		for _, v := range []*float64{&b.x0, &b.xi, &b.xj, &b.y0, &b.yi, &b.yj} {
			*v = math.Nextafter(*v, 1000*float64(1-2*r.Intn(2)))
		}
		if a == b || a.snapped() != b.snapped() {
			t.Fatalf("%+v and %+v snap to %+v and %+v", a, b, a.snapped(), b.snapped())
		}
		const last = meshSide - 1
		x, y := a.apply(last, last)
		u, v := a.snapped().apply(last, last)
		if math.Hypot(x-u, y-v) > 1e-4 {
			t.Fatalf("%+v moves a corner by %v pixels", a, math.Hypot(x-u, y-v))
		}
		s := a.snapped()
		if fused := math.FMA(s.xj, last, math.FMA(s.xi, last, s.x0)); fused != u {
			t.Fatalf("%+v maps a corner to %v, fused to %v", s, u, fused)
		}
	}
}
