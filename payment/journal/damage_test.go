package journal

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"smiletill/payment"
)

// contents is everything that a journal tells.
type contents struct {
	entries []Entry
	rows    []Row
	backlog Backlog
}

func read(t testing.TB, j *Journal) (contents, error) {
	entries, err1 := j.List(t.Context(), Filter{Limit: -1})
	rows, err2 := j.Outbox().Pending(t.Context(), 0, 99)
	backlog, err3 := j.Backlog(t.Context())
	return contents{entries, rows, backlog}, errors.Join(err1, err2, err3)
}

// pick gives how thoroughly a sweep goes: all of it for `make crash` (CRASH_ALL), or as usual.
func pick[T any](all, usual T) T {
	if os.Getenv("CRASH_ALL") != "" {
		return all
	}
	return usual
}

// long marks a sweep of one goroutine after the other. The race detector has nothing to find in it and makes
// it ten times as slow: `make test` plays this package with it and -short, `make long` without.
func long(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("`make long` plays it without the race detector")
	}
}

// TestFlippedBytes damages bytes of a journal one at a time: all of the header, every 47th, and every
// 701st of the empty parts. `make crash` takes all of the last page too, and more elsewhere.
// The journal must say that it is damaged, or have lost nothing.
func TestFlippedBytes(t *testing.T) {
	long(t)
	whole := sample(t)
	path := newPath(t)
	write(t, path, whole)
	j := open(t, path, Options{})
	want, err := read(t, j)
	if err := errors.Join(err, j.Close()); err != nil {
		t.Fatal(err)
	}
	step, stepEmpty := pick(5, 47), pick(71, 701)
	lastPage := pick(len(whole)-4096, len(whole))
	damaged, harmless := 0, 0
	path = filepath.Join(t.TempDir(), "journal.db")
	for at := range whole {
		every := step
		if at < 100 || at >= lastPage { // the header comes first
			every = 1
		} else if len(bytes.Trim(whole[max(0, at-8):min(len(whole), at+9)], "\x00")) == 0 {
			every = stepEmpty
		}
		if at%every != 0 {
			continue
		}
		for _, flip := range []byte{0xff, 1 << (at % 8)} {
			text := append([]byte(nil), whole...)
			text[at] ^= flip
			write(t, path, text)
			err := examine(t, path, want)
			switch {
			case err == nil:
				harmless++
			case errors.Is(err, ErrDamaged) || errors.Is(err, ErrNewer):
				damaged++
				if hint(err) == "" {
					t.Errorf("byte %d ^ %#x: no hint: %v", at, flip, err)
				}
			default:
				t.Errorf("byte %d ^ %#x: %v", at, flip, err)
			}
			for _, rest := range []string{"-wal", "-shm"} {
				remove(t, path+rest)
			}
		}
	}
	t.Logf("%d flips were told, %d changed nothing that is kept", damaged, harmless)
	if damaged < 50 || harmless < 50 {
		t.Error("the test has lost its sense: both must occur")
	}
}

// examine opens, verifies and reads a journal; nil means that all is there.
func examine(t testing.TB, path string, want contents) error {
	j, err := Open(t.Context(), path, Options{})
	if err != nil {
		return err
	}
	defer j.Close()
	if _, err := j.Verify(t.Context(), nil); err != nil {
		return err
	}
	got, err := read(t, j)
	if err != nil {
		return err
	}
	if !reflect.DeepEqual(got, want) {
		return fmt.Errorf("silently wrong: %+v, want %+v", got, want)
	}
	return nil
}

