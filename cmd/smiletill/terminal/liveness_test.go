//go:build !notflite

package terminal_test

import (
	"encoding/json"
	"strings"
	"testing"

	"smiletill/cmd/smiletill/terminal/terminaltest"
	"smiletill/device/screen"
	"smiletill/payment/journal"
)

// TestLivenessAsksForThePIN: where it is to be made sure that a person stands there, and is not, the PIN is
// asked for, and who has none is declined; the next payments want more, over a restart too. The facts say so.
func TestLivenessAsksForThePIN(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.Flags = append(s.Flags, "--liveness-mode", "on", "--liveness-passive-max", "0.50")
	s.EnrolCustomer()
	end := s.Open()
	s.Pay("none", "1.00")
	s.WantEnd("none", "declined", "not_sure")
	code, out, _ := s.Cli("pay", "1.00", "--id", "none")
	if code != 3 || !strings.Contains(out, "not be made sure") || !strings.Contains(out, "customers pin ID`") {
		t.Errorf("pay tells of who has no PIN: %d %s", code, out)
	}
	s.limits(screen.LevelWarning, "by the pictures up to 0.50 EUR, above it by the screen's light")
	customer := s.Term.Gallery().List()[0].ID
	end()
	s.Open()
	s.Opened()
	s.Stdin(terminaltest.RightPIN + "\n")
	if code, _, errs := s.Cli("customers", "pin", customer); code != 0 {
		t.Fatal(errs)
	}
	s.Pay("pin", "0.40") // by its amount the pictures would do
	s.Eventually("the keypad", func() bool { return s.Sees(screen.EnterPIN) })
	s.typePIN("pin", terminaltest.RightPIN)
	s.WantEnd("pin", "approved", "")

	want := map[string]string{"none": "declined light liveness", "pin": "approved light liveness"}
	code, out, errs := s.Cli("journal", "export", "--format", "json")
	for line := range strings.Lines(out) {
		var f journal.Fact
		if err := json.Unmarshal([]byte(line), &f); err != nil {
			t.Fatal(err)
		}
		got := strings.Join([]string{f.Kind, string(f.Demand), string(f.Limits)}, " ")
		if f.Kind != "opened" && got != want[f.PaymentID] {
			t.Errorf("the fact of %s: %s; want %s", f.PaymentID, got, want[f.PaymentID])
		}
		if f.Kind != "opened" {
			delete(want, f.PaymentID)
		}
	}
	if code != 0 || len(want) > 0 {
		t.Errorf("%d %s%s; without %v", code, out, errs, want)
	}
}
