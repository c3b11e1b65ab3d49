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
	if _, err := g.EnrolAgain(ada.ID, pictures(1, 4), nil, nil); err != nil {
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

// TestNarrowedCosineIsWorkedOutOnce: a visit asks for it with each frame, of a search that was narrowed too.
// It is worked out once, and again when the customers change; and no frame allocates.
func TestNarrowedCosineIsWorkedOutOnce(t *testing.T) {
	model := twoModels()
	rising, worked := model.Cosine, 0
	model.Cosine = func(counts []int) float32 { worked++; return rising(counts) }
	dir := t.TempDir() + "/g"
	g := mustOpen(t, dir, modelA)
	mustNumber(t, g, "Ada", "4711", 1)
	g.Close()
	g = mustOpen(t, dir, model)
	if _, err := g.Numbered("4711").Enrol("Bob", shots(sface, 2, 20), nil); err != nil {
		t.Fatal(err)
	}
	now, before := g.Narrow("4711")
	probe, older := sface(2, 9), picture(1, 9)
	want := func(what string, times int, cosine float32) {
		t.Helper()
		worked = 0
		n := testing.AllocsPerRun(100, func() {
			now.Match(probe)
			now.Cosine()
			before.Match(older)
			before.Cosine()
		})
		c, ok := now.Cosine()
		b, _ := before.Cosine()
		if n != 0 || worked != times || !ok || c < cosine-1e-6 || c > cosine+1e-6 || b < cosine+0.2-1e-6 ||
			b > cosine+0.2+1e-6 {
			t.Errorf("%s: worked out %d times with %v allocations, %v and %v, want %d times, %v", what, worked, n, c,
				b, times, cosine)
		}
	}
	want("two have the digits", 1, 0.402)
	want("the same two", 0, 0.402)
	if _, err := g.Numbered("4711").Enrol("Eve", shots(sface, 3, 20), nil); err != nil {
		t.Fatal(err)
	}
	want("a third", 1, 0.403)
	if id, _, _ := (Faces{}).Match(probe); id != "" {
		t.Errorf("no faces know %q", id)
	}
}
