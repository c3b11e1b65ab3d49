package wiring

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
)

func TestBoardDescriptions(t *testing.T) {
	for kind, model := range map[string]string{
		"pi3": "Raspberry Pi 3 Model B Plus Rev 1.3\x00", "pi4": "Raspberry Pi 4 Model B Rev 1.5\x00",
		"pi5": "Raspberry Pi 5 Model B Rev 1.0\x00", "zero2w": "Raspberry Pi Zero 2 W Rev 1.0\x00",
	} {
		named, err := Find(kind, nil)
		if err != nil {
			t.Fatal(err)
		}
		found, err := Find("auto", fstest.MapFS{"proc/device-tree/model": {Data: []byte(model)}})
		if err != nil || found.Name != named.Name || found.Chips[0] != named.Chips[0] {
			t.Errorf("%s is taken for %q, %v; want %q", model, found.Name, err, named.Name)
		}
		lit := 0
		for _, p := range named.Lines() {
			if p.Name != "" {
				lit++
			}
		}
		if lit != 7 { // all but the tamper switch
			t.Errorf("%s: %d parts", kind, lit)
		}
	}
}

func TestBadBoardDescriptions(t *testing.T) {
	model := func(text string) fstest.MapFS {
		return fstest.MapFS{"proc/device-tree/model": {Data: []byte(text)}}
	}
	for name, c := range map[string]struct {
		kind, text string // text is a file's
		root       fstest.MapFS
		says, hint string
	}{
		"no device tree": {kind: "auto", root: fstest.MapFS{},
			says: "no /proc/device-tree/model", hint: "pi3, pi4"},
		"unknown model": {kind: "auto", root: model("Banana Pi M2\x00"),
			says: `nothing is known of a "Banana Pi M2"`, hint: "a file of your own"},
		"no file": {kind: "/nowhere/board.toml", says: "no such file", hint: "set board.kind"},
		"no TOML": {text: "chips = [", says: "board.toml", hint: "board show pi4"},
		"unknown key": {text: "chips = [\"x\"]\n[lamps]\ngren = \"GPIO1\"\n",
			says: "line 3: nothing is called lamps.gren", hint: "show"},
		"no chip": {text: "name = \"x\"\n", says: "names no GPIO chip", hint: "show"},
		"a line twice": {text: "chips = [\"x\"]\n[lamps]\ngreen = \"A\"\n[buttons]\ncancel = \"A\"\n",
			says: "A is given to the green lamp and to the cancel button", hint: "show"},
		"buzzer":      {text: "chips = [\"x\"]\n[buzzer]\nkind = \"loud\"\n", says: `"loud"`, hint: "show"},
		"tamper pull": {text: "chips = [\"x\"]\n[tamper]\npull = \"down\"\n", says: `"down"`, hint: "show"},
	} {
		t.Run(name, func(t *testing.T) {
			kind := c.kind
			if c.text != "" {
				kind = filepath.Join(t.TempDir(), "board.toml")
				if err := os.WriteFile(kind, []byte(c.text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			_, err := Find(kind, c.root)
			if err == nil || !strings.Contains(err.Error(), c.says) || !strings.Contains(hintOf(err), c.hint) {
				t.Errorf("%v, hint %q: want %q and %q", err, hintOf(err), c.says, c.hint)
			}
		})
	}
}

func FuzzParseWiring(f *testing.F) {
	for _, kind := range Kinds() {
		data, err := boardFiles.ReadFile("boards/" + kind + ".toml")
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		w, err := parse(data)
		if err == nil && w.check() != nil {
			t.Error("a description that does not hold was taken")
		}
	})
}
