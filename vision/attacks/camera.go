package attacks

import (
	"image"
	"math"
)

// Size of every frame, in pixels.
const (
	Width  = 640
	Height = 480
)

// sensor is a camera of unknown make: what it does between light and picture.
type sensor struct {
	focal    float64 // pixels: 0.62 to 0.8 of the width, a view of 64 to 78 degrees
	fps      float64
	jitter   float64 // seconds, deviation of a frame's time
	dropped  float64 // share of frames that never arrive
	readout  float64 // seconds from the first row to the last
	exposure float64 // seconds
	gamma    float64 // of the tone curve: 1.8 to 2.6
	knee     float64 // how S-shaped it is: 0 to 0.6
	start    float64 // exposure before it has settled, as a factor
	exposeIn float64 // seconds in which exposure follows by 63 %
	aside    float64 // what light counts for it that is not in the middle: 0.02 to 0.15
	whiteIn  float64 // and the white balance
	white    float64 // how much of a cast it takes out, 0..1
	grain    float64 // factor of the noise; 0 for none
	quality  int     // of its JPEGs, 0 for none

	lit    float64    // exposure, now
	cast   [3]float64 // white balance, now
	full   float64    // electrons of white
	fine   []float32
	coarse []float32
	dice   *dice
	noise  [1024]float32
	tone   []uint8
	jpeg   *jpegLoss
}

func newSensor(d *dice, lux float64) *sensor {
	rates := [...]float64{5, 7.5, 10, 10, 10, 15, 15, 15, 20, 25, 30, 30}
	s := &sensor{focal: Width * d.between(0.62, 0.8), fps: rates[d.pick(len(rates))], gamma: d.between(1.8, 2.6),
		knee: d.between(0, 0.6), start: d.logBetween(0.7, 1.4), exposeIn: d.between(0.15, 0.9),
		aside:   d.between(0.02, 0.15),
		whiteIn: d.between(0.8, 3), white: d.between(0.3, 1), grain: d.between(0.7, 1.5),
		quality: 55 + d.pick(40)}
	s.jitter, s.dropped = d.between(0, 0.12)/s.fps, d.between(0, 0.06)
	s.readout = min(d.between(0.012, 0.03), 0.9/s.fps)
	s.exposure = min(1/s.fps-0.001, 0.033, max(1.5/lux, 0.004))
	return s
}

// perfect is what an injected clip has: no lens, no sensor.
func perfectSensor(d *dice) *sensor {
	rates := [...]float64{15, 25, 30}
	return &sensor{focal: Width * d.between(0.7, 0.8), fps: rates[d.pick(3)], gamma: 2.2, start: 1,
		exposeIn: 1e9, aside: 0.1,
		whiteIn: 1e9, quality: 92, readout: 0, exposure: 1e-4}
}

const grainTile = 1 << 14

// settle prepares the tables, on the first light that the sensor sees.
//
//go:norace
func (s *sensor) settle(c *canvas, d *dice) {
	s.dice = d
	mean, cast := s.meter(c)
	s.lit, s.cast = s.start*exposeFor(mean), s.balance(cast)
	s.full = min(max(220*mean, 250), 9000)
	s.fine, s.coarse = make([]float32, grainTile+4), make([]float32, grainTile+4)
	for i := range s.fine {
		s.fine[i] = float32(s.grain * d.gauss())
	}
	for i := range s.coarse { // two of four pixels see red, blue or both: their noise is spread
		j, k := (i+1)%grainTile, (i+2)%grainTile
		s.coarse[i] = 0.85 * (0.5*s.fine[(i*7)%grainTile] + s.fine[(j*7)%grainTile] + 0.5*s.fine[(k*7)%grainTile])
	}
	const read = 5 // electrons, of a cheap sensor with its gain
	for i := range s.noise {
		x := float64(i) / 1023
		s.noise[i] = float32(math.Sqrt(x*s.full+read*read) / s.full)
	}
	s.tone = make([]uint8, grainTile)
	for i := range s.tone {
		y := math.Pow(float64(i)/(grainTile-1), 1/s.gamma)
		y = mix(y, smooth(y), s.knee)
		s.tone[i] = uint8(255*y + 0.5)
	}
	if s.quality > 0 {
		s.jpeg = newJPEGLoss(s.quality)
	}
}

// exposeFor brings the middle of the picture to 0.2 of white.
func exposeFor(mean float64) float64 { return 0.2 / max(mean, 1e-4) }

func (s *sensor) balance(mean [3]float64) (out [3]float64) {
	for k := range out {
		out[k] = min(max(math.Pow(mean[1]/max(mean[k], 1e-6), s.white), 0.55), 1.8)
	}
	return out
}

