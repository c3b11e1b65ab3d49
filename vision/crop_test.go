package vision

import (
	"fmt"
	"image"
	"math"
	"math/rand"
	"testing"
)

// slowCrop is the plain meaning of crop and shrink: each sample of each pixel interpolated and clamped alone.
func slowCrop(f *frame, dst []float32, w int, area image.Rectangle, a affine, taps int, mul, add float32) {
	for j := area.Min.Y; j < area.Max.Y; j++ {
		for i := area.Min.X; i < area.Max.X; i++ {
			var luma, cb, cr float64
			for v := range taps {
				for u := range taps {
					du, dv := (float64(u)-float64(taps-1)/2)/float64(taps), (float64(v)-float64(taps-1)/2)/float64(taps)
					x, y := a.apply(float64(i)+du, float64(j)+dv)
					cx := (x+float64(f.cx)/one)/float64(int(1)<<f.sx) - 0.5
					cy := (y+float64(f.cy)/one)/float64(int(1)<<f.sy) - 0.5
					luma, cb, cr = luma+slowAt(&f.y, x, y), cb+slowAt(&f.cb, cx, cy), cr+slowAt(&f.cr, cx, cy)
				}
			}
			n := float64(taps * taps)
			luma, cb, cr = luma/n, cb/n-128, cr/n-128
			for c, v := range [...]float64{luma + 1.402*cr, luma - 0.344136*cb - 0.714136*cr, luma + 1.772*cb} {
				dst[(j*w+i)*3+c] = float32(min(max(v, 0), 255))*mul + add
			}
		}
	}
}

func slowAt(p *plane, x, y float64) float64 {
	x, y = min(max(x, 0), float64(p.w-1)), min(max(y, 0), float64(p.h-1))
	ix, iy := int(x), int(y)
	fx, fy := x-float64(ix), y-float64(iy)
	pix := func(x, y int) float64 { return float64(p.pix[min(y, p.h-1)*p.stride+min(x, p.w-1)*p.step]) }
	return (pix(ix, iy)*(1-fx)+pix(ix+1, iy)*fx)*(1-fy) + (pix(ix, iy+1)*(1-fx)+pix(ix+1, iy+1)*fx)*fy
}

// yuyv is a packed picture, as a camera has it.
type yuyv struct {
	image.Image // its bounds
	pix         []byte
	stride      int
}

func (p *yuyv) YUYV() ([]byte, int) { return p.pix, p.stride }

func newYUYV(w, h, padding int) *yuyv {
	p := &yuyv{Image: image.Rect(0, 0, w, h), stride: 2*w + padding}
	p.pix = make([]byte, p.stride*(h-1)+2*w)
	return p
}

// pictures are frames of every kind, with soft shapes and hard noise. They are smooth enough that a 256th of
// a pixel is less than a level.
func pictures() map[string]image.Image {
	r := rand.New(rand.NewSource(3))
	soft := func(x, y, seed int) uint8 {
		v := 128 + 70*math.Sin(float64(x+seed)/9) + 50*math.Cos(float64(y-seed)/7) + float64(r.Intn(30))
		return uint8(min(max(v, 0), 255))
	}
	all := map[string]image.Image{}
	for _, size := range []image.Point{{640, 480}, {90, 62}, {717, 1283}, {1, 1}, {2, 700}, {700, 1}} {
		for _, ratio := range []image.YCbCrSubsampleRatio{
			image.YCbCrSubsampleRatio444, image.YCbCrSubsampleRatio422,
			image.YCbCrSubsampleRatio420, image.YCbCrSubsampleRatio440, image.YCbCrSubsampleRatio411} {
			m := image.NewYCbCr(image.Rectangle{Max: size}, ratio)
			for i := range m.Y {
				m.Y[i] = soft(i%m.YStride, i/m.YStride, 0)
			}
			for i := range m.Cb {
				m.Cb[i], m.Cr[i] = soft(i%m.CStride, i/m.CStride, 40), soft(i%m.CStride, i/m.CStride, 90)
			}
			all[fmt.Sprint(size, ratio)] = m
			if size.X > 80 && size.Y > 50 {
				all[fmt.Sprint("part of ", size, ratio)] = m.SubImage(image.Rect(17, 13, size.X-22, size.Y-10))
			}
		}
		p := newYUYV(size.X+size.X%2, size.Y, size.X%5)
		for i := range p.pix {
			p.pix[i] = soft(i%p.stride, i/p.stride, 7*(i%p.stride%4))
		}
		all[fmt.Sprint(size, " packed")] = p
	}
	return all
}

