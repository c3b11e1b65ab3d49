package attacks

import "math"

// canvas is the light that reaches the sensor, in cd/m2, before the camera makes a picture of it.
type canvas struct {
	w, h   int
	focal  float64   // pixels
	pix    []float32 // red, green, blue
	depth  []float32 // 1 / z of what is nearest; 0 for the background
	behind []float32 // the background
	light  rowLight
}

// rowLight is the light while each row is exposed: a rolling shutter sees a change of it in the middle of a
// picture.
type rowLight struct {
	colour [3]float32   // of the room
	room   []float32    // of each row, around 1
	screen [][3]float32 // of the terminal's screen, 0..1 of its peak
	glow   []float32    // of a replaying screen's refresh, around 1
}

func newCanvas(w, h int, focal float64) *canvas {
	c := &canvas{w: w, h: h, focal: focal, pix: make([]float32, 3*w*h), depth: make([]float32, w*h),
		behind: make([]float32, 3*w*h)}
	c.light = rowLight{[3]float32{1, 1, 1}, make([]float32, h), make([][3]float32, h), make([]float32, h)}
	for y := range h {
		c.light.room[y], c.light.glow[y] = 1, 1
	}
	return c
}

// clear shows the background in the light of the moment.
//
//go:norace
func (c *canvas) clear() {
	clear(c.depth)
	n := 3 * c.w
	for y := range c.h {
		g := c.light.room[y]
		to, from := c.pix[y*n:(y+1)*n], c.behind[y*n:(y+1)*n]
		if g == 1 {
			copy(to, from)
			continue
		}
		for i, v := range from {
			to[i] = g * v
		}
	}
}

// draw paints a surface; what is nearer hides what is behind. Surfaces come from the back to the front.
func (c *canvas) draw(s *surface) {
	c.project(s)
	b := brush{c: c, s: s, gloss: s.matter.gloss > 0 || s.matter.glow > 0}
	if s.matter.grid > 0 {
		b.setGrid()
	}
	for j := range s.h - 1 {
		for i := range s.w - 1 {
			o := j*s.w + i
			p, q, r, t := &s.now[o], &s.now[o+1], &s.now[o+s.w], &s.now[o+s.w+1]
			if p.cover+q.cover+r.cover+t.cover < 0.01 {
				continue
			}
			b.triangle(p, q, r)
			b.triangle(q, t, r)
		}
	}
}

// project finds where each place is in the picture, and what its texture is multiplied by and added to in the
// light of its row.
//
//go:norace
func (c *canvas) project(s *surface) {
	cx, cy := float64(c.w)/2-0.5, float64(c.h)/2-0.5
	m := &s.matter
	for i := range s.now {
		v := &s.now[i]
		z := max(v.at.z, 0.02)
		v.near = float32(1 / z)
		v.sx, v.sy = float32(cx+c.focal*v.at.x/z), float32(cy+c.focal*v.at.y/z)
		y := min(max(int(v.sy), 0), c.h-1)
		room, screen, glow := c.light.room[y], &c.light.screen[y], c.light.glow[y]
		for k := range 3 {
			lit := v.room*room*c.light.colour[k] + v.screen*screen[k]
			v.times[k] = float32(m.diffuse)*lit + float32(m.glow)*glow
			v.plus[k] = v.glossR*room*c.light.colour[k] + v.glossS*screen[k]
			if m.glow > 0 {
				v.plus[k] += 0.01 * lit // what a dark screen reflects
			}
			v.times[k] *= v.tone * (1 - v.shade)
		}
	}
}

// brush paints triangles of one surface.
type brush struct {
	c     *canvas
	s     *surface
	gloss bool
	grid  [256]float32
	freq  float32
}

// setGrid makes the profile of a screen's pixels, which a camera samples too coarsely: moire.
func (b *brush) setGrid() {
	for i := range b.grid {
		b.grid[i] = float32(1 + b.s.matter.grid*math.Cos(2*math.Pi*float64(i)/256))
	}
	b.freq = float32(256 / b.s.matter.pitch)
}

// fragment is what runs along a row of a triangle.
type fragment struct {
	near, cover, u, v float32
	times, plus       [3]float32
}

