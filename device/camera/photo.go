package camera

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"image/jpeg"
	"image/png"
	"io"
	"io/fs"
	"os"

	"golang.org/x/image/webp"
)

// ErrPhoto marks a file that can't be used as a photo. Errors that wrap it carry a Hint.
var ErrPhoto = errors.New("not a picture that can be used")

const (
	// PhotoBytes bounds a photo's file: the JPEGs of phones of 48 and 108 megapixels have 10 to 15 MB.
	PhotoBytes = 16 << 20

	// photoPixels bounds a photo: the next power of two above the 108 megapixels of phones.
	photoPixels = 128 << 20

	// photoMemory is what decoding one photo may take, in bytes. A 48-megapixel progressive JPEG needs 146 MB
	// for its coefficients alone; terminal and command have to fit into 512 MB together.
	photoMemory = 200 << 20
)

// ReadPhoto reads a file of up to PhotoBytes.
func ReadPhoto(path string) ([]byte, error) {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, withHint(fmt.Errorf("read photo %s: no such file", path), "see that the name is right")
	case err != nil:
		return nil, withHint(fmt.Errorf("read photo: %w", err), "name files that this user can read")
	case info.IsDir():
		return nil, withHint(fmt.Errorf("read photo %s: it is a folder", path), "name the photos in it one by one")
	case !info.Mode().IsRegular(): // a pipe would hold us up for ever
		return nil, withHint(fmt.Errorf("read photo %s: it is no regular file", path), "name a photo's file")
	case info.Size() > PhotoBytes:
		return nil, withHint(fmt.Errorf("read photo %s: larger than %d MB", path, PhotoBytes>>20),
			"save it smaller, as a JPEG")
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, withHint(fmt.Errorf("read photo: %w", err), "name files that this user can read")
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, PhotoBytes))
	if err != nil {
		return nil, fmt.Errorf("read photo %s: %w", path, err)
	}
	return data, nil
}

// DecodePhoto gives the picture in a JPEG, PNG or WebP file, upright as its EXIF data has it, and shrunk
// while it is decoded until neither side has more than side pixels. It takes up to photoMemory: a terminal
// that takes payments does not call it. Errors are ErrPhoto.
func DecodePhoto(data []byte, side int) (image.Image, error) {
	kind := kindOf(data)
	decode, ok := photoDecoders()[kind]
	if !ok {
		return nil, withHint(fmt.Errorf("%w: it is %s", ErrPhoto, kind), kind.advice())
	}
	m, err := decode(data, side)
	if err != nil {
		return nil, photoError(kind, err)
	}
	return upright(Shrink(m, side), orientationOf(kind, data)), nil
}

func photoDecoders() map[photoKind]func(data []byte, side int) (image.Image, error) {
	return map[photoKind]func([]byte, int) (image.Image, error){
		kindJPEG: decodeJPEGPhoto, kindPNG: decodePNGPhoto, kindWebP: decodeWebPPhoto,
	}
}

// errTooMany says that a picture has more pixels than can be decoded here.
type errTooMany struct {
	w, h int
	what string // of it, that makes it larger than others
}

func (e *errTooMany) Error() string {
	return fmt.Sprintf("%dx%d pixels%s are too many", e.w, e.h, e.what)
}

// photoError says in a technician's words why a file of a kind can't be decoded.
func photoError(kind photoKind, err error) error {
	var many *errTooMany
	var newJPEG jpeg.UnsupportedError
	var newPNG png.UnsupportedError
	switch {
	case errors.As(err, &many):
		return withHint(fmt.Errorf("%w: %w", ErrPhoto, err),
			"save it smaller, as an ordinary JPEG: a face needs no more than a few hundred pixels")
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return withHint(fmt.Errorf("%w: it is %s that is cut off", ErrPhoto, kind), "copy it once more, whole")
	}
	if errors.As(err, &newJPEG) || errors.As(err, &newPNG) {
		return withHint(fmt.Errorf("%w: it is %s of a kind that can't be read here", ErrPhoto, kind),
			"save it as an ordinary JPEG")
	}
	return withHint(fmt.Errorf("%w: it is %s that is damaged", ErrPhoto, kind),
		"copy it once more from where it comes from, or take another photo")
}

// affordable refuses a picture of w x h pixels whose decoding takes more than there is; each is what a pixel
// takes, in bytes.
func affordable(w, h int, each float64, what string) error {
	if w < 1 || h < 1 {
		return fmt.Errorf("%dx%d pixels", w, h)
	}
	if pixels := float64(w) * float64(h); pixels > photoPixels || pixels*each > photoMemory {
		return &errTooMany{w, h, what}
	}
	return nil
}

func decodeJPEGPhoto(data []byte, side int) (image.Image, error) {
	c, err := jpeg.DecodeConfig(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	l, err := header(data)
	if err != nil {
		return nil, err
	}
	if t, err := newTurbo(); err == nil {
		m, err := t.photo(data, side, l.progressive)
		if !errors.Is(err, errUndecided) {
			return m, err
		}
	}
	// The standard library knows what libturbojpeg doesn't, and tells a picture that is cut off from a harmless
	// oddity. It keeps the whole of a picture, and four bytes a coefficient of a progressive one.
	each, what := 4.0, ""
	if l.progressive {
		each, what = 16, " of a progressive JPEG"
	}
	if err := affordable(c.Width, c.Height, each, what); err != nil {
		if !bytes.Contains(data[l.scan:], []byte{0xff, markEOI}) {
			return nil, io.ErrUnexpectedEOF
		}
		return nil, err
	}
	m, err := jpeg.Decode(bytes.NewReader(data))
	if err != nil && !bytes.Contains(data[l.scan:], []byte{0xff, markEOI}) {
		err = io.ErrUnexpectedEOF // the decoder may have met a code that was cut before it met the end
	}
	return m, err
}

func decodeWebPPhoto(data []byte, _ int) (image.Image, error) {
	if size := int64(binary.LittleEndian.Uint32(data[4:])); size > int64(len(data)) {
		return nil, io.ErrUnexpectedEOF
	}
	c, err := webp.DecodeConfig(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	each := 3.0 // lossy: luma and half as much colour, in whole blocks
	if bytes.Contains(data[:min(len(data), 64)], []byte("VP8L")) || bytes.Contains(data, []byte("ALPH")) {
		each = 8 // lossless: four bytes, and as many while it is put together
	}
	if err := affordable(c.Width, c.Height, each, " of a WebP"); err != nil {
		return nil, err
	}
	return webp.Decode(bytes.NewReader(data))
}

// decodePNGPhoto reads a picture line by line. One that is interlaced has no lines.
func decodePNGPhoto(data []byte, side int) (image.Image, error) {
	p, err := readPNG(data)
	if err != nil {
		return nil, err
	}
	if p.interlaced {
		if err := affordable(p.w, p.h, 8, " of an interlaced PNG"); err != nil {
			return nil, err
		}
		return png.Decode(bytes.NewReader(data))
	}
	if err := affordable(p.w, p.h, 0, ""); err != nil {
		return nil, err
	}
	return p.decode(side)
}
