//go:build linux

package main

import (
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// field is where a colour lies in a pixel, in bits from the lowest.
type field struct{ offset, bits uint32 }

// canvas is a framebuffer's form: pixels, bytes from one line to the next, bytes of a pixel.
type canvas struct {
	width, height, line, depth int
	red, green, blue           field
}

// rgb is a colour, each part from 0 to 255.
type rgb [3]float64

// As the customer's page has them while it connects.
var (
	ground = rgb{0x1c, 0x1e, 0x24}
	ink    = rgb{0xff, 0xc7, 0x2e}
)

// check refuses what can't be drawn on.
func (c canvas) check() error {
	switch {
	case c.width <= 0 || c.height <= 0 || c.width > 16384 || c.height > 16384:
		return fmt.Errorf("a display of %d x %d", c.width, c.height)
	case c.depth < 2 || c.depth > 4 || c.line < c.width*c.depth || c.line > 1<<20:
		return fmt.Errorf("%d bytes a pixel, %d a line of %d", c.depth, c.line, c.width)
	}
	for _, f := range []field{c.red, c.green, c.blue} {
		if f.bits == 0 || f.bits > 8 || int(f.offset+f.bits) > 8*c.depth {
			return fmt.Errorf("a colour of %d bits at %d of %d", f.bits, f.offset, 8*c.depth)
		}
	}
	return nil
}

// pixel is a colour as the display wants it, in the machine's byte order.
func (c canvas) pixel(p rgb) (b [4]byte) {
	v := uint32(0)
	for i, f := range []field{c.red, c.green, c.blue} {
		v |= uint32(math.Round(p[i]/255*float64(uint32(1)<<f.bits-1))) << f.offset
	}
	binary.LittleEndian.PutUint32(b[:], v) // arm64, amd64
	return b
}

// row draws line y of "one moment, please": a ring around three dots, as the page has it that comes next. It
// says what it says in every language.
func (c canvas) row(y int, into []byte) {
	unit := 0.34 * float64(min(c.width, c.height)) / 240
	for x := range c.width {
		dx, dy := (float64(x)+0.5-float64(c.width)/2)/unit, (float64(y)+0.5-float64(c.height)/2)/unit
		inside := 4.5 - math.Abs(math.Hypot(dx, dy)-106) // of the ring, in units; below 0 outside
		for _, at := range []float64{-44, 0, 44} {
			inside = max(inside, 13-math.Hypot(dx-at, dy))
		}
		cover := min(max(inside*unit+0.5, 0), 1)
		var p rgb
		for i := range p {
			p[i] = ground[i] + cover*(ink[i]-ground[i])
		}
		b := c.pixel(p)
		copy(into[x*c.depth:], b[:c.depth])
	}
}

// draw puts the picture on a framebuffer, or what is like one.
func (c canvas) draw(f interface {
	WriteAt(b []byte, offset int64) (int, error)
}) error {
	if err := c.check(); err != nil {
		return err
	}
	line := make([]byte, c.width*c.depth)
	for y := range c.height {
		c.row(y, line)
		if _, err := f.WriteAt(line, int64(y)*int64(c.line)); err != nil {
			return err
		}
	}
	return nil
}

// describe asks the kernel what a framebuffer is like.
func describe(f *os.File) (canvas, error) {
	var variable [160]byte // struct fb_var_screeninfo
	var fixed [80]byte     // struct fb_fix_screeninfo of a 64-bit machine
	const getVariable, getFixed = 0x4600, 0x4602
	for _, q := range []struct {
		call uintptr
		into unsafe.Pointer
	}{{getVariable, unsafe.Pointer(&variable)}, {getFixed, unsafe.Pointer(&fixed)}} {
		if _, _, errno := unix.Syscall(unix.SYS_IOCTL, f.Fd(), q.call, uintptr(q.into)); errno != 0 {
			return canvas{}, errno
		}
	}
	word := func(b []byte, i int) uint32 { return binary.NativeEndian.Uint32(b[4*i:]) }
	v := variable[:]
	at := func(i int) field { return field{word(v, i), word(v, i+1)} }
	return canvas{width: int(word(v, 0)), height: int(word(v, 1)), depth: int(word(v, 6)) / 8,
		line: int(word(fixed[:], 12)), red: at(8), green: at(11), blue: at(14)}, nil
}

// splash draws on the first framebuffer, as soon as there is one, and again on one that takes its place,
// until stop is closed. A machine without a display starts all the same.
func splash(device string, stop <-chan struct{}) {
	drawn := ""
	for {
		if f, err := os.OpenFile(device, os.O_RDWR, 0); err == nil {
			name, _ := os.ReadFile("/sys/class/graphics/fb0/name")
			if c, err := describe(f); err == nil && drawn != string(name)+fmt.Sprint(c) {
				drawn = string(name) + fmt.Sprint(c)
				begun := time.Now()
				err := c.draw(f)
				fmt.Printf("init: the display says one moment: %d x %d, %d bits, %v; %v after the kernel's start\n",
					c.width, c.height, 8*c.depth, errOr(err, time.Since(begun).Round(time.Millisecond)), uptime())
			}
			_ = f.Close()
		}
		select {
		case <-stop:
			return
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func errOr(err error, took time.Duration) any {
	if err != nil {
		return err
	}
	return took
}

// uptime is the time since the kernel's start.
func uptime() time.Duration {
	var t unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_BOOTTIME, &t) // which every kernel has
	return time.Duration(t.Nano()).Round(10 * time.Millisecond)
}
