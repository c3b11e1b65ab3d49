package visits

import (
	"math"

	"smiletill/vision/spline"
)

// point is a place in pixels, x to the right, y down; pixel centres are at halves.
type point struct{ x, y float64 }

// bend is a displacement of a portrait.
type bend struct {
	s    *spline.Spline
	unit float64 // coordinates are divided by it, which keeps the matrix well conditioned
}

// newBend solves for the displacement that is from[i]-to[i] at to[i]: read backwards, it says where in the
// portrait a pixel of the warped face comes from. unit is the size of a face in pixels.
func newBend(from, to []point, unit float64) bend {
	centres, by := make([]spline.Point, len(to)), make([]spline.Point, len(to))
	for i, p := range to {
		centres[i] = spline.Point{X: p.x / unit, Y: p.y / unit}
		by[i] = spline.Point{X: from[i].x - p.x, Y: from[i].y - p.y}
	}
	return bend{spline.New(centres, by), unit}
}

// at is the displacement at p.
func (b bend) at(p point) (dx, dy float64) {
	var d [1]spline.Point
	b.s.At(spline.Point{X: p.x / b.unit, Y: p.y / b.unit}, d[:])
	return d[0].X, d[0].Y
}

// grid is a displacement looked up on a raster: a spline of 130 centres is too slow to ask for every pixel.
type grid struct {
	x0, y0, step float64
	w, h         int
	d            []point
}

// newGrid samples the spline over the rectangle and lets it fade to nothing at the rim, so that no seam
// shows.
func newGrid(s bend, x0, y0, x1, y1, step float64) *grid {
	g := &grid{x0: x0, y0: y0, step: step, w: int((x1-x0)/step) + 1, h: int((y1-y0)/step) + 1}
	g.d = make([]point, g.w*g.h)
	const fade = 4 // cells
	for j := range g.h {
		for i := range g.w {
			rim := min(i, j, g.w-1-i, g.h-1-j)
			k := smooth(float64(rim) / fade)
			dx, dy := s.at(point{x0 + float64(i)*step, y0 + float64(j)*step})
			g.d[j*g.w+i] = point{k * dx, k * dy}
		}
	}
	return g
}

// move is p with the displacement of its place added.
func (g *grid) move(p point) point {
	x, y := (p.x-g.x0)/g.step, (p.y-g.y0)/g.step
	if x < 0 || y < 0 || x >= float64(g.w-1) || y >= float64(g.h-1) {
		return p
	}
	i, j := int(x), int(y)
	fx, fy := x-float64(i), y-float64(j)
	a, b := g.d[j*g.w+i], g.d[j*g.w+i+1]
	c, d := g.d[(j+1)*g.w+i], g.d[(j+1)*g.w+i+1]
	p.x += (a.x*(1-fx)+b.x*fx)*(1-fy) + (c.x*(1-fx)+d.x*fx)*fy
	p.y += (a.y*(1-fx)+b.y*fx)*(1-fy) + (c.y*(1-fx)+d.y*fx)*fy
	return p
}

// smooth eases 0..1 with flat ends; what is outside is clamped.
func smooth(t float64) float64 {
	t = math.Min(math.Max(t, 0), 1)
	return t * t * (3 - 2*t)
}

// opening is an eye or a mouth: two curves that meet at the corners, with skin above and below that stretches
// as they close. The curves run along u with v down, in a frame turned so that the eyes are level.
type opening struct {
	upper, lower []point // sorted by x (u); y is v
	above, below float64 // pixels of skin that give way
	meet         float64 // where the curves meet: 0 at the upper one, 1 at the lower
	line, dark   float64 // half the width in pixels of the dark line when shut, and how much light it takes
}

// source says where (u, v) of the face with this opening closed by c (0 open .. 1 shut) is found in the open
// face, and how much of the light is left there: the lashes or the lips make a dark line where they meet.
func (o *opening) source(u, v, c float64) (from, light float64) {
	if c == 0 || u <= o.upper[0].x || u >= o.upper[len(o.upper)-1].x {
		return v, 1
	}
	a, b := along(o.upper, u), along(o.lower, u)
	if b <= a {
		return v, 1
	}
	m := a + o.meet*(b-a)
	a1, b1 := a+c*(m-a), b+c*(m-b)
	line := (v - a1) / o.line
	light = 1 - c*o.dark*math.Exp(-line*line)
	switch {
	case v <= a-o.above || v >= b+o.below:
		return v, light
	case v <= a1:
		return a - o.above + (v-a+o.above)*o.above/(o.above+a1-a), light
	case v >= b1:
		return b + o.below - (b+o.below-v)*o.below/(o.below+b-b1), light
	}
	return a + (v-a1)*(b-a)/(b1-a1), light
}

// along is the height of a curve at u: Catmull-Rom through its points.
func along(c []point, u float64) float64 {
	i := 0
	for i < len(c)-2 && u > c[i+1].x {
		i++
	}
	p := func(k int) point { return c[min(max(k, 0), len(c)-1)] }
	t := (u - c[i].x) / (c[i+1].x - c[i].x)
	w := catmullRom(float32(t))
	return float64(w[0])*p(i-1).y + float64(w[1])*p(i).y + float64(w[2])*p(i+1).y + float64(w[3])*p(i+2).y
}