// TestVerifyNamesTheFact changes a journal behind SQLite's back in ways that SQLite finds sound.
func TestVerifyNamesTheFact(t *testing.T) {
	triggers := triggersOf(t) // to drop before, and make again after: an expert forger
	for _, c := range []struct {
		name, script string
		seq          int64
		what         string
	}{
		{"a body", `UPDATE fact SET body = replace(body, '"amount_minor":150', '"amount_minor":151') WHERE seq = 4`,
			4, "hash"},
		{"a hash", `UPDATE fact SET hash = zeroblob(32) WHERE seq = 4`, 4, "hash"},
		{"a link", `UPDATE fact SET prev_hash = zeroblob(32) WHERE seq = 4`, 4, "follow"},
		{"a fact's kind", `UPDATE fact SET kind = 'declined' WHERE seq = 4`, 4, "columns"},
		{"a fact's time", `UPDATE fact SET time = '2001-01-01T00:00:00Z' WHERE seq = 4`, 4, "columns"},
		{"a missing fact", `DELETE FROM outbox WHERE seq = 4; DELETE FROM fact WHERE seq = 4`, 4, "missing"},
		{"a missing tail", `DELETE FROM reversal; DELETE FROM outbox WHERE seq = 8; DELETE FROM fact WHERE seq = 8`,
			8, "head"},
		{"a head", `UPDATE head SET seq = 6`, 9, "head"},
		{"an amount", `UPDATE payment SET amount_minor = 1 WHERE id = 'b'`, 4, "payment b"},
		{"a customer", `UPDATE payment SET customer = 'c2' WHERE id = 'b'`, 4, "payment b"},
		{"an open amount", `UPDATE payment SET amount_minor = 1 WHERE id = 'e'`, 0, "payment e"},
		{"a payment less", `DELETE FROM payment WHERE id = 'b'`, 4, "not in the table"},
		{"a payment more", `INSERT INTO payment SELECT 'x', 99, state, amount_minor, currency, reference, reason,
			detail, customer, match_frames, smile_frames, opened_at, closed_at, time_trusted, need, pin, clock_ms, 0,
			vend, item, vended_at FROM payment WHERE id = 'b'`, 0, "without facts"},
		{"an approval that is not reported", `DELETE FROM outbox WHERE seq = 4`, 0, "not in the outbox"},
		{"a report of no approval", `INSERT INTO outbox (seq) VALUES (5)`, 0, "neither"},
		{"an approval that owes less", `UPDATE outbox SET owed_minor = 1 WHERE seq = 4`, 0, "not in the outbox"},
		{"a debt that is forgotten", `UPDATE unreported SET minor = 0`, 0, "sum of what"},
		{"a reversal less", `DELETE FROM reversal`, 8, "reversal r1"},
		{"a reversal that gave more", `UPDATE reversal SET amount_minor = 51`, 8, "reversal r1"},
		{"a reversal that is kept", `UPDATE payment SET reversed_minor = 0 WHERE id = 'a'`, 0, "sum of its"},
		{"a payment that seems long ago", `UPDATE payment SET clock_ms = -1 WHERE id = 'b'`, 0, "latest fact"},
		{"a PIN that was not entered", `UPDATE payment SET pin = 1 WHERE id = 'b'`, 4, "payment b"},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := newPath(t)
			j := open(t, path, Options{})
			approve(t, j, "a")
			approve(t, j, "b")
			d := waiting(t, "d")
			commit(t, j, d, next(t, d, payment.Unknown{}), waiting(t, "e"))
			reverse(t, j, "r1", "a", 50)
			if err := j.Close(); err != nil {
				t.Fatal(err)
			}
			script := ""
			again := ""
			for name, text := range triggers {
				script += "DROP TRIGGER " + name + ";"
				again += text + ";"
			}
			alter(t, path, script+c.script+";"+again)
			var d1 *DamagedError
			r, err := OpenReader(t.Context(), path)
			if err == nil {
				_, err = r.Verify(t.Context(), nil)
				_ = r.Close()
			}
			if !errors.As(err, &d1) || d1.Seq != c.seq || !strings.Contains(d1.What, c.what) {
				t.Errorf("%v; want fact %d, %q", err, c.seq, c.what)
			}
		})
	}
}

// triggersOf gives the triggers of a journal and how they are made.
func triggersOf(t *testing.T) map[string]string {
	j := open(t, newPath(t), Options{})
	rows, err := j.db.Query(`SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	all := map[string]string{}
	for rows.Next() {
		var name, text string
		if err := rows.Scan(&name, &text); err != nil {
			t.Fatal(err)
		}
		all[name] = text
	}
	if err := rows.Err(); err != nil || len(all) < 10 {
		t.Fatal(len(all), err)
	}
	return all
}

func TestVerifyProgress(t *testing.T) {
	j := open(t, newPath(t), Options{})
	for i := range batch / 2 { // a batch that is full, and an empty one
		approve(t, j, fmt.Sprint("p", i))
	}
	var last, calls int64
	report, err := j.Verify(t.Context(), func(done, total int64) {
		if done < last || total != batch {
			t.Errorf("progress %d of %d after %d", done, total, last)
		}
		last, calls = done, calls+1
	})
	if err != nil || last != batch || calls != 2 || report.Facts != batch || report.Approved != batch/2 {
		t.Errorf("%+v, %v; %d calls, the last at %d", report, err, calls, last)
	}
}
