package attacks

import "math"

// spot is a place in a face's own plane: between the outer corners of the eyes, x along them to the right of
// the picture, y down, in distances of these corners.
type spot struct{ x, y float64 }

// spline is a thin-plate spline of several displacements with the same centres.
type spline struct {
	centres []spot
	weights [][]spot // of each displacement: one a centre, then constant, x, y
}

// newSpline solves for displacements that are by[k][i] at centre i.
func newSpline(centres []spot, by ...[]spot) *spline {
	n := len(centres)
	m := make([][]float64, n+3)
	for i := range m {
		m[i] = make([]float64, n+3+2*len(by))
	}
	for i, a := range centres {
		for j, b := range centres {
			m[i][j] = plate(a, b)
		}
		m[i][n], m[i][n+1], m[i][n+2] = 1, a.x, a.y
		m[n][i], m[n+1][i], m[n+2][i] = 1, a.x, a.y
		for k, d := range by {
			m[i][n+3+2*k], m[i][n+4+2*k] = d[i].x, d[i].y
		}
	}
	eliminate(m)
	s := &spline{centres: centres}
	for k := range by {
		w := make([]spot, n+3)
		for i := range m {
			w[i] = spot{m[i][n+3+2*k], m[i][n+4+2*k]}
		}
		s.weights = append(s.weights, w)
	}
	return s
}

// plate is r^2 log r, the bending of a thin plate.
//
//go:norace
func plate(a, b spot) float64 {
	r2 := (a.x-b.x)*(a.x-b.x) + (a.y-b.y)*(a.y-b.y)
	if r2 == 0 {
		return 0
	}
	return r2 * math.Log(r2) / 2
}

// eliminate is Gauss-Jordan with row pivots; the right-hand sides are the last columns. A matrix that can't
// be solved (two centres in one place) is none here: centres are told apart before.
//
//go:norace
func eliminate(m [][]float64) {
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

// at gives all displacements at p.
//
//go:norace
func (s *spline) at(p spot, out []spot) {
	n := len(s.centres)
	for k, w := range s.weights {
		out[k] = spot{w[n].x + w[n+1].x*p.x + w[n+2].x*p.y, w[n].y + w[n+1].y*p.x + w[n+2].y*p.y}
	}
	for i, c := range s.centres {
		r := plate(p, c)
		for k, w := range s.weights {
			out[k].x += w[i].x * r
			out[k].y += w[i].y * r
		}
	}
}

// curve is a Catmull-Rom spline through points of rising x; beyond the ends it stays.
type curve []spot

func (c curve) at(x float64) float64 {
	if x <= c[0].x {
		return c[0].y
	}
	if x >= c[len(c)-1].x {
		return c[len(c)-1].y
	}
	i := 0
	for i < len(c)-2 && x > c[i+1].x {
		i++
	}
	p := func(k int) float64 { return c[min(max(k, 0), len(c)-1)].y }
	t := (x - c[i].x) / max(c[i+1].x-c[i].x, 1e-9)
	return p(i-1)*t*(-1+t*(2-t))/2 + p(i)*(2+t*t*(-5+3*t))/2 + p(i+1)*t*(1+t*(4-3*t))/2 + p(i+2)*t*t*(t-1)/2
}
