package attacks

import (
	"image"
	"image/draw"
	"math"
)

// texture is a picture in linear light, 4 floats a pixel: red, green, blue (0..1 of white, not premultiplied)
// and cover (0..1). Place (0, 0) of a surface is pixel (x0, y0); a unit of its plane is so many pixels.
type texture struct {
	w, h   int
	pix    []float32
	x0, y0 float64
	unit   float64
}

func newTexture(w, h int) *texture { return &texture{w: w, h: h, pix: make([]float32, 4*w*h), unit: 1} }

// sample is bilinear; beyond the edge the edge's pixel counts.
//
//go:norace
func (t *texture) sample(x, y float32, out *[4]float32) {
	if !(x > 0) {
		x = 0
	}
	if !(y > 0) {
		y = 0
	}
	i, j := int(x), int(y)
	fx, fy := x-float32(i), y-float32(j)
	if i > t.w-2 {
		i, fx = t.w-2, 1
	}
	if j > t.h-2 {
		j, fy = t.h-2, 1
	}
	o := 4 * (j*t.w + i)
	a, b := t.pix[o:o+8:o+8], t.pix[o+4*t.w:o+4*t.w+8:o+4*t.w+8]
	for k := range 4 {
		top := a[k] + fx*(a[k+4]-a[k])
		low := b[k] + fx*(b[k+4]-b[k])
		out[k] = top + fy*(low-top)
	}
}

// linear is the light of an sRGB value 0..255 (IEC 61966-2-1).
func linear(v uint8) float32 {
	c := float64(v) / 255
	if c <= 0.04045 {
		return float32(c / 12.92)
	}
	return float32(math.Pow((c+0.055)/1.055, 2.4))
}

// raw is a picture in linear light, 3 floats a pixel.
type raw struct {
	w, h int
	pix  []float32
}

//go:norace
func linearised(img image.Image) *raw {
	b := img.Bounds()
	m := image.NewRGBA(image.Rect(0, 0, b.Dx(), b.Dy()))
	draw.Draw(m, m.Rect, img, b.Min, draw.Src)
	var table [256]float32
	for i := range table {
		table[i] = linear(uint8(i))
	}
	r := &raw{b.Dx(), b.Dy(), make([]float32, 3*b.Dx()*b.Dy())}
	for i := range b.Dx() * b.Dy() {
		for k := range 3 {
			r.pix[3*i+k] = table[m.Pix[4*i+k]]
		}
	}
	return r
}

// half is the picture at half the size, each pixel the mean of four.
//
//go:norace
func (r *raw) half() *raw {
	o := &raw{max(1, r.w/2), max(1, r.h/2), nil}
	o.pix = make([]float32, 3*o.w*o.h)
	for y := range o.h {
		for x := range o.w {
			x1, y1 := min(2*x+1, r.w-1), min(2*y+1, r.h-1)
			for k := range 3 {
				o.pix[3*(y*o.w+x)+k] = (r.pix[3*(2*y*r.w+2*x)+k] + r.pix[3*(2*y*r.w+x1)+k] +
					r.pix[3*(y1*r.w+2*x)+k] + r.pix[3*(y1*r.w+x1)+k]) / 4
			}
		}
	}
	return o
}

// cubic is Catmull-Rom sampling; pixel centres are at whole numbers, the edge goes on beyond it.
//
//go:norace
func (r *raw) cubic(x, y float64, out *[4]float32) {
	x, y = min(max(x, 0), float64(r.w-1)), min(max(y, 0), float64(r.h-1))
	i, j := int(x), int(y)
	wx, wy := catmullRom(float32(x-float64(i))), catmullRom(float32(y-float64(j)))
	var sum [3]float32
	for b := range 4 {
		py := min(max(j+b-1, 0), r.h-1)
		for a := range 4 {
			px := min(max(i+a-1, 0), r.w-1)
			w := wx[a] * wy[b]
			p := r.pix[3*(py*r.w+px) : 3*(py*r.w+px)+3]
			for k := range sum {
				sum[k] += w * p[k]
			}
		}
	}
	out[0], out[1], out[2], out[3] = max(sum[0], 0), max(sum[1], 0), max(sum[2], 0), 1
}

func catmullRom(t float32) [4]float32 {
	return [4]float32{
		t * (-1 + t*(2-t)) / 2, (2 + t*t*(-5+3*t)) / 2, t * (1 + t*(4-3*t)) / 2, t * t * (t - 1) / 2,
	}
}

// luma of linear light, ITU-R BT.709.
func luma(p []float32) float32 { return 0.2126*p[0] + 0.7152*p[1] + 0.0722*p[2] }
