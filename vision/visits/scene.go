package visits

import (
	"image"
	"math"
)

// Frames are as large as a cheap camera's default.
const (
	frameWidth  = 640
	frameHeight = 480
)

// Light is how a scene is lit and how the camera copes with it.
type Light struct {
	Gain  float64 // exposure: 1 leaves the portrait as it is
	Warm  float64 // -1 .. 1, blue to orange; 0.05 is a lamp
	Side  float64 // how much brighter the left of the picture is than the right, as a share
	Drift float64 // slow change of the gain over a visit, as a share
	Noise float64 // of the sensor, standard deviation in 0..255
	Blur  int     // radius in pixels: a lens out of focus
}

// rng is splitmix64: the same numbers for the same seed in every release of Go.
type rng uint64

func (r *rng) next() uint64 {
	*r += 0x9e3779b97f4a7c15
	z := uint64(*r)
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// between is uniform in a..b.
func (r *rng) between(a, b float64) float64 { return a + (b-a)*float64(r.next()>>11)/(1<<53) }

// gauss is about normal with deviation 1: the sum of four 16-bit uniforms.
func (r *rng) gauss() float32 {
	v := r.next()
	sum := float32(v&0xffff) + float32(v>>16&0xffff) + float32(v>>32&0xffff) + float32(v>>48)
	return (sum/65536 - 2) * 1.7320508
}

// shopSeed arranges the shelves. BlazeFace sees faces in many a blurred pattern; of 60 arrangements this one
// gave it the least to see (score 0.32, a face needs 0.5).
const shopSeed = 28 ^ 0x5709

// newShop paints what a terminal's camera sees behind the customer, far out of focus: a wall, a door, shelves
// of goods.
func newShop() *layer {
	r := rng(shopSeed)
	l := newLayer(frameWidth, frameHeight)
	top, bottom := [3]float64{176, 172, 162}, [3]float64{136, 130, 120}
	for y := range l.h {
		t := float64(y) / float64(l.h)
		c := [3]float64{}
		for k := range c {
			c[k] = top[k] + t*(bottom[k]-top[k])
		}
		l.box(0, float64(y), frameWidth, float64(y)+1, c)
	}
	l.box(0, 396, frameWidth, 480, [3]float64{112, 98, 86}) // the floor
	l.box(452, 60, 596, 396, [3]float64{150, 156, 160})     // a glass door
	l.box(464, 72, 584, 384, [3]float64{206, 214, 220})
	for _, y := range []float64{118, 214, 310, 406} { // shelves
		for x := r.between(-30, 0); x < 360; {
			w, h := r.between(40, 90), r.between(34, 62)
			grey := r.between(112, 168)
			c := [3]float64{grey + r.between(-26, 26), grey + r.between(-22, 18), grey + r.between(-30, 22)}
			l.box(x, y-h, min(x+w, 400), y, c)
			x += w + r.between(0, 26)
		}
		l.box(0, y, 404, y+8, [3]float64{118, 106, 94})
	}
	return l.blurred(11)
}

func (l *layer) box(x0, y0, x1, y1 float64, c [3]float64) {
	for y := max(int(y0), 0); y < min(int(y1), l.h); y++ {
		for x := max(int(x0), 0); x < min(int(x1), l.w); x++ {
			p := l.pix[(y*l.w+x)*4:]
			p[0], p[1], p[2], p[3] = float32(c[0]), float32(c[1]), float32(c[2]), 255
		}
	}
}

// place draws a person in a pose over the scene.
func (l *layer) place(p *portrait, pose Pose) {
	w := p.bend(pose)
	scale := pose.Face / p.ears
	s, c := math.Sincos(p.tilt - pose.Roll*math.Pi/180)
	step := scale / float64(p.Enlarge)
	var px [4]float32
	for y := range l.h {
		for x := range l.w {
			dx, dy := (float64(x)+0.5-pose.X)/scale, (float64(y)+0.5-pose.Y)/scale
			q := point{p.eyes.x + dx*c - dy*s, p.eyes.y + dx*s + dy*c}
			q, light, over := w.source(q)
			k := float64(p.Enlarge)
			if p.photo != nil {
				p.photo.linear(q.x, q.y, &px)
			} else {
				p.pixels.sample((q.x+sideMargin)*k, q.y*k, step, &px)
			}
			a := min(max(px[3]/255, 0), 1)
			if a == 0 {
				continue
			}
			d := l.pix[(y*l.w+x)*4:]
			for k := range 3 {
				d[k] = d[k]*(1-a) + max(px[k], 0)*float32(light)
				if over.cover > 0 {
					d[k] += float32(over.cover) * (float32(over.colour[k]) - d[k])
				}
			}
		}
	}
}

// expose turns the lit scene into what the sensor delivers.
func (l *layer) expose(light Light, gain float64, seed uint64) *image.RGBA {
	if light.Blur > 0 {
		l = l.blurred(light.Blur)
	}
	r := rng(seed)
	img := image.NewRGBA(image.Rect(0, 0, l.w, l.h))
	for y := range l.h {
		for x := range l.w {
			side := 1 + light.Side*(0.5-float64(x)/float64(l.w))
			v := (float64(x)/float64(l.w)-0.5)*(float64(x)/float64(l.w)-0.5) +
				(float64(y)/float64(l.h)-0.5)*(float64(y)/float64(l.h)-0.5)
			g := gain * side * (1 - 0.25*v) // the lens darkens the corners
			n := r.gauss() * float32(light.Noise)
			hue := r.gauss() * float32(light.Noise) * 0.3
			p, o := l.pix[(y*l.w+x)*4:], img.Pix[img.PixOffset(x, y):]
			o[0] = shade(float64(p[0])*g*(1+light.Warm) + float64(n+hue))
			o[1] = shade(float64(p[1])*g + float64(n))
			o[2] = shade(float64(p[2])*g*(1-light.Warm) + float64(n-hue))
			o[3] = 255
		}
	}
	return img
}

// shade clips softly at the bright end, as a camera's curve does.
func shade(v float64) uint8 {
	if v > 220 {
		v = 220 + 35*math.Tanh((v-220)/35)
	}
	return uint8(min(max(v+0.5, 0), 255))
}
