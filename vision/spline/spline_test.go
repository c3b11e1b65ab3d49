package spline_test

import (
	"fmt"
	"math"
	"testing"

	"smiletill/vision/spline"
)

func Example() {
	corners := []spline.Point{{X: 0, Y: 0}, {X: 1, Y: 0}, {X: 0, Y: 1}, {X: 1, Y: 1}, {X: 0.5, Y: 0.5}}
	up := []spline.Point{{}, {}, {}, {}, {X: 0, Y: -0.1}}
	s := spline.New(corners, up)
	var d [1]spline.Point
	for _, x := range []float64{0.1, 0.25, 0.5} {
		s.At(spline.Point{X: x, Y: 0.5}, d[:])
		fmt.Printf("%.2f is moved by %+.3f\n", x, d[0].Y)
	}
	// Output:
	// 0.10 is moved by -0.052
	// 0.25 is moved by -0.076
	// 0.50 is moved by -0.100
}

// Centres go where they belong, an affine map is met everywhere, and one displacement is the same to the bit
// alone and beside another.
func TestDisplacements(t *testing.T) {
	var centres, affine, bump []spline.Point
	for i := range 12 {
		x, y := math.Sincos(float64(i))
		p := spline.Point{X: x * (1 + float64(i%3)), Y: y}
		centres = append(centres, p)
		affine = append(affine, spline.Point{X: 0.3 + 0.2*p.X - 0.1*p.Y, Y: -0.4*p.X + 0.5*p.Y})
		bump = append(bump, spline.Point{X: float64(i % 2), Y: float64(i % 5)})
	}
	both, alone := spline.New(centres, affine, bump), spline.New(centres, bump)
	near := func(a, b spline.Point) bool { return math.Hypot(a.X-b.X, a.Y-b.Y) < 1e-9 }
	var two [2]spline.Point
	var one [1]spline.Point
	for i, c := range centres {
		both.At(c, two[:])
		if !near(two[0], affine[i]) || !near(two[1], bump[i]) {
			t.Errorf("centre %d is moved by %v, want %v and %v", i, two, affine[i], bump[i])
		}
	}
	for _, p := range []spline.Point{{X: 5, Y: -3}, {X: 0.1, Y: 0.2}, {X: -2, Y: 7}} {
		both.At(p, two[:])
		alone.At(p, one[:])
		if want := (spline.Point{X: 0.3 + 0.2*p.X - 0.1*p.Y, Y: -0.4*p.X + 0.5*p.Y}); !near(two[0], want) {
			t.Errorf("%v is moved by %v, want %v", p, two[0], want)
		}
		if two[1] != one[0] {
			t.Errorf("%v: %v beside another displacement, %v alone", p, two[1], one[0])
		}
	}
}
