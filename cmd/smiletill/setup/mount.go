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

// Stick mounts a stick by its label, as first settings do, and calls use with the folder; see stick.
func Stick(label string, wait time.Duration, use func(folder string) error) error {
	return stick("/dev/disk/by-label", label, fats(), wait, use)
}

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

// writable makes a card's first partition, which is mounted read-only, writable for as long as use takes.
// Other folders are left as they are.
func (t Target) writable(folder string, use func() error) error {
	var is unix.Statfs_t
	if err := unix.Statfs(folder, &is); err != nil || is.Flags&unix.ST_RDONLY == 0 {
		return use() // which says what is wrong with the folder
	}
	if t.Kept == "" && !mounted(folder) {
		return use()
	}
	// What else the mount is stays: these have the same numbers in both lists, the times of reading have not.
	keep := uintptr(is.Flags) & (unix.MS_NOSUID | unix.MS_NODEV | unix.MS_NOEXEC | unix.MS_NOATIME)
	remount := func(flags uintptr) error {
		if err := unix.Mount("", folder, "", unix.MS_REMOUNT|keep|flags, ""); err != nil {
			return fmt.Errorf("mount %s anew: %w", folder, err)
		}
		return nil
	}
	if err := remount(unix.MS_BIND); err != nil { // the place where it is mounted
		return err
	}
	back := remount
	// and the file system itself
	if err := unix.Statfs(folder, &is); err == nil && is.Flags&unix.ST_RDONLY != 0 {
		if err := remount(0); err != nil {
			return err
		}
		back = func(flags uintptr) error { return errors.Join(remount(unix.MS_RDONLY), remount(flags)) }
	}
	return errors.Join(use(), back(unix.MS_BIND|unix.MS_RDONLY))
}

// Writable is writable, for who changes settings elsewhere than first settings do.
func (t Target) Writable(folder string, use func() error) error { return t.writable(folder, use) }

// mounted tells whether a file system of its own is mounted at a folder: not of a folder that is another's.
func mounted(folder string) bool {
	var is, above unix.Stat_t
	return unix.Stat(folder, &is) == nil && unix.Stat(filepath.Dir(filepath.Clean(folder)), &above) == nil &&
		is.Dev != above.Dev
}
