//go:build !notflite

package terminal_test

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"smiletill/cmd/smiletill/config"
	"smiletill/cmd/smiletill/terminal/terminaltest"
	"smiletill/device/screen"
)

// TestQuarantineUnderATerminal damages the journal of a terminal that is switched off, and has the
// technician mend it while the terminal stands there out of order. The cloud counts each payment once.
func TestQuarantineUnderATerminal(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	b, c := terminaltest.NewCloud(t, config.Default(), s.Dir, rand.New(rand.NewPCG(1, 2)))
	s.Flags = append(s.Flags, "--mqtt-broker", b.URL())
	s.EnrolCustomer()
	counted := func(n int) func() bool {
		return func() bool {
			events, err := c.Events(t.Context(), 0, 99)
			return err == nil && len(events) == n
		}
	}
	end := s.Open()
	s.Pay("one", "1.00")
	s.End("one")
	s.Eventually("the report of one", counted(1))
	said, err := c.Events(t.Context(), 0, 1)
	if err != nil || len(said) != 1 || !strings.Contains(string(said[0].Data), `"manifest":"`) {
		t.Errorf("an approval does not say whose thresholds decided: %+v, %v", said, err)
	}
	end()

	path := filepath.Join(s.Dir, "data", "journal.db")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	clear(text[:100])
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	s.Open()
	s.Eventually("out of order", func() bool { return s.Sees(screen.OutOfOrder) })
	if _, _, errs := s.Cli("journal", "verify"); !strings.Contains(errs, "smiletill journal quarantine") {
		t.Errorf("verify: %s", errs)
	}
	code, out, errs := s.Cli("journal", "quarantine")
	if code != 0 || !strings.Contains(out, "taken over: 4 facts, 1 approvals") ||
		!strings.Contains(out, "next:") {
		t.Fatalf("quarantine: %d %s %s", code, out, errs)
	}
	t.Log(out)
	s.Eventually("in order", func() bool { return s.Sees(screen.Idle) })
	if p := s.End("one"); p.State != "approved" {
		t.Errorf("%+v", p)
	}
	s.Pay("two", "2.00")
	s.End("two")
	s.Eventually("the report of two", counted(2))
	s.Eventually("nothing to report", func() bool {
		code, out, _ := s.Cli("journal", "verify")
		return code == 0 && strings.Contains(out, "taken over from a damaged journal")
	})
	if code, _, errs := s.Cli("journal", "quarantine"); code == 0 || !strings.Contains(errs, "in use") {
		t.Errorf("quarantine of a journal in use: %d %s", code, errs)
	}
}
