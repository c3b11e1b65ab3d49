package erasure

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"smiletill/cmd/smiletill/config"
	"smiletill/cmd/smiletill/setup"
	"smiletill/cmd/smiletill/witness"
	"smiletill/payment"
)

// eraser erases what a mark says, from wherever it was cut off.
type eraser struct {
	mark
	data string
	cut  func(step string) error // called before each change of the disk; a test's
}

// stays is what of a data folder is not erased by the sweep: the machine's, and the erasure's own.
func (e eraser) stays() []string {
	all := []string{"lost+found", "rauc.status", "update", doneName, markName, markName + ".new", lockName,
		attendedName, "journal.db.lock"}
	if e.Network {
		all = append(all, "setup")
	}
	return all
}

// erase does all of it but the mark.
func (e eraser) erase() error {
	for _, step := range []func() error{e.keys, e.faces, e.rest, e.receipt, e.settings} {
		if err := step(); err != nil {
			return payment.WithHint(fmt.Errorf("erase: %w", err),
				"see what is named, and run `sudo smiletill factory-reset` (or decommission) again: it goes on from "+
					"where it is. No payment is taken before it is done")
		}
	}
	return nil
}

// keys overwrites and removes what opens something: whoever has the rest has nothing then.
func (e eraser) keys() error {
	// The link first: settings are read without what the cloud gave then, and not with a half of it.
	if err := e.remove(filepath.Join(e.data, "claimed"), true); err != nil {
		return err
	}
	for _, pattern := range []string{"gallery/*.key", "gallery/.*.key*", "*.key", ".*.key*", ".key-*",
		"pins.db*", "claimed-*", ".claimed-new", "registers.json", "*.pem", "*.crt", "*.p12"} {
		found, err := filepath.Glob(filepath.Join(e.data, pattern))
		if err != nil {
			return err
		}
		for _, path := range found {
			if err := e.remove(path, true); err != nil {
				return err
			}
		}
	}
	for _, path := range e.Outside {
		if err := e.remove(path, true); err != nil {
			return err
		}
	}
	return nil
}

func (e eraser) faces() error { return e.remove(filepath.Join(e.data, "gallery"), true) }

// rest removes all else of the data folder, and what is beside it.
func (e eraser) rest() error {
	all, err := os.ReadDir(e.data)
	if err != nil {
		return err
	}
	for _, one := range all {
		if slices.Contains(e.stays(), one.Name()) {
			continue
		}
		if err := e.remove(filepath.Join(e.data, one.Name()), false); err != nil {
			return err
		}
	}
	beside, err := os.ReadDir(witness.Beside(e.data))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	for _, one := range beside { // the folder is the package's
		if err := e.remove(filepath.Join(witness.Beside(e.data), one.Name()), false); err != nil {
			return err
		}
	}
	return e.remove(filepath.Join(e.data, "setup", "etc", "smiletill"), true)
}

// receipt puts the receipt where it was asked for; where that can't be, it is kept for who asks next.
func (e eraser) receipt() error {
	if e.Receipt == nil {
		return nil
	}
	text, err := e.text()
	if err != nil {
		return err
	}
	if err := e.cut("keep the receipt"); err != nil {
		return err
	}
	if e.Save != "" && save(e.Save, text) == nil {
		return nil
	}
	if old, err := readOwn(filepath.Join(e.data, doneName)); err == nil && bytes.Equal(old, text) {
		return nil
	}
	return replace(filepath.Join(e.data, doneName), text, e.data)
}

// save writes a file that is no link to another.
func save(path string, text []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC|syscall.O_NOFOLLOW, 0o644)
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	return errors.Join(err, f.Sync(), f.Close(), syncDir(filepath.Dir(path)))
}

func synced(path string) error {
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close(), syncDir(filepath.Dir(path)))
}

const (
	networks = "/etc/NetworkManager/system-connections/smiletill-"
	cloudOf  = "/etc/smiletill/claim.toml"
)

// settings puts the documented example in the place of the settings: they name the shop. Of the machine's own
// terminal the network's secrets go too.
func (e eraser) settings() error {
	if e.Settings == "" {
		return nil
	}
	path := e.Settings
	if itself, err := filepath.EvalSymlinks(path); err == nil {
		path = itself
	}
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return setup.Target{}.Writable(filepath.Dir(path), func() error {
		if e.Settings == config.SystemFile {
			if err := e.machine(filepath.Dir(path)); err != nil {
				return err
			}
		}
		if text, err := os.ReadFile(path); err == nil && bytes.Equal(text, []byte(config.Example)) {
			return nil
		}
		if err := e.cut("put the settings back to the defaults"); err != nil {
			return err
		}
		if err := scramble(path); err != nil {
			return err
		}
		// In its place: on a card's FAT, and for whoever may read it, the file stays what it is.
		if err := os.WriteFile(path, []byte(config.Example), info.Mode().Perm()); err != nil {
			return err
		}
		return synced(path)
	})
}

// machine removes first settings that would be taken over anew, and the network's passwords.
func (e eraser) machine(dir string) error {
	gone := []string{filepath.Join(dir, setup.FileName), filepath.Join(dir, "setup-report.txt"), cloudOf}
	if !e.Network {
		gone = append(gone, networks+"wifi.nmconnection", networks+"cable.nmconnection")
	}
	for _, path := range gone {
		if err := e.remove(path, true); err != nil {
			return err
		}
	}
	return nil
}

// remove removes a file, a link, or a folder with all that is in it; over writes random bytes over each file
// first.
func (e eraser) remove(path string, over bool) error {
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if info.IsDir() {
		all, err := os.ReadDir(path)
		if err != nil {
			return err
		}
		for _, one := range all {
			if err := e.remove(filepath.Join(path, one.Name()), over); err != nil {
				return err
			}
		}
	}
	if err := e.cut("remove " + strings.TrimPrefix(path, e.data+"/")); err != nil {
		return err
	}
	if over && info.Mode().IsRegular() {
		if err := scramble(path); err != nil {
			return err
		}
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return syncDir(filepath.Dir(path))
}

// scramble writes random bytes over a file in its place. On a disk that writes where it was asked to, the old
// ones are gone; a card's controller may keep them where nobody reads but who opens it.
func scramble(path string) error {
	f, err := os.OpenFile(path, os.O_WRONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	info, err := f.Stat()
	if err == nil {
		_, err = io.CopyN(f, rand.Reader, info.Size())
	}
	return errors.Join(err, f.Sync(), f.Close())
}

// end removes the mark, and then what was locked.
func (e eraser) end() error {
	if err := e.cut("remove the mark"); err != nil {
		return err
	}
	for _, name := range []string{markName, markName + ".new", attendedName, "journal.db.lock", lockName} {
		if err := e.remove(filepath.Join(e.data, name), false); err != nil {
			return err
		}
	}
	return nil
}
