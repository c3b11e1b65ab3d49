package setup

import (
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"
)

func TestMistakes(t *testing.T) {
	for _, tc := range []struct {
		name, text         string
		where, what, write string
	}{
		{"no quotes", "name = till-3\n", ":1:8", "", "quotes"},
		{"a word processor's quotes", "\nname = “till-3”\n", ":2:8", "word processor", "straight"},
		{"twice", "name = \"a\"\nname = \"b\"\n", ":2:1", "already defined", ""},
		{"UTF-16", "\xff\xfen\x00", "", "UTF-16", "UTF-8"},
		{"too large", strings.Repeat("# long\n", 10000), "", "larger", "example"},
		{"two parts", "name = \"acme/till-3\"\n", ":1:1", "one part or three", "TENANT/SITE/ID"},
		{"nobody's", "name = \"demo/shop/till-3\"\n", ":1:1", "demo is nobody", "test"},
		{"blanks", "name = \"acme/shop 1/till-3\"\n", ":1:1", "won't do", "letters, digits"},
		{"name twice", "name = \"a/b/c\"\n[terminal]\nsite = \"d\"\n", ":3:1", "stands in name already",
			"leave one"},
		{"unknown", "nmae = \"x\"\n", ":1:1", "nothing is called nmae", "name"},
		{"unknown section", "[wlan]\nssid = \"x\"\n", ":2:1", "wlan.ssid", "wifi.ssid"},
		{"not for a stick", "[liveness]\nmode = \"off\"\n", ":2:1", "liveness.mode", ""},
		{"not for a stick, of a section that is", "[camera]\ntest_source = true\n", ":2:1", "not for this file",
			"smiletill.toml"},
		{"the terminal's own check", "[board]\nkind = \"pi9\"\n", ":2:1", "board.kind", "pi4"},
		{"currency", "[terminal]\ncurrency = \"EURO\"\n", ":2:1", "won't do", "ISO 4217"},
		{"short password", "[wifi]\nssid = \"x\"\npassword = \"geheim\"\n", ":3:1", "no Wi-Fi has such", "8 to 63"},
		{"password of letters that have none", "[wifi]\nssid = \"x\"\npassword = \"geheimnißvoll\"\n", ":3:1",
			"no Wi-Fi", "ASCII"},
		{"open with a password", "[wifi]\nssid = \"x\"\npassword = \"12345678\"\nopen = true\n", ":4:1",
			"not open", "leave"},
		{"open in quotes", "[wifi]\nssid = \"x\"\nopen = \"yes\"\n", ":3:1", "true or false", "without quotes"},
		{"no ssid", "[wifi]\npassword = \"12345678\"\n", "", "name of the Wi-Fi is missing", "ssid"},
		{"long ssid", "[wifi]\nopen = true\nssid = \"" + strings.Repeat("ä", 17) + "\"\n", ":3:1", "called", "32"},
		{"country", "[wifi]\nssid = \"x\"\nopen = true\ncountry = \"Germany\"\n", ":4:1", "no country", "DE"},
		{"address without its network", "[network]\naddress = \"192.168.1.2\"\n", ":2:1", "size", "/24"},
		{"network's own address", "[network]\naddress = \"192.168.1.0/24\"\n", ":2:1", "whole network", "free"},
		{"broadcast", "[network]\naddress = \"192.168.1.255/24\"\n", ":2:1", "whole network", "free"},
		{"loopback", "[network]\naddress = \"127.0.0.1/8\"\n", ":2:1", "can't have", "free"},
		{"gateway elsewhere", "[network]\naddress = \"192.168.1.2/24\"\ngateway = \"192.168.2.1\"\n", ":3:1",
			"not in the network", "router"},
		{"gateway of nobody", "[network]\ngateway = \"router\"\n", ":2:1", "no address", "four numbers"},
		{"dns alone", "[network]\ndns = [\"9.9.9.9\"]\n", "", "need an address", "address ="},
		{"dns by name", "[network]\naddress = \"192.168.1.2/24\"\ndns = [\"9.9.9.9\", \"dns.example\"]\n", ":3:1",
			"no address", ""},
		{"a list of numbers", "[time]\nservers = [1]\n", ":2:1", "something else", "ONE"},
		{"a time server", "[time]\nservers = [\"a b\"]\n", ":2:1", "time server", "ptb"},
		{"a list in place of a text", "name = [\"a\"]\n", ":1:1", "is a list", "one text"},
		{"a date", "name = 2026-01-01\n", ":1:1", "neither", "quotes"},
		{"a list of sections", "[[wifi]]\nssid = \"x\"\n", "", "list", "single brackets"},
		{"cloud in clear", "cloud = \"http://cloud.example\"\n", ":1:1", "no address of a cloud", "https://"},
		{"claim", "claim = \"a\\u0007b\"\n", ":1:1", "claim code", "cloud showed"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, problems := parse("setup.toml", []byte(tc.text))
			if len(problems) != 1 {
				t.Fatalf("%d mistakes: %v", len(problems), problems)
			}
			p := problems[0]
			if !strings.HasSuffix(p.Where, tc.where) || !strings.Contains(p.What, tc.what) ||
				!strings.Contains(p.Instead, tc.write) || p.Instead == "" {
				t.Errorf("%+v", p)
			}
			if strings.Contains(p.What+p.Instead, "geheim") {
				t.Errorf("it tells the password: %+v", p)
			}
		})
	}
}

