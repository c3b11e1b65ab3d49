package gallery

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

func TestLockedGalleryKnowsNobody(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "gallery")
	model := modelA
	g, err := Open(dir, model, quiet())
	if err != nil {
		t.Fatal(err)
	}
	ada, err := g.Enrol("Ada", pictures(1, 3), nil)
	if err != nil {
		t.Fatal(err)
	}
	probe := pictures(1, 3)[0]
	if id, _, _ := g.Match(probe); id != ada.ID {
		t.Fatalf("before: %q", id)
	}
	g.Lock()
	locked(t, g, ada.ID, probe)
	if err := g.Close(); err != nil {
		t.Fatal(err)
	}
	// Locked from the beginning it does not even need its key.
	key := filepath.Join(dir, "gallery.key")
	if err := os.Rename(key, key+".away"); err != nil {
		t.Fatal(err)
	}
	if g, err = OpenLocked(dir, model, quiet()); err != nil {
		t.Fatal(err)
	}
	locked(t, g, ada.ID, probe)
	if _, err := OpenLocked(dir, model, quiet()); !errors.Is(err, ErrInUse) {
		t.Errorf("twice: %v", err)
	}
	if err := errors.Join(g.Close(), os.Rename(key+".away", key)); err != nil {
		t.Fatal(err)
	}
	if g, err = Open(dir, model, quiet()); err != nil {
		t.Fatal(err)
	}
	defer g.Close()
	if id, _, _ := g.Match(probe); id != ada.ID || g.Locked() {
		t.Errorf("opened again: %q, locked %v", id, g.Locked())
	}
}

func locked(t *testing.T, g *Gallery, id string, probe []float32) {
	t.Helper()
	if got, _, _ := g.Match(probe); got != "" || !g.Locked() || len(g.List()) != 0 {
		t.Errorf("a locked gallery knows %q and lists %d", got, len(g.List()))
	}
	_, enrol := g.Enrol("Bob", pictures(2, 3), nil)
	_, again := g.EnrolAgain(id, pictures(2, 3), nil)
	for what, err := range map[string]error{"enrol": enrol, "again": again, "remove": g.Remove(id)} {
		var h interface{ Hint() string }
		if !errors.Is(err, ErrLocked) || !errors.As(err, &h) {
			t.Errorf("%s: %v, want ErrLocked with a hint", what, err)
		}
	}
	if g.sealer != (sealer{}) || g.records != nil {
		t.Error("key or records are still there")
	}
}
