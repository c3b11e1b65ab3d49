package setup

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

// stick mounts a stick by its label, if it is there within the time that is given, and calls use with the
// folder. Without one nothing is called. What is on it is data: no program of it can be run.
func stick(byLabel, label string, wait time.Duration, use func(folder string) error) error {
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
	const flags = unix.MS_NOSUID | unix.MS_NODEV | unix.MS_NOEXEC | unix.MS_SYNCHRONOUS
	err = unix.Mount(device, folder, "vfat", flags, "")
	// its switch is on LOCK: the settings count all the same
	if errors.Is(err, unix.EACCES) || errors.Is(err, unix.EROFS) {
		err = unix.Mount(device, folder, "vfat", flags|unix.MS_RDONLY, "")
	}
	if err != nil {
		return fmt.Errorf("mount the stick %s (it has to be FAT): %w", label, err)
	}
	return errors.Join(use(folder), unix.Unmount(folder, 0))
}
