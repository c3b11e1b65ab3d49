//go:build linux

package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	header = 312 // bytes of struct dm_ioctl
	room   = 1024
	name   = "smiletill-root"
)

// request is a struct dm_ioctl for the device called name, with room for one target behind it, in the
// machine's byte order.
func request(flags uint32) []byte {
	b := make([]byte, room)
	for i, v := range []uint32{4, 0, 0, room, header} { // version, size, where the targets begin
		binary.NativeEndian.PutUint32(b[4*i:], v)
	}
	binary.NativeEndian.PutUint32(b[28:], flags)
	copy(b[48:48+128], name)
	return b
}

// target adds a struct dm_target_spec with its parameters: sectors of 512 bytes from the first on.
func target(b []byte, kind string, sectors uint64, parameters string) error {
	spec := b[header:]
	if 40+len(parameters)+1 > len(spec) {
		return fmt.Errorf("the table of %s has %d bytes, too many", kind, len(parameters))
	}
	binary.NativeEndian.PutUint32(b[20:], 1) // targets
	binary.NativeEndian.PutUint64(spec[8:], sectors)
	copy(spec[24:24+16], kind)
	copy(spec[40:], parameters)
	return nil
}

// verify makes a device whose blocks are held against the tree when they are read, and gives its path.
func verify(w rootWanted, partition string) (string, error) {
	number, err := os.ReadFile("/sys/class/misc/device-mapper/dev")
	if err != nil {
		return "", fmt.Errorf("look for the device mapper: %w", err)
	}
	var major, minor uint32
	if _, err := fmt.Sscanf(string(number), "%d:%d", &major, &minor); err != nil {
		return "", fmt.Errorf("look for the device mapper: %w", err)
	}
	control := "/control" // its usual node is in a folder that udev makes
	err = unix.Mknod(control, unix.S_IFCHR|0o600, int(unix.Mkdev(major, minor)))
	if err != nil && !errors.Is(err, unix.EEXIST) {
		return "", fmt.Errorf("make the device mapper's node: %w", err)
	}
	f, err := os.OpenFile(control, os.O_RDWR, 0)
	if err != nil {
		return "", err
	}
	defer f.Close()
	load := request(unix.DM_READONLY_FLAG)
	if err := target(load, "verity", w.blocks*8, w.table(partition)); err != nil {
		return "", err
	}
	var device uint64
	for _, step := range []struct {
		what string
		call uintptr
		data []byte
	}{
		{"make", unix.DM_DEV_CREATE, request(0)},
		{"describe", unix.DM_TABLE_LOAD, load},
		{"start", unix.DM_DEV_SUSPEND, request(0)}, // without the flag to suspend it resumes
	} {
		_, _, errno := unix.Syscall(unix.SYS_IOCTL, f.Fd(), step.call, uintptr(unsafe.Pointer(&step.data[0])))
		if errno != 0 {
			return "", fmt.Errorf("%s the verified device: %w", step.what, errno)
		}
		device = binary.NativeEndian.Uint64(step.data[40:])
	}
	path := fmt.Sprintf("/dev/dm-%d", unix.Minor(device))
	for end := time.Now().Add(5 * time.Second); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if _, err := os.Stat(path); err == nil {
			return path, nil
		}
	}
	return "", fmt.Errorf("%s did not appear", filepath.Base(path))
}
