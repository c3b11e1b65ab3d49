package vault

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"syscall"

	"smiletill/device/tpm"
	"smiletill/payment"
	"smiletill/payment/report/signature"
	"smiletill/vision/gallery"
)

// keyFile is a file that holds a key, sealed or not.
type keyFile struct {
	path, purpose string
	check         func(plain []byte) error // whether that is a key of this kind
}

func (v *Vault) files() []keyFile {
	return []keyFile{{v.cfg.TerminalKeyPath(), Reports, signature.CheckKey},
		{gallery.KeyPath(v.cfg.GalleryDir()), Faces, gallery.CheckKey}}
}

// good tells whether a file has a key, that of what is sealed by opening it.
func (v *Vault) good(f keyFile, path string) error {
	data, err := os.ReadFile(path)
	if err == nil && tpm.Sealed(data) {
		data, err = v.For(f.purpose).unseal(data)
	}
	if err == nil {
		err = f.check(data)
	}
	return err
}

// beside are the names that a file has while it is replaced. A backup leaves out what begins with a dot.
func (f keyFile) beside() (next, was string) {
	dir, name := filepath.Split(f.path)
	return filepath.Join(dir, "."+name+".next"), filepath.Join(dir, "."+name+".was")
}

// Settle seals the files of keys that are not sealed yet, if there is a TPM, and ends what was begun when the
// power went. wait leaves them as they are for now: where a version before this one may be back in a minute,
// which could not read them.
func (v *Vault) Settle(wait bool, log *slog.Logger) (err error) {
	v.wait = wait
	if v.off() && !v.begun() {
		return nil
	}
	lock, err := v.hold() // no command unseals meanwhile
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, lock.Close()) }()
	if err := v.settle(log, func() error { return nil }); err != nil {
		return err
	}
	if use, err := v.seals(); wait || !use || err != nil {
		return v.unlessNamed(err)
	}
	return removed(v.plainPath()) // of another machine
}

// begun tells whether a replacement was cut off.
func (v *Vault) begun() bool {
	return slices.ContainsFunc(v.files(), func(f keyFile) bool {
		next, was := f.beside()
		_, err := os.Lstat(next)
		_, err2 := os.Lstat(was)
		return err == nil || err2 == nil
	})
}

// settle is Settle with a test's cut before each change on the disk.
func (v *Vault) settle(log *slog.Logger, cut func() error) error {
	for _, f := range v.files() {
		if err := v.settleFile(f, log, cut); err != nil {
			return fmt.Errorf("seal %s: %w", f.path, err)
		}
	}
	return nil
}

func (v *Vault) settleFile(f keyFile, log *slog.Logger, cut func() error) error {
	if err := v.finish(f, cut); err != nil {
		return err
	}
	plain, err := os.ReadFile(f.path)
	if errors.Is(err, fs.ErrNotExist) || err == nil && tpm.Sealed(plain) || v.wait {
		return nil
	}
	if err != nil {
		return err // who opens it says more
	}
	if f.check(plain) != nil {
		return nil // and of what is no key too
	}
	s := v.For(f.purpose)
	var sealed []byte
	use, err := v.seals()
	if use {
		sealed, err = s.seal(plain)
	}
	if err != nil {
		log.Warn("there is a TPM, and keys are not sealed to it", "err", err, "file", f.path,
			"hint", payment.HintOf(err))
		return v.unlessNamed(err)
	}
	if !use {
		return nil
	}
	err = f.replace(sealed, func(data []byte) error { return s.proves(data, plain) }, cut)
	if err == nil {
		log.Info("a key was sealed to this machine's TPM", "file", f.path)
	}
	return err
}

// replace puts data in the place of what the file holds, which is overwritten once what is on the disk was
// proven.
func (f keyFile) replace(data []byte, proven func([]byte) error, cut func() error) error {
	next, was := f.beside()
	if err := cut(); err != nil {
		return err
	}
	if err := writeLike(next, f.path, data); err != nil {
		return errors.Join(err, removed(next))
	}
	if err := prove(next, proven); err != nil {
		return errors.Join(err, removed(next))
	}
	for _, step := range []func() error{
		func() error { return os.Link(f.path, was) },
		func() error { return os.Rename(next, f.path) },
		func() error { return syncFolder(f.path) },
		func() error { return prove(f.path, proven) },
		func() error { return overwrite(was) },
		func() error { return removed(was) },
		func() error { return syncFolder(f.path) },
	} {
		if err := cut(); err != nil {
			return err
		}
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// finish ends a replacement from wherever it was cut off.
func (v *Vault) finish(f keyFile, cut func() error) error {
	next, was := f.beside()
	if err := removed(next); err != nil { // it never took its place
		return err
	}
	old, err := os.Lstat(was)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	var now fs.FileInfo
	if err == nil {
		now, err = os.Lstat(f.path)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := cut(); err != nil {
		return err
	}
	if now != nil && os.SameFile(old, now) { // it was not replaced: one file of two names
		return errors.Join(removed(was), syncFolder(f.path))
	}
	err = v.good(f, f.path)
	if damaged(err) { // what was to be overwritten may be the only key
		return v.putBack(f, err)
	}
	if err == nil {
		err = overwrite(was)
	}
	if err == nil {
		err = cut()
	}
	if err != nil {
		return err
	}
	return errors.Join(removed(was), syncFolder(f.path))
}

// damaged tells whether a file is none, or holds no key, or one that its TPM has forgotten.
func damaged(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, signature.ErrKey) ||
		errors.Is(err, gallery.ErrKeyDamaged) || errors.Is(err, tpm.ErrDamaged) ||
		errors.Is(err, tpm.ErrCleared)
}

// putBack has a file be what it was before it was replaced by what is damaged, if that is better.
func (v *Vault) putBack(f keyFile, why error) error {
	_, was := f.beside()
	if err := v.good(f, was); damaged(err) {
		return nil // neither is a key: who opens it says so, and both stay as they are
	} else if err != nil {
		return errors.Join(why, err)
	}
	return errors.Join(os.Rename(was, f.path), syncFolder(f.path))
}

// writeLike writes a file that belongs to whom another does, for nobody else to read, and syncs it.
func writeLike(path, like string, data []byte) error {
	info, err := os.Stat(like)
	if err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	if owner, ok := info.Sys().(*syscall.Stat_t); ok && os.Geteuid() == 0 {
		err = f.Chown(int(owner.Uid), int(owner.Gid))
	}
	if err == nil {
		_, err = f.Write(data)
	}
	return errors.Join(err, f.Sync(), f.Close())
}

func prove(path string, proven func([]byte) error) error {
	data, err := os.ReadFile(path)
	if err == nil {
		err = proven(data)
	}
	return err
}

// overwrite has zeros where a file's bytes are. A flash card may keep the old ones all the same.
func overwrite(path string) error {
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	info, err := f.Stat()
	if err == nil {
		_, err = f.Write(bytes.Repeat([]byte{0}, int(info.Size())))
	}
	return errors.Join(err, f.Sync(), f.Close())
}

func removed(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// syncFolder syncs the folder that a file is in.
func syncFolder(path string) error {
	d, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
