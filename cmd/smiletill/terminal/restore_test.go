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
	"smiletill/cmd/smiletill/witness"
	"smiletill/device/screen"
)

// TestRestore: a machine that takes a broken terminal's place by its backup takes no payment before the
// cloud has said that nothing is missing: with the newest backup it goes on by itself, with an older one it
// does not charge again what only the cloud has, and without a cloud a person says so.
func TestRestore(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	b, c := terminaltest.NewCloud(t, config.Default(), s.Dir, rand.New(rand.NewPCG(5, 6)))
	flags := s.Flags
	s.Flags = append(s.Flags, "--mqtt-broker", b.URL())
	s.EnrolCustomer()
	_, out, _ := s.Cli("backup", "key")
	words := out // as they are shown
	s.reportedDay(c, "one", 1)
	older, newest := filepath.Join(s.Dir, "older.backup"), filepath.Join(s.Dir, "newest.backup")
	s.does("backup", "--faces", older)
	s.reportedDay(c, "two", 2)
	s.does("backup", "--faces", newest)

	s.replaced(newest, words)
	end := s.Open()
	s.Pay("two", "1.00") // the stored result
	if p := s.End("two"); p.State != "approved" {
		t.Errorf("the newest backup does not know it: %+v", p)
	}
	_, facts, _ := s.Cli("journal", "audit")
	if !strings.Contains(facts, "a backup; the cloud has no more; restored") {
		t.Errorf("the facts say nothing of it:\n%s", facts)
	}
	s.Pay("three", "1.00")
	s.WantEnd("three", "approved", "")
	end()

	s.replaced(older, words)
	end = s.Open()
	s.setBack(t, c, "the cloud has fact")
	end()

	s.Flags = flags // no broker
	s.replaced(newest, words)
	s.Open()
	s.Eventually("that nothing tells", func() bool {
		v := s.View()
		return v.State == screen.OutOfOrder && strings.Contains(v.Detail.What, "nothing tells whether payments")
	})
	s.Eventually("the words of the owner", func() bool {
		code, _, _ := s.Cli("journal", "reconcile", "--because", "there is no cloud")
		return code == 0
	})
	s.Pay("four", "1.00")
	s.WantEnd("four", "approved", "")
}

// replaced puts a new machine in the place of this one, with a backup.
func (s *shop) replaced(backup, words string) {
	s.T.Helper()
	data := filepath.Join(s.Dir, "data")
	for _, dir := range []string{data, witness.Beside(data)} {
		if err := os.RemoveAll(dir); err != nil {
			s.T.Fatal(err)
		}
	}
	if err := os.MkdirAll(data, 0o700); err != nil {
		s.T.Fatal(err)
	}
	s.Stdin(words)
	s.does("restore", backup, "--words", "-")
}
