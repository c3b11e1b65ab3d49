package camera

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/jpeg"
)

// Decoder turns frames into images, without allocation. A YUYV frame is not touched at all. A JPEG is decoded
// by libturbojpeg where FastJPEG finds it; elsewhere, and where that library has doubts, by the standard
// library, which takes four times as long and allocates a new image each time (see BenchmarkDecode). The zero
// value is ready; one goroutine uses it at a time.
type Decoder struct {
	// Rotate is by how many degrees its pictures have to be turned clockwise to be upright: 0, 90, 180 or 270.
	Rotate int
	// Region is where customers' faces are looked for in the upright picture.
	Region Region

	turned Turned
	framed Framed
	turbo  *turbo
	plain  bool // there is no libturbojpeg
	packed Packed
	grey   *image.Gray
	nv12   image.YCbCr // Y lies in the frame
	reader bytes.Reader
	joined []byte // a JPEG with the usual tables put in
}

// Decode gives the picture of f: *image.YCbCr for JPEG and NV12, *Packed for YUYV, or *image.Gray for GREY
// and grey JPEGs; with Rotate a *Turned, with Region a *Framed of these. It is valid until the next call and
// as long as f is not changed. The error is ErrPicture (damaged: take the next frame), ErrTooLarge or
// ErrFormat.
func (d *Decoder) Decode(f *Frame) (image.Image, error) {
	img, err := d.flat(f)
	quarters := d.Rotate / 90 & 3
	switch {
	case err != nil:
		return img, err
	case !d.Region.Whole():
		d.framed = Framed{Turned{img, quarters}, d.Region}
		return &d.framed, nil
	case quarters != 0:
		d.turned = Turned{img, quarters}
		return &d.turned, nil
	}
	return img, nil
}

// flat gives the picture as it lies.
func (d *Decoder) flat(f *Frame) (image.Image, error) {
	switch f.Format {
	case MJPG:
		return d.jpeg(f)
	case YUYV:
		return d.yuyv(f)
	case NV12:
		return d.semiPlanar(f)
	case GREY:
		return d.grey8(f)
	}
	return nil, fmt.Errorf("decode frame %d: %w %q", f.Seq, ErrFormat, f.Format)
}

func (d *Decoder) jpeg(f *Frame) (image.Image, error) {
	l, err := header(f.Data)
	if err != nil {
		return nil, fmt.Errorf("decode frame %d: %w", f.Seq, err)
	}
	data := f.Data
	if !l.huffman {
		d.joined = append(d.joined[:0], data[:l.scan]...)
		d.joined = append(d.joined, usualTables...)
		d.joined = append(d.joined, data[l.scan:]...)
		data = d.joined
	}
	if d.turbo == nil && !d.plain {
		d.turbo, err = newTurbo()
		d.plain = err != nil // FastJPEG says why
	}
	if d.turbo != nil {
		m, err := d.turbo.decode(data)
		if err == nil {
			return m, nil
		}
		if !errors.Is(err, errUndecided) {
			return nil, fmt.Errorf("decode frame %d: %w", f.Seq, err)
		}
	}
	return d.standard(f, data)
}

// standard decodes with image/jpeg.
func (d *Decoder) standard(f *Frame, data []byte) (image.Image, error) {
	d.reader.Reset(data)
	c, err := jpeg.DecodeConfig(&d.reader)
	if err != nil {
		return nil, fmt.Errorf("decode frame %d: %w: %w", f.Seq, ErrPicture, err)
	}
	if err := sides(c.Width, c.Height); err != nil {
		return nil, fmt.Errorf("decode frame %d: %w", f.Seq, err)
	}
	d.reader.Reset(data)
	m, err := jpeg.Decode(&d.reader)
	if err != nil {
		return nil, fmt.Errorf("decode frame %d: %w: %w", f.Seq, ErrPicture, err)
	}
	switch m.(type) {
	case *image.YCbCr, *image.Gray:
		return m, nil
	}
	return nil, fmt.Errorf("decode frame %d: %w: JPEG colours of %T", f.Seq, ErrFormat, m)
}

