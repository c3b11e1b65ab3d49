//go:build !notflite

package terminal_test

import (
	"bytes"
	"strings"
	"testing"

	"smiletill/cmd/smiletill/cli"
)

// TestRemoveAsksFirst removes a customer from a script, from a terminal with a slip, and with the id typed
// once more.
func TestRemoveAsksFirst(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.EnrolCustomer()
	_, out, _ := s.Cli("customers", "list")
	id := strings.Fields(strings.Split(out, "\n")[1])[0]
	s.Stdin(id + "\n")
	if code, _, errs := s.Cli("customers", "remove", id); code != 2 || !strings.Contains(errs, "--yes") {
		t.Errorf("from a script: %d %s", code, errs)
	}
	typed := func(line string) (int, string) {
		master, slave := openPTY(t)
		if _, err := master.WriteString(line + "\n"); err != nil {
			t.Fatal(err)
		}
		var said bytes.Buffer
		code := cli.Run(t.Context(), "test", append([]string{"customers", "remove", id}, s.Flags[:4]...),
			cli.Streams{In: slave, Out: &said, Err: &said})
		return code, said.String()
	}
	if code, said := typed("y"); code != 1 || !strings.Contains(said, "nothing was removed") ||
		!strings.Contains(said, "Grace Hopper") {
		t.Errorf("a slip: %d %s", code, said)
	}
	if _, out, _ := s.Cli("customers", "list"); !strings.Contains(out, id) {
		t.Fatalf("removed without a word:\n%s", out)
	}
	if code, said := typed(id); code != 0 || !strings.Contains(said, "removed "+id) {
		t.Errorf("typed once more: %d %s", code, said)
	}
}
