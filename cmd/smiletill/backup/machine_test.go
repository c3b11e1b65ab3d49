package backup

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// TestRestoreLeavesTheMachine: models in force and a standing alarm are the machine's, and stay.
func TestRestoreLeavesTheMachine(t *testing.T) {
	data, id := saved(t, terminal(t, 7), true)
	dir := terminal(t, 3)
	err := errors.Join(os.Mkdir(filepath.Join(dir, "models-123"), 0o700),
		os.Symlink("models-123", filepath.Join(dir, "models")),
		os.WriteFile(filepath.Join(dir, "tamper.json"), []byte(`{"since":"2026-11-30T12:00:00Z"}`), 0o600))
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := restoreInto(t.Context(), bytes.NewReader(data), id, target(dir)); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"models", "tamper.json"} {
		if _, err := os.Stat(filepath.Join(dir, name)); err != nil { // through the link
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestRestoreByRoot: what root leaves half done is the terminal's to go on with.
func TestRestoreByRoot(t *testing.T) {
	const nobody = 65534
	dir := t.TempDir()
	if err := os.Chown(dir, nobody, nobody); err != nil {
		t.Skipf("only root may give files away: %v", err)
	}
	data, id := saved(t, terminal(t, 7), true)
	steps := 0
	_, _, err := restoreSteps(t.Context(), bytes.NewReader(data), id, target(dir), func() error {
		if steps++; steps == 3 {
			return errCut
		}
		return nil
	})
	if !errors.Is(err, errCut) {
		t.Fatal(err)
	}
	for _, name := range []string{restoringName, databases[0] + ".lock"} {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if s, ok := info.Sys().(*syscall.Stat_t); !ok || s.Uid != nobody {
			t.Errorf("%s is not the terminal's user's", name)
		}
	}
}
