package update

import (
	"encoding/json"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"
)

// A slot is proven when it was found good, and not because time has passed; a state that can't be read on a
// machine with slots proves nothing. A machine without slots tries nothing.
func TestProven(t *testing.T) {
	dir := t.TempDir()
	cmdline := filepath.Join(dir, "cmdline")
	t.Setenv("SMILETILL_CMDLINE", cmdline)
	t.Setenv("SMILETILL_BOOT", "this")
	if err := os.MkdirAll(filepath.Join(dir, folderName), 0o700); err != nil {
		t.Fatal(err)
	}
	state := func(now phase) string {
		text, err := json.Marshal(State{Phase: now, From: program{Slot: "A"}, To: program{Slot: "B"},
			Boot: "this"})
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	for _, c := range []struct {
		name, slot, state string
		proven            bool
	}{
		{"tried", "B", state(trying), false},
		{"found good", "B", state(good), true},
		{"back", "A", state(back), true},
		{"never updated", "A", "", true},
		{"damaged", "A", "{", false},
		{"damaged, no slots", "", "{", true},
	} {
		err := os.WriteFile(cmdline, []byte("quiet rauc.slot="+c.slot), 0o600)
		path := filepath.Join(dir, folderName, stateName)
		if err == nil && c.state == "" {
			err = os.RemoveAll(path)
		} else if err == nil {
			err = os.WriteFile(path, []byte(c.state), 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
		synctest.Test(t, func(t *testing.T) {
			k := NewKeeper(dir, slog.New(slog.DiscardHandler), func() {})
			time.Sleep(2 * triedFor)
			if k.Proven() != c.proven {
				t.Errorf("%s: %v", c.name, k.Proven())
			}
		})
	}
}
