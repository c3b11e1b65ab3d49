package visits

import (
	"image"
	"math"
)

// layer is a picture of premultiplied RGBA floats (0..255, alpha 0..1 scaled by 255 too), row by row, 4 a
// pixel.
type layer struct {
	w, h   int
	pix    []float32
	filled []span // by rows, where there is anything; nil when that was not looked up
}

// span is from its first to its last pixel; none if it ends before it begins.
type span struct{ first, last int }

// findFilled looks up where there is anything: most of a person's canvas is empty, and needs no sampling.
func (l *layer) findFilled() {
	l.filled = make([]span, l.h)
	for y := range l.filled {
		s := span{l.w, -1}
		for x := range l.w {
			if p := l.pix[(y*l.w+x)*4:][:4]; p[0] != 0 || p[1] != 0 || p[2] != 0 || p[3] != 0 {
				s.first, s.last = min(s.first, x), x
			}
		}
		l.filled[y] = s
	}
}

// empty tells whether there is nothing in the four columns and rows from x, y on.
func (l *layer) empty(x, y int) bool {
	if l.filled == nil {
		return false
	}
	left, right := min(max(x, 0), l.w-1), min(max(x+3, 0), l.w-1)
	for j := range 4 {
		if s := l.filled[min(max(y+j, 0), l.h-1)]; s.first <= right && left <= s.last {
			return false
		}
	}
	return true
}

func newLayer(w, h int) *layer {
	return &layer{w: w, h: h, pix: make([]float32, w*h*4)}
}

// fromImage copies an opaque picture.
func fromImage(img image.Image) *layer {
	b := img.Bounds()
	l := newLayer(b.Dx(), b.Dy())
	for y := range l.h {
		for x := range l.w {
			r, g, bl, _ := img.At(b.Min.X+x, b.Min.Y+y).RGBA()
			p := l.pix[(y*l.w+x)*4:]
			p[0], p[1], p[2], p[3] = float32(r)/257, float32(g)/257, float32(bl)/257, 255
		}
	}
	return l
}

// half is the picture at half the size, each pixel the mean of four.
func (l *layer) half() *layer {
	o := newLayer(max(1, l.w/2), max(1, l.h/2))
	for y := range o.h {
		y1 := min(2*y+1, l.h-1)
		for x := range o.w {
			x1 := min(2*x+1, l.w-1)
			a, b := l.pix[(2*y*l.w+2*x)*4:], l.pix[(2*y*l.w+x1)*4:]
			c, d := l.pix[(y1*l.w+2*x)*4:], l.pix[(y1*l.w+x1)*4:]
			p := o.pix[(y*o.w+x)*4:]
			for k := range 4 {
				p[k] = (a[k] + b[k] + c[k] + d[k]) / 4
			}
		}
	}
	return o
}

// lanczos3 is the windowed sinc that enlarges a small portrait without the blur of a cubic.
func lanczos3(x float64) float64 {
	if x == 0 {
		return 1
	}
	if x <= -3 || x >= 3 {
		return 0
	}
	p := math.Pi * x
	return 3 * math.Sin(p) * math.Sin(p/3) / (p * p)
}

// enlarge scales by a whole factor: Lanczos along the rows, then along the columns.
func (l *layer) enlarge(k int) *layer {
	if k == 1 {
		return l
	}
	wide := newLayer(l.w*k, l.h)
	resample(wide.w, l.w, k, func(to, from int, w float32) {
		for y := range l.h {
			add(wide.pix[(y*wide.w+to)*4:], l.pix[(y*l.w+from)*4:], w)
		}
	})
	o := newLayer(wide.w, l.h*k)
	resample(o.h, l.h, k, func(to, from int, w float32) {
		for x := range o.w {
			add(o.pix[(to*o.w+x)*4:], wide.pix[(from*o.w+x)*4:], w)
		}
	})
	return o
}

func resample(n, m, k int, tap func(to, from int, w float32)) {
	for to := range n {
		c := (float64(to)+0.5)/float64(k) - 0.5
		i0 := int(math.Floor(c)) - 2
		var ws [6]float64
		var sum float64
		for i := range ws {
			ws[i] = lanczos3(c - float64(i0+i))
			sum += ws[i]
		}
		for i, w := range ws {
			tap(to, min(max(i0+i, 0), m-1), float32(w/sum))
		}
	}
}

func add(to, from []float32, w float32) {
	for k := range 4 {
		to[k] += from[k] * w
	}
}

