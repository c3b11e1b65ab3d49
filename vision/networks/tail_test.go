package networks

import (
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"smiletill/models"
)

// sized is the embedded set with tables that fall by ten each 0.05, that of three templates 0.02 higher.
func sized(t *testing.T, shift float64) models.Set {
	t.Helper()
	set, err := models.Open("")
	if err != nil {
		t.Fatal(err)
	}
	set.Manifest.Models = slices.Clone(set.Manifest.Models)
	at := slices.IndexFunc(set.Manifest.Models, func(m models.Model) bool { return m.Task == models.Embed })
	var tables []models.Tail
	for _, each := range []int{1, 3} {
		table := models.Tail{Templates: each, On: "nothing"}
		for i := range 5 {
			far := math.Pow(10, -3-float64(i))
			at := 0.5 + shift + 0.01*float64(each-1) + 0.05*float64(i)
			table.Rows = append(table.Rows, models.TailRow{Cosine: at, FalseAccepts: far, Low: far / 2,
				High: far * 2, Missed: float64(i) * 0.02})
		}
		tables = append(tables, table)
	}
	set.Manifest.Models[at].Tail = tables
	return set
}

// TestTailFollowsTheGallery: each customer is a chance for a mistake, and those of more templates are more
// of one.
func TestTailFollowsTheGallery(t *testing.T) {
	set := sized(t, 0)
	tail, ok, err := TailOf(set, 1000)
	if err != nil || !ok {
		t.Fatal(ok, err)
	}
	near := func(what string, got float32, want float64) {
		t.Helper()
		if math.Abs(float64(got)-want) > 1e-4 {
			t.Errorf("%s: %v, want %v", what, got, want)
		}
	}
	near("100 of one template", tail.Cosine([]int{0, 100}), 0.6)
	near("1,000 of one template", tail.Cosine([]int{0, 1000}), 0.65)
	near("1,000 of three", tail.Cosine([]int{0, 0, 0, 1000}), 0.67)
	near("1,000 of five, of which there is no table", tail.Cosine([]int{0, 0, 0, 0, 0, 1000}), 0.67)
	near("100 of two", tail.Cosine([]int{0, 0, 100}), 0.6)
	near("beyond the last row", tail.Cosine([]int{0, 100_000}), 0.75)
	half := tail.Cosine([]int{0, 50, 0, 50})
	if !(half > 0.6 && half < 0.62) {
		t.Errorf("half of one and half of three: %v", half)
	}
	near("nobody: the floor", tail.Cosine(nil), float64(floorOf(set.Model(models.Embed).SHA256).match))
	near("two customers", tail.Cosine([]int{0, 2}), 0.51505)
	strict, _, err := TailOf(sized(t, 0), 10_000)
	if err != nil {
		t.Fatal(err)
	}
	near("100, one in 10,000", strict.Cosine([]int{0, 100}), 0.65)
	before := float32(0)
	for n := range 1001 {
		c := tail.Cosine([]int{0, 0, 0, n})
		if c < before {
			t.Fatalf("%d customers: %v after %v", n, c, before)
		}
		before = c
	}
	if m := tail.Missed([]int{0, 10, 0, 10}, 0.62); math.Abs(m-(0.048+0.04)/2) > 1e-6 {
		t.Errorf("missed %v", m)
	}
	if m := tail.Missed(nil, 0.9); m != 0 {
		t.Errorf("of nobody: %v", m)
	}
}

// TestTailNeedNotBe: without tables one threshold holds; tables that are better than any network was seen
// to be are refused, by whatever opens the set.
func TestTailNeedNotBe(t *testing.T) {
	set := sized(t, 0)
	for i := range set.Manifest.Models {
		set.Manifest.Models[i].Tail = nil
	}
	if _, ok, err := TailOf(set, 1000); ok || err != nil {
		t.Errorf("no tables: %v %v", ok, err)
	}
	bad := sized(t, -0.2)
	_, ok, err := TailOf(bad, 1000)
	var hint interface{ Hint() string }
	if ok || !errors.As(err, &hint) || !strings.Contains(hint.Hint(), "--tail") ||
		!strings.Contains(err.Error(), "1 false accept in 200000") {
		t.Errorf("below the floor: %v %v", ok, err)
	}
	if _, err := OpenLooker(bad); err == nil || !strings.Contains(err.Error(), "tail") {
		t.Errorf("its networks were opened: %v", err)
	}
}
