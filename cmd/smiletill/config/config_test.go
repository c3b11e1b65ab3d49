package config

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/spf13/pflag"
)

// bareMachine has none of the system's folders, so that no file of the machine under test counts.
func bareMachine(t testing.TB) machine {
	return machine{root: t.TempDir(), uid: 1000, env: map[string]string{"HOME": "/home/pi"}}
}

func writeConfig(t testing.TB, text string) string {
	path := filepath.Join(t.TempDir(), "t.toml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func boundFlags(t testing.TB, args ...string) *pflag.FlagSet {
	flags := pflag.NewFlagSet("smiletill", pflag.ContinueOnError)
	BindFlags(flags)
	if err := flags.Parse(args); err != nil {
		t.Fatal(err)
	}
	return flags
}

func TestConfigMistakes(t *testing.T) {
	for _, tc := range []struct {
		name, file     string
		env, args      []string
		where, what    string
		instead        string
		neverSay       string
		moreInWholeErr string
	}{
		{name: "syntax", file: "[camera\n", where: ":1:8", what: "']'", instead: "quotes"},
		{name: "no quotes", file: "[camera]\nsource = replay:x # y\n", where: ":2:10",
			what: "value of source", instead: `source = "replay:x"`},
		{name: "no value", file: "[camera]\nwidth =\n", where: ":2:8", what: "value of width", instead: "quotes"},
		{name: "twice", file: "[camera]\nwidth = 640\nwidth = 800\n", where: ":3:1", what: "already defined"},
		{name: "section twice", file: "[log]\n[camera]\n[log]\n", where: ":3:2", what: "already exists"},
		{name: "unknown section", file: "\n[camra]\nwidth = 9\n", where: ":2:2", what: "[camra]",
			instead: "[camera]?"},
		{name: "far section", file: "[weather]\n", where: ":1:2", what: "[weather]", instead: "terminal, paths"},
		{name: "nested section", file: "[camera.lens]\n", where: ":1:9", what: "[camera.lens]"},
		{name: "list of sections", file: "[[camera]]\nwidth = 640\n", where: ":1:3", what: "list",
			instead: "[camera]"},
		{name: "unknown key", file: "[camera]\nheigth = 480\n", where: ":2:1", what: "camera.heigth",
			instead: "camera.height?"},
		{name: "far key", file: "[camera]\naperture = 2\n", where: ":2:1", instead: "source, format"},
		{name: "key elsewhere", file: "[camera]\ntimeout = \"3s\"\n", where: ":2:1",
			instead: "timeout belongs under [payment] or [pin]"},
		{name: "more digits than the currency has", file: "[pin]\nsum_max = \"1.005\"\n", where: ":2:11",
			instead: "2"},
		{name: "no section", file: "timeout = \"3s\"\n", where: ":1:1", instead: "under [payment]"},
		{name: "quoted dot", file: "\"camera.width\" = 640\n", where: ":1:1", what: `"camera.width"`},
		{name: "text for int", file: "[camera]\nwidth = \"640\"\n", where: ":2:9", what: "camera.width: is text",
			instead: "width = 640"},
		{name: "float for int", file: "[camera]\nwidth = 640.0\n", where: ":2:9", what: "with a point"},
		{name: "list for int", file: "[camera]\nwidth = [640]\n", where: ":2:1", what: "a list"},
		{name: "table for int", file: "[camera]\nwidth = {a = 640}\n", where: ":2:9", what: "a table"},
		{name: "date for int", file: "[camera]\nwidth = 2020-01-01\n", where: ":2:9", what: "a date"},
		{name: "text for bool", file: "[camera]\nloop = \"yes\"\n", where: ":2:8", instead: "loop = true"},
		{name: "int for bool", file: "[camera]\nloop = 1\n", where: ":2:8", instead: "loop = true"},
		{name: "float for amount", file: "[payment]\namount_max = 25.50\n", where: ":2:14",
			instead: `amount_max = "25.50"`},
		{name: "int for time", file: "[payment]\ntimeout = 20\n", where: ":2:11", instead: `timeout = "20s"`},
		{name: "huge int", file: "[camera]\nwidth = 99999999999999999999\n", where: ":2:9"},
		{name: "int range", file: "[camera]\n  width = 9_000\n", where: ":2:11", what: "9000 is out of range",
			instead: "320 to 4096"},
		{name: "inline range", file: "camera = {fps = 0}\n", where: ":1:17", what: "camera.fps: 0 is out"},
		{name: "dotted range", file: "camera.fps = 0\n", where: ":1:14", what: "camera.fps: 0 is out"},
		{name: "time range", file: "[payment]\ntimeout = \"1h\"\n", where: ":2:11", instead: `"5s" to "5m"`},
		{name: "days", file: "[payment]\nkeep = \"400d\"\n", where: ":2:8", what: "days are no unit here",
			instead: `"9600h" for 400 days`},
		{name: "too few days", file: "[payment]\nkeep = \"30d\"\n", where: ":2:8", what: "days are no unit here",
			instead: `"2160h" to "175200h" (90 days to 20 years)`},
		{name: "too few hours", file: "[payment]\nkeep = \"720h\"\n", where: ":2:8", what: "720h is out of range",
			instead: `"2160h" to "175200h" (90 days to 20 years)`},
		{name: "time unit", file: "[payment]\ntimeout = \"30\"\n", where: ":2:11", instead: `"30s"`},
		{name: "amount zero", file: "[payment]\namount_max = \"0.00\"\n", where: ":2:14", instead: "above zero"},
		{name: "amount comma", file: "[payment]\namount_max = \"5,00\"\n", where: ":2:14", instead: `"50.00"`},
		{name: "currency", file: "[terminal]\ncurrency = \"eur\"\n", where: ":2:12", instead: `"EUR"`},
		{name: "topic", file: "[terminal]\nsite = \"a/b\"\n", where: ":2:8", instead: "letters"},
		{name: "control", file: "[terminal]\nname = \"a\\u0007b\"\n", where: ":2:8", instead: "control"},
		{name: "language", file: "[terminal]\nlanguage = \"fr\"\n", where: ":2:12", instead: `"en" or "de"`},
		{name: "relative path", file: "[paths]\ndata_dir = \"data\"\n", where: ":2:12", instead: "whole path"},
		{name: "long socket", file: "[paths]\ncontrol_socket = \"/" + strings.Repeat("x", 108) + "\"\n",
			where: ":2:18", instead: "107 bytes"},
		{name: "camera source", file: "[camera]\nsource = \"video0\"\n", where: ":2:10", instead: "/dev/video0"},
		{name: "listen", file: "[screen]\nlisten = \":8080\"\n", where: ":2:10", instead: "127.0.0.1:8080"},
		{name: "broker", file: "[mqtt]\nbroker = \"localhost\"\n", where: ":2:10", instead: "mqtt://"},
		{name: "broker password", file: "[mqtt]\nbroker = \"mqtt://u:geheim@h:1883\"\n", where: ":2:10",
			instead: "password_file", neverSay: "geheim"},
		{name: "broken broker password", file: "[mqtt]\nbroker = \"mqtt://u:geheim@h:x%zz\"\n", where: ":2:10",
			what: "isn't a URL", neverSay: "geheim"},
		{name: "cloud in clear text", file: "[claim]\ncloud = \"http://h:8444\"\n", where: ":2:9",
			what: "no address of a cloud", instead: "https://HOST:8444"},
		{name: "cloud with a path", file: "[claim]\ncloud = \"https://h/x\"\n", where: ":2:9",
			instead: "https://HOST:8444"},
		{name: "cert alone", file: "[mqtt]\nbroker = \"mqtts://h:1\"\ncert_file = \"/c\"\n", where: ":3:13",
			instead: "mqtt.key_file"},
		{name: "key alone", file: "[mqtt]\nkey_file = \"/k\"\n", where: ":2:12", instead: "mqtt.cert_file"},
		{name: "password alone", file: "[mqtt]\npassword_file = \"/p\"\n", where: ":2:17", instead: "username"},
		{name: "CA without TLS", file: "[mqtt]\nca_file = \"/c\"\n", where: ":2:11", instead: "mqtts://"},
		{name: "one port for two", file: "[counter]\nlisten = \"0.0.0.0:8443\"\n", where: ":2:10",
			what: "port 8443 is that of register.listen", instead: "another"},
		{name: "one address for two", file: "[register]\nlisten = \"localhost:8080\"\n", where: ":2:10",
			what: "port 8080 is that of screen.listen", instead: "another"},
		{name: "socket is the journal",
			file:  "[paths]\ndata_dir = \"/d\"\ncontrol_socket = \"/d/x/../journal.db\"\n",
			where: ":3:18", what: "/d/journal.db is a file of the terminal's data", instead: "of its own"},
		{name: "socket among faces", file: "[paths]\ndata_dir = \"/d\"\ncontrol_socket = \"/d/gallery/s\"\n",
			where: ":3:18", what: "a file of the terminal's data"},
		{name: "socket is the data", file: "[paths]\ndata_dir = \"/d\"\ncontrol_socket = \"/d\"\n",
			where: ":3:18", what: "/d is paths.data_dir"},
		{name: "watchdog is the journal", file: "[terminal]\nwatchdog = \"/d/journal.db-wal\"\n" +
			"[paths]\ndata_dir = \"/d\"\n", where: ":2:12", what: "a file of the terminal's data",
			instead: "/dev/watchdog"},
		{name: "watchdog is a key", file: "[terminal]\nwatchdog = \"/k\"\n[register]\ncert_file = \"/c\"\n" +
			"key_file = \"/k\"\n", where: ":2:12", what: "a file of the terminal's data"},
		{name: "two protocols", file: "[mqtt]\nbroker = \"mqtts://h:1\"\nalpn = \"a,b\"\n", where: ":3:8",
			what: `"a,b"`, instead: "one protocol"},
		{name: "after a byte order mark", file: "\xef\xbb\xbfcamera.fps = 0\n", where: ":1:14",
			what: "camera.fps: 0 is out"},
		{name: "UTF-16", file: "\xff\xfec\x00a\x00", what: "is written in UTF-16", instead: "as UTF-8"},
		{name: "no currency", file: "[terminal]\ncurrency = \"XXX\"\n", where: ":2:12", what: "terminal.currency",
			instead: `"EUR"`},
		{name: "too few frames", file: "camera.fps = 2\n", where: ":1:14", what: "nobody can pay at 2",
			instead: "3 to 120"},
		{name: "environment type", env: []string{"SMILETILL_CAMERA_WIDTH=wide"},
			where: "environment SMILETILL_CAMERA_WIDTH", what: `"wide"`, instead: "whole number"},
		{name: "environment octal", env: []string{"SMILETILL_CAMERA_FPS=0x10"}, what: `"0x10"`},
		{name: "environment UTF-8", env: []string{"SMILETILL_MQTT_USERNAME=\xff"}, instead: "UTF-8"},
		{name: "environment bool", env: []string{"SMILETILL_CAMERA_LOOP=1"}, instead: "true or false"},
		{name: "environment slip", env: []string{"SMILETILL_PAYMNT_TIMEOUT=5s"},
			where: "environment SMILETILL_PAYMNT_TIMEOUT", instead: "SMILETILL_PAYMENT_TIMEOUT?"},
		{name: "environment unknown key", env: []string{"SMILETILL_CAMERA_APERTURE=2"}, instead: "unset it"},
		{name: "flag", args: []string{"--camera-width=0"}, where: "flag --camera-width", what: "out of range"},
		{name: "flag type", args: []string{"--payment-timeout=soon"}, where: "flag --payment-timeout"},
		{name: "two at once", file: "[camera]\nwidth = 1\nheight = 1\n", where: ":2:9", what: "1 is out of range",
			moreInWholeErr: ":3:10: camera.height"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			path := writeConfig(t, tc.file)
			_, err := loadConfig(path, boundFlags(t, tc.args...), tc.env, bareMachine(t))
			var ce *loadError
			if !errors.As(err, &ce) {
				t.Fatalf("got %v, want a *loadError", err)
			}
			p := ce.Problems[0]
			if tc.where != "" && p.Where != tc.where && p.Where != path+tc.where {
				t.Errorf("where %q, want %q", p.Where, tc.where)
			}
			if !strings.Contains(p.What, tc.what) {
				t.Errorf("what %q, want %q in it", p.What, tc.what)
			}
			if !strings.Contains(p.Instead, tc.instead) || p.Instead == "" {
				t.Errorf("instead %q, want %q in it", p.Instead, tc.instead)
			}
			all := err.Error() + ce.Hint()
			if !strings.Contains(all, p.Where) || !strings.Contains(all, p.What) ||
				!strings.Contains(all, p.Instead) || !strings.Contains(all, tc.moreInWholeErr) {
				t.Errorf("error and hint leave something out: %s", all)
			}
			if tc.neverSay != "" && strings.Contains(all, tc.neverSay) {
				t.Errorf("error repeats a secret: %s", all)
			}
			if tc.moreInWholeErr == "" && len(ce.Problems) != 1 {
				t.Errorf("one mistake, %d problems: %v", len(ce.Problems), err)
			}
		})
	}
}

