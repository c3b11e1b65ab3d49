package erasure

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"smiletill/cmd/smiletill/config"
	"smiletill/payment"
	"smiletill/payment/report/claim"
)

// The files of an erasure in the data folder: the mark, and what is locked by who erases.
const (
	markName = "erasing.json"
	lockName = "erasing.lock"
	// doneName is a receipt that could not be handed out: nobody was there when the erasure ended.
	doneName = "erased.json"
)

// phase is how far an erasure has come.
type phase string

const (
	wanted  phase = "wanted"  // nothing has changed: it can be taken back
	telling phase = "telling" // the cloud is told, and may have heard it
	erasing phase = "erasing" // keys go
)

// mark is what is known of an erasure that is not at its end. It holds nothing that is to be erased.
type mark struct {
	Phase    phase            `json:"phase"`
	What     string           `json:"what"`
	Settings string           `json:"settings"`          // the file; "" for none
	Outside  []string         `json:"outside,omitempty"` // secrets of the settings that lie elsewhere
	Network  bool             `json:"network,omitempty"` // it stays
	Save     string           `json:"save,omitempty"`    // where the receipt is to go; "": printed alone
	Silent   bool             `json:"silent,omitempty"`  // the cloud is not told
	Cloud    string           `json:"cloud,omitempty"`   // that was told
	Source   string           `json:"source"`
	Receipt  *claim.Departure `json:"receipt,omitempty"` // nil: there was no key to sign one
	Key      string           `json:"key,omitempty"`     // public, in PEM, that it holds by
}

// own has what lies outside the data folder be what the settings and who asks say, not what the mark does:
// its folder is the service's own, and root may be who goes on.
func (m *mark) own(cfg config.Config, o Order) {
	m.Settings, m.Outside, m.Save = settingsOf(cfg, o.Settings), outside(cfg), o.Save
}

// readOwn reads a file of the data folder, which is no link to another's.
func readOwn(path string) ([]byte, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, 1<<20))
}

func readMark(data string) (m mark, is bool, err error) {
	text, err := readOwn(filepath.Join(data, markName))
	if errors.Is(err, fs.ErrNotExist) {
		return m, false, nil
	}
	if err == nil {
		err = json.Unmarshal(text, &m)
	}
	if err != nil { // which is never begun: it is replaced as a whole
		return m, true, fmt.Errorf("read what is being erased: %w", err)
	}
	return m, true, nil
}

func (m mark) keep(data string) error {
	text, err := json.Marshal(m)
	if err == nil {
		err = replace(filepath.Join(data, markName), text, data)
	}
	if err != nil {
		return fmt.Errorf("write down what is being erased: %w", err)
	}
	return nil
}

// replace writes a file whole or not at all, for the owner of another.
func replace(path string, text []byte, like string) error {
	if err := os.Remove(path + ".new"); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	f, err := os.OpenFile(path+".new", os.O_WRONLY|os.O_CREATE|os.O_EXCL|syscall.O_NOFOLLOW, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	if err = errors.Join(err, f.Sync(), f.Close()); err == nil {
		err = owned(path+".new", like)
	}
	if err == nil {
		err = os.Rename(path+".new", path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(path+".new"))
	}
	return syncDir(filepath.Dir(path))
}

// owned gives a file to the owner of another, where root does it.
func owned(path, like string) error {
	info, err := os.Stat(like)
	if err != nil {
		return err
	}
	owner, ok := info.Sys().(*syscall.Stat_t)
	if !ok || os.Geteuid() != 0 {
		return nil
	}
	return os.Lchown(path, int(owner.Uid), int(owner.Gid))
}

func syncDir(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// errElsewhere is that another process erases.
var errElsewhere = errors.New("the terminal is being erased by another command")

// hold keeps others from erasing, until it is closed or the process ends.
func hold(cfg config.Config) (*os.File, error) {
	path := filepath.Join(cfg.Paths.DataDir, lockName)
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|syscall.O_NOFOLLOW, 0o600)
	if err != nil {
		return nil, fmt.Errorf("begin to erase: %w", err)
	}
	err = owned(path, cfg.Paths.DataDir)
	if err == nil {
		err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	}
	if errors.Is(err, syscall.EWOULDBLOCK) {
		err = payment.WithHint(errElsewhere, "wait for its end")
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}
