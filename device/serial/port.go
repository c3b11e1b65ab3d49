package serial

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	bugst "go.bug.st/serial"
	"golang.org/x/sys/unix"
)

// writeMax is how long a device may take for a line; 128 bytes take 11 ms at 115,200 baud.
const writeMax = time.Second

// Port is an open port, 8N1 without flow control. Read and Write may be called from two goroutines.
type Port struct {
	port bugst.Port
	lock *os.File
	path string

	writing sync.Mutex
	failed  error // a Write that never ended: nothing more is written
}

// Open opens a port for this program alone. Errors are ErrBusy, which names who has it where that can be
// seen, and the system's.
func Open(path string, baud int) (*Port, error) {
	// The library sets TIOCEXCL, which binds nobody who is root; so the port is locked too, by a file of our
	// own.
	lock, err := os.OpenFile(path, os.O_RDWR|unix.O_NOCTTY|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, refused(path, err)
	}
	if err := unix.Flock(int(lock.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		return nil, errors.Join(refused(path, err), lock.Close())
	}
	if who := holders("/proc", path); who != "" {
		return nil, errors.Join(busy(path, who), lock.Close())
	}
	port, err := bugst.Open(path, &bugst.Mode{BaudRate: baud})
	if err != nil {
		return nil, errors.Join(refused(path, err), lock.Close())
	}
	if err := port.ResetInputBuffer(); err != nil {
		return nil, errors.Join(fmt.Errorf("open port %s: %w", path, err), port.Close(), lock.Close())
	}
	return &Port{port: port, lock: lock, path: path}, nil
}

// refused is why a port could not be opened.
func refused(path string, err error) error {
	var code *bugst.PortError
	switch {
	case errors.Is(err, unix.EBUSY), errors.Is(err, unix.EWOULDBLOCK),
		errors.As(err, &code) && code.Code() == bugst.PortBusy:
		return busy(path, holders("/proc", path))
	case errors.Is(err, fs.ErrPermission), errors.As(err, &code) && code.Code() == bugst.PermissionDenied:
		return withHint(fmt.Errorf("open port %s: %w", path, fs.ErrPermission),
			"be a member of the group dialout, or use sudo")
	case errors.As(err, &code) && code.Code() == bugst.InvalidSerialPort:
		return withHint(fmt.Errorf("open port %s: it is no serial port: %w", path, err), "name another one")
	}
	return fmt.Errorf("open port %s: %w", path, err)
}

func busy(path, who string) error {
	if who == "" {
		return withHint(fmt.Errorf("open port %s: %w", path, ErrBusy),
			"end it: a terminal that runs, a second one, minicom, ModemManager, or the system's console")
	}
	return withHint(fmt.Errorf("open port %s: %w: %s", path, ErrBusy, who), "end it, or use another port")
}

// holders names the other programs that have a port open, as far as this one may see them; proc is /proc.
func holders(proc, path string) string {
	node, err := filepath.EvalSymlinks(path)
	if err != nil {
		return ""
	}
	open, _ := filepath.Glob(filepath.Join(proc, "[0-9]*", "fd", "*"))
	own := strconv.Itoa(os.Getpid())
	var all []string
	seen := map[string]bool{own: true}
	for _, fd := range open {
		to, err := os.Readlink(fd)
		pid := filepath.Base(filepath.Dir(filepath.Dir(fd)))
		if err != nil || to != node || seen[pid] {
			continue
		}
		seen[pid] = true
		name, err := os.ReadFile(filepath.Join(proc, pid, "comm"))
		if err != nil {
			continue // it has just ended
		}
		all = append(all, strings.TrimSpace(string(name))+" (process "+pid+")")
	}
	return strings.Join(all, ", ")
}

// Read waits for bytes. It fails when the port is gone, and after Close.
func (p *Port) Read(b []byte) (int, error) {
	n, err := p.port.Read(b)
	if err == nil && n == 0 && len(b) > 0 {
		err = fs.ErrClosed
	}
	return n, err
}

// Write writes all bytes within a second, or fails; after that it fails always.
func (p *Port) Write(b []byte) (int, error) {
	p.writing.Lock()
	defer p.writing.Unlock()
	if p.failed != nil {
		return 0, p.failed
	}
	done := make(chan error, 1)
	go func() {
		for left := b; len(left) > 0; {
			n, err := p.port.Write(left)
			if err != nil {
				done <- err
				return
			}
			left = left[n:]
		}
		done <- nil
	}()
	timer := time.NewTimer(writeMax)
	defer timer.Stop()
	select {
	case err := <-done:
		if err != nil {
			p.failed = fmt.Errorf("write to %s: %w", p.path, err)
			return 0, p.failed
		}
		return len(b), nil
	case <-timer.C: // the goroutine ends when the port is closed, or takes the bytes
		p.failed = fmt.Errorf("write to %s: %w: it takes nothing", p.path, os.ErrDeadlineExceeded)
		return 0, p.failed
	}
}

// Close ends a Read that waits, and lets other programs have the port.
func (p *Port) Close() error { return errors.Join(p.port.Close(), p.lock.Close()) }
