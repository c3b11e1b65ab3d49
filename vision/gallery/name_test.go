package gallery

import (
	"errors"
	"strings"
	"testing"
)

// TestNames: of any script, in characters, and the same however they are typed.
func TestNames(t *testing.T) {
	dir := t.TempDir() + "/g"
	g := mustOpen(t, dir, modelA)
	names := []string{"Zo\u00eb", "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645", "क्\u200dष",
		"👩\u200d🍳", "葛\U000E0100城", "Jean\u00a0Luc", strings.Repeat("語", nameMax)}
	for i, name := range names {
		if c := mustEnrol(t, g, name, uint64(i)+1, 3); c.Name != name {
			t.Errorf("%q is kept as %q", name, c.Name)
		}
	}
	for _, same := range []string{"Zoe\u0308", " zoe\u0308 ", "ZO\u00cb"} {
		if _, err := g.Enrol(same, pictures(50, 3), nil); !errors.Is(err, ErrAlreadyEnrolled) {
			t.Errorf("%q beside %q: %v", same, names[0], err)
		}
	}
	if c := mustEnrol(t, g, "Rene\u0301", 60, 3); c.Name != "Ren\u00e9" {
		t.Errorf("kept as %q", c.Name)
	}
	for name, words := range map[string]string{
		"Ad\ta":                        "character 3 is U+0009, a control character",
		"é\u202ecod":                   "character 2 is U+202E, which turns the direction of the text",
		"Ada\u2028Bob":                 "character 4 is U+2028, a line break",
		"Bo\xff":                       "character 3 is U+FFFD",
		strings.Repeat("é", nameMax+1): "it has 61 characters",
	} {
		_, err := g.Enrol(name, pictures(70, 3), nil)
		if !errors.Is(err, ErrName) || !strings.Contains(err.Error(), words) {
			t.Errorf("%q: %v, want %q", name, err, words)
		}
	}
	// A name as long as older versions took it is read as it is.
	old := g.newRecord("c_"+strings.Repeat("f", 26), strings.Repeat("b", 120), pictures(80, 3))
	if err := writeFile(dir, old.customer.ID+recordExt, g.sealer.seal(old), removeOnError); err != nil {
		t.Fatal(err)
	}
	if err := g.Close(); err != nil {
		t.Fatal(err)
	}
	if again := mustOpen(t, dir, modelA); len(again.List()) != len(names)+2 || len(again.Damaged()) != 0 {
		t.Errorf("%v, damaged %v", again.List(), again.Damaged())
	}
}
