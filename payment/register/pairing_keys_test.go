package register

import "testing"

func TestKeyIDs(t *testing.T) {
	for name, want := range map[string]string{
		"Counter 1": "counter-1", "  Bar/left ": "bar-left", "Kasse Süd": "kasse-s-d", "…": "register",
		"a.b_c": "a.b_c",
	} {
		if got := KeyIDOf(name); got != want {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
	}
}
