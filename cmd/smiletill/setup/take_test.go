package setup

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"smiletill/payment"
)

// whole is a file with everything in it, as the handbook shows it.
const whole = `# first settings
name = "acme/berlin-1/till_3"
cloud = "https://cloud.example"
claim = "apple river stone"

[wifi]
ssid = "Shop; Gäste"
password = 'correct "horse" \ battery'
country = "DE"

[network]
address = "192.168.7.20/24"
gateway = "192.168.7.1"
dns = ["192.168.7.1", "9.9.9.9"]

[time]
servers = ["ptbtime1.ptb.de", "ptbtime2.ptb.de"]

[terminal]
name = "Corner Shop"
currency = "CHF"

[board]
kind = "pi4"

[payment]
amount_max = "80.00"

[mqtt]
broker = "mqtts://broker.example:8883"
`

// place is a system and a stick, as folders.
type place struct {
	t           *testing.T
	root, stick string
}

func newPlace(t *testing.T, settings string) place {
	t.Helper()
	p := place{t, t.TempDir(), t.TempDir()}
	if err := os.MkdirAll(filepath.Join(p.root, "etc/NetworkManager"), 0o755); err != nil {
		t.Fatal(err)
	}
	p.write(filepath.Join(p.root, "etc/hosts"), "127.0.0.1 localhost\n127.0.1.1 debian\n")
	p.write(filepath.Join(p.stick, FileName), settings)
	return p
}

func (p place) write(path, text string) {
	p.t.Helper()
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text),
		0o644)); err != nil {
		p.t.Fatal(err)
	}
}

func (p place) read(path ...string) string {
	p.t.Helper()
	text, err := os.ReadFile(filepath.Join(path...))
	if err != nil {
		p.t.Fatal(err)
	}
	return string(text)
}

func never(string) error { return nil }

func noon() time.Time { return time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC) }

func (p place) take(outside bool) (taken, error) {
	return Target{Root: p.root}.take(source{p.stick, outside}, noon(), never)
}

// tree is all files below a folder, with modes. What the stick's report says of this machine's cards is left
// out.
func tree(t *testing.T, dir string) string {
	t.Helper()
	var b strings.Builder
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		text, err := os.ReadFile(path)
		said, _, _ := strings.Cut(string(text), "Its addresses")
		fmt.Fprintf(&b, "== %s %v\n%s\n", strings.TrimPrefix(path, dir), info.Mode(), said)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestTake(t *testing.T) {
	p := newPlace(t, whole)
	got, err := p.take(false)
	if err != nil {
		t.Fatal(err)
	}
	if got.host != "till-3" || got.again || len(got.lines) < 8 {
		t.Errorf("it says %+v", got)
	}
	for path, want := range map[string][]string{
		"etc/smiletill/smiletill.toml": {"\ntenant = \"acme\"\n", "\nsite = \"berlin-1\"\n", "\nid = \"till_3\"\n",
			"\ncurrency = \"CHF\"\n", "\nkind = \"pi4\"\n", "\namount_max = \"80.00\"\n",
			"# The merchant's name as customers",
			"\nname = \"Corner Shop\"\n", "\nbroker = \"mqtts://broker.example:8883\"\n",
			"\ncloud = \"https://cloud.example\"\n"},
		"etc/NetworkManager/system-connections/smiletill-wifi.nmconnection": {"type=wifi",
			"ssid=83;104;111;112;59;32;71;195;164;115;116;101;\n", `psk=correct "horse" \\ battery` + "\n",
			"method=manual\naddress1=192.168.7.20/24,192.168.7.1\ndns=192.168.7.1;9.9.9.9;\n", "[ipv6]\nmethod=auto"},
		"etc/hostname": {"till-3\n"},
		"etc/hosts":    {"127.0.0.1 localhost\n127.0.1.1\ttill-3\n"},
		"etc/systemd/timesyncd.conf.d/50-smiletill.conf": {"[Time]\nNTP=ptbtime1.ptb.de ptbtime2.ptb.de\n"},
		"etc/modprobe.d/smiletill-country.conf":          {"ieee80211_regdom=DE"},
		"etc/smiletill/claim.toml": {`cloud = "https://cloud.example"`,
			`claim = "apple river stone"`},
	} {
		text := p.read(p.root, path)
		for _, w := range want {
			if !strings.Contains(text, w) {
				t.Errorf("%s lacks %q:\n%s", path, w, text)
			}
		}
	}
	info, err := os.Stat(filepath.Join(p.root, radio))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("who may read the password: %v %v", info, err)
	}
	left := p.read(p.stick, FileName)
	if len(left) != len(whole) || strings.Contains(left, "horse") || !strings.Contains(left,
		"apple river stone") {
		t.Errorf("on the stick is left:\n%s", left)
	}
	report := p.read(p.stick, reportName)
	for _, want := range []string{"was taken over, 2026-11-30 12:00 UTC", "acme/berlin-1/till_3", "till-3.local",
		`Wi-Fi "Shop; Gäste", with its password`, "password was erased", "\r\n"} {
		if !strings.Contains(report, want) {
			t.Errorf("the report lacks %q:\n%s", want, report)
		}
	}
	if all := tree(t, p.stick) + fmt.Sprintf("%+v", got); strings.Contains(all, "horse") {
		t.Errorf("the password is told:\n%s", all)
	}
	before := tree(t, p.root) + tree(t, p.stick)
	got, err = p.take(false)
	if err != nil || !got.again {
		t.Errorf("the same file again: %+v, %v", got, err)
	}
	if after := tree(t, p.root) + tree(t, p.stick); after != before {
		t.Error("the same file changed something again")
	}
}

