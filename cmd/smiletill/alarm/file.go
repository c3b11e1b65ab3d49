package alarm

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"smiletill/cmd/smiletill/config"
)

// file is the path of the alarm's file.
type file string

// form is what is in it, for people.
type form struct {
	Since time.Time `json:"since"`
}

func (f file) Read() (time.Time, error) {
	data, err := os.ReadFile(string(f))
	said := form{Since: time.Now()}
	if err == nil && (json.Unmarshal(data, &said) != nil || said.Since.IsZero()) {
		said.Since = time.Now() // a power cut may have left the file empty
	}
	return said.Since, err
}

func (f file) Write(since time.Time) error {
	data, err := json.Marshal(form{since})
	if err != nil {
		return err
	}
	dir := filepath.Dir(string(f))
	if err := config.PreparePrivateDir(dir); err != nil {
		return err
	}
	// In place: an alarm that is half written is one.
	w, err := os.OpenFile(string(f), os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = w.Write(data)
	if err := errors.Join(err, w.Sync(), w.Close()); err != nil {
		return err
	}
	return syncFolder(dir)
}

func (f file) Remove() error {
	err := os.Remove(string(f))
	if err == nil || errors.Is(err, fs.ErrNotExist) {
		err = syncFolder(filepath.Dir(string(f)))
	}
	return err
}

func syncFolder(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
