package camera

import (
	"errors"
	"fmt"
	"os"
	"reflect"
	"syscall"
	"unsafe"

	"github.com/blackjack/webcam"
	"github.com/blackjack/webcam/ioctl"
	"golang.org/x/sys/unix"
)

// driver is what the package asks of the kernel's camera driver. Its calls can be recorded and played again.
type driver interface {
	GetSupportedFormats() map[webcam.PixelFormat]string
	SetImageFormat(f webcam.PixelFormat, width, height uint32) (webcam.PixelFormat, uint32, uint32, error)
	running() (pixFormat, error)
	SetFramerate(fps float32) error
	SetBufferCount(count uint32) error
	StartStreaming() error
	WaitForFrame(seconds uint32) error
	GetFrame() (data []byte, index uint32, err error)
	ReleaseFrame(index uint32) error
	Close() error
}

// kernelCamera is a node of the kernel.
type kernelCamera struct {
	*webcam.Webcam
	node string
}

func openKernel(node string) (driver, error) {
	cam, err := webcam.Open(node)
	if err != nil {
		return nil, err
	}
	return kernelCamera{cam, node}, nil
}

// StartStreaming starts the camera. Where that fails webcam 0.6.1 leaves its buffers mapped, also when it is
// closed, and a mapping keeps the node open: every later open of it, by this program too, would be told that
// the device is busy. So they are unmapped here.
func (k kernelCamera) StartStreaming() error {
	err := k.Webcam.StartStreaming()
	if err == nil {
		return nil
	}
	return errors.Join(err, unmap(k.Webcam))
}

// unmap gives back the buffers that a start which failed has mapped. webcam keeps them to itself.
func unmap(cam *webcam.Webcam) error {
	buffers := reflect.ValueOf(cam).Elem().FieldByName("buffers")
	if !buffers.IsValid() || buffers.Type() != reflect.TypeFor[[][]byte]() {
		return errors.New("webcam keeps its buffers in another way: they stay mapped")
	}
	var failed error
	for i := range buffers.Len() {
		if b := buffers.Index(i).Bytes(); len(b) > 0 {
			if err := unix.Munmap(b); err != nil {
				failed = fmt.Errorf("unmap buffer %d: %w", i, err)
			}
		}
	}
	return failed
}

// pixFormat is the beginning of struct v4l2_pix_format (videodev2.h), in the machine's byte order.
type pixFormat struct{ Width, Height, Code, Field, BytesPerLine, SizeImage uint32 }

// v4l2Format is struct v4l2_format: the union is 200 bytes and aligned like a pointer, which it may hold.
type v4l2Format struct {
	kind  uint32
	union struct {
		_   [0]uintptr
		pix pixFormat
		_   [200 - unsafe.Sizeof(pixFormat{})]byte
	}
}

// capability asks a node for the driver behind it and the bus as that calls it (VIDIOC_QUERYCAP):
// "uvcvideo" and "usb-0000:00:14.0-3".
func capability(node string) (driver, bus string, err error) {
	f, err := os.OpenFile(node, os.O_RDWR|syscall.O_NONBLOCK, 0)
	if err != nil {
		return "", "", err
	}
	defer f.Close() // only asked a question
	var c struct {  // struct v4l2_capability
		driver             [16]byte
		card, bus          [32]byte
		version, can, node uint32
		_                  [3]uint32
	}
	err = ask(f, ioctl.IoR('V', 0, unsafe.Sizeof(c)), unsafe.Pointer(&c))
	return unix.ByteSliceToString(c.driver[:]), unix.ByteSliceToString(c.bus[:]), err
}

// ask puts a question to an open node; about points to what the kernel reads and writes.
func ask(f *os.File, request uintptr, about unsafe.Pointer) error {
	conn, err := f.SyscallConn()
	if err != nil {
		return err
	}
	var failed error
	err = conn.Control(func(fd uintptr) { failed = ioctl.Ioctl(fd, request, uintptr(about)) })
	return errors.Join(err, failed)
}

// running reads the format that the driver really runs (VIDIOC_G_FMT) over a second handle: webcam reports
// the size that was asked for, and keeps its own handle to itself.
func (k kernelCamera) running() (pixFormat, error) {
	f, err := os.OpenFile(k.node, os.O_RDWR|syscall.O_NONBLOCK, 0)
	if err != nil {
		return pixFormat{}, err
	}
	defer f.Close() // only asked a question
	v := &v4l2Format{kind: webcam.V4L2_BUF_TYPE_VIDEO_CAPTURE}
	err = ask(f, ioctl.IoRW('V', 4, unsafe.Sizeof(*v)), unsafe.Pointer(v))
	return v.union.pix, err
}
