package bench

import (
	"fmt"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// lineRequest is struct gpio_v2_line_request of linux/gpio.h.
type lineRequest struct {
	numbers  [64]uint32
	consumer [32]byte
	flags    uint64
	attrs    uint32
	_        [5]uint32
	_        [10][3]uint64
	lines    uint32
	buffer   uint32
	_        [5]uint32
	fd       int32
}

const (
	requestLines = 0xc250b407 // GPIO_V2_GET_LINE_IOCTL
	flagInput    = 1 << 2     // GPIO_V2_LINE_FLAG_INPUT
)

// Hold takes a line of a chip's device as another program would, under a name, until release.
func Hold(device string, number int, name string) (release func() error, err error) {
	f, err := os.OpenFile(device, os.O_RDONLY, 0)
	if err != nil {
		return nil, fmt.Errorf("hold line: %w", err)
	}
	defer f.Close()
	q := lineRequest{flags: flagInput, lines: 1}
	q.numbers[0] = uint32(number)
	copy(q.consumer[:len(q.consumer)-1], name)
	_, _, errno := unix.Syscall(unix.SYS_IOCTL, f.Fd(), requestLines, uintptr(unsafe.Pointer(&q)))
	if errno != 0 {
		return nil, fmt.Errorf("hold line %d of %s: %w", number, device, errno)
	}
	return func() error { return unix.Close(int(q.fd)) }, nil
}
