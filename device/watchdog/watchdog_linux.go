package watchdog

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// Timer is a running watchdog timer.
type Timer struct {
	f     *os.File
	limit time.Duration
}

// Open starts the timer of a device such as /dev/watchdog. The machine is reset if Feed is not called for
// that long; drivers take whole seconds and may take the nearest that they can: Limit says what it is.
// Errors carry a hint.
func Open(device string, limit time.Duration) (*Timer, error) {
	// Asked before it is opened: the first byte starts a timer, and would be written into a file.
	if info, err := os.Stat(device); err == nil && info.Mode().Type() != os.ModeDevice|os.ModeCharDevice {
		return nil, hinted{fmt.Errorf("open watchdog: %s is no device", device),
			"name the machine's, /dev/watchdog on a Pi, or leave terminal.watchdog empty"}
	}
	f, err := os.OpenFile(device, os.O_WRONLY, 0)
	if err != nil {
		hint := "another program feeds it: stop that one (systemd does if RuntimeWatchdogSec is set), " +
			"or leave terminal.watchdog empty"
		switch {
		case errors.Is(err, fs.ErrNotExist):
			hint = "this machine has no such watchdog; on a Pi it is /dev/watchdog, else leave terminal.watchdog empty"
		case errors.Is(err, fs.ErrPermission):
			hint = "let this user write to it, or leave terminal.watchdog empty"
		}
		return nil, hinted{fmt.Errorf("open watchdog: %w", err), hint}
	}
	t := &Timer{f: f}
	// WDIOC_SETTIMEOUT gives back what it set.
	seconds, err := ioctl(f, unix.WDIOC_SETTIMEOUT, int(limit.Seconds()))
	if err != nil {
		return nil, hinted{errors.Join(fmt.Errorf("open watchdog %s: set its time to %v: %w", device, limit, err),
			t.Close()), "this may be no watchdog: leave terminal.watchdog empty"}
	}
	t.limit = time.Duration(seconds) * time.Second
	return t, nil
}

func ioctl(f *os.File, request uint, value int) (int, error) {
	conn, err := f.SyscallConn()
	if err != nil {
		return 0, err
	}
	var failed error
	err = conn.Control(func(fd uintptr) { failed = unix.IoctlSetPointerInt(int(fd), request, value) })
	if err := errors.Join(err, failed); err != nil {
		return 0, err
	}
	err = conn.Control(func(fd uintptr) { value, failed = unix.IoctlGetInt(int(fd), unix.WDIOC_GETTIMEOUT) })
	return value, errors.Join(err, failed)
}

// Limit is how long the machine runs on without Feed.
func (t *Timer) Limit() time.Duration { return t.limit }

// Feed starts the time anew.
func (t *Timer) Feed() error {
	if _, err := t.f.Write([]byte{0}); err != nil {
		return fmt.Errorf("feed watchdog: %w", err)
	}
	return nil
}

// Close stops the timer, for an orderly end. A kernel with nowayout lets it run on.
func (t *Timer) Close() error {
	_, err := t.f.Write([]byte("V"))
	if err := errors.Join(err, t.f.Close()); err != nil {
		return fmt.Errorf("stop watchdog: %w", err)
	}
	return nil
}

// hinted is an error with advice for the person at the terminal.
type hinted struct {
	error
	hint string
}

func (e hinted) Unwrap() error { return e.error }

// Hint says what to do about the error.
func (e hinted) Hint() string { return e.hint }
