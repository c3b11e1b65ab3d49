//go:build linux

package main

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

func main() {
	err := boot()
	fmt.Println("init:", err)
	time.Sleep(10 * time.Second) // for who reads it
	for {
		unix.Sync()
		_ = unix.Reboot(unix.LINUX_REBOOT_CMD_RESTART)
		time.Sleep(time.Second)
	}
}

// boot returns only when it failed.
func boot() error {
	for dir, kind := range map[string]string{"/proc": "proc", "/sys": "sysfs", "/dev": "devtmpfs"} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
		if err := unix.Mount(kind, dir, kind, 0, ""); err != nil && !errors.Is(err, unix.EBUSY) {
			return fmt.Errorf("mount %s: %w", dir, err)
		}
	}
	line, err := os.ReadFile("/proc/cmdline")
	if err != nil {
		return err
	}
	want, err := parse(string(line))
	if err != nil {
		return err
	}
	stop, drawn := make(chan struct{}), make(chan struct{})
	go func() { splash("/dev/fb0", stop); close(drawn) }()
	settle := sync.OnceFunc(func() { close(stop); <-drawn })
	defer settle()
	if err := loadModules("/modules.list"); err != nil {
		return err
	}
	partition, err := find(want, "/sys/class/block", "/dev", 30*time.Second)
	if err != nil {
		return err
	}
	device, err := verify(want, partition)
	if err != nil {
		return err
	}
	const root = "/root"
	if err := os.MkdirAll(root, 0o755); err != nil {
		return err
	}
	if err := unix.Mount(device, root, "squashfs", unix.MS_RDONLY, ""); err != nil {
		return fmt.Errorf("mount %s: %w", device, err)
	}
	fmt.Printf("init: slot %s, root %s, verified by dm-verity, read-only\n", want.slot, partition)
	settle()
	return handOver(root)
}

// handOver makes dir the root and starts systemd in place of this program.
func handOver(dir string) error {
	if err := os.RemoveAll("/modules"); err != nil { // they are in memory twice
		return err
	}
	for _, d := range []string{"/dev", "/proc", "/sys"} {
		if err := unix.Mount(d, dir+d, "", unix.MS_MOVE, ""); err != nil {
			return fmt.Errorf("move %s: %w", d, err)
		}
	}
	if err := unix.Chdir(dir); err != nil {
		return err
	}
	if err := unix.Mount(".", "/", "", unix.MS_MOVE, ""); err != nil {
		return fmt.Errorf("move the root: %w", err)
	}
	if err := unix.Chroot("."); err != nil {
		return err
	}
	if err := unix.Exec("/sbin/init", []string{"/sbin/init"}, os.Environ()); err != nil {
		return fmt.Errorf("start systemd: %w", err)
	}
	return nil
}

// loadModules loads the files that a list names, one a line, in that order.
func loadModules(list string) error {
	text, err := os.ReadFile(list)
	if err != nil {
		return err
	}
	for name := range strings.FieldsSeq(string(text)) {
		f, err := os.Open("/modules/" + name)
		if err != nil {
			return err
		}
		err = unix.FinitModule(int(f.Fd()), "", 0)
		_ = f.Close()
		// A driver of what another board has may refuse; what the root lacks is said when it is looked for.
		if err != nil && !errors.Is(err, unix.EEXIST) {
			fmt.Printf("init: load %s: %v\n", name, err)
		}
	}
	return nil
}
