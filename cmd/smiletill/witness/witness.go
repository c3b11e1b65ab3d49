package witness

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"
)

// The stores that have marks.
const (
	Journal = "journal"
	PINs    = "pins"
	Records = "records" // of what registers asked for
	Sealed  = "sealed"  // 1: that the PINs were sealed to the machine
)

// lateMax is how late a mark of Note may be on the disk: at one write for it in two seconds a flash card of a
// till that takes payments all day has some thousands of them.
const lateMax = 2 * time.Second

// fileName is that of each copy.
const fileName = "witness.json"

// Mark is how far a store had come.
type Mark struct {
	Count int64  `json:"count"`          // of its changes, or the number of the journal's last fact
	ID    string `json:"id,omitempty"`   // of that fact
	Hash  string `json:"hash,omitempty"` // of that fact, 64 hexadecimal digits
}

// form is what is in a copy.
type form struct {
	Marks map[string]Mark `json:"marks"`
}

// Witness keeps the marks. Its methods may be called from any goroutine.
type Witness struct {
	dirs   []string // the data folder first
	failed func(error)
	log    *slog.Logger

	disk  sync.Mutex // held while the files are written, never while mu is
	mu    sync.Mutex
	marks map[string]Mark
	late  *time.Timer // to write what was noted; nil: nothing was
	alone error       // why the copy outside the data folder can't be kept; nil: it is

	counter Counter // see CountBy
	key     []byte
	machine reading  // what Generation read
	counts  *counter // see Begin; nil: not begun
}

// Beside is the folder of the copy outside a data folder.
func Beside(dataDir string) string { return filepath.Clean(dataDir) + "-seen" }

// Open reads the marks of a data folder, of whichever copy is further. failed is told each write into the
// data folder that failed, and must not wait.
func Open(dataDir string, failed func(error), log *slog.Logger) *Witness {
	w := &Witness{dirs: []string{dataDir, Beside(dataDir)}, failed: failed, log: log, marks: map[string]Mark{}}
	for _, dir := range w.dirs {
		f, err := read(filepath.Join(dir, fileName))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			log.Warn("what the terminal had seen of its files can't be read: the other copy serves", "err", err)
		}
		for store, m := range f.Marks {
			if m.Count > w.marks[store].Count {
				w.marks[store] = m
			}
		}
	}
	return w
}

func read(path string) (f form, err error) {
	text, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(text, &f)
	}
	if err != nil {
		return form{}, err
	}
	return f, nil
}

// Mark gives the mark of a store; ok is whether there is one.
func (w *Witness) Mark(store string) (m Mark, ok bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	m, ok = w.marks[store]
	return m, ok
}

// grow takes a mark, and tells whether it is further than the one before.
func (w *Witness) grow(store string, m Mark) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if m.Count <= w.marks[store].Count {
		return false
	}
	w.marks[store] = m
	return true
}

// Saw marks how far a store has come, on the disk when it returns.
func (w *Witness) Saw(store string, m Mark) error {
	if !w.grow(store, m) {
		return nil
	}
	return w.Keep(context.Background())
}

// Note marks how far a store has come, on the disk within lateMax. It waits for nothing.
func (w *Witness) Note(store string, m Mark) {
	if !w.grow(store, m) {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.late == nil {
		w.late = time.AfterFunc(lateMax, w.flush)
	}
}

// flush writes what was noted. A disk that is full is found by the payments that fill it, which fail
// closed: it must not stop one that has room. So this tells nobody, and tries again.
func (w *Witness) flush() {
	if err := w.write(); err != nil {
		w.log.Warn("what was seen of the files can't be kept; it is tried again", "err", err)
		w.mu.Lock()
		defer w.mu.Unlock()
		if w.late == nil {
			w.late = time.AfterFunc(lateMax, w.flush)
		}
	}
}

// Reset takes marks: in the place of those that were, where a person has said that these stores go on as they
// are, else as Saw.
func (w *Witness) Reset(marks map[string]Mark, older []Finding) error {
	w.mu.Lock()
	for store, m := range marks {
		back := slices.ContainsFunc(older, func(f Finding) bool { return f.Store == store })
		if back || m.Count > w.marks[store].Count {
			w.marks[store] = m
		}
	}
	w.mu.Unlock()
	if err := w.Keep(context.Background()); err != nil {
		return err
	}
	return w.accept(len(older) > 0)
}

// Close writes what was noted, and has the machine count it, for closingMax.
func (w *Witness) Close() (err error) {
	w.mu.Lock()
	due := w.late != nil
	w.mu.Unlock()
	if due {
		err = w.Keep(context.Background())
	}
	w.end()
	return err
}

// Keep writes the marks down. Only the copy in the data folder has to succeed; that the other can't be
// written, where this user may not make its folder say, is told by Alone.
func (w *Witness) Keep(context.Context) error {
	err := w.write()
	if err != nil {
		w.failed(err)
	}
	return err
}

func (w *Witness) write() error {
	w.disk.Lock()
	defer w.disk.Unlock()
	w.mu.Lock()
	if w.late != nil {
		w.late.Stop()
		w.late = nil
	}
	text, err := json.Marshal(form{Marks: w.marks})
	w.mu.Unlock()
	if err != nil {
		return fmt.Errorf("keep what was seen of the files: %w", err)
	}
	if err := replace(w.dirs[0], fileName, text); err != nil {
		return fmt.Errorf("keep what was seen of the files: %w", err)
	}
	w.beside(replace(w.dirs[1], fileName, text))
	return nil
}

// beside notes how the copy outside the data folder does.
func (w *Witness) beside(err error) {
	w.mu.Lock()
	first := err != nil && w.alone == nil
	w.alone = err
	w.mu.Unlock()
	if first {
		w.log.Warn("a copy of what was seen of the files can't be kept outside the data folder: an older copy of "+
			"all of it is found by the cloud alone", "err", err, "hint", "make "+w.dirs[1]+
			" for the terminal's user, mode 0700: the package's unit does")
	}
}

// Forget takes the marks of a data folder away that another takes the place of: what is in that is asked for
// elsewhere.
func Forget(dataDir string) error {
	for _, dir := range []string{dataDir, Beside(dataDir)} {
		for _, name := range []string{fileName, generationName} {
			if err := os.Remove(filepath.Join(dir, name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
		}
	}
	return nil
}

// Alone is why no copy is kept outside the data folder; nil: one is.
func (w *Witness) Alone() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.alone
}

// replace writes a copy, whole or not at all.
func replace(dir, name string, text []byte) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	path := filepath.Join(dir, name)
	f, err := os.OpenFile(path+".new", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(append(text, '\n'))
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Rename(path+".new", path); err != nil {
		return err
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
