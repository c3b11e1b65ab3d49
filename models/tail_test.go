package models_test

import (
	"errors"
	"strings"
	"testing"

	"smiletill/models"
)

// tail is a table of rows that fall by tens from one in 1,000, changed at a place.
func tail(change func(rows []map[string]any) []map[string]any) map[string]any {
	var rows []map[string]any
	for i, far := range []float64{1e-3, 1e-4, 1e-5, 1e-6, 1e-7} {
		rows = append(rows, map[string]any{"cosine": 0.5 + float64(i)/20, "false_accepts": far, "low": far / 2,
			"high": far * 2, "missed": float64(i) / 50})
	}
	if change != nil {
		rows = change(rows)
	}
	return map[string]any{"templates": 1, "on": "photos", "rows": rows}
}

// TestTail: a manifest may be without tables; one that says nonsense is refused with the place.
func TestTail(t *testing.T) {
	set := func(field string, value any) map[string]any {
		return tail(func(r []map[string]any) []map[string]any { r[2][field] = value; return r })
	}
	third := func(n int, on string) any {
		more := tail(nil)
		more["templates"], more["on"] = n, on
		return []any{tail(nil), more}
	}
	for _, c := range []struct {
		name  string
		value any
		want  string
	}{
		{"none", gone{}, ""},
		{"one", []any{tail(nil)}, ""},
		{"two", third(3, "the same"), ""},
		{"cosine falls", []any{set("cosine", 0.54)}, "not monotonic"},
		{"false accepts stay", []any{tail(func(r []map[string]any) []map[string]any {
			r[2]["false_accepts"], r[2]["high"] = 1e-4, 1e-3
			return r
		})}, "rows[2]: it is not monotonic"},
		{"missed falls", []any{set("missed", 0.01)}, "not monotonic"},
		{"too few rows", []any{tail(func(r []map[string]any) []map[string]any { return r[:4] })}, "4 rows, want 5"},
		{"too short", []any{tail(func(r []map[string]any) []map[string]any {
			for i := range r {
				r[i]["false_accepts"], r[i]["low"] = 1e-3/float64(i+1), 1e-5
				r[i]["high"] = 0.5
			}
			return r
		})}, "too short"},
		{"begins late", []any{tail(func(r []map[string]any) []map[string]any {
			r[0]["false_accepts"] = 6e-4
			return r
		})}, "too short"},
		{"value outside its bounds", []any{set("high", 1e-6)}, "rows[2]: out of range"},
		{"nothing is ever accepted", []any{set("low", 0)}, "rows[2]: out of range"},
		{"cosine of 1", []any{set("cosine", 1)}, "out of range"},
		{"a field too few", []any{map[string]any{"templates": 1, "on": "photos"}}, `missing field "rows"`},
		{"only of three", []any{map[string]any{"templates": 3, "on": "p", "rows": tail(nil)["rows"]}}, "want 1"},
		{"twice", third(1, "the same"), "want them rising"},
		{"of six", third(6, "the same"), "up to 5"},
		{"of nothing", third(3, " "), "on is empty"},
	} {
		data := edited(t, "models.2.tail", c.value)
		switch _, err := models.Parse(data); {
		case c.want == "" && err != nil:
			t.Errorf("%s: %v", c.name, err)
		case c.want != "" && (!errors.Is(err, models.ErrManifest) || !strings.Contains(err.Error(), c.want) ||
			!strings.Contains(err.Error(), "tail")):
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
	if _, err := models.Parse(edited(t, "models.0.tail", []any{tail(nil)})); err == nil ||
		!strings.Contains(err.Error(), "detect has none") {
		t.Errorf("a detector's: %v", err)
	}
}
