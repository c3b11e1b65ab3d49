//go:build !notflite

package main

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"smiletill/device/screen"
	"smiletill/payment/cloud"
	"smiletill/payment/cloud/broker"
)

// TestQuarantineUnderATerminal damages the journal of a terminal that is switched off, and has the
// technician mend it while the terminal stands there out of order. The cloud counts each payment once.
func TestQuarantineUnderATerminal(t *testing.T) {
	s := newShop(t)
	quiet := slog.New(slog.DiscardHandler)
	b, err := broker.Start("127.0.0.1:0", quiet)
	if err != nil {
		t.Fatal(err)
	}
	c, err := cloud.Open(t.Context(), cloud.Options{Broker: b.URL(), File: filepath.Join(s.dir, "cloud.db"),
		Key: newKey(t), Log: quiet, Rand: rand.New(rand.NewPCG(1, 2))})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- c.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := errors.Join(<-ended, c.Close(), b.Close()); err != nil {
			t.Errorf("end of the cloud: %v", err)
		}
	})
	if err := introduce(t.Context(), c, defaultConfig(), filepath.Join(s.dir, "data")); err != nil {
		t.Fatal(err)
	}
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
