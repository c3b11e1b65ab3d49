package storage

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"syscall"
	"time"
)

// leftovers are the names of files that the program had not yet renamed, linked or removed when its power
// went: the mark of whoever made them, and the digits of os.CreateTemp.
var leftovers = regexp.MustCompile(`^\.(new-probe|counter|new|migrated|key|settings-seen.json)-[0-9]+$`)

// lockless are those that a command makes without locking the folder, in some milliseconds.
var lockless = regexp.MustCompile(`^\.(migrated|key)-`)

// sureLeft is the age from which such a file is nobody's.
const sureLeft = time.Minute

// Clear removes from a folder what the program has left there that nobody was told of, before the files are
// opened; a folder that is not there is clear. It leaves alone what has another name or is no plain file, and
// what another process may be writing at the moment.
func Clear(dir string) error {
	folder, err := os.Open(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("clear the data folder: %w", err)
	}
	defer folder.Close() // ends the lock
	err = syscall.Flock(int(folder.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return nil // a command changes registers or the certificate: the next start clears
	}
	entries, readErr := folder.ReadDir(-1)
	if err := errors.Join(err, readErr); err != nil {
		return fmt.Errorf("clear the data folder: %w", err)
	}
	var failed error
	for _, e := range entries {
		if !e.Type().IsRegular() || !leftovers.MatchString(e.Name()) {
			continue
		}
		if info, err := e.Info(); lockless.MatchString(e.Name()) &&
			(err != nil || time.Since(info.ModTime()) < sureLeft) {
			continue
		}
		if err := os.Remove(filepath.Join(dir, e.Name())); err != nil && !errors.Is(err, fs.ErrNotExist) {
			failed = fmt.Errorf("clear the data folder: %w", err)
		}
	}
	return failed
}
