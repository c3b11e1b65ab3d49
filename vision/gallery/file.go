package gallery

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

const (
	lockName = "gallery.lock"
	// tempMark begins the names of files that are not yet renamed into place.
	tempMark = ".new-"
)

// lock makes this process the gallery's owner until the file is closed. flock(2) goes with the open
// file, so a killed owner leaves no lock behind, and two Galleries of one process exclude each other too.
func lock(dir string) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(dir, lockName), os.O_RDWR|os.O_CREATE|syscall.O_NOFOLLOW, 0o600)
	if err != nil {
		return nil, err
	}
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		f.Close()
		return nil, hint(ErrInUse, "a running terminal owns it: ask the terminal, or stop it and try again")
	}
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("lock %s: %w", f.Name(), err)
	}
	return f, nil
}

// private makes sure that path belongs to this user and that nobody else can read it.
func private(path string, fi fs.FileInfo, mode string) error {
	st, ok := fi.Sys().(*syscall.Stat_t)
	if !ok || int(st.Uid) != os.Geteuid() {
		return hint(fmt.Errorf("%s belongs to another user: %w", path, ErrUnsafe),
			fmt.Sprintf("run as its owner, or `chown` it to uid %d", os.Geteuid()))
	}
	if fi.Mode().Perm()&0o077 != 0 {
		return hint(fmt.Errorf("%s has mode %04o: %w", path, fi.Mode().Perm(), ErrUnsafe),
			"find out who has read it, then `chmod "+mode+" "+path+"`")
	}
	return nil
}

// makeDir makes the gallery's folder if it isn't there, and refuses one that others can look into.
func makeDir(dir string) error {
	_, err := os.Lstat(dir)
	if errors.Is(err, fs.ErrNotExist) {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return err
		}
		if err := syncDir(filepath.Dir(dir)); err != nil {
			return err
		}
	}
	fi, err := os.Lstat(dir)
	if err != nil {
		return err
	}
	if !fi.IsDir() {
		return hint(fmt.Errorf("%s isn't a folder", dir), "name a folder, or a place where nothing is yet")
	}
	return private(dir, fi, "0700")
}

// readFile reads a regular file of at most limit bytes; a longer one is cut at limit+1.
func readFile(path string, limit int64) ([]byte, fs.FileInfo, error) {
	// O_NONBLOCK: a pipe in a file's place must not hold us up.
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	fi, err := f.Stat()
	if err != nil {
		return nil, nil, err
	}
	if !fi.Mode().IsRegular() {
		return nil, nil, fmt.Errorf("%s isn't a regular file", path)
	}
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	return data, fi, err
}

// onError is what becomes of a file that is in place when the folder can't be synced. A new one that nobody
// was told of is removed; one that has replaced another is left, because the other is gone.
type onError bool

const removeOnError, leaveOnError onError = true, false

// writeFile puts data at dir/name whole or not at all: beside, fsync, rename, fsync of the folder. After
// an error there is no new file at dir/name or, with leaveOnError, the old or the new one.
func writeFile(dir, name string, data []byte, late onError) (err error) {
	f, err := os.CreateTemp(dir, tempMark+"*") // mode 0600
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, remove(f.Name()))
		}
	}()
	_, err = f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	path := filepath.Join(dir, name)
	if err = os.Rename(f.Name(), path); err != nil {
		return err
	}
	if err = syncDir(dir); err != nil && late == removeOnError {
		return errors.Join(err, remove(path))
	}
	return err
}

func remove(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// recordFiles returns the paths of dir's record files, ordered by name. It removes what a killed process
// had not yet renamed into place: nobody was told that it was there.
func recordFiles(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var files []string
	for _, e := range entries {
		path := filepath.Join(dir, e.Name())
		if strings.HasPrefix(e.Name(), tempMark) {
			if err := wipe(path); err != nil {
				return nil, err
			}
		} else if strings.HasSuffix(e.Name(), recordExt) {
			files = append(files, path)
		}
	}
	return files, nil
}