func TestConfigFileUnreadable(t *testing.T) {
	for name, path := range map[string]string{
		"missing": filepath.Join(t.TempDir(), "none.toml"), "folder": t.TempDir(), "endless": "/dev/zero",
	} {
		_, err := loadConfig(path, nil, nil, bareMachine(t))
		var ce *loadError
		if !errors.As(err, &ce) || !strings.Contains(err.Error(), path) || ce.Hint() == "" {
			t.Errorf("%s: got %v", name, err)
		}
		if name == "missing" && !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%v isn't os.ErrNotExist", err)
		}
	}
}

func TestConfigOrder(t *testing.T) {
	path := writeConfig(t, "[camera]\nwidth = 0x500\nheight = 720\nfps = 5\n[payment]\ntimeout = \"10s\"\n")
	env := []string{"SMILETILL_CAMERA_HEIGHT=600", "SMILETILL_CAMERA_FPS=6", "SMILETILL_MODELS_DIR=/x",
		"SMILETILL_MQTT_BROKER=", "HOME=/root", "odd"}
	c, err := loadConfig(path, boundFlags(t, "--camera-fps=7", "--camera-loop=false"), env, bareMachine(t))
	if err != nil {
		t.Fatal(err)
	}
	want := CameraConfig{Source: "auto", Format: "auto", Width: 1280, Height: 600, FPS: 7, Realtime: true}
	if c.Camera != want || c.Payment.Timeout != 10*time.Second || c.MQTT.Broker != "" {
		t.Errorf("got %+v", c)
	}
	for name, origin := range map[string]string{
		"camera.source": "default", "camera.width": path + ":2:9",
		"camera.height": "environment SMILETILL_CAMERA_HEIGHT", "camera.fps": "flag --camera-fps",
		"paths.data_dir": "default, chosen for this machine",
	} {
		if c.Origin(name) != origin {
			t.Errorf("origin of %s is %q, want %q", name, c.Origin(name), origin)
		}
	}
}

