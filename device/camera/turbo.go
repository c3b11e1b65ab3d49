package camera

import (
	"errors"
	"fmt"
	"image"
	"runtime"
	"unsafe"

	"github.com/ebitengine/purego"
)

// ErrNoTurbo says that libturbojpeg is not on this machine: JPEGs go through the standard library, which is
// slower and allocates.
var ErrNoTurbo = errors.New("no libturbojpeg")

// errUndecided leaves a picture to the standard library.
var errUndecided = errors.New("undecided")

// Constants of turbojpeg.h 2.x; libturbojpeg.so.0 of release 3 serves them too.
const (
	turboLibrary = "libturbojpeg.so.0"
	tjGrey       = 3       // TJSAMP_GRAY
	tjYCbCr      = 1       // TJCS_YCbCr
	tjStopOnWarn = 1 << 13 // TJFLAG_STOPONWARNING
	tjLimitScans = 1 << 15 // TJFLAG_LIMITSCANS: thousands of progressive scans only burn time
)

// turbo decodes JPEGs with libjpeg-turbo into planes that it keeps. The library is loaded when it is needed,
// not linked: the binary starts where it is missing, and the package needs no cgo.
type turbo struct {
	handle                       uintptr
	header, decompress           uintptr // the library's functions
	width, height, sampling, hue int32   // written by the library
	data                         []byte
	planes                       [3]unsafe.Pointer
	strides                      [3]int32
	colour                       *image.YCbCr
	grey                         *image.Gray
	args                         [8]uintptr // of a call: SyscallN's own slice would be allocated each time
}

// FastJPEG says whether a Decoder will use libturbojpeg: nil, or an error that is ErrNoTurbo with a hint.
func FastJPEG() error {
	_, err := newTurbo()
	return err
}

func newTurbo() (*turbo, error) {
	fail := func(err error) error {
		return withHint(fmt.Errorf("load %s: %w: %w", turboLibrary, ErrNoTurbo, err),
			"install libjpeg-turbo (on Debian the package libturbojpeg0); without it a camera's JPEG takes longer")
	}
	lib, err := purego.Dlopen(turboLibrary, purego.RTLD_NOW|purego.RTLD_LOCAL)
	if err != nil {
		return nil, fail(err)
	}
	t := &turbo{}
	var open, destroy uintptr
	for name, f := range map[string]*uintptr{"tjInitDecompress": &open, "tjDestroy": &destroy,
		"tjDecompressHeader3": &t.header, "tjDecompressToYUVPlanes": &t.decompress} {
		if *f, err = purego.Dlsym(lib, name); err != nil {
			return nil, fail(err)
		}
	}
	if t.handle, _, _ = purego.SyscallN(open); t.handle == 0 {
		return nil, fail(errors.New("tjInitDecompress failed"))
	}
	runtime.AddCleanup(t, func(handle uintptr) { purego.SyscallN(destroy, handle) }, t.handle)
	return t, nil
}

// decode gives the picture in data, which is not empty. It is valid until the next call. The error is
// ErrTooLarge, ErrPicture, or errUndecided: for colours and subsamplings that only the standard library may
// know, and for whatever the library warns of. Some of that is harmless (many cameras leave a stray byte
// before the end), some is a picture that broke off: the standard library tells them apart.
func (t *turbo) decode(data []byte) (image.Image, error) {
	t.data = data // on the heap and alive while the library reads it, as t with all else that it sees is
	defer func() { t.data = nil }()
	if !t.readHeader() {
		return nil, errUndecided
	}
	w, h := int(t.width), int(t.height)
	if err := sides(w, h); err != nil {
		return nil, err
	}
	var m image.Image
	if t.sampling == tjGrey {
		m = t.greyPlane(w, h)
	} else if ratio, across, down, ok := layoutOf(t.sampling); ok && t.hue == tjYCbCr {
		m = t.colourPlanes(w, h, ratio, across, down)
	} else {
		return nil, errUndecided
	}
	if !t.readPlanes() {
		return nil, errUndecided
	}
	return m, nil
}

func (t *turbo) readHeader() bool {
	t.args = [...]uintptr{t.handle, uintptr(unsafe.Pointer(&t.data[0])), uintptr(len(t.data)),
		uintptr(unsafe.Pointer(&t.width)), uintptr(unsafe.Pointer(&t.height)),
		uintptr(unsafe.Pointer(&t.sampling)), uintptr(unsafe.Pointer(&t.hue)), 0}
	r, _, _ := purego.SyscallN(t.header, t.args[:7]...)
	runtime.KeepAlive(t)
	return int32(r) == 0
}

func (t *turbo) readPlanes() bool {
	t.args = [...]uintptr{t.handle, uintptr(unsafe.Pointer(&t.data[0])), uintptr(len(t.data)),
		uintptr(unsafe.Pointer(&t.planes)), uintptr(t.width), uintptr(unsafe.Pointer(&t.strides)),
		uintptr(t.height), tjStopOnWarn | tjLimitScans}
	r, _, _ := purego.SyscallN(t.decompress, t.args[:]...)
	runtime.KeepAlive(t)
	return int32(r) == 0
}

// layoutOf translates a TJSAMP number into Go's word for it and the luma samples a chroma sample covers.
func layoutOf(sampling int32) (ratio image.YCbCrSubsampleRatio, across, down int, ok bool) {
	switch sampling {
	case 0:
		return image.YCbCrSubsampleRatio444, 1, 1, true
	case 1:
		return image.YCbCrSubsampleRatio422, 2, 1, true
	case 2:
		return image.YCbCrSubsampleRatio420, 2, 2, true
	case 4:
		return image.YCbCrSubsampleRatio440, 1, 2, true
	case 5:
		return image.YCbCrSubsampleRatio411, 4, 1, true
	}
	return 0, 0, 0, false
}

// colourPlanes points the library at planes of w x h pixels. It writes whole chroma samples, so that luma is
// rounded up to their size, as tjPlaneWidth and tjPlaneHeight have it.
func (t *turbo) colourPlanes(w, h int, r image.YCbCrSubsampleRatio, across, down int) image.Image {
	if m := t.colour; m == nil || m.Rect.Dx() != w || m.Rect.Dy() != h || m.SubsampleRatio != r {
		cw, ch := (w+across-1)/across, (h+down-1)/down
		m = &image.YCbCr{SubsampleRatio: r, Rect: image.Rect(0, 0, w, h), YStride: cw * across, CStride: cw}
		m.Y = make([]byte, m.YStride*ch*down)
		m.Cb, m.Cr = make([]byte, cw*ch), make([]byte, cw*ch)
		t.colour = m
	}
	m := t.colour
	t.planes = [3]unsafe.Pointer{unsafe.Pointer(&m.Y[0]), unsafe.Pointer(&m.Cb[0]), unsafe.Pointer(&m.Cr[0])}
	t.strides = [3]int32{int32(m.YStride), int32(m.CStride), int32(m.CStride)}
	return m
}

func (t *turbo) greyPlane(w, h int) image.Image {
	if t.grey == nil || t.grey.Rect.Dx() != w || t.grey.Rect.Dy() != h {
		t.grey = image.NewGray(image.Rect(0, 0, w, h))
	}
	t.planes = [3]unsafe.Pointer{unsafe.Pointer(&t.grey.Pix[0])}
	t.strides = [3]int32{int32(t.grey.Stride)}
	return t.grey
}
