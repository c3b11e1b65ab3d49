package witness

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"smiletill/device/tpm"
	"smiletill/device/tpm/tpmtest"
)

// disk is a data folder, with what is beside it.
type disk struct {
	t    *testing.T
	root string
}

func newDisk(t *testing.T) disk {
	t.Helper()
	d := disk{t, filepath.Join(t.TempDir(), "disk")}
	if err := os.MkdirAll(d.data(), 0o700); err != nil {
		t.Fatal(err)
	}
	return d
}

func (d disk) data() string { return filepath.Join(d.root, "data") }

// image copies the whole disk.
func (d disk) image() disk {
	d.t.Helper()
	to := disk{d.t, filepath.Join(d.t.TempDir(), "disk")}
	if err := os.CopyFS(to.root, os.DirFS(d.root)); err != nil {
		d.t.Fatal(err)
	}
	return to
}

var key = []byte("32 bytes that nobody else knows.")

// start is a terminal's start, on a machine and with a disk, and gives what it finds. Where it finds
// nothing it works: marks grow to n.
func (d disk) start(m *tpmtest.Machine, n int64) (found []Finding) {
	d.t.Helper()
	w := open(d.t, d.data())
	w.CountBy(tpm.At(m.Path), key)
	found, err := w.Generation(false)
	if err != nil {
		d.t.Fatal(err)
	}
	if len(found) > 0 {
		return found
	}
	err = w.Reset(map[string]Mark{PINs: {Count: n}}, nil)
	w.Begin()
	if err = errors.Join(err, w.Saw(PINs, Mark{Count: n + 1}), w.Close()); err != nil {
		d.t.Fatal(err)
	}
	return nil
}

// All of a disk that is put back, with both copies of the marks, is found by the machine's counter. The
// disk as it was at the end is not, on whatever it was copied meanwhile.
func TestWholeDiskPutBack(t *testing.T) {
	m := tpmtest.New(t)
	d := newDisk(t)
	if found := d.start(m, 3); len(found) > 0 {
		t.Fatalf("at first: %v", found)
	}
	old := d.image()
	if found := d.start(m, 5); len(found) > 0 {
		t.Fatalf("at the next start: %v", found)
	}
	newest := d.image()
	for range 2 { // what is found stays found
		if found := old.start(m, 3); len(found) != 1 || found[0].Store != machine {
			t.Errorf("an old disk: %v", found)
		}
	}
	if found := newest.start(m, 9); len(found) > 0 {
		t.Errorf("the newest: %v", found)
	}
	m.Stop(t)
	m.Start(t)
	if found := newest.start(m, 9); len(found) > 0 {
		t.Errorf("after a loss of power: %v", found)
	}
	if found := d.start(m, 5); len(found) == 0 {
		t.Error("what was the newest is not found when it is older")
	}
}

