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
	_, again := g.EnrolAgain(id, pictures(2, 3), nil, nil)
	for what, err := range map[string]error{"enrol": enrol, "again": again} {
		var h interface{ Hint() string }
		if !errors.Is(err, ErrLocked) || !errors.As(err, &h) {
			t.Errorf("%s: %v, want ErrLocked with a hint", what, err)
		}
	}
	if g.sealer != (sealer{}) || g.records != nil {
		t.Error("key or records are still there")
	}
}

// Whoever wants to be forgotten waits neither for the alarm's end nor for a key, a model or a free byte.
func TestRemoveReadsNothing(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "gallery")
	g, err := Open(dir, modelA, quiet())
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for i, name := range []string{"Ada", "Bob", "Cem"} {
		c, err := g.Enrol(name, pictures(uint64(i+1), 3), nil)
		if err == nil {
			err = g.KeepSmile(c.ID, Smile{0.5, 0.2})
		}
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, c.ID)
	}
	gone := func(id string) {
		t.Helper()
		if left, _ := filepath.Glob(filepath.Join(dir, id+".*")); len(left) > 0 {
			t.Errorf("left of %s: %v", id, left)
		}
	}
	if err := RemoveFrom(dir, ids[0]); !errors.Is(err, ErrInUse) {
		t.Errorf("while it is open: %v", err)
	}
	g.Lock()
	if err := g.Remove(ids[0]); err != nil {
		t.Errorf("locked: %v", err)
	}
	gone(ids[0])
	if err := errors.Join(g.Close(), os.Remove(filepath.Join(dir, keyName)), os.Chmod(dir, 0o755)); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenLocked(dir, modelA, quiet()); err == nil {
		t.Error("a folder that others can look into was opened")
	}
	if err := RemoveFrom(dir, ids[1]); err != nil {
		t.Error(err)
	}
	gone(ids[1])
	for _, id := range []string{ids[1], "../gallery", "", "*"} {
		if err := RemoveFrom(dir, id); !errors.Is(err, ErrUnknownCustomer) {
			t.Errorf("%q: %v", id, err)
		}
	}
	if err := RemoveFrom(dir+"-none", ids[2]); !errors.Is(err, ErrUnknownCustomer) {
		t.Errorf("from nowhere: %v", err)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, ids[2]+".*")); len(left) != 2 {
		t.Errorf("of Cem, who stays: %v", left)
	}
}
