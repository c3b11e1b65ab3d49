package setup

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"smiletill/payment"
)

// fats are what a stick is formatted with anywhere; larger ones are exFAT.
func fats() []string { return []string{"vfat", "exfat"} }

// stick mounts a stick by its label, if it is there within the time that is given, and calls use with the
// folder. kinds are the file systems that it may have. Without a stick nothing is called. What is on it is
// data: no program of it can be run.
func stick(byLabel, label string, kinds []string, wait time.Duration, use func(folder string) error) error {
	device := filepath.Join(byLabel, label)
	for end := time.Now().Add(wait); ; time.Sleep(100 * time.Millisecond) {
		_, err := os.Stat(device)
		if err == nil {
			break
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("look for the stick: %w", err)
		}
		if time.Now().After(end) {
			return nil
		}
	}
	folder, err := os.MkdirTemp("/run", "smiletill-stick") // in memory, whatever else is mounted by then
	if err != nil {
		return fmt.Errorf("mount the stick: %w", err)
	}
	defer os.Remove(folder)
	if err := mount(device, folder, kinds); err != nil {
		return payment.WithHint(fmt.Errorf("mount the stick %s: %w", label, err),
			"format it as FAT, with the label "+label)
	}
	return errors.Join(use(folder), unix.Unmount(folder, 0))
}

// mount takes the first kind that fits. One that can't be written, with its switch on LOCK, counts all the
// same.
func mount(device, folder string, kinds []string) (err error) {
	const flags = unix.MS_NOSUID | unix.MS_NODEV | unix.MS_NOEXEC | unix.MS_SYNCHRONOUS
	for _, kind := range kinds {
		for _, readOnly := range []uintptr{0, unix.MS_RDONLY} {
			if err = unix.Mount(device, folder, kind, flags|readOnly, ""); err == nil {
				return nil
			}
		}
	}
	return err
}