// levels is the largest difference of two crops, in levels of 255.
func levels(a, b []float32, mul float32) float64 {
	worst := 0.0
	for i := range a {
		d := math.Abs(float64(a[i]-b[i])) / float64(mul)
		if !(d <= worst) { // NaN counts
			worst = d
		}
	}
	return worst
}

// The fast crops are the plain ones, to within two levels.
func TestCropsAgreeWithPlainOnes(t *testing.T) {
	if testing.Short() {
		t.Skip("`make long` plays it without the race detector")
	}
	tn := newTone(alignMul, alignAdd)
	const most = 2 // fractions are of 8 bits
	for name, img := range pictures() {
		var f frame
		if err := f.set(img); err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		d := blank()
		d.crop(&f)
		area, a, taps := letterbox(&f)
		want := make([]float32, detectSide*detectSide*3)
		bars(want, area)
		slowCrop(&f, want, detectSide, area, a, taps, detectMul, detectAdd)
		if d := levels(d.net.Input(0), want, detectMul); !(d <= most) {
			t.Errorf("%s: shrunk for the detector, %.2f levels off", name, d)
		}
		w, h := float64(f.y.w), float64(f.y.h)
		for turn := -3.0; turn < 3; turn += 1.3 {
			for _, scale := range []float64{0.4, 1.56, 2.3, 4.5, 6.1, 9} {
				sin, cos := math.Sincos(turn)
				a := affine{xi: scale * cos, xj: -scale * sin, yi: scale * sin, yj: scale * cos}
				a.x0, a.y0 = w*(0.5+turn/6)-12*(a.xi+a.xj), h*(0.5-turn/8)-12*(a.yi+a.yj)
				got, want := make([]float32, 24*24*3), make([]float32, 24*24*3)
				f.crop(got, 24, a, tapsFor(scale), tn)
				slowCrop(&f, want, 24, image.Rect(0, 0, 24, 24), a, tapsFor(scale), alignMul, alignAdd)
				if d := levels(got, want, alignMul); !(d <= most) {
					t.Errorf("%s: turned by %.1f, shrunk by %.1f: %.2f levels off", name, turn, scale, d)
				}
			}
		}
	}
}

// A packed picture that is short of bytes, or of none, is refused like any other.
func TestPackedRefused(t *testing.T) {
	for name, change := range map[string]func(p *yuyv){
		"nothing":        func(p *yuyv) { p.pix = nil },
		"a byte missing": func(p *yuyv) { p.pix = p.pix[:len(p.pix)-1] },
		"short lines":    func(p *yuyv) { p.stride = 14 },
		"negative lines": func(p *yuyv) { p.stride = -16 },
	} {
		p := newYUYV(8, 4, 0)
		change(p)
		var f frame
		if err := f.set(p); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// Crops of places far outside the frame, or of none at all, end and touch nothing else.
func TestCropOutside(t *testing.T) {
	var f frame
	if err := f.set(newYUYV(64, 48, 0)); err != nil {
		t.Fatal(err)
	}
	dst := make([]float32, 16*16*3)
	for _, v := range []float64{1e6, -1e6, 1e18, math.Inf(1), math.NaN()} {
		f.crop(dst, 16, affine{x0: v, xi: 1, y0: -v, yj: 1}, 1, newTone(1, 0))
		f.crop(dst, 16, affine{x0: 3, xi: v, xj: v, yj: v}, 2, newTone(1, 0))
	}
}
