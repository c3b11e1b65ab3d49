package intent

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"smiletill/cmd/smiletill/people"
	"smiletill/payment/journal"
	"smiletill/payment/register"
)

// bookName is the file's, in the data folder.
const bookName = "intents.jsonl"

// Book is a file of intents, a line each. Without its folder there is nothing to change, and no book.
type Book struct {
	path   string
	failed func(error) // told each write that failed; may be nil
}

// In is the book of a data folder.
func In(dir string) Book { return Book{path: filepath.Join(dir, bookName)} }

// OnFailure gives the book a function that each write is told to which failed. It must not wait.
func (b Book) OnFailure(failed func(error)) Book {
	b.failed = failed
	return b
}

// Probe tries whether it can be written: a line's end, which is no intent.
func (b Book) Probe(context.Context) error {
	f, err := b.open()
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err == nil {
		_, err = f.WriteAt([]byte{'\n'}, info.Size())
	}
	if err = errors.Join(err, f.Sync()); err == nil {
		err = f.Truncate(info.Size())
	}
	if err != nil {
		return fmt.Errorf("write an intent: %w", err)
	}
	return nil
}

// told passes an error of the file on.
func (b Book) told(err error) error {
	if err != nil && b.failed != nil {
		b.failed(err)
	}
	return err
}

// Note is an intent that a book has.
type Note struct {
	journal.Audit
	Done bool // it came to pass; else nobody said so
	Told bool // the journal has it, or there is nothing to tell
	id   string
}

// line is one of the file: an intent, or what became of one.
type line struct {
	ID    string         `json:"id"`
	Audit *journal.Audit `json:"audit,omitempty"`
	Done  bool           `json:"done,omitempty"`
	Told  bool           `json:"told,omitempty"`
}

// Outcome is what became of a change that was told to the journal by the one who made it.
type Outcome int

// The outcomes.
const (
	Open Outcome = iota // what became of it is to be seen at the next start
	Done                // it came to pass, and the next start has the journal say so
	Told                // as above, and the journal has it; or nothing came to pass, and there is no fact
)

// Do changes something. change is given note, to be called with what is about to be changed, right before it
// is; after an error of it nothing may be changed. Others who change something by the book wait.
func (b Book) Do(change func(note func(journal.Audit) error) (Outcome, error)) error {
	f, err := b.open()
	if errors.Is(err, fs.ErrNotExist) {
		_, err = change(func(journal.Audit) error { return nil })
		return err
	}
	if err != nil {
		return b.told(err)
	}
	defer f.Close() // and by that ends the lock
	var ids []string
	outcome, fault := change(func(a journal.Audit) error {
		ids = append(ids, rand.Text())
		return b.told(add(f, line{ID: ids[len(ids)-1], Audit: &a}))
	})
	if outcome == Open {
		return fault
	}
	for _, id := range ids {
		// Without this line the next start looks itself what became of it.
		_ = b.told(add(f, line{ID: id, Done: true, Told: outcome == Told}))
	}
	return fault
}

// ByCommand changes something by the command of somebody: of the one who asks, by ctx, or who runs this
// process. change is as Do's. The running terminal, or its next start, tells the journal.
func (b Book) ByCommand(ctx context.Context, change func(note func(journal.Audit) error) error) error {
	return b.Do(func(write func(journal.Audit) error) (Outcome, error) {
		err := change(func(a journal.Audit) error {
			a.At, a.TimeTrusted, a.Offline, a.Who = time.Now(), journal.ClockSet(), true, people.OrHere(ctx)
			return write(a)
		})
		if err != nil {
			return Open, err
		}
		return Done, nil
	})
}

// Take gives the intents to tell, in their order, and forgets them: those that tell leaves are kept. Nobody
// changes anything meanwhile.
func (b Book) Take(tell func([]Note) (left []Note, err error)) error {
	if _, err := os.Stat(b.path); errors.Is(err, fs.ErrNotExist) {
		_, err := tell(nil)
		return err
	}
	f, err := b.open()
	if err != nil {
		return err
	}
	defer f.Close()
	text, err := os.ReadFile(b.path)
	if err != nil {
		return fmt.Errorf("read the intents: %w", err)
	}
	left, err := tell(read(text))
	if err != nil || len(text) == 0 {
		return err
	}
	var kept bytes.Buffer
	for _, n := range left {
		for _, l := range []line{{ID: n.id, Audit: &n.Audit}, {ID: n.id, Done: n.Done, Told: n.Told}} {
			one, err := json.Marshal(l)
			if err != nil {
				return fmt.Errorf("keep the intents: %w", err)
			}
			kept.Write(append(one, '\n'))
		}
	}
	// In place: the lock is the file's. What is lost by a power cut here is a name, not a fact.
	_, err = f.WriteAt(kept.Bytes(), 0)
	if err = errors.Join(err, f.Truncate(int64(kept.Len())), f.Sync()); err != nil {
		return fmt.Errorf("forget the intents: %w", err)
	}
	return nil
}

// read gives the intents of a file; a line that was cut by a power cut is none.
func read(text []byte) (all []Note) {
	at := map[string]int{}
	for _, one := range bytes.Split(text, []byte("\n")) {
		var l line
		if json.Unmarshal(one, &l) != nil {
			continue
		}
		i, known := at[l.ID]
		switch {
		case l.Audit != nil:
			at[l.ID] = len(all)
			all = append(all, Note{Audit: *l.Audit, id: l.ID})
		case known:
			all[i].Done, all[i].Told = all[i].Done || l.Done, all[i].Told || l.Told
		}
	}
	return all
}

// open opens the book, made where there is none (mode 0600), and locks it until it is closed.
func (b Book) open() (*os.File, error) {
	f, err := os.OpenFile(b.path, os.O_RDWR|os.O_CREATE|unix.O_NOFOLLOW, 0o600)
	if err == nil {
		if err = errors.Join(unix.Flock(int(f.Fd()), unix.LOCK_EX), register.GiveAway(f)); err == nil {
			return f, nil
		}
		err = errors.Join(err, f.Close())
	}
	return nil, fmt.Errorf("open the intents: %w", err)
}

// add appends a line and syncs it. It begins with a line's end, in case that the last one was cut.
func add(f *os.File, l line) error {
	text, err := json.Marshal(l)
	if err == nil {
		var info fs.FileInfo
		if info, err = f.Stat(); err == nil {
			_, err = f.WriteAt(append(append([]byte{'\n'}, text...), '\n'), info.Size())
		}
	}
	if err = errors.Join(err, f.Sync()); err != nil {
		return fmt.Errorf("write an intent: %w", err)
	}
	return nil
}
