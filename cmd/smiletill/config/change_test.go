package config

import (
	"strings"
	"testing"

	"smiletill/payment"
)

// A value is changed where it stands; all else of the file stays, and what would be wrong is refused whole.
func TestChange(t *testing.T) {
	for _, tc := range []struct {
		name, before string
		set          map[string]string
		after, said  string
	}{
		{"in its place", "[terminal]\nid = \"a\" # mine\nsite = \"s\"\n", map[string]string{"terminal.id": "b"},
			"[terminal]\nid = \"b\" # mine\nsite = \"s\"\n", ""},
		{"below the head of its section", "# top\n[terminal] # whose\n\n[camera]\nfps = 15\n",
			map[string]string{"terminal.id": "b"}, "# top\n[terminal] # whose\nid = \"b\"\n\n[camera]\nfps = 15\n",
			""},
		{"a head at the very end", "[camera]", map[string]string{"camera.fps": "15"},
			"[camera]\nfps = 15\n", ""},
		{"at the end", "[camera]\nfps = 15", map[string]string{"board.kind": "pi4"},
			"[camera]\nfps = 15\n\n[board]\nkind = \"pi4\"\n", ""},
		{"of nothing", "", map[string]string{"camera.rotate": "90", "screen.sound": "false", "pin.timeout": "20s"},
			"\n[camera]\nrotate = 90\n\n[pin]\ntimeout = \"20s\"\n\n[screen]\nsound = false\n", ""},
		{"with a dot", "terminal.id = \"a\"\n", map[string]string{"terminal.id": "b"}, "terminal.id = \"b\"\n", ""},
		{"other quotes, DOS's lines, a mark", "\xef\xbb\xbf[terminal]\r\nname = '''a'''\r\n",
			map[string]string{"terminal.name": `b "c" \`}, "[terminal]\r\nname = \"b \\\"c\\\" \\\\\"\r\n", ""},
		{"a key of another section", "[register]\nlisten = \"\"\n[screen]\nlisten = \"127.0.0.1:80\"\n",
			map[string]string{"screen.listen": "127.0.0.1:81"},
			"[register]\nlisten = \"\"\n[screen]\nlisten = \"127.0.0.1:81\"\n", ""},
		{"a wrong value", "", map[string]string{"board.kind": "pi9"}, "", "pi9"},
		{"an unknown key", "", map[string]string{"board.knid": "pi4"}, "", "unknown key"},
		{"what is wrong with it already", "[camera]\nfps = fast\n", map[string]string{"board.kind": "pi4"}, "",
			"t.toml:2:7"},
		{"wrong beside another", "[mqtt]\nca_file = \"/ca\"\nbroker = \"\"\n",
			map[string]string{"mqtt.broker": "mqtt://127.0.0.1:1883"}, "", "certificates do nothing"},
		{"a table in one line", "terminal = {id = \"a\"}\n", map[string]string{"terminal.site": "b"}, "",
			"terminal"},
		{"a list in its place", "[board]\nkind = [\"pi4\"]\n", map[string]string{"board.kind": "pi4"}, "",
			"is a list"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, err := Change("t.toml", []byte(tc.before), tc.set)
			switch {
			case tc.said != "" && (err == nil || !strings.Contains(err.Error(), tc.said)):
				t.Errorf("taken as %q, or other words: %v", got, err)
			case tc.said == "" && (err != nil || string(got) != tc.after):
				t.Errorf("%v\n%q, want\n%q", err, got, tc.after)
			}
		})
	}
}

// Every key of the documented example can be changed in it, and nothing else changes then.
func TestChangeExample(t *testing.T) {
	d := Default()
	for _, o := range d.options() {
		got, err := Change("t.toml", []byte(Example), map[string]string{o.name: o.text()})
		if err != nil {
			t.Errorf("%s: %v", o.name, err)
			continue
		}
		if len(strings.Split(string(got), "\n")) != len(strings.Split(Example, "\n")) {
			t.Errorf("%s was not found where it stands", o.name)
		}
	}
}

func TestWrongAndCurrent(t *testing.T) {
	if what, instead := Wrong("camera.fps", "2"); what == "" || instead == "" {
		t.Errorf("2 frames a second will do: %q %q", what, instead)
	}
	if what, _ := Wrong("camera.fps", "15"); what != "" {
		t.Errorf("15 won't: %q", what)
	}
	if _, instead := Wrong("camera.fsp", "15"); !strings.Contains(instead, "camera.fps") {
		t.Errorf("a slip is not helped: %q", instead)
	}
	values, named, err := Current("t.toml", []byte("[terminal]\ntenant = \"acme\"\nsite = \"s\"\nid = \"i\"\n"))
	if err != nil || !named || values["terminal.site"] != "s" || values["camera.fps"] != "30" {
		t.Errorf("%v %v %v", values, named, err)
	}
	if _, named, err := Current("t.toml", []byte(Example)); named || err != nil {
		t.Errorf("the example is somebody's: %v", err)
	}
	if _, _, err := Current("t.toml", []byte("[x]\n")); err == nil || payment.HintOf(err) == "" {
		t.Errorf("%v", err)
	}
}
