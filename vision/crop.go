package vision

// Samples a pixel and direction: more than one where the frame is shrunk, so that fine detail does not turn
// into noise.
const maxTaps = 4

// tapsFor gives the samples a pixel and direction for a crop that shrinks the frame by scale.
func tapsFor(scale float64) int { return min(max(int(scale/2), 1), maxTaps) }

// affine maps a pixel (i, j) of a crop to the pixel (x0 + xi*i + xj*j, y0 + yi*i + yj*j) of the frame.
type affine struct{ x0, xi, xj, y0, yi, yj float64 }

func (a affine) apply(i, j float64) (x, y float64) {
	return a.x0 + a.xi*i + a.xj*j, a.y0 + a.yi*i + a.yj*j
}

// tone is what a network takes for a channel's value, in steps of a quarter of a level from toneFrom levels
// on; colours that luma and chroma can say but a screen can't show are cut off at 0 and 255. A table does at
// once what would be rounding, cutting off, a multiplication and an addition.
type tone [4096]float32

const (
	toneFrom  = -256  // -227 to 482 can occur
	toneShift = 8 - 2 // from 256 parts of a level to 4
)

// newTone maps a channel value v of 0..255 to v*mul + add.
func newTone(mul, add float32) *tone {
	t := &tone{}
	for i := range t {
		t[i] = float32(min(max(float32(i)/4+toneFrom, 0), 255)*mul) + add // rounded between: see affine.snapped
	}
	return t
}

// put writes one pixel of luma and chroma, each 0..255*256, into dst[:3] as RGB: ITU-R BT.601 at full range,
// as in JFIF. Words of 32 bits multiply several times faster on a Cortex-A72 than longer ones.
//
//go:norace
func (t *tone) put(dst []float32, luma, cb, cr int32) {
	const (
		redCr, greenCb, greenCr, blueCb = 22970, 5638, 11700, 29032 // 1.402, 0.344136, 0.714136, 1.772 of 14 bits

		from  = -toneFrom<<8 + 1<<(toneShift-1) // and half a quarter, to round
		red   = from - 128*redCr>>6
		green = from + 128*(greenCb+greenCr)>>6
		blue  = from - 128*blueCb>>6
	)
	_ = dst[2]
	dst[0] = t[(luma+cr*redCr>>14+red)>>toneShift&4095]
	dst[1] = t[(luma-(cb*greenCb+cr*greenCr)>>14+green)>>toneShift&4095]
	dst[2] = t[(luma+cb*blueCb>>14+blue)>>toneShift&4095]
}

// offset is the way from the middle of a pixel to one of its samples, 16.16.
type offset struct{ x, y int }

// offsets are those of the taps*taps samples of a pixel under a.
func (a affine) offsets(taps int) (all [maxTaps * maxTaps]offset) {
	xi, yi := int(a.xi*one)/taps, int(a.yi*one)/taps
	xj, yj := int(a.xj*one)/taps, int(a.yj*one)/taps
	for v := range taps {
		for u := range taps {
			all[v*taps+u] = offset{xi*u + xj*v - (xi+xj)*(taps-1)/2, yi*u + yj*v - (yi+yj)*(taps-1)/2}
		}
	}
	return all
}

// crop fills dst, an RGB image that is side pixels wide and high, with the frame under a, which may turn it.
// taps*taps samples make one pixel, each interpolated between its four neighbours.
//
//go:norace
func (f *frame) crop(dst []float32, side int, a affine, taps int, t *tone) {
	a = f.upright(a).snapped()
	offsets := a.offsets(taps)
	samples := offsets[:taps*taps]
	share := one / (taps * taps)
	for j := range side {
		fx, fy := a.apply(0, float64(j))
		at := walk{int64(fx * fine), int64(fy * fine), int64(a.xi * fine), int64(a.yi * fine)}
		row := dst[j*side*3 : (j+1)*side*3]
		if taps == 1 {
			f.line(row, at, t)
			continue
		}
		for ; len(row) >= 3; row = row[3:] {
			var sy, sb, sr int
			for _, o := range samples {
				l, b, r := f.sample(int(at.x>>16)+o.x, int(at.y>>16)+o.y)
				sy, sb, sr = sy+l, sb+b, sr+r
			}
			t.put(row, int32(sy*share>>24), int32(sb*share>>24), int32(sr*share>>24))
			at.x, at.y = at.x+at.xi, at.y+at.yi
		}
	}
}

// fine is 1 in coordinates of 32 bits of fraction, so that the steps along a line add up exactly.
const fine = one * one

// walk is a place in the frame and the step to the next pixel's.
type walk struct{ x, y, xi, yi int64 }

// line fills a line of a crop with one sample a pixel. It is sample again and again, with all at hand.
//
//go:norace
func (f *frame) line(row []float32, at walk, t *tone) {
	luma, stride, step := f.y.pix, f.y.stride, f.y.step
	cbs, crs, cstride, cstep := f.cb.pix, f.cr.pix, f.cb.stride, f.cb.step
	safe := f.safe
	cx, cy, across, down := f.cx, f.cy, uint(f.sx)&7, uint(f.sy)&7 // a bounded shift needs no test
	for ; len(row) >= 3; row = row[3:] {
		x, y := int(at.x>>16), int(at.y>>16)
		at.x, at.y = at.x+at.xi, at.y+at.yi
		if !safe.holds(x, y) {
			sy, sb, sr := f.sample(x, y)
			t.put(row, int32(sy>>8), int32(sb>>8), int32(sr>>8))
			continue
		}
		o := (y>>16)*stride + (x>>16)*step
		q := o + stride
		sy := bilinear(luma[o], luma[o+step], luma[q], luma[q+step], x, y)
		x, y = (x+cx)>>across-half, (y+cy)>>down-half
		o = (y>>16)*cstride + (x>>16)*cstep
		q = o + cstride
		sb := bilinear(cbs[o], cbs[o+cstep], cbs[q], cbs[q+cstep], x, y)
		sr := bilinear(crs[o], crs[o+cstep], crs[q], crs[q+cstep], x, y)
		t.put(row, sy, sb, sr)
	}
}

// sample is the colour at x, y: luma and chroma of 0..255*one.
//
//go:norace
func (f *frame) sample(x, y int) (luma, cb, cr int) {
	cx, cy := (x+f.cx)>>f.sx-half, (y+f.cy)>>f.sy-half
	return f.y.at(x, y), f.cb.at(cx, cy), f.cr.at(cx, cy)
}

// bilinear interpolates between four neighbours (a left of b, c below a) by the fractions of x and y; result
// 0..255*256.
func bilinear(a, b, c, d uint8, x, y int) int32 {
	fx, fy := int32(x>>8&255), int32(y>>8&255)
	upper := int32(a)<<8 + (int32(b)-int32(a))*fx
	lower := int32(c)<<8 + (int32(d)-int32(c))*fx
	return upper + (lower-upper)*fy>>8
}
