package flash

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"smiletill/payment"
)

// find looks at what is to be written and refuses what must not be. A plain file is taken with plain alone,
// and may be missing.
func (m machine) find(path string, plain bool) (Disk, error) {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) && plain && !strings.HasPrefix(path, "/dev/") {
		return Disk{Path: path, Plain: true}, nil
	}
	if err != nil {
		return Disk{}, payment.WithHint(err, "is the card in its reader? `lsblk` lists the disks of this machine")
	}
	own, _, err := m.number(path)
	switch {
	case err != nil:
		return Disk{}, fmt.Errorf("look at %s: %w", path, err)
	case info.Mode().IsRegular() && own == "" && plain:
		return Disk{Path: path, Plain: true}, nil
	case own == "":
		return Disk{}, payment.WithHint(fmt.Errorf("%s is not a disk", path),
			"name the card's device: `lsblk` lists them, /dev/sdb or /dev/mmcblk0 for example; "+
				"--file writes into a plain file")
	case plain:
		return Disk{}, payment.WithHint(fmt.Errorf("%s is a device, and --file is for plain files", path),
			"leave --file out")
	}
	dir, err := m.block(own)
	if err != nil {
		return Disk{}, fmt.Errorf("look at %s: %w", path, err)
	}
	d := m.disk(dir, path, own)
	if err := m.refuse(dir, path); err != nil {
		return Disk{}, err
	}
	if err := m.may(path); err != nil {
		return Disk{}, payment.WithHint(fmt.Errorf("open %s: %w", path, err), "begin the command with sudo")
	}
	if d.Bytes == 0 {
		return Disk{}, payment.WithHint(fmt.Errorf("%s has no card in it", path), "put the card into the reader")
	}
	return d, nil
}

// refuse says why the device behind a folder of sysfs must not be written, or nil.
func (m machine) refuse(dir, path string) error {
	name := filepath.Base(dir)
	switch {
	case there(dir, "partition"):
		whole := "/dev/" + filepath.Base(filepath.Dir(dir))
		return payment.WithHintf(fmt.Errorf("%s is a partition, and an image holds a whole card", path),
			"if all of it is to be erased, name the whole disk: %s", whole)
	case there(dir, "dm"), there(dir, "md"):
		return payment.WithHint(fmt.Errorf("%s is made of other disks (%s)", path, name),
			"name the card itself: `lsblk` shows what it stands on")
	}
	uses, err := m.uses()
	if err != nil {
		return err
	}
	for _, u := range uses {
		if u.disks[name] && isSystem(u.where) {
			return payment.WithHintf(fmt.Errorf("this machine runs from %s: its %s is on it", path, u.where),
				"name the card: `lsblk` lists the disks of this machine")
		}
	}
	for _, u := range uses {
		switch {
		case u.disks[name] && u.where != "":
			return payment.WithHintf(fmt.Errorf("%s is in use: %s", path, u.what),
				"look whether it is the right one, then `sudo umount %s`", u.where)
		case u.disks[name]:
			return payment.WithHint(fmt.Errorf("%s is in use: %s", path, u.what),
				"it is hardly the card: `lsblk` lists the disks of this machine")
		}
	}
	for _, pattern := range []string{"holders/*", "*/holders/*"} {
		if held, _ := filepath.Glob(filepath.Join(dir, pattern)); len(held) > 0 {
			return payment.WithHintf(fmt.Errorf("%s is in use by %s", path, filepath.Base(held[0])),
				"`lsblk %s` shows what stands on it: close that first, if it is the right disk", path)
		}
	}
	if word(dir, "ro") == "1" {
		return payment.WithHint(fmt.Errorf("%s can't be written", path),
			"push the switch at the card's or the adapter's side away from LOCK; some cards that are worn out can "+
				"only be read")
	}
	return nil
}

// isSystem tells of a place that a running system can't do without.
func isSystem(where string) bool {
	for _, place := range []string{"/usr", "/boot", "/etc", "/var", "/home"} {
		if where == place || strings.HasPrefix(where, place+"/") && place == "/boot" {
			return true
		}
	}
	return where == "/"
}
