//go:build !notflite

package terminal_test

import (
	"strings"
	"testing"

	"smiletill/cmd/smiletill/terminal/terminaltest"
)

// Who works here is said before the terminal has ever run, and while it is off; so is what it lacks.
func TestClerksOfATerminalThatDoesNotRun(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	list := func(want ...string) {
		t.Helper()
		code, out, errs := s.Cli("clerks", "list")
		for _, w := range want {
			if code != 0 || !strings.Contains(out, w) {
				t.Fatalf("clerks list: %d %q %s, want %q", code, out, errs, w)
			}
		}
	}
	list("nobody has a PIN here")
	s.does("clerks", "add", "Anna", "--role", "owner")
	s.Stdin(terminaltest.RightPIN + "\n")
	s.does("counter", "pin")
	list("Anna", "none yet", "counter")
	s.Stdin(terminaltest.RightPIN + "\n")
	s.does("clerks", "pin", "anna")
	s.does("counter", "pin", "--remove")
	_, out, _ := s.Cli("clerks", "list")
	if strings.Contains(out, "counter") || strings.Contains(out, "none yet") {
		t.Errorf("clerks list:\n%s", out)
	}
	s.does("clerks", "add", "Max", "--role", "owner")
	if code, _, errs := s.Cli("clerks", "remove", "Anna"); code == 0 || !strings.Contains(errs, "with a PIN") {
		t.Errorf("the last owner who has a PIN: %d %s", code, errs)
	}
	s.does("clerks", "remove", "Max")
	if code, _, errs := s.Cli("clerks", "remove", "Anna"); code == 0 || !strings.Contains(errs, "last owner") {
		t.Errorf("the last owner: %d %s", code, errs)
	}
	code, _, errs := s.Cli("customers", "receipt", "none.json")
	if code == 0 || !strings.Contains(errs, "start the terminal once") {
		t.Errorf("a receipt, and no key yet: %d %s", code, errs)
	}
}
