package gallery

import (
	"slices"
	"testing"
)

// TestCosineFollowsTheGallery: what a match has to reach is asked for whenever the customers change, and is
// not known of a gallery that is closed, locked, or whose model has no tables.
func TestCosineFollowsTheGallery(t *testing.T) {
	model := modelA
	model.Cosine = func(counts []int) float32 {
		customers := 0
		for _, n := range counts {
			customers += n
		}
		return 0.5 + float32(customers)/100
	}
	dir := t.TempDir() + "/g"
	g := mustOpen(t, dir, model)
	want := func(what string, cosine float32, counts ...int) {
		t.Helper()
		c, ok := g.Cosine()
		if c != cosine || ok != (cosine != 0) || !slices.Equal(g.Counts(), counts) {
			t.Errorf("%s: %v %v of %v, want %v of %v", what, c, ok, g.Counts(), cosine, counts)
		}
	}
	want("nobody", 0.5, 0, 0, 0, 0, 0, 0)
	ada := mustEnrol(t, g, "Ada", 1, 3)
	mustEnrol(t, g, "Bob", 2, 5)
	want("two", 0.52, 0, 0, 0, 1, 0, 1)
	if _, err := g.EnrolAgain(ada.ID, pictures(1, 4), nil); err != nil {
		t.Fatal(err)
	}
	want("one again, with four", 0.52, 0, 0, 0, 0, 1, 1)
	if err := g.Remove(ada.ID); err != nil {
		t.Fatal(err)
	}
	want("one removed", 0.51, 0, 0, 0, 0, 0, 1)
	if n := testing.AllocsPerRun(100, func() { g.Cosine() }); n != 0 {
		t.Errorf("Cosine allocates %v times", n)
	}
	if err := g.Close(); err != nil {
		t.Fatal(err)
	}
	want("closed", 0)
	g = mustOpen(t, dir, model)
	want("opened again", 0.51, 0, 0, 0, 0, 0, 1)
	g.Lock()
	want("locked", 0)
	if err := g.Close(); err != nil {
		t.Fatal(err)
	}
	g = mustOpen(t, dir, modelA)
	if c, ok := g.Cosine(); ok {
		t.Errorf("a model without tables: %v", c)
	}
}
