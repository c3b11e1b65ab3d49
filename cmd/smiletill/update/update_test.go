//go:build linux

package update_test

import (
	"strings"
	"testing"
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