// All mistakes are told at once, in the file's order.
func TestAllMistakes(t *testing.T) {
	_, err := parsed([]byte("name = \"a b\"\n[board]\nkind = \"x\"\n[time]\nservers = [\"a b\"]\n"))
	if err == nil {
		t.Fatal("taken")
	}
	at := -1
	for _, want := range []string{"3 things are wrong", "setup.toml:1:1", "setup.toml:3:1", "setup.toml:5:1"} {
		i := strings.Index(err.Error(), want)
		if i <= at {
			t.Errorf("%s is missing or too early: %v", want, err)
		}
		at = i
	}
}

func TestHostNames(t *testing.T) {
	for id, want := range map[string]string{
		"till-3": "till-3", "3": "till-3", "Till_3_": "till-3", "bar": "till-bar", "-": "till-",
		strings.Repeat("a", 64): "till-" + strings.Repeat("a", 58),
	} {
		if got := host(id); got != strings.TrimRight(want, "-") {
			t.Errorf("%q is called %q", id, got)
		}
	}
}

// What a file says is what its own text says again; erased it is as long as before and has no password.
func FuzzParse(f *testing.F) {
	f.Add([]byte(whole))
	f.Add([]byte("\xef\xbb\xbfname = 'x'\r\n[wifi]\r\nssid = \"a\"\r\npassword = \"\"\"12345678\"\"\"\r\n"))
	f.Add([]byte("wifi.ssid = \"a\"\nwifi.password = \"secret88\"\n"))
	f.Add([]byte("wifi = {ssid = \"a\", password = \"secret88\"}\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := parsed(data)
		out := erased(data)
		if len(out) != len(data) {
			t.Fatalf("erased it has %d bytes, and had %d", len(out), len(data))
		}
		if err != nil {
			return
		}
		again, err := parsed(s.Text())
		if err != nil {
			t.Fatalf("its own text is refused: %v\n%s", err, s.Text())
		}
		if !reflect.DeepEqual(again, s) {
			t.Fatalf("its own text says something else:\n%+v\n%+v\n%s", s, again, s.Text())
		}
		without, err := parsed(out)
		if err != nil {
			t.Fatalf("erased it is refused: %v\n%s", err, out)
		}
		if without.WiFi.Password != "" {
			t.Fatalf("the password stands there: %s", out)
		}
		if without.WiFi.Password = s.WiFi.Password; !reflect.DeepEqual(without, s) {
			t.Fatalf("more than the password was erased:\n%+v\n%+v", s, without)
		}
	})
}

func parsed(data []byte) (Settings, error) {
	s, problems := parse("setup.toml", data)
	return s, asError("settings", problems)
}

func TestSecretIsNotPrinted(t *testing.T) {
	s, err := parsed([]byte(whole))
	if err != nil {
		t.Fatal(err)
	}
	if said := fmt.Sprintf("%v %+v %#v %s", s, s, s, s.Lines()); strings.Contains(said, "horse") {
		t.Errorf("printed: %s", said)
	}
	if _, err := os.Stat(FileName); err == nil {
		t.Error("it was written")
	}
}
