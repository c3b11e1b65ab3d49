package pin

import (
	"errors"
	"path/filepath"
	"testing"
)

// A mark tells a PIN that was set from any other, also from the same digits; what can't be written down is
// not done.
func TestMarks(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "pins.db"), &terminal{})
	const customer, digits = "c_ada", "902751"
	told := ""
	before := func(mark string) error { told = mark; return nil }
	err := errors.Join(s.SetAfter(t.Context(), customer, digits, before), s.Clerk().Set(t.Context(), "731904"))
	if err != nil {
		t.Fatal(err)
	}
	first, err := s.Marks(t.Context())
	if err != nil || len(first) != 2 || len(told) != 16 || first[customer] != told || first[""] == told {
		t.Fatalf("%v, told %q, %v", first, told, err)
	}
	no := errors.New("no ink")
	refuse := func(string) error { return no }
	for _, err := range []error{
		s.SetAfter(t.Context(), customer, "480215", refuse), s.Clerk().SetAfter(t.Context(), "480215", refuse),
	} {
		if !errors.Is(err, no) {
			t.Error(err)
		}
	}
	if now, err := s.Marks(t.Context()); err != nil || now[customer] != first[customer] || now[""] != first[""] {
		t.Errorf("what can't be written down was done: %v, %v", now, err)
	}
	if err := s.Try(t.Context(), customer, digits); err != nil {
		t.Error(err)
	}
	if err := s.SetAfter(t.Context(), customer, digits, before); err != nil || told == first[customer] {
		t.Errorf("the same digits once more: %q, %v", told, err)
	}
}
