package camera

import (
	"image"
	"image/draw"
)

// folds is how many pixels become one, each way, until neither side has more than side.
func folds(w, h, side int) int { return (max(w, h) + side - 1) / side }

// Shrink averages a picture down until neither side has more than side pixels. It takes a few lines at a
// time.
func Shrink(m image.Image, side int) image.Image {
	b := m.Bounds()
	k := folds(b.Dx(), b.Dy(), side)
	if k <= 1 {
		return m
	}
	f := newFolder(b.Dx(), b.Dy(), k)
	band := image.NewRGBA(image.Rect(0, 0, b.Dx(), 1))
	for y := range b.Dy() {
		draw.Draw(band, band.Rect, m, image.Pt(b.Min.X, b.Min.Y+y), draw.Src)
		f.line(band.Pix)
	}
	return f.out
}

// folder averages squares of k x k pixels, line by line.
type folder struct {
	k, y int
	sums []uint32 // of the squares of one line, red, green, blue and how many pixels
	out  *image.RGBA
	h    int
}

func newFolder(w, h, k int) *folder {
	ow, oh := (w+k-1)/k, (h+k-1)/k
	return &folder{k: k, h: h, sums: make([]uint32, 4*ow), out: image.NewRGBA(image.Rect(0, 0, ow, oh))}
}

// line takes the next line, of w RGBA pixels.
func (f *folder) line(pix []byte) {
	for at := 0; at < len(f.sums); at += 4 {
		n := min(f.k, len(pix)/4)
		var red, green, blue uint32
		for square := pix[:4*n]; len(square) >= 4; square = square[4:] {
			red, green, blue = red+uint32(square[0]), green+uint32(square[1]), blue+uint32(square[2])
		}
		s := f.sums[at : at+4]
		s[0], s[1], s[2], s[3] = s[0]+red, s[1]+green, s[2]+blue, s[3]+uint32(n)
		pix = pix[4*n:]
	}
	if f.y++; f.y%f.k != 0 && f.y != f.h {
		return
	}
	row := f.out.Pix[(f.y-1)/f.k*f.out.Stride:]
	for at := 0; at < len(f.sums); at += 4 {
		s := f.sums[at : at+4]
		for i := range 3 {
			row[at+i] = byte((s[i] + s[3]/2) / s[3])
		}
		row[at+3] = 255
	}
	clear(f.sums)
}

// photo decodes a JPEG with libturbojpeg, in eighths of its size, so that neither side has more than side
// pixels. Of a baseline picture only a few lines are in memory at a time; of a progressive one all
// coefficients are. errUndecided leaves it to the standard library.
func (t *turbo) photo(data []byte, side int, progressive bool) (image.Image, error) {
	t.data = data
	defer func() { t.data = nil }()
	if !t.readHeader() {
		return nil, errUndecided
	}
	w, h := int(t.width), int(t.height)
	ratio, across, down, ok := layoutOf(t.sampling)
	grey := t.sampling == tjGrey
	if !grey && (!ok || t.hue != tjYCbCr) {
		return nil, errUndecided
	}
	each, what := 0.0, ""
	if progressive { // two bytes a coefficient
		each, what = 2, " of a progressive JPEG"
		if !grey {
			each += 4 / float64(across*down)
		}
	}
	if err := affordable(w, h, each, what); err != nil {
		return nil, err
	}
	eighths := 8
	for eighths > 1 && max(w, h)*eighths > 8*side {
		eighths--
	}
	t.width, t.height = int32((w*eighths+7)/8), int32((h*eighths+7)/8)
	var m image.Image
	if grey {
		m = t.greyPlane(int(t.width), int(t.height))
	} else {
		m = t.colourPlanes(int(t.width), int(t.height), ratio, across, down)
	}
	if !t.readPlanes() {
		return nil, errUndecided
	}
	return m, nil
}
