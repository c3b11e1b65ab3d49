package models

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// ErrFile marks a model file that is missing, unreadable or not the one in the manifest.
var ErrFile = errors.New("model file cannot be used")

// FileError says what is wrong with a model file.
type FileError struct {
	Path     string // where it was looked for
	Expected string // its sha256 in the manifest
	Found    string // its sha256 on disk; "" when it could not be read whole
	Err      error  // why it could not be read; nil when only the hash differs
}

func (e *FileError) Error() string {
	if e.Err != nil {
		return fmt.Sprintf("models: load %s: %v (expected sha256 %s)", e.Path, e.Err, e.Expected)
	}
	return fmt.Sprintf("models: load %s: expected sha256 %s, found %s", e.Path, e.Expected, e.Found)
}

// Unwrap makes every FileError an ErrFile, and keeps the cause.
func (e *FileError) Unwrap() []error { return []error{ErrFile, e.Err} }

// Hint says what the operator can do about it.
func (e *FileError) Hint() string {
	return fmt.Sprintf("put the right %s into %s: run make deps, or install the package again",
		filepath.Base(e.Path), filepath.Dir(e.Path))
}

// Load reads the file for a task of this build from dir and verifies it.
func Load(dir string, task Task) ([]byte, error) {
	m, err := Built()
	if err != nil {
		return nil, err
	}
	return m.Load(dir, task)
}

// Load reads the file for a task from dir and verifies its length and sha256. Its errors are a *FileError,
// except for a task that the manifest does not list.
func (m Manifest) Load(dir string, task Task) ([]byte, error) {
	mod, err := m.Model(task)
	if err != nil {
		return nil, err
	}
	path := filepath.Join(dir, mod.File)
	bad := func(err error, found string) error {
		return &FileError{Path: path, Expected: mod.SHA256, Found: found, Err: err}
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, bad(err, "")
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxBytes+1)) // no more, whatever the file is
	if err != nil {
		return nil, bad(err, "")
	}
	sum := sha256.Sum256(data)
	if found := hex.EncodeToString(sum[:]); found != mod.SHA256 {
		return nil, bad(nil, found)
	}
	if int64(len(data)) != mod.Bytes {
		return nil, bad(fmt.Errorf("%d bytes, the manifest says %d", len(data), mod.Bytes), mod.SHA256)
	}
	return data, nil
}
