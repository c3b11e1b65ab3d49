package storage

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"slices"
	"sync"
	"syscall"
	"time"

	"smiletill/payment"
)

const (
	// probeEvery is the time between attempts to write after a failure.
	probeEvery = 2 * time.Second
	// probeIdle is the time between them while all is well: a disk that is read-only shows before the next
	// customer, and what other commands could not write shows at all. It is one small file.
	probeIdle = 10 * time.Minute
	// folder is what fails when no file can be made.
	folder = "the data folder"
)

// Health is how the files of a process are.
type Health struct {
	folders []string // in which files are written
	log     *slog.Logger
	changed func()
	wake    chan struct{} // one place: something failed

	mu     sync.Mutex
	broken map[string]error // what failed and has not worked since, by the words for it
	first  string           // of these: the one that is told
	count  uint64           // failures so far
}

// New gives the health of files in these folders, which may not be there yet. changed is told each change, on
// the goroutine that brings it, and must not wait.
func New(log *slog.Logger, changed func(), folders ...string) *Health {
	return &Health{folders: folders, log: log, changed: changed, wake: make(chan struct{}, 1),
		broken: map[string]error{}}
}

// Failed notes a write that failed; what names the file for people. It may be called from any goroutine and
// waits for nothing.
func (h *Health) Failed(what string, err error) {
	if err == nil || errors.Is(err, context.Canceled) {
		return
	}
	h.mu.Lock()
	_, known := h.broken[what]
	if len(h.broken) == 0 {
		h.first = what
	}
	h.broken[what] = err
	h.count++
	h.mu.Unlock()
	if !known {
		h.log.Error("a write failed: no payment is taken until one works", "of", what, "err", err,
			"hint", payment.HintOf(withHint(err)))
	}
	h.changed()
	select {
	case h.wake <- struct{}{}:
	default:
	}
}

// Told gives a file the function that it tells its failures to.
func (h *Health) Told(what string) func(error) { return func(err error) { h.Failed(what, err) } }

// OfDisk notes an error that is the disk's, of something that may fail for other reasons too.
func (h *Health) OfDisk(what string, err error) {
	if diskRefuses(err) {
		h.Failed(what, err)
	}
}

// Problem is what failed in a file, with a hint; nil if that works.
func (h *Health) Problem(what string) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	return withHint(h.broken[what])
}

// Worst is the failure that is told, with a hint, nil for none: what failed first. An error of the kernel
// says more of the reason than one of a database, and so does its advice.
func (h *Health) Worst() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.broken) == 0 {
		return nil
	}
	why := h.broken[h.first]
	for _, what := range slices.Sorted(maps.Keys(h.broken)) {
		if err := h.broken[what]; diskRefuses(err) && !diskRefuses(why) {
			why = err
		}
	}
	return withHint(fmt.Errorf("%s can't be written: %w", h.first, why))
}

// Words are those of Worst; "" while all is well.
func (h *Health) Words() string {
	if err := h.Worst(); err != nil {
		return err.Error()
	}
	return ""
}

// Probe tries whether a file can be written.
type Probe struct {
	Of  string
	Try func(context.Context) error
}

// Run tries to write until that works, after each failure, and now and then, until ctx ends. probes are of
// the files that are open; apply is called after a failure and after its end, and may wait.
func (h *Health) Run(ctx context.Context, probes func() []Probe, apply func()) {
	wait := time.NewTimer(probeIdle)
	defer wait.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-h.wake:
			apply()
			wait.Reset(probeEvery)
		case <-wait.C:
			well, cured := h.probe(ctx, probes)
			if cured {
				apply()
			}
			if well {
				wait.Reset(probeIdle)
			} else {
				wait.Reset(probeEvery)
			}
		}
	}
}

// probe writes in all folders and, after a failure, in all files. It tells whether that worked, and whether
// it did not before.
func (h *Health) probe(ctx context.Context, probes func() []Probe) (well, cured bool) {
	h.mu.Lock()
	before, was := h.count, len(h.broken) > 0
	h.mu.Unlock()
	for _, dir := range h.folders {
		if err := probeFolder(dir); err != nil {
			h.Failed(folder, err)
			return false, false
		}
	}
	if !was {
		return true, false
	}
	for _, p := range probes() {
		if err := p.Try(ctx); err != nil {
			if ctx.Err() == nil {
				h.Failed(p.Of, err)
			}
			return false, false
		}
	}
	h.mu.Lock()
	again := h.count != before
	if !again {
		clear(h.broken)
	}
	h.mu.Unlock()
	if again {
		return false, false
	}
	h.log.Info("the disk can be written again")
	h.changed()
	return true, true
}

// probeFolder makes a file in a folder, on stable storage, and removes it.
func probeFolder(dir string) error {
	f, err := os.CreateTemp(dir, ".new-probe-*") // after a power cut Clear removes it, or the gallery its own
	if errors.Is(err, fs.ErrNotExist) {
		return nil // not made yet: whoever makes it says whether it can
	}
	if err == nil {
		_, err = f.Write(make([]byte, 4096))
		err = errors.Join(err, f.Sync(), f.Close(), os.Remove(f.Name()))
	}
	var d *os.File
	if err == nil {
		d, err = os.Open(dir)
	}
	if err == nil {
		err = errors.Join(d.Sync(), d.Close())
	}
	if err != nil {
		return fmt.Errorf("try to write: %w", err)
	}
	return nil
}

// diskRefuses tells an error of the disk from one of rights, addresses or content.
func diskRefuses(err error) bool {
	for _, e := range []error{syscall.EROFS, syscall.EIO, syscall.ENOSPC, syscall.EDQUOT, syscall.ENODEV} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// WithHint adds what to do about a disk that refuses; an error of another kind stays as it is. Of a disk that
// is read-only it says so whatever whoever met it advises, which is seldom about the disk.
func WithHint(err error) error {
	switch {
	case errors.Is(err, syscall.EROFS):
		return payment.WithHint(err, "the disk has become read-only, as the system makes it when it finds an "+
			"error on it: look at the kernel's log (dmesg), then switch the terminal off and on; replace the card or "+
			"disk if it happens again. No approved payment is lost")
	case err == nil || payment.HintOf(err) != "":
		return err
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT), fullDatabase(err):
		return payment.WithHint(err, "free some space on the disk; the terminal goes on by itself then")
	case errors.Is(err, syscall.EIO), errors.Is(err, syscall.ENODEV):
		return payment.WithHint(err, "look at the kernel's log (dmesg); replace the card or disk if it fails")
	}
	return err
}

// fullDatabase tells SQLite's words for a full disk (SQLITE_FULL, and SQLITE_IOERR_SHMSIZE where there is no
// room for the index of the write-ahead log), which carry no error of the kernel's.
func fullDatabase(err error) bool {
	var coded interface{ Code() int }
	return errors.As(err, &coded) && (coded.Code()&0xff == 13 || coded.Code() == 4874)
}

// withHint is WithHint of a write that failed, for whatever reason.
func withHint(err error) error {
	err = WithHint(err)
	if err == nil || payment.HintOf(err) != "" {
		return err
	}
	return payment.WithHint(err, "look at the kernel's log (dmesg) for the terminal's disk, and whether it is "+
		"full; the terminal tries again by itself")
}