// sharpen adds amount of what a box blur of the given radius takes away.
func (l *layer) sharpen(radius int, amount float32) {
	soft := l.blurred(radius)
	for i, v := range l.pix {
		l.pix[i] = min(max(v+amount*(v-soft.pix[i]), 0), 255)
	}
}

// degrain blurs what is nearly black, where a scanned print has only grain to show.
func (l *layer) degrain(radius int) {
	soft := l.blurred(radius)
	for i := 0; i < len(l.pix); i += 4 {
		p, q := l.pix[i:i+4], soft.pix[i:i+4]
		light := (p[0] + 2*p[1] + p[2] + q[0] + 2*q[1] + q[2]) / 8
		k := 1 - float32(smooth(float64(light-28)/24))
		for c := range 3 {
			p[c] += k * (q[c] - p[c])
		}
	}
}

// blurred is the picture after two box blurs (a tent) of the radius in pixels.
func (l *layer) blurred(radius int) *layer {
	o := newLayer(l.w, l.h)
	copy(o.pix, l.pix)
	line := make([]float32, 4*max(l.w, l.h))
	for range 2 {
		for y := range o.h {
			boxBlur(o.pix[y*o.w*4:], 4, o.w, radius, line)
		}
		for x := range o.w {
			boxBlur(o.pix[x*4:], o.w*4, o.h, radius, line)
		}
	}
	return o
}

func boxBlur(p []float32, stride, n, r int, line []float32) {
	for k := range 4 {
		var sum float32
		for i := -r; i <= r; i++ {
			sum += p[min(max(i, 0), n-1)*stride+k]
		}
		for i := range n {
			line[i] = sum / float32(2*r+1)
			sum += p[min(i+r+1, n-1)*stride+k] - p[max(i-r, 0)*stride+k]
		}
		for i := range n {
			p[i*stride+k] = line[i]
		}
	}
}

// pyramid holds a layer at full, half, quarter ... size, so that a person far away is sampled without
// aliasing.
type pyramid []*layer

func newPyramid(l *layer, levels int) pyramid {
	p := pyramid{l}
	for len(p) < levels {
		p = append(p, p[len(p)-1].half())
	}
	for _, l := range p {
		l.findFilled()
	}
	return p
}

// sample reads at (x, y) in pixels of level 0; scale is output pixels a level-0 pixel.
func (p pyramid) sample(x, y, scale float64, out *[4]float32) {
	if scale >= 1 {
		p[0].cubic(x, y, 1, out)
		return
	}
	level := math.Min(math.Max(math.Log2(1/scale), 0), float64(len(p)-1))
	i := int(level)
	f := float32(level - float64(i))
	p[i].cubic(x, y, 1/float64(int(1)<<i), out)
	if f < 0.02 || i+1 == len(p) {
		return
	}
	var next [4]float32
	p[i+1].cubic(x, y, 1/float64(int(2)<<i), &next)
	for k := range out {
		out[k] += f * (next[k] - out[k])
	}
}

// cubic is Catmull-Rom sampling; (x, y) count in level-0 pixels whose centres are at halves. Outside it is
// transparent.
func (l *layer) cubic(x, y, shrink float64, out *[4]float32) {
	x, y = x*shrink-0.5, y*shrink-0.5
	*out = [4]float32{}
	if x < -2 || y < -2 || x > float64(l.w)+1 || y > float64(l.h)+1 {
		return
	}
	x0, y0 := math.Floor(x), math.Floor(y)
	if l.empty(int(x0)-1, int(y0)-1) {
		return
	}
	wx, wy := catmullRom(float32(x-x0)), catmullRom(float32(y-y0))
	for j := range 4 {
		py := min(max(int(y0)+j-1, 0), l.h-1)
		for i := range 4 {
			px := min(max(int(x0)+i-1, 0), l.w-1)
			w := wx[i] * wy[j]
			p := l.pix[(py*l.w+px)*4 : (py*l.w+px)*4+4]
			out[0] += w * p[0]
			out[1] += w * p[1]
			out[2] += w * p[2]
			out[3] += w * p[3]
		}
	}
}

func catmullRom(t float32) [4]float32 {
	return [4]float32{
		t * (-1 + t*(2-t)) / 2,
		(2 + t*t*(-5+3*t)) / 2,
		t * (1 + t*(4-3*t)) / 2,
		t * t * (t - 1) / 2,
	}
}
