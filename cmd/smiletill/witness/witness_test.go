package witness

import (
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"
)

func open(t *testing.T, dir string) *Witness {
	t.Helper()
	return Open(dir, func(err error) { t.Errorf("a write failed: %v", err) }, slog.New(slog.DiscardHandler))
}

// A mark outlives the process, is never taken back by a smaller one, and of two copies the further one
// counts, whichever is lost or damaged.
func TestMarksOutlive(t *testing.T) {
	for _, c := range []struct {
		name string
		harm func(data, beside string) error
		want int64
	}{
		{"nothing", func(string, string) error { return nil }, 7},
		{"the data folder is an older copy", func(data, _ string) error {
			return os.WriteFile(data, []byte(`{"marks":{"pins":{"count":3}}}`), 0o600)
		}, 7},
		{"the copy beside it is lost", func(_, beside string) error { return os.Remove(beside) }, 7},
		{"the one in the data folder is lost", func(data, _ string) error { return os.Remove(data) }, 7},
		{"the one in the data folder is cut off", func(data, _ string) error { return os.Truncate(data, 5) }, 7},
		{"both are lost", func(data, beside string) error {
			return errors.Join(os.Remove(data), os.Remove(beside))
		}, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "data")
			w := open(t, dir)
			for _, n := range []int64{5, 7, 6} {
				if err := w.Saw(PINs, Mark{Count: n}); err != nil {
					t.Fatal(err)
				}
			}
			if err := c.harm(filepath.Join(dir, fileName), filepath.Join(Beside(dir), fileName)); err != nil {
				t.Fatal(err)
			}
			w = open(t, dir)
			if m, _ := w.Mark(PINs); m.Count != c.want {
				t.Errorf("the mark is %d, want %d", m.Count, c.want)
			}
			found := w.Behind(PINs, "the PINs", 6)
			if (len(found) == 1) != (c.want == 7) || len(w.Behind(PINs, "the PINs", 7)) > 0 {
				t.Errorf("found %v", found)
			}
		})
	}
}

// What is noted is on the disk within lateMax, and at the end.
func TestNotedMarksAreWritten(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	on := func() int64 {
		f, _ := read(filepath.Join(dir, fileName))
		return f.Marks[Journal].Count
	}
	synctest.Test(t, func(t *testing.T) {
		w := open(t, dir)
		w.Note(Journal, Mark{Count: 1})
		w.Note(Journal, Mark{Count: 2})
		time.Sleep(lateMax)
		synctest.Wait()
		if n := on(); n != 2 {
			t.Errorf("on the disk is %d", n)
		}
		w.Note(Journal, Mark{Count: 3})
		if err := w.Close(); err != nil || on() != 3 {
			t.Errorf("after the end it is %d: %v", on(), err)
		}
	})
}

// A folder beside it that can't be made costs the copy, and nothing else; the data folder's is a failure.
func TestFoldersThatCannotBeWritten(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	if err := os.WriteFile(Beside(dir), nil, 0o600); err != nil { // a file is in its place
		t.Fatal(err)
	}
	w := open(t, dir)
	if err := w.Saw(PINs, Mark{Count: 1}); err != nil || w.Alone() == nil {
		t.Errorf("without a folder beside it: %v, alone %v", err, w.Alone())
	}
	if err := os.Remove(Beside(dir)); err != nil {
		t.Fatal(err)
	}
	if err := w.Saw(PINs, Mark{Count: 2}); err != nil || w.Alone() != nil {
		t.Errorf("once it can be made: %v, alone %v", err, w.Alone())
	}
	var told error
	blocked := filepath.Join(t.TempDir(), "data")
	if err := os.WriteFile(blocked, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	w = Open(blocked, func(err error) { told = err }, slog.New(slog.DiscardHandler))
	if err := w.Saw(PINs, Mark{Count: 1}); err == nil || told == nil {
		t.Errorf("a data folder that can't be written: %v, told %v", err, told)
	}
}
