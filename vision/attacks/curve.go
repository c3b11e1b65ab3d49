package attacks

// spot is a place in a face's own plane: between the outer corners of the eyes, x along them to the right of
// the picture, y down, in distances of these corners.
type spot struct{ x, y float64 }

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