// Wherever it is cut short, run again it comes to the same end.
func TestTakeCutShort(t *testing.T) {
	p := newPlace(t, whole)
	if _, err := p.take(false); err != nil {
		t.Fatal(err)
	}
	want := tree(t, p.root) + tree(t, p.stick)
	cut := errors.New("power cut")
	for n := 1; ; n++ {
		p := newPlace(t, whole)
		calls := 0
		_, err := Target{Root: p.root}.take(source{p.stick, false}, noon(), func(string) error {
			if calls++; calls == n {
				return cut
			}
			return nil
		})
		if calls < n {
			if n < 10 || err != nil {
				t.Errorf("only %d steps, %v", calls, err)
			}
			return
		}
		if !errors.Is(err, cut) {
			t.Fatalf("step %d: %v", n, err)
		}
		if _, err := p.take(false); err != nil {
			t.Fatalf("again after step %d: %v", n, err)
		}
		if got := tree(t, p.root) + tree(t, p.stick); got != want {
			t.Errorf("cut short at step %d it came to another end:\n%s\nand not\n%s", n, got, want)
		}
	}
}

// A file beside the one that is replaced is a run's that was cut short.
func TestLeftovers(t *testing.T) {
	p := newPlace(t, whole)
	p.write(filepath.Join(p.root, "etc/.hostname.new"), "half")
	if _, err := p.take(false); err != nil {
		t.Fatal(err)
	}
	if got := p.read(p.root, "etc/hostname"); got != "till-3\n" {
		t.Errorf("its name is %q", got)
	}
}

func TestMistakeChangesNothing(t *testing.T) {
	p := newPlace(t, strings.Replace(whole, `gateway = "192.168.7.1"`, `gateway = "192.168.8.1"`, 1))
	before := tree(t, p.root)
	_, err := p.take(false)
	if err == nil || !strings.Contains(err.Error(), "setup.toml:13:1") {
		t.Errorf("it says %v", err)
	}
	if tree(t, p.root) != before {
		t.Error("something was changed")
	}
	report := p.read(p.stick, reportName)
	if !strings.Contains(report, "NOTHING of setup.toml was taken over") || !strings.Contains(report,
		"setup.toml:13:1") ||
		!strings.Contains(report, "router's address") || strings.Contains(report, "horse") {
		t.Errorf("the report:\n%s", report)
	}
	p.write(filepath.Join(p.stick, FileName), whole)
	if _, err := p.take(false); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(p.read(p.stick, reportName), "setup.toml was taken over") {
		t.Error("the old report stands")
	}
}

// The same Wi-Fi with its password erased keeps it; another one needs its own.
func TestErasedPassword(t *testing.T) {
	p := newPlace(t, whole)
	if _, err := p.take(false); err != nil {
		t.Fatal(err)
	}
	wifi := p.read(p.root, radio)
	p.write(filepath.Join(p.stick, FileName), p.read(p.stick, FileName)+"# a word more\n")
	if _, err := p.take(false); err != nil {
		t.Fatal(err)
	}
	if p.read(p.root, radio) != wifi {
		t.Errorf("the Wi-Fi is\n%s", p.read(p.root, radio))
	}
	p.write(filepath.Join(p.stick, FileName), strings.Replace(p.read(p.stick, FileName), "Shop;", "Other;", 1))
	if _, err := p.take(false); err == nil || !strings.Contains(payment.HintOf(err), "open = true") {
		t.Errorf("another Wi-Fi has the password of the first: %v", err)
	}
}