// What is known of the counter can't be made up, left out, or taken from another time together with the
// marks.
func TestMarksOfTheCounterAreProven(t *testing.T) {
	m := tpmtest.New(t)
	d := newDisk(t)
	d.start(m, 3)
	old := d.image()
	d.start(m, 5)
	for _, c := range []struct {
		name, says string
		change     func(d disk) error
	}{
		{"left out", "none of the files", func(d disk) error {
			return errors.Join(os.Remove(filepath.Join(d.data(), generationName)),
				os.Remove(filepath.Join(Beside(d.data()), generationName)))
		}},
		{"the number changed", "none of the files", func(d disk) error {
			path := filepath.Join(d.data(), generationName)
			var g generation
			text, err := os.ReadFile(path)
			if err == nil {
				err = json.Unmarshal(text, &g)
			}
			g.Count += 2
			if text, err2 := json.Marshal(g); errors.Join(err, err2) == nil {
				err = os.WriteFile(path, text, 0o600)
			}
			return errors.Join(err, os.Remove(filepath.Join(Beside(d.data()), generationName)))
		}},
		{"begun by hand", "none of the files", func(d disk) error {
			text, err := generation{Begun: true}.text([]byte("another key"))
			return errors.Join(err, os.WriteFile(filepath.Join(d.data(), generationName), text, 0o600),
				os.Remove(filepath.Join(Beside(d.data()), generationName)))
		}},
	} {
		put := old.image()
		if err := c.change(put); err != nil {
			t.Fatal(err)
		}
		if found := put.start(m, 3); len(found) != 1 || !strings.Contains(found[0].What, c.says) {
			t.Errorf("%s: %v, want %q", c.name, found, c.says)
		}
	}
	// Kept as it is, beside older stores without their marks, it tells how far they were.
	text, err := os.ReadFile(filepath.Join(d.data(), generationName))
	put := newDisk(t)
	if err == nil {
		err = os.WriteFile(filepath.Join(put.data(), generationName), text, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	w := open(t, put.data())
	w.CountBy(tpm.At(m.Path), key)
	found, err := w.Generation(false)
	if older := w.Behind(PINs, "the PINs", 4); err != nil || len(found) > 0 || len(older) != 1 {
		t.Errorf("the newest number with older PINs: %v %v %v", found, older, err)
	}
}

// A cleared TPM, and another one, are told; a stopped terminal that was unsealed begins wherever it comes.
func TestOtherCounters(t *testing.T) {
	m, other := tpmtest.New(t), tpmtest.New(t)
	if found := newDisk(t).start(other, 1); len(found) > 0 {
		t.Fatalf("another terminal, at first: %v", found)
	}
	d := newDisk(t)
	for n := range int64(5) {
		if found := d.start(m, n); len(found) > 0 {
			t.Fatalf("at start %d: %v", n, found)
		}
	}
	if found := d.image().start(other, 5); len(found) == 0 {
		t.Error("on another machine nothing is found")
	}
	moved := d.image()
	if err := Adopt(moved.data(), key); err != nil {
		t.Fatal(err)
	}
	if found := moved.start(other, 5); len(found) > 0 {
		t.Errorf("moved: %v", found)
	}
	if found := moved.start(other, 6); len(found) > 0 {
		t.Errorf("moved, at the next start: %v", found)
	}
	young := newDisk(t) // of one start, which is the first count of the other machine's TPM
	last := tpmtest.New(t)
	young.start(last, 1)
	last.Clear(t)
	m.Clear(t)
	for _, found := range [][]Finding{d.start(m, 5), young.start(last, 1)} {
		if len(found) != 1 || !strings.Contains(found[0].What, "its counter is gone") {
			t.Errorf("after a clearing: %v", found)
		}
	}
}

// cutting is a counter whose machine loses its power at one of its calls.
type cutting struct {
	*tpm.TPM
	after bool // it has counted, and nobody was told
}

var errCut = errors.New("the power went")

func (c *cutting) Next(ctx context.Context) (uint64, error) {
	if c.after {
		if _, err := c.TPM.Next(ctx); err != nil {
			return 0, err
		}
	}
	return 0, errCut
}

// Where the power goes before or after the machine counts, the first time or later, nothing is found at the
// next start: no terminal is out of order for it.
func TestCutWhileCounting(t *testing.T) {
	for _, after := range []bool{false, true} {
		for before := range 3 {
			m := tpmtest.New(t)
			d := newDisk(t)
			for n := range before {
				d.start(m, int64(n))
			}
			w := open(t, d.data())
			w.CountBy(&cutting{TPM: tpm.At(m.Path), after: after}, key)
			if found, err := w.Generation(false); err != nil || len(found) > 0 {
				t.Fatal(found, err)
			}
			err := w.Saw(PINs, Mark{Count: 8})
			if err = errors.Join(err, w.count(t.Context(), &counter{})); !errors.Is(err, errCut) {
				t.Fatal(err)
			}
			if found := d.start(m, 9); len(found) > 0 {
				t.Errorf("after %d starts, counted %v: %v", before, after, found)
			}
		}
	}
}

// worn is a counter that can be read at most.
type worn struct {
	n    uint64
	read error
}

func (c worn) Counter(context.Context) (uint64, bool, error) { return c.n, c.n > 0, c.read }
func (worn) Next(context.Context) (uint64, error)            { return 0, errCut }

// A counter that counts no more stops no terminal; one that can't be read does, if it was counted by.
func TestWornCounter(t *testing.T) {
	m := tpmtest.New(t)
	d := newDisk(t)
	for _, c := range []worn{{read: errCut}, {}} {
		w := open(t, d.data())
		w.CountBy(c, key)
		found, err := w.Generation(false)
		if err == nil {
			err = w.Reset(nil, nil)
			w.Begin()
			err = errors.Join(err, w.Saw(PINs, Mark{Count: 1}), w.Close())
		}
		if err != nil || len(found) > 0 {
			t.Errorf("at first, %+v: %v %v", c, found, err)
		}
	}
	d = newDisk(t)
	d.start(m, 3)
	n, _, err := tpm.At(m.Path).Counter(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	w := open(t, d.data())
	w.CountBy(worn{n: n}, key)
	found, err := w.Generation(false)
	err = errors.Join(err, w.Reset(nil, nil), w.Saw(PINs, Mark{Count: 9}))
	w.Begin()
	if err = errors.Join(err, w.Close()); err != nil || len(found) > 0 {
		t.Errorf("later: %v %v", found, err)
	}
	w.CountBy(worn{n: n, read: errCut}, key)
	if _, err := w.Generation(false); !errors.Is(err, errCut) {
		t.Errorf("not to be read: %v", err)
	}
}

// counting is a counter of memory.
type counting struct{ n uint64 }

func (c *counting) Counter(context.Context) (uint64, bool, error) { return c.n, c.n > 0, nil }
func (c *counting) Next(context.Context) (uint64, error)          { c.n++; return c.n, nil }

// What is done is counted by the hour, and at the end; where nothing is, nothing is counted: a TPM wears out.
func TestHowOftenIsCounted(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	synctest.Test(t, func(t *testing.T) {
		c := &counting{}
		w := Open(dir, func(err error) { t.Error(err) }, slog.New(slog.DiscardHandler))
		w.CountBy(c, key)
		if _, err := w.Generation(false); err != nil {
			t.Fatal(err)
		}
		err := w.Reset(nil, nil)
		w.Begin()
		if synctest.Wait(); err != nil || c.n != 1 {
			t.Fatalf("a start counts %d: %v", c.n, err)
		}
		for n := range int64(60 * 10) { // ten hours, with something each minute
			w.Note(Journal, Mark{Count: n + 1})
			time.Sleep(time.Minute)
			synctest.Wait()
		}
		if c.n < 10 || c.n > 11 {
			t.Errorf("ten hours' work counts %d", c.n)
		}
		time.Sleep(100 * time.Hour)
		was := c.n
		if err := w.Close(); err != nil || c.n > was+1 {
			t.Errorf("the end counts %d: %v", c.n-was, err)
		}
		was = c.n
		if err := w.Close(); err != nil || c.n != was {
			t.Errorf("an end without anything done counts: %v", err)
		}
	})
}
