package rates

import (
	"image"
	"image/color"
	"math"
	"math/rand/v2"
)

// jitter renders a photo as frames of somebody who stands before a terminal: no two of them are alike.
type jitter struct {
	w, h  int
	pix   []float32 // RGB, row by row
	fit   float64   // scale at which the photo fills the frame's height, less a margin
	noise [4096]float32
}

const (
	jitterWidth, jitterHeight = 640, 480
	jitterFill                = 0.8 // of the frame's height: a face a step away
)

func newJitter(src image.Image) *jitter {
	b := src.Bounds()
	j := &jitter{w: b.Dx(), h: b.Dy(), fit: jitterFill * jitterHeight / float64(max(b.Dy(), 1))}
	j.pix = make([]float32, 0, j.w*j.h*3)
	for y := range j.h {
		for x := range j.w {
			c, _ := color.RGBAModel.Convert(src.At(b.Min.X+x, b.Min.Y+y)).(color.RGBA)
			j.pix = append(j.pix, float32(c.R), float32(c.G), float32(c.B))
		}
	}
	grain := rand.New(rand.NewPCG(1, 2))
	for i := range j.noise {
		j.noise[i] = float32(grain.NormFloat64())
	}
	return j
}

// pose is one frame's part of the jitter. Lengths are pixels of the frame, angles radians; squeeze and shear
// stand for turns of the head out of the picture.
type pose struct {
	turn, scale, squeeze, shear, x, y float64
	light, blur, noise                float32
}

// plain is the photo as it is.
func (j *jitter) plain() *image.RGBA { return j.render(pose{scale: 1, squeeze: 1, light: 1}, nil) }

// frame is the photo turned by a few degrees, moved, scaled by a tenth, squeezed, dimmed to a half, blurred
// and made noisy.
func (j *jitter) frame(r *rand.Rand) *image.RGBA {
	return j.render(pose{turn: r.NormFloat64() * 4 * math.Pi / 180, scale: 0.88 + 0.24*r.Float64(),
		squeeze: 1 - 0.06*r.Float64(), shear: 0.06 * r.NormFloat64(),
		x: 15 * r.NormFloat64(), y: 12 * r.NormFloat64(), light: 0.45 + 0.75*r.Float32(),
		blur: 1.6 * r.Float32(), noise: 1 + 3*r.Float32()}, r)
}

func (j *jitter) render(p pose, r *rand.Rand) *image.RGBA {
	m := image.NewRGBA(image.Rect(0, 0, jitterWidth, jitterHeight))
	sin, cos := math.Sincos(p.turn)
	scale := j.fit * p.scale
	around := float64(p.blur) / scale
	for y := range jitterHeight {
		for x := range jitterWidth {
			v := (float64(y) - jitterHeight/2 - p.y) / scale
			u := (float64(x)-jitterWidth/2-p.x)/scale/p.squeeze + p.shear*v
			at := [2]float64{u*cos + v*sin + float64(j.w)/2, v*cos - u*sin + float64(j.h)/2}
			c := j.sample(at[0], at[1])
			if p.blur > 0.3 {
				for _, d := range [...][2]float64{{around, 0}, {-around, 0}, {0, around}, {0, -around}} {
					n := j.sample(at[0]+d[0], at[1]+d[1])
					for k := range c {
						c[k] += n[k]
					}
				}
				for k := range c {
					c[k] /= 5
				}
			}
			q := m.Pix[m.PixOffset(x, y):]
			for k := range c {
				v := c[k] * p.light
				if r != nil {
					v += p.noise * j.noise[r.IntN(len(j.noise))]
				}
				q[k] = uint8(min(max(v, 0), 255))
			}
			q[3] = 255
		}
	}
	return m
}

// sample is bilinear; beyond its edge a photo goes on as it ends.
func (j *jitter) sample(x, y float64) (c [3]float32) {
	x, y = min(max(x, 0), float64(j.w-1)), min(max(y, 0), float64(j.h-1))
	x0, y0 := min(int(x), max(j.w-2, 0)), min(int(y), max(j.h-2, 0))
	fx, fy := float32(x-float64(x0)), float32(y-float64(y0))
	right, down := 3*min(1, j.w-1), 3*j.w*min(1, j.h-1)
	i := 3 * (y0*j.w + x0)
	for k := range c {
		above := j.pix[i+k]*(1-fx) + j.pix[i+k+right]*fx
		below := j.pix[i+k+down]*(1-fx) + j.pix[i+k+down+right]*fx
		c[k] = above*(1-fy) + below*fy
	}
	return c
}
