//go:build !notflite

package main

import (
	"database/sql"
	"errors"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"smiletill/device/screen"
	"smiletill/payment/journal"
)

// TestQuarantineUnderATerminal damages the journal of a terminal that is switched off, and has the
// technician mend it while the terminal stands there out of order. The cloud counts each payment once.
func TestQuarantineUnderATerminal(t *testing.T) {
	s := newShop(t)
	b, c := newCloud(t, defaultConfig(), s.dir, rand.New(rand.NewPCG(1, 2)))
	s.flags = append(s.flags, "--mqtt-broker", b.URL())
	s.enrol()
	counted := func(n int) func() bool {
		return func() bool {
			events, err := c.Events(t.Context(), 0, 99)
			return err == nil && len(events) == n
		}
	}
	end := s.openUntil()
	s.pay("one", "1.00")
	s.end("one")
	s.eventually("the report of one", counted(1))
	end()

	path := filepath.Join(s.dir, "data", "journal.db")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	clear(text[:100])
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	s.open()
	s.eventually("out of order", func() bool { return s.sees(screen.OutOfOrder) })
	if _, _, errs := s.cli("journal", "verify"); !strings.Contains(errs, "smiletill journal quarantine") {
		t.Errorf("verify: %s", errs)
	}
	code, out, errs := s.cli("journal", "quarantine")
	if code != exitOK || !strings.Contains(out, "taken over: 2 facts, 1 approvals") ||
		!strings.Contains(out, "next:") {
		t.Fatalf("quarantine: %d %s %s", code, out, errs)
	}
	t.Log(out)
	s.eventually("in order", func() bool { return s.sees(screen.Idle) })
	if p := s.end("one"); p.State != "approved" {
		t.Errorf("%+v", p)
	}
	s.pay("two", "2.00")
	s.end("two")
	s.eventually("the report of two", counted(2))
	s.eventually("nothing to report", func() bool {
		code, out, _ := s.cli("journal", "verify")
		return code == exitOK && strings.Contains(out, "taken over from a damaged journal")
	})
	if code, _, errs := s.cli("journal", "quarantine"); code == exitOK || !strings.Contains(errs, "in use") {
		t.Errorf("quarantine of a journal in use: %d %s", code, errs)
	}
}

// TestTendFindsDamage changes an entry under a terminal that runs: it does not go on with it.
func TestTendFindsDamage(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal.db")
	j, err := journal.Open(t.Context(), path, journal.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	ended := make(chan error, 1)
	p := &parts{journal: j, log: slog.New(slog.DiscardHandler)}
	go func() { ended <- p.tend(t.Context(), journal.MinKeep, 10*time.Millisecond) }()
	select {
	case err := <-ended:
		t.Fatalf("a sound journal: %v", err)
	case <-time.After(200 * time.Millisecond):
	}
	db, err := sql.Open("sqlite", path+"?_pragma=busy_timeout(5000)")
	if err != nil {
		t.Fatal(err)
	}
	_, err = db.Exec(`UPDATE head SET seq = 1`)
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-ended:
		if !errors.Is(err, journal.ErrDamaged) || hintOf(err) == "" {
			t.Errorf("damage: %v", err)
		}
	case <-time.After(20 * time.Second):
		t.Error("the damage is not found")
	}
}
