package journal

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/unix"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"smiletill/payment"
)

// Why the journal can't do as asked. Errors of the package wrap these and carry a Hint.
var (
	ErrDamaged  = errors.New("journal is damaged")
	ErrFull     = errors.New("disk is full")
	ErrIO       = errors.New("disk failed")
	ErrInUse    = errors.New("journal is in use by another process")
	ErrNewer    = errors.New("journal was written by a newer version")
	ErrOlder    = errors.New("journal was written by an older version")
	ErrMismatch = errors.New("acknowledgement does not match the journal")
	ErrUnknown  = errors.New("no such outbox row")
)

// errUnreadable is a value that SQLite gave and that we never wrote.
var errUnreadable = errors.New("value can't be read")

// DamagedError is ErrDamaged with the place. Seq is the first fact that is wrong, 0 when the damage is
// elsewhere.
type DamagedError struct {
	Path string
	Seq  int64
	What string
	Err  error // what SQLite said, or nil
}

func (e *DamagedError) Error() string {
	text := "journal " + e.Path + " is damaged"
	if e.Seq > 0 {
		text += fmt.Sprintf(" at fact %d", e.Seq)
	}
	text += ": " + e.What
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	return text
}

// Unwrap gives ErrDamaged and what SQLite said.
func (e *DamagedError) Unwrap() []error { return []error{ErrDamaged, e.Err} }

// Hint says what to do next.
func (e *DamagedError) Hint() string {
	return "run `smiletill journal quarantine`: it moves the damaged files aside, takes over every payment " +
		"that can be proved whole, reports it once more, and says what is missing. Replace the storage if it " +
		"happens again"
}

// wrap says what failed and sorts SQLite's codes into the sentinels.
func wrap(path, operation string, err error) error {
	if err == nil {
		return nil
	}
	var known interface{ Hint() string }
	if errors.As(err, &known) {
		return fmt.Errorf("%s: %w", operation, err)
	}
	if errors.Is(err, errUnreadable) {
		return &DamagedError{Path: path, What: operation, Err: err}
	}
	var se *sqlite.Error
	if !errors.As(err, &se) {
		if errors.As(err, new(syscall.Errno)) {
			return failed(path, operation, err)
		}
		return fmt.Errorf("%s: %w", operation, err)
	}
	as := func(sentinel error, hint string) error {
		return payment.WithHint(fmt.Errorf("%s %s: %w: %w", operation, path, sentinel, err), hint)
	}
	switch se.Code() & 0xff {
	case sqlite3.SQLITE_FULL:
		return as(ErrFull, hintFull(path))
	case sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_FORMAT, sqlite3.SQLITE_ERROR:
		// SQLITE_ERROR too: the statements are constant and tested, so it is the file they do not fit.
		return &DamagedError{Path: path, What: operation, Err: err}
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED:
		return as(ErrInUse, "stop the other program that uses "+path)
	case sqlite3.SQLITE_IOERR:
		if se.Code() == sqlite3.SQLITE_IOERR_SHMSIZE { // no room for the index of the write-ahead log
			return as(ErrFull, hintFull(path))
		}
		return as(ErrIO, hintIO(path))
	case sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM:
		if noRoom(path) { // for that log itself
			return as(ErrFull, hintFull(path))
		}
		return as(ErrIO, hintAccess(path))
	}
	return fmt.Errorf("%s %s: %w", operation, path, err)
}

// noRoom tells whether the disk of a file has no block or no file left for a program like this one.
func noRoom(path string) bool {
	var s unix.Statfs_t
	err := unix.Statfs(filepath.Dir(path), &s)
	return err == nil && (s.Bavail == 0 || s.Files > 0 && s.Ffree == 0)
}

func hintFull(path string) string {
	return "free some space on the disk of " + path + "; the journal goes on by itself then"
}

func hintIO(path string) string {
	return "look at the kernel's log (dmesg) for the disk of " + path + "; replace it if it fails"
}

func hintAccess(path string) string {
	return "check that " + path + " and its folder exist, belong to this user and are mounted writable"
}

// failed is wrap for what the kernel said, not SQLite.
func failed(path, operation string, err error) error {
	sentinel, hint := ErrIO, hintIO(path)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.EROFS) {
		hint = hintAccess(path)
	}
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) || errors.Is(err, syscall.EFBIG) {
		sentinel, hint = ErrFull, hintFull(path)
	}
	return payment.WithHint(fmt.Errorf("%s %s: %w: %w", operation, path, sentinel, err), hint)
}