// blend weighs three places.
//
//go:norace
func (f *fragment) blend(p, q, r *vertex, wp, wq, wr float32, gloss bool) {
	f.near = wp*p.near + wq*q.near + wr*r.near
	f.cover = wp*p.cover + wq*q.cover + wr*r.cover
	f.u, f.v = wp*p.u+wq*q.u+wr*r.u, wp*p.v+wq*q.v+wr*r.v
	for k := range f.times {
		f.times[k] = wp*p.times[k] + wq*q.times[k] + wr*r.times[k]
	}
	if gloss {
		for k := range f.plus {
			f.plus[k] = wp*p.plus[k] + wq*q.plus[k] + wr*r.plus[k]
		}
	}
}

//go:norace
func (b *brush) triangle(p, q, r *vertex) {
	area := (q.sx-p.sx)*(r.sy-p.sy) - (r.sx-p.sx)*(q.sy-p.sy)
	if !(area > 1e-6) {
		return // seen from behind, or no wider than a line
	}
	x0, x1 := span3(p.sx, q.sx, r.sx, b.c.w)
	y0, y1 := span3(p.sy, q.sy, r.sy, b.c.h)
	if x0 > x1 || y0 > y1 {
		return
	}
	inv := 1 / area
	// Weights of p, q and r: linear in the pixel.
	ax, ay := (q.sy-r.sy)*inv, (r.sx-q.sx)*inv
	bx, by := (r.sy-p.sy)*inv, (p.sx-r.sx)*inv
	var step, f fragment
	step.blend(p, q, r, ax, bx, -ax-bx, b.gloss)
	const slack = -1e-4
	for y := y0; y <= y1; y++ {
		fx, fy := float32(x0), float32(y)
		wp := ax*(fx-q.sx) + ay*(fy-q.sy)
		wq := bx*(fx-r.sx) + by*(fy-r.sy)
		x := x0
		for x <= x1 && !(wp >= slack && wq >= slack && 1-wp-wq >= slack) {
			x, wp, wq = x+1, wp+ax, wq+bx
		}
		if x > x1 {
			continue
		}
		f.blend(p, q, r, wp, wq, 1-wp-wq, b.gloss)
		for x <= x1 && wp >= slack && wq >= slack && 1-wp-wq >= slack {
			if i := y*b.c.w + x; f.near > b.c.depth[i] {
				b.pixel(i, &f)
			}
			x, wp, wq = x+1, wp+ax, wq+bx
			f.advance(&step, b.gloss)
		}
	}
}

//go:norace
func (f *fragment) advance(s *fragment, gloss bool) {
	f.near, f.cover, f.u, f.v = f.near+s.near, f.cover+s.cover, f.u+s.u, f.v+s.v
	f.times[0] += s.times[0]
	f.times[1] += s.times[1]
	f.times[2] += s.times[2]
	if gloss {
		f.plus[0] += s.plus[0]
		f.plus[1] += s.plus[1]
		f.plus[2] += s.plus[2]
	}
}

// span3 is the range of whole numbers within 0 to n-1 between the least and the largest of three.
func span3(a, b, c float32, n int) (from, to int) {
	lo, hi := a, a
	for _, v := range [...]float32{b, c} {
		if v < lo {
			lo = v
		}
		if v > hi {
			hi = v
		}
	}
	if !(lo > -1e6 && hi < 1e6) {
		return 0, -1
	}
	return max(int(math.Ceil(float64(lo))), 0), min(int(math.Floor(float64(hi))), n-1)
}

//go:norace
func (b *brush) pixel(i int, f *fragment) {
	var px [4]float32
	b.s.texture.sample(f.u, f.v, &px)
	cover := f.cover * px[3]
	if cover < 0.004 {
		return
	}
	if b.s.matter.grid > 0 { // stripes of red, green and blue side by side
		across, down := int(f.u*b.freq), b.grid[int(f.v*b.freq)&255]
		px[0] *= down * b.grid[across&255]
		px[1] *= down * b.grid[(across+85)&255]
		px[2] *= down * b.grid[(across+171)&255]
	}
	o := b.c.pix[3*i : 3*i+3 : 3*i+3]
	e0, e1, e2 := px[0]*f.times[0]+f.plus[0], px[1]*f.times[1]+f.plus[1], px[2]*f.times[2]+f.plus[2]
	if cover > 0.5 {
		b.c.depth[i] = f.near
	}
	if cover > 0.998 {
		o[0], o[1], o[2] = e0, e1, e2
		return
	}
	o[0] += cover * (e0 - o[0])
	o[1] += cover * (e1 - o[1])
	o[2] += cover * (e2 - o[2])
}
