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

// plane is one channel of a frame: sample x of line y is pix[y*stride+x*step].
type plane struct {
	pix                []uint8
	step, stride, w, h int
}

// at interpolates between the four samples around x, y; beyond the edge the edge's sample counts. Result
// 0..255*one.
//
//go:norace
func (p *plane) at(x, y int) int {
	x, y = min(max(x, 0), (p.w-1)<<16), min(max(y, 0), (p.h-1)<<16)
	ix, iy := x>>16, y>>16
	fx, fy := (x>>8)&255, (y>>8)&255
	o, right, below := iy*p.stride+ix*p.step, p.step, p.stride
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

// packed is a camera's picture of 4:2:2 chroma as it came: bytes Y0 Cb Y1 Cr for two pixels, stride bytes
// from line to line. Looking at it where it lies saves sorting it into planes first.
type packed interface {
	YUYV() (pix []byte, stride int)
}

// frame is a view of the image under examination, as the luma and chroma that cameras and JPEG have. Its
// planes are as they lie; who looks for faces asks for places in the upright picture.
type frame struct {
	y, cb, cr plane
	quarters  int         // the picture is upright when it is turned clockwise by so many quarters, 0 to 3
	origin    image.Point // of the image's bounds
	region    region      // of the upright picture, where faces count
	sx, sy    int         // log2 of the chroma subsampling
	cx, cy    int         // chroma coordinate = (luma coordinate + c) >> s, minus half
	safe      box         // where all four samples of every plane are inside the frame
	packed    bool        // the planes share their bytes, and chroma lies between luma
	shrinker  shrinker
	scratch   *image.YCbCr
	rgba      *image.RGBA
}

// box is a range of coordinates: x0 <= x < x0+w, and y the same.
type box struct{ x0, y0, w, h int }

func (b *box) holds(x, y int) bool { return uint(x-b.x0) < uint(b.w) && uint(y-b.y0) < uint(b.h) }

// turned is a picture of a camera that hangs on its side or upside down: what lies there, and by how many
// quarters it has to be turned clockwise to be upright. Turning places instead of pixels costs nothing.
type turned interface {
	Turned() (img image.Image, quarters int)
}

// framed is a picture of a camera that sees more than its customers: where their faces are, as fractions of
// the upright picture.
type framed interface {
	Region() (left, top, right, bottom float64)
}

// region is such a part of a picture; all of it when whole.
type region struct {
	whole                    bool
	left, top, right, bottom float64
}

func regionOf(img image.Image) region {
	f, ok := img.(framed)
	if !ok {
		return region{whole: true}
	}
	left, top, right, bottom := f.Region()
	return region{left: left, top: top, right: right, bottom: bottom}
}

// holds says whether the middle of a face lies in the region of a frame of w x h pixels.
func (r *region) holds(d *face, w, h int) bool {
	if r.whole {
		return true
	}
	x, y := float64(d.x0+d.x1)/2/float64(w), float64(d.y0+d.y1)/2/float64(h)
	return x >= r.left && x < r.right && y >= r.top && y < r.bottom
}

var errFrame = errors.New("no usable image")

// set points the frame at img, which may be a turned one, and of which a part may count alone.
func (f *frame) set(img image.Image) error {
	f.region = regionOf(img)
	t, ok := img.(turned)
	if !ok {
		f.quarters = 0
		return f.lay(img)
	}
	img, quarters := t.Turned()
	f.quarters = quarters & 3
	err := f.lay(img)
	f.origin = image.Point{} // a turned picture begins at 0, 0
	return err
}

// size is that of the upright picture.
func (f *frame) size() (w, h int) {
	if f.quarters&1 == 1 {
		return f.y.h, f.y.w
	}
	return f.y.w, f.y.h
}

// upright maps to the planes what a maps to the upright picture.
func (f *frame) upright(a affine) affine {
	right, bottom := float64(f.y.w-1), float64(f.y.h-1)
	switch f.quarters {
	case 1: // the picture's left is the planes' bottom
		return affine{a.y0, a.yi, a.yj, bottom - a.x0, -a.xi, -a.xj}
	case 2:
		return affine{right - a.x0, -a.xi, -a.xj, bottom - a.y0, -a.yi, -a.yj}
	case 3:
		return affine{right - a.y0, -a.yi, -a.yj, a.x0, a.xi, a.xj}
	}
	return a
}

// lay points the frame at a picture that is upright or will be turned. An *image.YCbCr or a packed picture is
// used where it lies; anything else is converted into the frame's own memory, which is kept for the next one.
func (f *frame) lay(img image.Image) error {
	if img == nil {
		return fmt.Errorf("vision: look at frame: nil: %w", errFrame)
	}
	b := img.Bounds()
	if b.Empty() || b.Dx() > maxSide || b.Dy() > maxSide {
		return fmt.Errorf("vision: look at frame: size %v, want 1 to %d pixels a side: %w", b.Size(),
			maxSide, errFrame)
	}
	f.origin, f.packed = b.Min, false
	if p, ok := img.(packed); ok && b.Min == (image.Point{}) && b.Max.X%2 == 0 {
		return f.viewPacked(p, b.Max.X, b.Max.Y)
	}
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
	f.y = plane{m.Y, 1, m.YStride, r.Dx(), r.Dy()}
	f.cb = plane{m.Cb, 1, m.CStride, cw, ch}
	f.cr = plane{m.Cr, 1, m.CStride, cw, ch}
	// An odd origin shares its first chroma sample with the pixel before it.
	f.cx = (r.Min.X-r.Min.X>>f.sx<<f.sx)<<16 + half
	f.cy = (r.Min.Y-r.Min.Y>>f.sy<<f.sy)<<16 + half
	return f.check()
}

func (f *frame) viewPacked(p packed, w, h int) error {
	pix, stride := p.YUYV()
	if len(pix) < 4 {
		return fmt.Errorf("vision: look at frame: %d bytes for %dx%d pixels: %w", len(pix), w, h, errFrame)
	}
	f.packed, f.sx, f.sy, f.cx, f.cy = true, 1, 0, half, half
	f.y = plane{pix, 2, stride, w, h}
	f.cb = plane{pix[1:], 4, stride, w / 2, h}
	f.cr = plane{pix[3:], 4, stride, w / 2, h}
	return f.check()
}

// check makes sure that the planes have all their samples, and finds out where no sample need be clamped.
func (f *frame) check() error {
	for _, p := range [...]*plane{&f.y, &f.cb, &f.cr} {
		if line := (p.w-1)*p.step + 1; p.stride < line || len(p.pix) < (p.h-1)*p.stride+line {
			return fmt.Errorf("vision: look at frame: %d bytes for %dx%d samples: %w", len(p.pix), p.w, p.h, errFrame)
		}
	}
	// Chroma is at (x+cx)>>sx - half, which must be in 0 to w-1.
	x0, y0 := max(0, half<<f.sx-f.cx), max(0, half<<f.sy-f.cy)
	x1 := min((f.y.w-1)<<16, ((f.cb.w-1)<<16+half)<<f.sx-f.cx)
	y1 := min((f.y.h-1)<<16, ((f.cb.h-1)<<16+half)<<f.sy-f.cy)
	f.safe = box{x0, y0, max(x1-x0, 0), max(y1-y0, 0)}
	return nil
}

// convert draws img and turns it into luma and chroma at full resolution, which changes a channel by at
// most 1 in 255.
//
//go:norace
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
