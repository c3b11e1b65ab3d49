package witness

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"smiletill/device/tpm"
	"smiletill/device/tpm/tpmtest"
)

// opened opens a witness that counts, as far as a start goes before it works.
func opened(t *testing.T, dir string, c Counter, older []Finding) *Witness {
	t.Helper()
	w := Open(dir, func(err error) { t.Error(err) }, slog.New(slog.DiscardHandler))
	w.CountBy(c, key)
	found, err := w.Generation(false)
	if err != nil || (len(found) > 0) != (len(older) > 0) {
		t.Fatal(found, err)
	}
	if err := w.Reset(nil, older); err != nil {
		t.Fatal(err)
	}
	return w
}

// A terminal that opens its files and fails, each three seconds of a day, wears no TPM out; nor does one in
// which nothing is done.
func TestFailingOpensCountNothing(t *testing.T) {
	m := tpmtest.New(t)
	d := newDisk(t)
	d.start(m, 3)
	at := tpm.At(m.Path)
	before, _, err := at.Counter(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for n := range int64(1000) {
		w := opened(t, d.data(), at, nil)
		if err := errors.Join(w.Saw(Journal, Mark{Count: n + 1}), w.Close()); err != nil {
			t.Fatal(err)
		}
	}
	if after, _, err := at.Counter(t.Context()); err != nil || after != before {
		t.Errorf("1000 failing opens count %d: %v", after-before, err)
	}
	for range 50 {
		w := opened(t, d.data(), at, nil)
		w.Begin()
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if after, _, err := at.Counter(t.Context()); err != nil || after != before+1 {
		t.Errorf("50 starts, where something was done before the first, count %d: %v", after-before, err)
	}
}

// One that works for a moment, with something done each time, counts twelve times at most and then twice an
// hour, over its restarts; and counts all it has done when it runs on, also after a clock that was wrong.
func TestStartsWithoutEndAreCountedSeldom(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	synctest.Test(t, func(t *testing.T) {
		c, done := &counting{}, int64(0)
		start := func() {
			w := opened(t, dir, c, nil)
			w.Begin()
			done++
			if err := errors.Join(w.Saw(Journal, Mark{Count: done}), w.Close()); err != nil {
				t.Fatal(err)
			}
		}
		for range 100 {
			start()
		}
		if c.n > allowedAtOnce {
			t.Errorf("100 starts in a moment count %d", c.n)
		}
		was := c.n
		for range 60 { // two hours
			time.Sleep(2 * time.Minute)
			start()
		}
		if c.n-was < 3 || c.n-was > 5 {
			t.Errorf("two hours of starts count %d", c.n-was)
		}
		w := opened(t, dir, c, nil)
		w.Begin()
		time.Sleep(2*countEvery + time.Minute)
		if g, known := w.generation(); !known || g.Marks[Journal].Count != done || g.Count != c.n {
			t.Errorf("two hours later it has counted %+v, of %d", g, done)
		}
		synctest.Wait()
		w.machine.last.Spent, w.machine.last.Since = allowedAtOnce, time.Now().Add(1e5*time.Hour).Unix()
		err := w.Saw(Journal, Mark{Count: done + 1})
		time.Sleep(2*countEvery + time.Minute)
		if g, _ := w.generation(); err != nil || g.Marks[Journal].Count != done+1 {
			t.Errorf("after a clock that was wrong: %+v %v", g, err)
		}
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	})
}

// What a person has said goes on is not asked again by a start that fails after that, and before it counts.
func TestGoingOnIsSaidOnce(t *testing.T) {
	m := tpmtest.New(t)
	d := newDisk(t)
	d.start(m, 3)
	old := d.image()
	d.start(m, 5)
	at := tpm.At(m.Path)
	if err := opened(t, old.data(), at, []Finding{{Store: machine}}).Close(); err != nil {
		t.Fatal(err)
	}
	if found := old.start(m, 4); len(found) > 0 {
		t.Errorf("the next start: %v", found)
	}
	m.Clear(t)
	if err := opened(t, old.data(), at, []Finding{{Store: machine}}).Close(); err != nil {
		t.Fatal(err)
	}
	if found := old.start(m, 6); len(found) > 0 {
		t.Errorf("cleared, the next start: %v", found)
	}
}

// stuck is a counter that does not answer, as a TPM that makes another program's key.
type stuck struct {
	*counting
	at   chan struct{} // told each time that it is asked
	read bool          // it can be read
}

func (s *stuck) Counter(ctx context.Context) (uint64, bool, error) {
	if s.read {
		return s.counting.Counter(ctx)
	}
	s.at <- struct{}{}
	<-ctx.Done()
	return 0, false, ctx.Err()
}

func (s *stuck) Next(ctx context.Context) (uint64, error) {
	s.at <- struct{}{}
	<-ctx.Done()
	return 0, ctx.Err()
}

// While a TPM does not answer, a PIN's try is marked, a start goes on, and an end waits for some seconds;
// what was not counted is not taken for counted.
func TestBusyTPMIsNotWaitedFor(t *testing.T) {
	for _, read := range []bool{false, true} {
		dir := filepath.Join(t.TempDir(), "data")
		synctest.Test(t, func(t *testing.T) {
			s := &stuck{counting: &counting{n: 7}, at: make(chan struct{}, 9), read: read}
			text, err := generation{Count: 7}.text(key)
			if err = errors.Join(err, os.MkdirAll(dir, 0o700)); err == nil {
				err = os.WriteFile(filepath.Join(dir, generationName), text, 0o600)
			}
			if err != nil {
				t.Fatal(err)
			}
			began := time.Now()
			w := opened(t, dir, s.counting, nil)
			w.counter = s
			if err := w.Saw(PINs, Mark{Count: 1}); err != nil {
				t.Fatal(err)
			}
			w.Begin()
			<-s.at
			if err := w.Saw(PINs, Mark{Count: 2}); err != nil {
				t.Fatal(err)
			}
			if waited := time.Since(began); waited > 0 {
				t.Errorf("a start and a PIN wait %s", waited)
			}
			if err := w.Close(); err != nil || time.Since(began) > closingMax {
				t.Errorf("the end: %v after %s", err, time.Since(began))
			}
			synctest.Wait()
			w = opened(t, dir, s.counting, nil)
			w.Begin()
			if err := w.Close(); err != nil || s.n != 8 {
				t.Errorf("the next start counts to %d: %v", s.n, err)
			}
			if g, known := w.generation(); !known || g.Count != 8 || g.Marks[PINs].Count != 2 {
				t.Errorf("it knows %+v", g)
			}
		})
	}
}
