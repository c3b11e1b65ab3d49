package vision

import (
	"errors"
	"fmt"
	"image"
	"image/draw"
)

// maxSide bounds width and height of a frame in pixels, so that 16.16 fixed-point coordinates fit an int of
// 32 bits.
const maxSide = 1 << 14

// Coordinates of pixels are 16.16 fixed point below; the centre of the first pixel is 0.
const (
	one  = 1 << 16
	half = one / 2
)

// plane is one channel of a frame.
type plane struct {
	pix          []uint8
	stride, w, h int
}

// at interpolates between the four samples around x, y; beyond the edge the edge's sample counts. Result
// 0..255*one.
func (p *plane) at(x, y int) int {
	x, y = min(max(x, 0), (p.w-1)<<16), min(max(y, 0), (p.h-1)<<16)
	ix, iy := x>>16, y>>16
	fx, fy := (x>>8)&255, (y>>8)&255
	o, right, below := iy*p.stride+ix, 1, p.stride
	if ix == p.w-1 {
		right = 0
	}
	if iy == p.h-1 {
		below = 0
	}
	upper := int(p.pix[o])*(256-fx) + int(p.pix[o+right])*fx
	lower := int(p.pix[o+below])*(256-fx) + int(p.pix[o+below+right])*fx
	return upper*(256-fy) + lower*fy
}

// frame is a view of the image under examination, as the luma and chroma that cameras and JPEG have.
type frame struct {
	y, cb, cr plane
	origin    image.Point // of the image's bounds
	sx, sy    int         // log2 of the chroma subsampling
	cx, cy    int         // chroma coordinate = (luma coordinate + c) >> s, minus half
	scratch   *image.YCbCr
	rgba      *image.RGBA
}

var errFrame = errors.New("no usable image")

// set points the frame at img. An *image.YCbCr is used where it lies; anything else is converted into the
// frame's own memory, which is kept for the next one.
func (f *frame) set(img image.Image) error {
	if img == nil {
		return fmt.Errorf("vision: look at frame: nil: %w", errFrame)
	}
	b := img.Bounds()
	if b.Empty() || b.Dx() > maxSide || b.Dy() > maxSide {
		return fmt.Errorf("vision: look at frame: size %v, want 1 to %d pixels a side: %w", b.Size(),
			maxSide, errFrame)
	}
	f.origin = b.Min
	m, ok := img.(*image.YCbCr)
	if !ok || b.Min.X < 0 || b.Min.Y < 0 {
		m = f.convert(img)
	}
	return f.view(m)
}

func (f *frame) view(m *image.YCbCr) error {
	switch m.SubsampleRatio {
	case image.YCbCrSubsampleRatio444:
		f.sx, f.sy = 0, 0
	case image.YCbCrSubsampleRatio422:
		f.sx, f.sy = 1, 0
	case image.YCbCrSubsampleRatio420:
		f.sx, f.sy = 1, 1
	case image.YCbCrSubsampleRatio440:
		f.sx, f.sy = 0, 1
	case image.YCbCrSubsampleRatio411:
		f.sx, f.sy = 2, 0
	case image.YCbCrSubsampleRatio410:
		f.sx, f.sy = 2, 1
	default:
		return fmt.Errorf("vision: look at frame: chroma subsampling %v: %w", m.SubsampleRatio, errFrame)
	}
	r := m.Rect
	cw := (r.Max.X-1)>>f.sx - r.Min.X>>f.sx + 1
	ch := (r.Max.Y-1)>>f.sy - r.Min.Y>>f.sy + 1
	f.y = plane{m.Y, m.YStride, r.Dx(), r.Dy()}
	f.cb = plane{m.Cb, m.CStride, cw, ch}
	f.cr = plane{m.Cr, m.CStride, cw, ch}
	for _, p := range [...]*plane{&f.y, &f.cb, &f.cr} {
		if p.stride < p.w || len(p.pix) < (p.h-1)*p.stride+p.w {
			return fmt.Errorf("vision: look at frame: %d bytes for %dx%d samples: %w", len(p.pix), p.w, p.h, errFrame)
		}
	}
	// An odd origin shares its first chroma sample with the pixel before it.
	f.cx = (r.Min.X-r.Min.X>>f.sx<<f.sx)<<16 + half
	f.cy = (r.Min.Y-r.Min.Y>>f.sy<<f.sy)<<16 + half
	return nil
}

