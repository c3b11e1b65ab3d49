package journal

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"smiletill/payment"
)

// copied is a copy of a journal that nobody has open.
func copied(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	to := filepath.Join(t.TempDir(), "journal.db")
	write(t, to, text)
	return to
}

// TestOlderCopyIsRefused: a journal that lacks what the cloud acknowledged is opened no more, says why and
// what to do; with the newest copy it goes on, and without one it is reconciled.
func TestOlderCopyIsRefused(t *testing.T) {
	path := newPath(t)
	j := open(t, path, Options{})
	approve(t, j, "one")
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	backup := copied(t, path)
	j = open(t, path, Options{})
	approve(t, j, "two")
	acked := pending(t, j, 0, 9)
	last := acked[len(acked)-1]
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	newest := copied(t, path)

	for _, c := range []struct {
		name    string
		begin   func(t *testing.T) string // the journal that is there when the cloud tells
		more    []string                  // payments that are made before it does
		says    string
		payable []string // that are known after Reconcile
	}{
		{"an older copy", func(t *testing.T) string { return copied(t, backup) },
			nil, "ends with 2", []string{"one"}},
		{"an older copy that went on", func(t *testing.T) string { return copied(t, backup) },
			[]string{"three", "four"}, "another fact 4", []string{"one", "three", "four"}},
		{"begun anew", func(t *testing.T) string { return newPath(t) }, nil, "ends with 0", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := c.begin(t)
			j := open(t, path, Options{})
			for _, id := range c.more {
				approve(t, j, id)
			}
			if held, err := j.Holds(t.Context(), last.ID, last.Hash, last.Seq); err != nil || held {
				t.Fatal(held, err)
			}
			if err := j.Behind(t.Context(), last.ID, last.Hash, last.Seq); !errors.Is(err, ErrBehind) {
				t.Fatal(err)
			}
			if err := j.Close(); err != nil {
				t.Fatal(err)
			}
			for range 2 { // it doesn't wear off
				_, err := Open(t.Context(), path, Options{})
				if !errors.Is(err, ErrBehind) || !strings.Contains(err.Error(), c.says) ||
					!strings.Contains(hint(err), "journal reconcile") {
					t.Fatalf("%v; hint %q", err, hint(err))
				}
			}
			reconciled(t, path, last, c.payable)
		})
	}

	t.Run("the newest copy", func(t *testing.T) {
		j := open(t, backup, Options{})
		if err := j.Behind(t.Context(), last.ID, last.Hash, last.Seq); !errors.Is(err, ErrBehind) {
			t.Fatal(err)
		}
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(newest)
		if err != nil {
			t.Fatal(err)
		}
		write(t, backup, text) // put back
		j = open(t, backup, Options{})
		if _, err := j.Find(t.Context(), "two"); err != nil {
			t.Error(err)
		}
		if _, err := os.Stat(backup + ".behind"); err == nil {
			t.Error("what it lacked is still noted")
		}
		if held, err := j.Holds(t.Context(), last.ID, last.Hash, last.Seq); err != nil || !held {
			t.Error(held, err)
		}
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
		if _, err := Reconcile(t.Context(), backup, noon, nil); !errors.Is(err, ErrInStep) || hint(err) == "" {
			t.Errorf("reconcile a journal that lacks nothing: %v", err)
		}
	})
}

// reconciled has a journal go on without what it lacks.
func reconciled(t *testing.T, path string, lacks Row, known []string) {
	t.Helper()
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	q, err := Reconcile(t.Context(), path, noon, nil)
	if err != nil {
		t.Fatal(err)
	}
	kept, err := os.ReadFile(filepath.Join(q.Folder, "journal.db"))
	if err != nil || string(kept) != string(before) {
		t.Errorf("the journal as it was is not kept: %v", err)
	}
	if q.First <= lacks.Seq || q.Approved != len(known) || !q.Tail {
		t.Errorf("%+v", q)
	}
	// Typed again before a terminal has opened it: it is done, and stays as it is.
	if _, err := Reconcile(t.Context(), path, noon, nil); !errors.Is(err, ErrInStep) || hint(err) == "" {
		t.Errorf("reconcile a journal that was reconciled: %v", err)
	}
	j := open(t, path, Options{})
	// The cloud goes on telling what it has: that is settled.
	if held, err := j.Holds(t.Context(), lacks.ID, lacks.Hash, lacks.Seq); err != nil || !held {
		t.Error(held, err)
	}
	for _, id := range known {
		if p, err := j.Find(t.Context(), id); err != nil || p.State != payment.StateApproved {
			t.Errorf("%s: %+v, %v", id, p, err)
		}
	}
	if rows := pending(t, j, 0, 99); len(rows) != len(known) {
		t.Errorf("%d are reported once more, want %d", len(rows), len(known))
	}
	approve(t, j, "later")
	verify(t, &j.Reader)
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	j = open(t, path, Options{})
	// What the cloud has besides, in the same second: the folder of before stays as it is.
	if err := j.Behind(t.Context(), "another", lacks.Hash, q.First+1000); !errors.Is(err, ErrBehind) {
		t.Fatal(err)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	again, err := Reconcile(t.Context(), path, noon, nil)
	if err != nil || again.Folder == q.Folder || again.First <= q.First+1000 {
		t.Fatalf("%+v, %v", again, err)
	}
	for _, folder := range []string{q.Folder, again.Folder} {
		if _, err := os.Stat(filepath.Join(folder, "journal.db")); err != nil {
			t.Error(err)
		}
	}
	open(t, path, Options{})
}
