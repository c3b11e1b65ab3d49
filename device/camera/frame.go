package camera

import (
	"context"
	"errors"
	"time"
)

// MaxSide is the largest width or height of a picture that the package accepts, in pixels. The terminal asks
// for 640x480; the limit only stops a damaged or foreign header from claiming gigabytes.
const MaxSide = 4096

// Errors that callers tell apart with errors.Is.
var (
	ErrStalled = errors.New("no frame in time")      // the camera is there, but silent
	ErrFrozen  = errors.New("the picture is frozen") // the same bytes again and again
	// ErrUnreadable is a run of pictures that can't be decoded: see Damage.
	ErrUnreadable = errors.New("its pictures are damaged")

	ErrTooLarge = errors.New("picture is too large")    // a side is longer than MaxSide
	ErrPicture  = errors.New("not a usable picture")    // damaged, truncated, or not what its format says
	ErrFormat   = errors.New("unsupported format")      // a pixel format the package can't decode
	ErrClosed   = errors.New("camera source is closed") // Next or Take after Close
	ErrLoopback = errors.New("not a camera's hardware") // a program may be behind it
)

// Format says how the bytes of a Frame are to be read.
type Format string

// The formats that a Decoder knows, named by their V4L2 four-character codes.
const (
	MJPG Format = "MJPG" // one JPEG picture; Huffman tables may be missing, as UVC cameras leave them out
	YUYV Format = "YUYV" // 4:2:2 packed, bytes Y0 U Y1 V for two pixels
	NV12 Format = "NV12" // 4:2:0: all Y, then bytes Cb Cr for each 2x2 pixels
	GREY Format = "GREY" // one byte a pixel
)

// Formats are all of them, the best for a terminal first: as motion JPEG 30 pictures a second fit through
// USB 2.
func Formats() []Format { return []Format{MJPG, YUYV, NV12, GREY} }

// Frame is one picture as the camera gave it. The caller of Source.Next owns it and passes it again and
// again: its buffer is reused.
type Frame struct {
	Data   []byte
	Format Format
	Width  int       // pixels; what the source announced, a JPEG's own header decides
	Height int       // pixels
	Stride int       // bytes from line to line (YUYV, NV12, GREY); 0 means no padding
	Seq    uint64    // counts the frames of a source from 1
	Film   time.Time // by a recording's own time, where it is played as fast as asked; else zero
	From   Origin
	At     time.Time
	// At is when the source handed the frame over, with the monotonic clock in it: compare it with Sub only.
}

// Kind says what a source is, for who has to trust its pictures.
type Kind string

// The kinds of sources.
const (
	Recording Kind = "recording" // a file that anybody may have made
	Loopback  Kind = "loopback"  // a node of the kernel that a program, or another computer, fills
	USBCamera Kind = "usb"
	Onboard   Kind = "board" // a part of the board
)

// Origin is where a frame comes from.
type Origin struct {
	Kind   Kind
	Driver string // of the kernel, as it calls itself: "uvcvideo"; "" for a recording
}

// Seen is the time that passes in the picture: what has to last is held against it.
func (f *Frame) Seen() time.Time {
	if f.Film.IsZero() {
		return f.At
	}
	return f.Film
}

// set fills f with a copy of data, reusing its buffer.
func (f *Frame) set(data []byte) { f.Data = append(f.Data[:0], data...) }

// Source gives frames one after the other.
type Source interface {
	// Next waits for the next frame and copies it into f. It returns io.EOF when there are no more, and
	// promptly when ctx is done. An error says that the source is of no use any more: close it.
	// Next is called by one goroutine at a time.
	Next(ctx context.Context, f *Frame) error
	Close() error
}

// hinted is an error with advice for the person at the terminal.
type hinted struct {
	error
	hint string
}

func (e hinted) Unwrap() error { return e.error }

// Hint says what to do about the error.
func (e hinted) Hint() string { return e.hint }

// withHint adds advice to err, unless there is some already.
func withHint(err error, hint string) error {
	var h interface{ Hint() string }
	if errors.As(err, &h) {
		return err
	}
	return hinted{err, hint}
}
