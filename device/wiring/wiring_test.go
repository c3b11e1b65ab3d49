package wiring

import (
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"testing/synctest"
	"time"

	"periph.io/x/conn/v3/gpio"

	"smiletill/device"
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
			says: "no /proc/device-tree/model", hint: "\"none\""},
		"unknown model": {kind: "auto", root: model("Banana Pi M2\x00"),
			says: `nothing is known of a "Banana Pi M2"`, hint: "a file of your own"},
		"no file": {kind: "/nowhere/board.toml", says: "no such file", hint: "set board.kind"},
		"no TOML": {text: "chips = [", says: "board.toml", hint: "board show pi4"},
		"unknown key": {text: "chips = [\"x\"]\n[lamps]\ngren = \"GPIO1\"\n",
			says: "line 3: nothing is called lamps.gren", hint: "show"},
		"no chip": {text: "name = \"x\"\n", says: "names no GPIO chip", hint: "show"},
		"a line twice": {text: "chips = [\"x\"]\n[lamps]\ngreen = \"A\"\n[buttons]\ncancel = \"A\"\n",
			says: "A is given to the green lamp and to the cancel button", hint: "show"},
		"buzzer": {text: "chips = [\"x\"]\n[buzzer]\nkind = \"loud\"\n", says: `"loud"`, hint: "show"},
		"polarity of no lamp": {text: "chips = [\"x\"]\n[lamps]\nactive_low = [\"blue\"]\n",
			says: "lamps.active_low names blue", hint: "show"},
		"polarity of another kind": {text: "chips = [\"x\"]\n[lamps]\nactive_low = \"red\"\n",
			says: "neither a list of lamps", hint: "show"},
		"a low buzzer on the PWM": {text: "chips = [\"x\"]\n[buzzer]\nkind = \"pwm\"\nactive_low = true\n",
			says: "kind tone or active", hint: "show"},
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

// A part that is on when its line is low is off when it is high, at the start, between tones and at the end.
// The others are as they were.
func TestPolarity(t *testing.T) {
	const head = "chips = [\"x\"]\n[lamps]\ngreen = \"GPIO17\"\namber = \"GPIO27\"\nred = \"GPIO22\"\n" +
		"white = \"GPIO23\"\n"
	const tail = "[buzzer]\nline = \"GPIO18\"\nkind = \"active\"\n"
	all := []string{"GPIO17", "GPIO27", "GPIO22", "GPIO23"}
	for _, c := range []struct {
		text string
		low  []string
	}{
		{head + tail, nil},
		{"\xef\xbb\xbf" + head + tail, nil}, // as some editors mark UTF-8
		{head + "active_low = []\n" + tail, nil},
		{head + "active_low = false\n" + tail, nil},
		{head + "active_low = true\n" + tail, all},
		{head + "active_low = [\"green\", \"white\"]\n" + tail, []string{"GPIO17", "GPIO23"}},
		{head + tail + "active_low = true\n", []string{"GPIO18"}},
		{head + "active_low = true\n" + tail + "active_low = true\n", append(slices.Clone(all), "GPIO18")},
	} {
		w, err := parse([]byte(c.text))
		if err != nil {
			t.Fatal(err)
		}
		synctest.Test(t, func(t *testing.T) { polarity(t, w, c.low) })
	}
}

func polarity(t *testing.T, w Board, low []string) {
	sim := device.NewSimBoard(nil)
	b, err := device.OpenBoard(w.pins(), func(name string) (gpio.PinIO, error) { return sim.ByName(name), nil })
	if err == nil {
		err = w.polarise(&b)
	}
	if err != nil {
		t.Fatal(err)
	}
	b.Active = w.Buzzer.Kind == "active"
	want := func(when string, lit ...string) {
		t.Helper()
		for _, name := range []string{"GPIO17", "GPIO27", "GPIO22", "GPIO23", "GPIO18"} {
			on := slices.Contains(lit, name) != slices.Contains(low, name)
			if got := sim.ByName(name).Read(); got != gpio.Level(on) {
				t.Errorf("%s, low ones %v: %s is %v", when, low, name, got)
			}
		}
	}
	d := device.New(b, slog.New(slog.DiscardHandler))
	want("at the start")
	d.Show(device.Approved)
	time.Sleep(time.Minute) // the tune has ended
	want("approved", "GPIO17")
	if err := d.Close(); err != nil {
		t.Error(err)
	}
	want("at the end")
}

// Buttons close to ground unless the description says otherwise; the line's own resistor pulls the other way.
func TestButtonPolarity(t *testing.T) {
	for text, want := range map[string]struct {
		low  bool
		pull gpio.Pull
	}{
		"":                     {true, gpio.PullUp},
		"active_low = true\n":  {true, gpio.PullUp},
		"active_low = false\n": {false, gpio.PullDown},
	} {
		w, err := parse([]byte("chips = [\"x\"]\n[buttons]\nconfirm = \"A\"\ncancel = \"B\"\n" + text +
			"[tamper]\nline = \"C\"\n"))
		if err != nil {
			t.Fatal(err)
		}
		for _, in := range w.inputs(&Parts{}) {
			low, pull := want.low, want.pull
			if in.line == "C" {
				low, pull = false, gpio.PullUp // a switch of the case is open when it is high
			}
			if in.ActiveLow != low || in.Input.Pull != pull {
				t.Errorf("%q: %s is low %t, pull %v; want %t, %v", text, in.Name, in.ActiveLow, in.Input.Pull, low, pull)
			}
		}
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
