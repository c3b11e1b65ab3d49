package lines

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Chip is a GPIO chip of this machine as the kernel describes it at the moment.
type Chip struct {
	Path  string // /dev/gpiochip0
	Name  string // gpiochip0
	Label string // pinctrl-bcm2711
	Lines []Line
}

// Line is one of a chip.
type Line struct {
	Number   int
	Name     string // "GPIO17"; some kernels leave it empty
	Used     bool
	Consumer string // who uses it, if it said so
}

// The kernel's structures and requests, in the machine's byte order.
type chipInfo struct {
	name, label [32]byte
	lines       uint32
}

type lineInfo struct {
	name, consumer [32]byte
	number, attrs  uint32
	flags          uint64
	_              [10][2]uint64 // attributes, which nobody asks for here
	_              [4]uint32
}

const (
	getChipInfo = 0x8044b401 // GPIO_GET_CHIPINFO_IOCTL
	getLineInfo = 0xc100b405 // GPIO_V2_GET_LINEINFO_IOCTL
	flagUsed    = 1 << 0     // GPIO_V2_LINE_FLAG_USED
)

// Chips lists the chips that can be opened, in the order of their nodes. The error is of one that can't be;
// the others are listed all the same.
func Chips() ([]Chip, error) {
	nodes, err := filepath.Glob("/dev/gpiochip*")
	if err != nil {
		return nil, err
	}
	slices.Sort(nodes)
	var chips []Chip
	var failed error
	for _, node := range nodes {
		c, err := describe(node)
		if err != nil {
			failed = fmt.Errorf("ask %s what it is: %w", node, err)
			continue
		}
		// Raspberry Pi OS links gpiochip4 to gpiochip0
		if !slices.ContainsFunc(chips, func(o Chip) bool { return o.Name == c.Name }) {
			chips = append(chips, c)
		}
	}
	return chips, failed
}

func describe(node string) (Chip, error) {
	f, err := os.OpenFile(node, os.O_RDONLY, 0)
	if err != nil {
		return Chip{}, err
	}
	defer f.Close() // only asked questions
	var info chipInfo
	if err := ask(f, getChipInfo, unsafe.Pointer(&info)); err != nil {
		return Chip{}, err
	}
	c := Chip{Path: node, Name: text(info.name), Label: text(info.label)}
	for n := range info.lines {
		line := lineInfo{number: n}
		if err := ask(f, getLineInfo, unsafe.Pointer(&line)); err != nil {
			return Chip{}, err
		}
		c.Lines = append(c.Lines, Line{Number: int(n), Name: text(line.name), Used: line.flags&flagUsed != 0,
			Consumer: text(line.consumer)})
	}
	return c, nil
}

func ask(f *os.File, request uintptr, answer unsafe.Pointer) error {
	conn, err := f.SyscallConn()
	if err != nil {
		return err
	}
	var errno unix.Errno
	err = conn.Control(func(fd uintptr) {
		_, _, errno = unix.Syscall(unix.SYS_IOCTL, fd, request, uintptr(answer))
	})
	if err == nil && errno != 0 {
		err = errno
	}
	return err
}

func text(b [32]byte) string {
	s, _, _ := bytes.Cut(b[:], []byte{0})
	return string(s)
}
