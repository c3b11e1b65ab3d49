package journal

import (
	"errors"
	"strings"
	"testing"
	"time"

	"smiletill/payment"
)

// A journal with reports that are open under the terminal's old name is refused, whichever part of the name
// is another, and goes on under the new one when all are acknowledged: which is a fact. Before it said who it
// was, a fact had the terminal's part alone.
func TestRenamed(t *testing.T) {
	old := Options{Tenant: "acme", Site: "shop", Terminal: "till-1"}
	for _, c := range []struct {
		name    string
		was, is Options
		want    string // the old name, as the refusal has it; empty: taken
	}{
		{"another id", old, Options{Tenant: "acme", Site: "shop", Terminal: "till-2"}, "acme/shop/till-1"},
		{"another site", old, Options{Tenant: "acme", Site: "yard", Terminal: "till-1"}, "acme/shop/till-1"},
		{"another tenant", old, Options{Tenant: "else", Site: "shop", Terminal: "till-1"}, "acme/shop/till-1"},
		{"another id, facts of before", Options{Terminal: "till-1"},
			Options{Tenant: "acme", Site: "shop", Terminal: "till-2"}, "till-1"},
		{"the same, facts of before", Options{Terminal: "till-1"}, old, ""},
		{"a name for the first time", Options{}, old, ""},
		{"the same", old, old, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := newPath(t)
			j := open(t, path, c.was)
			approve(t, j, "pay-1")
			row := pending(t, j, 0, 9)[0]
			if err := j.Close(); err != nil {
				t.Fatal(err)
			}
			again, err := Open(t.Context(), path, c.is)
			if c.want == "" {
				if err != nil {
					t.Fatal(err)
				}
				if said, err := again.Audits(t.Context(), 9); err != nil || len(said) != 0 {
					t.Errorf("%+v, %v", said, err)
				}
				_ = again.Close()
				return
			}
			var renamed *RenamedError
			if !errors.As(err, &renamed) || renamed.Was != c.want || renamed.Open != 1 ||
				!strings.Contains(payment.HintOf(err), "put the old name ("+c.want+") back") {
				t.Fatalf("%v, hint %q", err, payment.HintOf(err))
			}
			j = open(t, path, c.was)
			if err := j.Outbox().Close(t.Context(), row.ID, row.Hash, row.Seq); err != nil {
				t.Fatal(err)
			}
			if err := j.Close(); err != nil {
				t.Fatal(err)
			}
			for range 2 { // it is said once
				j = open(t, path, c.is)
				said, err := j.Audits(t.Context(), 9)
				if err != nil || len(said) != 1 || said[0].What != TerminalRenamed || said[0].Formerly != c.want {
					t.Fatalf("%+v, %v", said, err)
				}
				if err := j.Close(); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

// A report that was taken out of the queue stops no rename, and goes out under its own name or not at all.
func TestParkedReportKeepsItsName(t *testing.T) {
	path := newPath(t)
	old := Options{Tenant: "acme", Site: "shop", Terminal: "till-1"}
	j := open(t, path, old)
	approve(t, j, "pay-1")
	row := pending(t, j, 0, 9)[0]
	if err := j.Outbox().Park(t.Context(), row.Seq, "refused"); err != nil {
		t.Fatal(err)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	j = open(t, path, Options{Tenant: "acme", Site: "shop", Terminal: "till-2"})
	err := j.Outbox().Unpark(t.Context(), row.Seq, payment.Who{})
	if !errors.Is(err, ErrRenamed) || !strings.Contains(payment.HintOf(err), "old name") {
		t.Errorf("%v, hint %q", err, payment.HintOf(err))
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	j = open(t, path, old)
	if err := j.Outbox().Unpark(t.Context(), row.Seq, payment.Who{}); err != nil {
		t.Error(err)
	}
}

// Taken over from files that were set aside, reports are open again, under the name that they were made with.
func TestReconciledJournalKeepsItsName(t *testing.T) {
	path := newPath(t)
	old := Options{Tenant: "acme", Site: "shop", Terminal: "till-1"}
	j := open(t, path, old)
	approve(t, j, "pay-1")
	row := pending(t, j, 0, 9)[0]
	if err := j.Outbox().Close(t.Context(), row.ID, row.Hash, row.Seq); err != nil {
		t.Fatal(err)
	}
	if err := j.Behind(t.Context(), "e-9", strings.Repeat("0", 64), 9); !errors.Is(err, ErrBehind) {
		t.Fatal(err)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := Reconcile(t.Context(), path, time.Now(), nil); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), path, Options{Tenant: "acme", Site: "shop", Terminal: "till-2"}); !errors.Is(
		err, ErrRenamed) {
		t.Errorf("under another name: %v", err)
	}
	j = open(t, path, old)
	if again := pending(t, j, 0, 9); len(again) != 1 || again[0].ID != row.ID || again[0].Hash != row.Hash {
		t.Errorf("%+v", again)
	}
}