// Once the terminal has its name, a stick moves it to another network and does nothing else.
func TestStickOfAStranger(t *testing.T) {
	p := newPlace(t, whole)
	if _, err := p.take(true); err != nil {
		t.Fatalf("before it has a name: %v", err)
	}
	p.write(filepath.Join(p.stick, FileName), "[wifi]\nssid = \"New\"\npassword = \"longenough\"\n")
	if _, err := p.take(true); err != nil {
		t.Fatalf("another Wi-Fi: %v", err)
	}
	before := tree(t, p.root)
	if strings.Contains(p.read(p.stick, reportName), "name acme") {
		t.Error("the old report stands")
	}
	for _, text := range []string{
		"name = \"thief/x/y\"\n", "[mqtt]\nbroker = \"mqtts://thief.example:8883\"\n", "claim = \"thief\"\n",
		"[wifi]\nssid = \"New\"\nopen = true\n[payment]\namount_max = \"9999.00\"\n",
	} {
		p.write(filepath.Join(p.stick, FileName), text)
		if _, err := p.take(true); err == nil || !strings.Contains(err.Error(), "stick any more") {
			t.Errorf("%q: %v", text, err)
		}
	}
	if tree(t, p.root) != before {
		t.Error("a stranger's stick changed something")
	}
	p.write(filepath.Join(p.stick, FileName), "name = \"acme/berlin-1/till-4\"\n")
	if _, err := p.take(false); err != nil {
		t.Errorf("on the card itself: %v", err)
	}
	if strings.Contains(p.read(p.stick, reportName), "was erased") {
		t.Error("a password is said to be erased that was not there")
	}
}

func TestFindFile(t *testing.T) {
	for _, tc := range []struct {
		names []string
		want  string
		said  string
	}{
		{nil, "", ""}, {[]string{"SETUP.TOML"}, "SETUP.TOML", ""}, {[]string{"setup.toml.txt", reportName},
			"setup.toml.txt", ""},
		{[]string{"Setup.txt"}, "Setup.txt", ""}, {[]string{"setup.toml", "setup.txt"}, "", "two files"},
		{[]string{"smiletill.toml", "setup.toml.bak"}, "", ""},
	} {
		dir := t.TempDir()
		for _, n := range tc.names {
			if err := os.WriteFile(filepath.Join(dir, n), nil, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		got, err := find(dir)
		if tc.said != "" && (err == nil || !strings.Contains(err.Error(), tc.said)) || tc.said == "" && err != nil {
			t.Errorf("%v: %v", tc.names, err)
		}
		if filepath.Base(got) != tc.want && got != tc.want {
			t.Errorf("%v: %q, want %q", tc.names, got, tc.want)
		}
	}
	if _, err := find(filepath.Join(t.TempDir(), "no")); err == nil || payment.HintOf(err) == "" {
		t.Errorf("a folder that is not there: %v", err)
	}
}

// Without NetworkManager the cable's address goes to networkd, and Wi-Fi is refused in words.
func TestNetworkd(t *testing.T) {
	p := newPlace(t, "[network]\naddress = \"10.0.0.5/8\"\ngateway = \"10.0.0.1\"\ndns = [\"10.0.0.1\"]\n")
	if err := os.Remove(filepath.Join(p.root, "etc/NetworkManager")); err != nil {
		t.Fatal(err)
	}
	if _, err := p.take(false); err != nil {
		t.Fatal(err)
	}
	if got := p.read(p.root, "etc/systemd/network/10-smiletill.network"); !strings.Contains(got,
		"[Network]\nAddress=10.0.0.5/8\nGateway=10.0.0.1\nDNS=10.0.0.1\n") {
		t.Errorf("networkd gets\n%s", got)
	}
	p.write(filepath.Join(p.stick, FileName), "[wifi]\nssid = \"Shop\"\nopen = true\n")
	if _, err := p.take(false); err == nil || !strings.Contains(payment.HintOf(err), "network-manager") {
		t.Errorf("Wi-Fi without anything for it: %v", err)
	}
}

// A stick that can't be written gives its settings all the same, and what could not be done is said.
func TestWriteProtectedStick(t *testing.T) {
	if os.Getuid() == 0 {
		p := newPlace(t, whole)
		// root writes anywhere
		if err := os.Mkdir(filepath.Join(p.stick, "."+reportName+".new"), 0o700); err != nil {
			t.Fatal(err)
		}
		p.write(filepath.Join(p.stick, "."+reportName+".new", "x"), "")
		_, err := p.take(false)
		if err == nil || !strings.Contains(payment.HintOf(err), "write-protected") {
			t.Errorf("%v (%s)", err, payment.HintOf(err))
		}
		if p.read(p.root, "etc/hostname") != "till-3\n" {
			t.Error("the settings are not in force")
		}
	}
}
