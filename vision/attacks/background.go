package attacks

import "math"

// newBackground paints what is behind, far out of focus, into a canvas: a wall that gets darker downwards and
// some broad things, in the room's light. What is behind is not lit by the screen.
//
//go:norace
func newBackground(c *canvas, r *room, d *dice) {
	small := newTexture(c.w/8, c.h/8)
	wall := d.between(0.2, 0.6)
	tint := [3]float64{d.between(0.9, 1.05), 1, d.between(0.85, 1.05)}
	for y := range small.h {
		for x := range small.w {
			for k := range 3 {
				small.pix[4*(y*small.w+x)+k] = float32(wall * tint[k] * (1.05 - 0.4*float64(y)/float64(small.h)))
			}
		}
	}
	for range 3 + d.pick(6) {
		w, h := d.between(0.1, 0.4)*float64(small.w), d.between(0.1, 0.5)*float64(small.h)
		x0, y0 := d.between(-0.1, 1)*float64(small.w), d.between(-0.1, 1)*float64(small.h)
		light, hue := wall*d.between(0.5, 1.5), [3]float64{d.between(0.8, 1.2), 1, d.between(0.8, 1.2)}
		for y := max(int(y0), 0); y < min(int(y0+h), small.h); y++ {
			for x := max(int(x0), 0); x < min(int(x0+w), small.w); x++ {
				for k := range 3 {
					small.pix[4*(y*small.w+x)+k] = float32(light * hue[k])
				}
			}
		}
	}
	for range 3 {
		soften(small, 3)
	}
	level := float32(r.lux / math.Pi * d.between(0.3, 0.9)) // light that is further from the window
	var px [4]float32
	for y := range c.h {
		for x := range c.w {
			small.sample(float32(x)/8, float32(y)/8, &px)
			for k := range 3 {
				c.behind[3*(y*c.w+x)+k] = px[k] * level * float32(r.colour[k])
			}
		}
	}
}

// soften is a box blur of the colours, along rows and columns.
//
//go:norace
func soften(t *texture, radius int) {
	from := append([]float32(nil), t.pix...)
	for y := range t.h {
		for x := range t.w {
			var sum [3]float32
			var n float32
			for j := max(y-radius, 0); j <= min(y+radius, t.h-1); j++ {
				for i := max(x-radius, 0); i <= min(x+radius, t.w-1); i++ {
					for k := range sum {
						sum[k] += from[4*(j*t.w+i)+k]
					}
					n++
				}
			}
			for k := range sum {
				t.pix[4*(y*t.w+x)+k] = sum[k] / n
			}
		}
	}
}

// passer is somebody who goes by, too far out of focus to have a face.
type passer struct {
	surface *surface
	from    float64 // seconds
	speed   float64 // metres a second
	tall    float64
}

func newPasser(d *dice) *passer {
	t := newTexture(40, 96)
	skin, cloth := d.between(0.1, 0.5), d.between(0.05, 0.6)
	hue := [3]float64{d.between(0.6, 1.4), d.between(0.6, 1.4), d.between(0.6, 1.4)}
	for y := range t.h {
		for x := range t.w {
			u, v := float64(x)/40-0.5, float64(y)/96
			head := bump(u/0.15, (v-0.12)/0.09)
			body := smooth((0.4-math.Abs(u))/0.15) * smooth((v-0.2)/0.1)
			p := t.pix[4*(y*t.w+x):]
			for k := range 3 {
				p[k] = float32(mix(cloth*hue[k], skin, head*(1-body)))
			}
			p[3] = float32(min(1.5*head+body, 1)) * 0.95
		}
	}
	p := &passer{newSurface(2, 2, t, matter{diffuse: 1}), d.between(0.2, 3), d.between(0.5, 1.3),
		d.between(1.5, 1.9)}
	if d.chance(0.5) {
		p.speed = -p.speed
	}
	return p
}

func (p *passer) act(t float64, s *scene) {
	x := p.speed*(t-p.from) - math.Copysign(1.6, p.speed)
	if math.Abs(x) > 1.8 {
		return
	}
	const z, eyes = 2.4, 0.15
	for i := range p.surface.now {
		u, v := float64(i%2), float64(i/2)
		q := &p.surface.now[i]
		q.at = vec{x + (u-0.5)*0.75, eyes + (v-0.15)*p.tall, z}
		q.normal, q.u, q.v = vec{0, 0, -1}, float32(u*39), float32(v*95)
	}
	s.show(p.surface)
}