// convert draws img and turns it into luma and chroma at full resolution, which changes a channel by at
// most 1 in 255.
func (f *frame) convert(img image.Image) *image.YCbCr {
	b := image.Rectangle{Max: img.Bounds().Size()}
	if f.scratch == nil || f.scratch.Rect != b {
		f.scratch = image.NewYCbCr(b, image.YCbCrSubsampleRatio444)
		f.rgba = image.NewRGBA(b)
	}
	draw.Draw(f.rgba, b, img, img.Bounds().Min, draw.Src)
	m, pix := f.scratch, f.rgba.Pix
	for i := range m.Y {
		r, g, b := int32(pix[4*i]), int32(pix[4*i+1]), int32(pix[4*i+2])
		// ITU-R BT.601 at full range, as in JFIF, in 16 bits of fraction.
		m.Y[i] = uint8((19595*r + 38470*g + 7471*b + half) >> 16)
		m.Cb[i] = uint8(min((-11056*r-21712*g+32768*b+128*one+half)>>16, 255))
		m.Cr[i] = uint8(min((32768*r-27440*g-5328*b+128*one+half)>>16, 255))
	}
	return m
}

// affine maps a pixel (i, j) of a crop to the pixel (x0 + xi*i + xj*j, y0 + yi*i + yj*j) of the frame.
type affine struct{ x0, xi, xj, y0, yi, yj float64 }

func (a affine) apply(i, j float64) (x, y float64) {
	return a.x0 + a.xi*i + a.xj*j, a.y0 + a.yi*i + a.yj*j
}

// tone maps a channel value v of 0..255 to a network's input: v*mul + add.
type tone struct{ mul, add float32 }

// crop fills the pixels area of dst, an RGB image that is w pixels wide, with the frame under a. taps*taps
// samples make one pixel: more than one where the frame is shrunk, so that fine detail does not turn into
// noise.
func (f *frame) crop(dst []float32, w int, area image.Rectangle, a affine, taps int, t tone) {
	a = a.snapped()
	xi, yi := int(a.xi*one)/taps, int(a.yi*one)/taps
	xj, yj := int(a.xj*one)/taps, int(a.yj*one)/taps
	norm := 1 / float32(taps*taps*one)
	for j := area.Min.Y; j < area.Max.Y; j++ {
		row := dst[(j*w+area.Min.X)*3 : (j*w+area.Max.X)*3]
		for i := area.Min.X; len(row) >= 3; i++ {
			fx, fy := a.apply(float64(i), float64(j))
			x := int(fx*one) - (xi+xj)*(taps-1)/2
			y := int(fy*one) - (yi+yj)*(taps-1)/2
			var sy, sb, sr int
			for v := range taps {
				for u := range taps {
					px, py := x+xi*u+xj*v, y+yi*u+yj*v
					qx, qy := (px+f.cx)>>f.sx-half, (py+f.cy)>>f.sy-half
					sy += f.y.at(px, py)
					sb += f.cb.at(qx, qy)
					sr += f.cr.at(qx, qy)
				}
			}
			// Products are rounded before they are added: see affine.snapped.
			luma, cb, cr := float32(sy)*norm, float32(float32(sb)*norm)-128, float32(float32(sr)*norm)-128
			red, blue := luma+float32(1.402*cr), luma+float32(1.772*cb) // BT.601 at full range, as in JFIF
			green := luma - float32(0.344136*cb) - float32(0.714136*cr)
			row[0] = float32(channel(red)*t.mul) + t.add
			row[1] = float32(channel(green)*t.mul) + t.add
			row[2] = float32(channel(blue)*t.mul) + t.add
			row = row[3:]
		}
	}
}

func channel(v float32) float32 { return min(max(v, 0), 255) }

// tapsFor gives the samples a pixel and direction for a crop that shrinks the frame by scale.
func tapsFor(scale float64) int { return min(max(int(scale/2), 1), 4) }