// meter is the mean light of the picture, mostly of its middle, and of each colour of the whole.
//
//go:norace
func (s *sensor) meter(c *canvas) (mean float64, all [3]float64) {
	n, total := 0.0, 0.0
	for y := 4; y < c.h; y += 8 {
		for x := 4; x < c.w; x += 8 {
			p := c.pix[3*(y*c.w+x):]
			for k := range all {
				all[k] += float64(p[k])
			}
			total++
			weight := s.aside
			if 3*x > c.w && 3*x < 2*c.w && 5*y > c.h && 4*y < 3*c.h {
				weight = 1
			}
			mean, n = mean+weight*float64(luma(p)), n+weight
		}
	}
	for k := range all {
		all[k] /= total
	}
	return mean / n, all
}

// follow lets exposure and white balance go after the light, for dt seconds.
func (s *sensor) follow(c *canvas, dt float64) {
	mean, cast := s.meter(c)
	k := 1 - math.Exp(-dt/s.exposeIn)
	s.lit *= math.Pow(exposeFor(mean)/s.lit, k)
	k = 1 - math.Exp(-dt/s.whiteIn)
	for i, to := range s.balance(cast) {
		s.cast[i] = mix(s.cast[i], to, k)
	}
}

// develop makes the picture: exposure, white balance, noise of photons and of reading, tone curve, luma and
// chroma of 4:2:0, and what a JPEG loses.
//
//go:norace
func (s *sensor) develop(c *canvas, out *image.YCbCr) {
	var gain [3]float32
	for k := range gain {
		gain[k] = float32(s.lit * s.cast[k])
	}
	var rgb [2][3 * Width]uint8
	for y := 0; y < Height; y += 2 {
		for r := range 2 {
			s.row(c.pix[3*(y+r)*Width:3*(y+r+1)*Width], &gain, &rgb[r])
			lumaRow(&rgb[r], out.Y[(y+r)*out.YStride:])
		}
		cb, cr := out.Cb[y/2*out.CStride:], out.Cr[y/2*out.CStride:]
		for x := range Width / 2 {
			a, b := rgb[0][6*x:6*x+6], rgb[1][6*x:6*x+6]
			red := int32(a[0]) + int32(a[3]) + int32(b[0]) + int32(b[3])
			green := int32(a[1]) + int32(a[4]) + int32(b[1]) + int32(b[4])
			blue := int32(a[2]) + int32(a[5]) + int32(b[2]) + int32(b[5])
			cb[x] = uint8(min(max((-11056*red-21712*green+32768*blue+(514<<16))>>18, 0), 255))
			cr[x] = uint8(min(max((32768*red-27440*green-5328*blue+(514<<16))>>18, 0), 255))
		}
	}
	if s.jpeg != nil {
		s.jpeg.lose(out)
	}
}

//go:norace
func lumaRow(rgb *[3 * Width]uint8, out []uint8) {
	for x := range Width {
		p := rgb[3*x : 3*x+3]
		out[x] = uint8((19595*int32(p[0]) + 38470*int32(p[1]) + 7471*int32(p[2]) + 1<<15) >> 16)
	}
}

//go:norace
func (s *sensor) row(light []float32, gain *[3]float32, out *[3 * Width]uint8) {
	light = light[:3*Width]
	if s.grain == 0 {
		for i, v := range light {
			out[i] = s.tone[min(max(int(v*gain[i%3]*(grainTile-1)), 0), grainTile-1)]
		}
		return
	}
	o := s.dice.next()
	a, b, g := int(o&(grainTile-1)), int(o>>20&(grainTile-1)), int(o>>40&(grainTile-1))
	tone, fine, coarse := s.tone[:grainTile], s.fine[:grainTile], s.coarse[:grainTile]
	for x := range Width {
		p, q := light[3*x:3*x+3], out[3*x:3*x+3]
		red, green, blue := p[0]*gain[0], p[1]*gain[1], p[2]*gain[2]
		red += s.noise[min(max(int(red*1023), 0), 1023)] * coarse[(a+x)&(grainTile-1)]
		green += s.noise[min(max(int(green*1023), 0), 1023)] * fine[(g+x)&(grainTile-1)]
		blue += s.noise[min(max(int(blue*1023), 0), 1023)] * coarse[(b+x)&(grainTile-1)]
		q[0] = tone[min(max(int(red*(grainTile-1)), 0), grainTile-1)]
		q[1] = tone[min(max(int(green*(grainTile-1)), 0), grainTile-1)]
		q[2] = tone[min(max(int(blue*(grainTile-1)), 0), grainTile-1)]
	}
}
