//go:build !notflite

package terminal_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"smiletill/cmd/smiletill/people"
)

// Whatever a command changes while no terminal runs is a fact with a name, after the next start: of those who
// pay, who work here, which register is let in and what the terminal is. What was changed by hand is found,
// and nobody is said to have done it.
func TestWhatIsDoneWhileOffHasAName(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.EnrolCustomer()
	s.Stdin("802751\n")
	s.does("counter", "pin")
	end := s.Open() // a first start, or all of it were the first
	s.Opened()
	wantAudits(s.Shop, "customer enrolled", "clerk pin set", "terminal configured")
	all, err := s.Customers(t.Context())
	if err != nil || len(all) != 1 {
		t.Fatal(all, err)
	}
	end()
	before, id := len(audits(s.Shop)), all[0].ID

	s.does("clerks", "add", "Anna")
	s.does("clerks", "add", "anna", "--role", "technician")
	s.clerk("Berta", "owner", "915372")
	s.clerk("Cleo", "owner", "628401")
	s.does("clerks", "pin", "Berta", "--remove")
	s.does("clerks", "remove", "Berta")
	s.does("counter", "pin", "--remove")
	s.Stdin("902751\n")
	s.does("customers", "pin", id)
	s.does("customers", "pin", id, "--remove")
	s.does(append([]string{"enrol", "--again", id}, s.Photos("enrol_3", "enrol_4", "enrol_5")...)...)
	s.does(append([]string{"enrol", "Ada Lovelace", "--agreed", "en"}, strangers(t, s.Dir)...)...)
	s.does("register", "pair", "counter-1")
	s.does("register", "pair", "counter-1")
	s.does("register", "unpair", "counter-1", "--version", "1")
	s.does("customers", "remove", "--yes", id)
	cfg := s.Config()
	if err := os.Symlink("built-in:small", cfg.InstalledModels()); err != nil { // by hand
		t.Fatal(err)
	}

	s.Open()
	s.Opened()
	want := []string{
		"clerk added", "clerk added", "clerk added", "clerk pin set", "clerk added", "clerk pin set",
		"clerk pin taken", "clerk removed", "clerk pin taken", "customer pin set", "customer pin taken",
		"customer renewed", "customer enrolled", "register paired", "register paired",
		"register unpaired", "customer removed", "models swapped"}
	wantAudits(s.Shop, want...)
	facts := audits(s.Shop)[before:]
	if len(facts) != len(want) {
		t.Errorf("%d facts, want %d: %q", len(facts), len(want), facts)
	}
	who := people.Here().String()
	for _, a := range facts {
		hand := strings.Contains(a, "models swapped")
		if strings.Contains(a, who) == hand || !hand && !strings.Contains(a, "not by the running terminal") {
			t.Errorf("%s is not said to have done it, or is and has not: %s", who, a)
		}
	}
	if left, err := os.Stat(filepath.Join(cfg.Paths.DataDir, "intents.jsonl")); err != nil || left.Size() != 0 {
		t.Errorf("left to be told once more: %v, %v", left, err)
	}
	if text := string(readAll(t, cfg.Paths.DataDir, ".jsonl")); strings.Contains(text, "Lovelace") {
		t.Errorf("a customer's name: %s", text)
	}
}

// readAll gives what is in the files of a folder that end so.
func readAll(t *testing.T, dir, ext string) (all []byte) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*"+ext))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, text...)
	}
	return all
}

// Which register is let in, and who let it in, is a fact as soon as the command ends, also where no register
// is served at all.
func TestWhoPairs(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.Flags = append(s.Flags, "--register-listen", "")
	s.Open()
	s.Opened()
	who := people.Here().String()
	for do, what := range map[string]string{"pair": "register paired", "unpair": "register unpaired"} {
		if do == "unpair" {
			s.does("register", "pair", "counter-2")
		}
		s.does("register", do, "counter-2")
		last := audits(s.Shop) // at once
		if a := last[len(last)-1]; !strings.Contains(a, what) || !strings.Contains(a, who) {
			t.Errorf("%s: %s, want %s by %s", do, a, what, who)
		}
	}
	if n := strings.Count(fmt.Sprint(audits(s.Shop)), "register paired"); n < 1 || n > 2 {
		t.Errorf("told %d times: %q", n, audits(s.Shop))
	}
}
