package vault

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"smiletill/device/tpm"
	"smiletill/payment"
	"smiletill/payment/journal"
)

// plainName is the file that says on which machine keys stay as they are, by its TPM: they were unsealed
// there. A start seals them on another one, which takes the file away.
const plainName = "unsealed"

func (v *Vault) plainPath() string { return filepath.Join(v.cfg.Paths.DataDir, plainName) }

// stayPlain notes that keys stay as they are on this machine.
func (v *Vault) stayPlain() error {
	id, err := v.tpm.Machine()
	if errors.Is(err, tpm.ErrNone) {
		return nil // what is sealed says more
	}
	if err != nil {
		return err
	}
	path := v.plainPath()
	err = os.WriteFile(path+".new", []byte(id+"\n"), 0o600)
	if err == nil {
		err = ownedLike(path+".new", v.cfg.Paths.DataDir)
	}
	if err == nil {
		err = os.Rename(path+".new", path)
	}
	return errors.Join(err, syncFolder(path))
}

// staysPlain tells whether keys were unsealed on this machine. Where one is sealed that is not so, whoever
// has written the file: it must not keep the TPM's counter from being asked.
func (v *Vault) staysPlain() (bool, error) {
	was, err := os.ReadFile(v.plainPath())
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	for _, f := range v.files() {
		if sealed, err := begins(f.path); sealed && err == nil {
			return false, nil
		}
	}
	id, err := v.tpm.Machine()
	if err != nil {
		return false, err
	}
	return strings.TrimSpace(string(was)) == id, nil
}

// stopped tells whether no terminal runs here, out of order as well: that has no lock, and would seal again
// what is being unsealed.
func (v *Vault) stopped() error {
	if _, err := os.Stat(v.cfg.Paths.DataDir); errors.Is(err, fs.ErrNotExist) {
		return payment.WithHint(errors.New("nothing is sealed: "+v.cfg.Paths.DataDir+" is not there"),
			"name the terminal's folder: paths.data_dir, or the configuration that has it")
	}
	c, err := net.Dial("unix", v.cfg.Paths.ControlSocket)
	if err != nil {
		return nil // nobody is there
	}
	return payment.WithHint(errors.Join(errors.New("the terminal runs"), c.Close()),
		"stop the terminal first: `sudo systemctl stop smiletill`")
}

// hold has the data folder for itself.
func (v *Vault) hold() (io.Closer, error) {
	path := v.cfg.JournalPath()
	lock, err := journal.Hold(path)
	if err != nil {
		return nil, err
	}
	if err := ownedLike(path+".lock", v.cfg.Paths.DataDir); err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	return lock, nil
}

// ownedLike gives a file that root has made to who owns another.
func ownedLike(path, like string) error {
	info, err := os.Stat(like)
	if err != nil {
		return err
	}
	owner, ok := info.Sys().(*syscall.Stat_t)
	if !ok || os.Geteuid() != 0 {
		return nil
	}
	if err := os.Lchown(path, int(owner.Uid), int(owner.Gid)); err != nil {
		return fmt.Errorf("give %s to the terminal's user: %w", path, err)
	}
	return nil
}
