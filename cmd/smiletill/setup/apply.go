package setup

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"smiletill/payment"
)

func hintOf(err error) string {
	if h := payment.HintOf(err); h != "" {
		return h
	}
	return "mend that first"
}

// replace makes a file what it is to be: beside it, synced, renamed. One that is so already is left alone. A
// file that was there keeps its owner; a new one gets its folder's group, the terminal's in /etc/smiletill.
func replace(c change) error {
	before, err := os.ReadFile(c.path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("write %s: %w", c.path, err)
	}
	info, errStat := os.Stat(c.path)
	if err == nil && errStat == nil && bytes.Equal(before, c.data) && info.Mode().Perm()&^c.mode == 0 {
		return nil
	}
	dir := filepath.Dir(c.path)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("write %s: %w", c.path, err)
	}
	if errStat != nil {
		if info, err = os.Stat(dir); err != nil {
			return fmt.Errorf("write %s: %w", c.path, err)
		}
	}
	beside := filepath.Join(dir, "."+filepath.Base(c.path)+".new")
	if err := os.Remove(beside); err != nil && !errors.Is(err, fs.ErrNotExist) { // of a run that was cut short
		return fmt.Errorf("write %s: %w", c.path, err)
	}
	f, err := os.OpenFile(beside, os.O_WRONLY|os.O_CREATE|os.O_EXCL, c.mode)
	if err != nil {
		return fmt.Errorf("write %s: %w", c.path, err)
	}
	_, err = f.Write(c.data)
	err = errors.Join(err, unlessFAT(f.Chmod(c.mode)), unlessFAT(own(f, info, errStat == nil)), f.Sync(),
		f.Close())
	if err != nil {
		return fmt.Errorf("write %s: %w", c.path, errors.Join(err, os.Remove(beside)))
	}
	if err := os.Rename(beside, c.path); err != nil {
		return fmt.Errorf("write %s: %w", c.path, err)
	}
	return syncFolder(dir)
}

// unlessFAT forgives that a file system without owners and modes keeps none.
func unlessFAT(err error) error {
	if errors.Is(err, syscall.EPERM) {
		return nil
	}
	return err
}

// own gives a new file the owner of the one before, or the group of its folder. Only root can.
func own(f *os.File, of fs.FileInfo, whole bool) error {
	st, ok := of.Sys().(*syscall.Stat_t)
	if !ok || os.Geteuid() != 0 {
		return nil
	}
	uid := 0
	if whole {
		uid = int(st.Uid)
	}
	return f.Chown(uid, int(st.Gid))
}

func syncFolder(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("sync %s: %w", dir, err)
	}
	return errors.Join(d.Sync(), d.Close())
}
