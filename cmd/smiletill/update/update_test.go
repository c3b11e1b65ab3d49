//go:build linux

package update_test

import (
	"database/sql"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	_ "modernc.org/sqlite"

	"smiletill/payment/journal"
)

// TestUpdateCard updates a card: the new version is tried, takes no payments until it was found good, and is
// what starts always from then on.
func TestUpdateCard(t *testing.T) {
	c := newCard(t)
	c.named()
	c.terminal()
	c.eventually("the terminal is ready", func() bool { code, _ := c.cli("status"); return code == 0 })
	code, said := c.cli("update", c.ours("v2.0.0"))
	if code != 0 || !c.restarted() || !strings.Contains(said, "100% Installing done") {
		t.Fatalf("update: %d\n%s", code, said)
	}
	if s := c.state(); s.Phase != "restarting" || c.always() != "A" {
		t.Fatalf("before the restart: %+v, slot %s starts always", s, c.always())
	}
	c.start("B", "v2.0.0")
	c.terminal()
	c.eventually("no payment is taken in a slot that is tried", func() bool {
		_, said := c.cli("pay", "1.00", "EUR")
		return strings.Contains(said, "is being updated: the new version is tried")
	})
	if code, said := c.cli("update", "confirm", "--within", "1000000h"); code != 0 {
		t.Fatalf("confirm: %d\n%s\n%s", code, said, c.log())
	}
	if s := c.state(); s.Phase != "good" || c.always() != "B" {
		t.Errorf("after it: %+v, slot %s starts always", s, c.always())
	}
	c.eventually("it is ready, and tells", func() bool {
		code, said := c.cli("status")
		return code == 0 && strings.Contains(said, "v2.0.0 runs since")
	})
}

// TestJournalComesBack plays a way back from a program that had brought the journal to a newer form: the
// program before can't read that, and takes what was kept of before; only where an update came back.
func TestJournalComesBack(t *testing.T) {
	c := newCard(t)
	c.named()
	c.terminal()
	ready := func() bool { code, _ := c.cli("status"); return code == 0 }
	c.eventually("the terminal is ready", ready)
	c.start("B", "v2.0.0") // the terminal is off
	newer := journal.Schema() + 1
	db, err := sql.Open("sqlite", c.path("data/journal.db"))
	if err != nil {
		t.Fatal(err)
	}
	for _, do := range []string{
		fmt.Sprintf("VACUUM INTO '%s.schema%d'", c.path("data/journal.db"), newer-1),
		fmt.Sprintf("PRAGMA user_version = %d", newer),
	} {
		if _, err := db.Exec(do); err != nil {
			t.Fatalf("%s: %v", do, err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	c.start("A", "v1.0.0")
	c.terminal()
	c.eventually("a newer journal is refused where no update came back", func() bool {
		code, said := c.cli("status")
		return code != 0 && strings.Contains(said, "newer version")
	})
	if err := os.MkdirAll(c.path("data/update"), 0o755); err != nil {
		t.Fatal(err)
	}
	c.write("data/update/state.json", fmt.Sprintf(`{"phase":"trying","from":{"version":"v1.0.0","slot":"A"},
		"to":{"version":"v2.0.0","slot":"B"},"source":"v2","at":%q,"boot":"start-2","why":"no camera"}`,
		time.Now().UTC().Format(time.RFC3339)))
	c.start("A", "v1.0.0")
	c.terminal()
	c.eventually("it is ready, and says what happened", func() bool {
		code, said := c.cli("status")
		return code == 0 && strings.Contains(said, "came back to v1.0.0: no camera")
	})
	if code, said := c.cli("journal", "verify"); code != 0 {
		t.Errorf("journal verify: %d\n%s", code, said)
	}
}