func TestSystemConfigIsReadWhenThere(t *testing.T) {
	m := bareMachine(t)
	if err := os.MkdirAll(filepath.Dir(m.at(SystemFile)), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(m.at(SystemFile), []byte("[terminal]\nid = \"kiosk\"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := loadConfig("", nil, nil, m)
	if err != nil || c.Terminal.ID != "kiosk" {
		t.Errorf("got %+v, %v", c.Terminal, err)
	}
}

func TestEveryConfigFieldIsAnOption(t *testing.T) {
	var c Config
	seen := map[any]bool{}
	names := map[string]bool{}
	for _, o := range c.options() {
		if names[o.flag()] || names[o.env()] || seen[o.value] {
			t.Errorf("%s stands for two options", o.name)
		}
		names[o.flag()], names[o.env()], seen[o.value] = true, true, true
	}
	fields := 0
	v := reflect.ValueOf(&c).Elem()
	for i := range v.NumField() {
		if !v.Type().Field(i).IsExported() {
			continue
		}
		for j := range v.Field(i).NumField() {
			fields++
			if !seen[v.Field(i).Field(j).Addr().Interface()] {
				t.Errorf("%s.%s has no option", v.Type().Field(i).Name, v.Field(i).Type().Field(j).Name)
			}
		}
	}
	if fields != len(seen) {
		t.Errorf("%d fields, %d options", fields, len(seen))
	}
}

func TestExampleIsTheDefaultsAndDocumentsEach(t *testing.T) {
	m := bareMachine(t)
	defaults, err := loadConfig("", nil, nil, m)
	if err != nil {
		t.Fatal(err)
	}
	path := writeConfig(t, Example)
	c, err := loadConfig(path, nil, nil, m)
	if err != nil {
		t.Fatal(err)
	}
	documented := false
	lines := strings.Split(Example, "\n")
	found := map[string]bool{}
	section := ""
	for _, line := range lines {
		key, _, isKey := strings.Cut(line, " = ")
		switch {
		case strings.HasPrefix(line, "#"):
			documented = true
		case strings.HasPrefix(line, "["):
			section, documented = strings.Trim(line, "[]"), false
		case isKey:
			found[section+"."+key] = documented // keys below one comment share it
		}
	}
	for i, o := range c.options() {
		if d := defaults.options()[i]; o.text() != d.text() {
			t.Errorf("%s is %q in the example, %q by default", o.name, o.text(), d.text())
		}
		if !found[o.name] {
			t.Errorf("%s is missing from the example or has no comment", o.name)
		}
		if o.usage == "" {
			t.Errorf("%s has no usage", o.name)
		}
	}
}

// TestWriteIsReadBack prints a configuration and reads what it printed.
func TestWriteIsReadBack(t *testing.T) {
	m := bareMachine(t)
	path := writeConfig(t, "[terminal]\nname = 'Café \"Zur Post\" \\ #1'\n[camera]\nloop = false\n")
	run := func(path string) string {
		c, err := loadConfig(path, nil, nil, m)
		if err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		if err := c.Write(&out); err != nil {
			t.Fatal(err)
		}
		return out.String()
	}
	printed := run(path)
	if !strings.Contains(printed, path+":4:8") || !strings.Contains(printed, "# default") {
		t.Errorf("origins are missing:\n%s", printed)
	}
	strip := func(s string) string { // origins differ: all stand in a file now
		var values []string
		for line := range strings.Lines(s) {
			value, _, _ := strings.Cut(line, " # ")
			values = append(values, strings.TrimSpace(value))
		}
		return strings.Join(values, "\n")
	}
	if again := run(writeConfig(t, printed)); strip(again) != strip(printed) {
		t.Errorf("printed\n%s\nread back\n%s", printed, again)
	}
}

func FuzzLoad(f *testing.F) {
	f.Add(Example, "SMILETILL_CAMERA_WIDTH=800")
	f.Add("camera = {fps = 0, \"a.b\" = [1]}\n[[log]]\n[a.b]\n", "SMILETILL_X=")
	f.Add("a.b.c = '''\n'''\n[paths]\ndata_dir=2020-01-01", "")
	m := bareMachine(f)
	f.Fuzz(func(t *testing.T, text, env string) {
		c, err := parseConfig("t.toml", []byte(text), nil, []string{env}, m)
		if err != nil {
			var ce *loadError
			if !errors.As(err, &ce) || ce.Hint() == "" {
				t.Fatalf("%v has no hint", err)
			}
			for _, p := range ce.Problems {
				if p.Where == "" || p.What == "" || p.Instead == "" {
					t.Fatalf("%+v leaves something out", p)
				}
			}
			return
		}
		var out bytes.Buffer
		if err := c.Write(&out); err != nil {
			t.Fatal(err)
		}
		again, err := parseConfig("t.toml", out.Bytes(), nil, nil, m)
		if err != nil {
			t.Fatalf("%v in\n%s", err, out.String())
		}
		for i, o := range again.options() {
			if want := c.options()[i].text(); o.text() != want {
				t.Fatalf("%s: printed %q, read back %q", o.name, want, o.text())
			}
		}
	})
}