func (d *Decoder) yuyv(f *Frame) (image.Image, error) {
	w, h := f.Width, f.Height
	stride, err := lines(f, 2*w)
	if err != nil {
		return nil, err
	}
	if w%2 != 0 {
		return nil, fmt.Errorf("decode frame %d: %w: YUYV of odd width %d", f.Seq, ErrPicture, w)
	}
	d.packed = Packed{f.Data, stride, image.Rect(0, 0, w, h)}
	return &d.packed, nil
}

// semiPlanar leaves the Y of an NV12 frame where it lies and takes Cb and Cr apart.
func (d *Decoder) semiPlanar(f *Frame) (image.Image, error) {
	w, h := f.Width, f.Height
	if w%2 != 0 || h%2 != 0 {
		return nil, fmt.Errorf("decode frame %d: %w: NV12 of odd size %dx%d", f.Seq, ErrPicture, w, h)
	}
	stride, err := lines(f, w)
	if err != nil {
		return nil, err
	}
	if need := stride*(h+h/2-1) + w; len(f.Data) < need {
		return nil, fmt.Errorf("decode frame %d: %w: %d bytes of NV12 %dx%d, %d needed",
			f.Seq, ErrPicture, len(f.Data), w, h, need)
	}
	if m := &d.nv12; m.Rect.Dx() != w || m.Rect.Dy() != h {
		*m = image.YCbCr{CStride: w / 2, SubsampleRatio: image.YCbCrSubsampleRatio420, Rect: image.Rect(0, 0, w, h),
			Cb: make([]byte, w/2*h/2), Cr: make([]byte, w/2*h/2)}
	}
	d.nv12.Y, d.nv12.YStride = f.Data[:stride*(h-1)+w], stride
	for y := range h / 2 {
		pairs := f.Data[stride*(h+y):][:w]
		cb, cr := d.nv12.Cb[y*w/2:][:w/2], d.nv12.Cr[y*w/2:][:w/2]
		for x := range cb {
			cb[x], cr[x] = pairs[2*x], pairs[2*x+1]
		}
	}
	return &d.nv12, nil
}

func (d *Decoder) grey8(f *Frame) (image.Image, error) {
	w, h := f.Width, f.Height
	stride, err := lines(f, w)
	if err != nil {
		return nil, err
	}
	if d.grey == nil || d.grey.Rect.Dx() != w || d.grey.Rect.Dy() != h {
		d.grey = image.NewGray(image.Rect(0, 0, w, h))
	}
	for y := range h {
		copy(d.grey.Pix[y*d.grey.Stride:][:w], f.Data[y*stride:])
	}
	return d.grey, nil
}

// lines checks that f holds Height lines of at least n bytes and returns the bytes from line to line.
func lines(f *Frame, n int) (stride int, err error) {
	if err := sides(f.Width, f.Height); err != nil {
		return 0, fmt.Errorf("decode frame %d: %w", f.Seq, err)
	}
	stride = f.Stride
	if stride == 0 {
		stride = n
	}
	// A hundred lines' worth of padding bytes is beyond any driver; the bound keeps the product from overflow.
	if stride < n || stride > 100*MaxSide {
		return 0, fmt.Errorf("decode frame %d: %w: %d bytes a line, %d needed", f.Seq, ErrPicture, stride, n)
	}
	if need := stride*(f.Height-1) + n; len(f.Data) < need {
		return 0, fmt.Errorf("decode frame %d: %w: %d bytes of %s %dx%d, %d needed",
			f.Seq, ErrPicture, len(f.Data), f.Format, f.Width, f.Height, need)
	}
	return stride, nil
}

// sides checks the dimensions of a picture, in pixels.
func sides(w, h int) error {
	if w < 1 || h < 1 {
		return fmt.Errorf("%w: %dx%d pixels", ErrPicture, w, h)
	}
	if w > MaxSide || h > MaxSide {
		return fmt.Errorf("%w: %dx%d pixels, at most %dx%d", ErrTooLarge, w, h, MaxSide, MaxSide)
	}
	return nil
}
