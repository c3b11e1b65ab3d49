package spline

import "math"

// Point is a place, or how far one is moved, in a plane. Distances of about 1 between the centres keep what
// is solved well conditioned.
type Point struct{ X, Y float64 }

// Spline is several displacements with the same centres.
type Spline struct {
	centres []Point
	weights [][]Point // of each displacement: one a centre, then constant, x, y
}

// New solves for the displacements that are by[k][i] at centre i. No two centres may be in one place: then
// there is no such spline, and what comes is not a number.
func New(centres []Point, by ...[]Point) *Spline {
	n := len(centres)
	m := make([][]float64, n+3)
	for i := range m {
		m[i] = make([]float64, n+3+2*len(by))
	}
	for i, a := range centres {
		for j, b := range centres {
			m[i][j] = bending(a, b)
		}
		m[i][n], m[i][n+1], m[i][n+2] = 1, a.X, a.Y
		m[n][i], m[n+1][i], m[n+2][i] = 1, a.X, a.Y
		for k, d := range by {
			m[i][n+3+2*k], m[i][n+4+2*k] = d[i].X, d[i].Y
		}
	}
	Solve(m)
	s := &Spline{centres: centres}
	for k := range by {
		w := make([]Point, n+3)
		for i := range m {
			w[i] = Point{m[i][n+3+2*k], m[i][n+4+2*k]}
		}
		s.weights = append(s.weights, w)
	}
	return s
}

// bending is r^2 log r, that of a thin plate.
//
//go:norace
func bending(a, b Point) float64 {
	r2 := (a.X-b.X)*(a.X-b.X) + (a.Y-b.Y)*(a.Y-b.Y)
	if r2 == 0 {
		return 0
	}
	return r2 * math.Log(r2) / 2
}

// Solve is Gauss-Jordan elimination with row pivots, in place: m has a row an unknown, and the columns behind
// as many are right-hand sides, which become the solutions.
//
//go:norace
func Solve(m [][]float64) {
	n := len(m)
	for c := range n {
		best := c
		for r := c; r < n; r++ {
			if math.Abs(m[r][c]) > math.Abs(m[best][c]) {
				best = r
			}
		}
		m[c], m[best] = m[best], m[c]
		pivot := m[c][c]
		for k := c; k < len(m[c]); k++ {
			m[c][k] /= pivot
		}
		for r := range n {
			f := m[r][c]
			if r == c || f == 0 {
				continue
			}
			for k := c; k < len(m[r]); k++ {
				m[r][k] -= f * m[c][k]
			}
		}
	}
}

// At writes all displacements at p into out, which has room for as many.
//
//go:norace
func (s *Spline) At(p Point, out []Point) {
	n := len(s.centres)
	for k, w := range s.weights {
		out[k] = Point{w[n].X + w[n+1].X*p.X + w[n+2].X*p.Y, w[n].Y + w[n+1].Y*p.X + w[n+2].Y*p.Y}
	}
	for i, c := range s.centres {
		r := bending(p, c)
		for k, w := range s.weights {
			out[k].X += w[i].X * r
			out[k].Y += w[i].Y * r
		}
	}
}
