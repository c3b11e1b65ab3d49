package setup

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestLinksStayInTheRoot: a system in a folder has links to its own places, which are not this machine's.
func TestLinksStayInTheRoot(t *testing.T) {
	p := newPlace(t, whole)
	outside := t.TempDir()
	for link, to := range map[string]string{
		"etc/systemd": "/usr/etc/systemd", "etc/hostname": "../run/hostname", "etc/smiletill": outside,
		"loop": "/loop",
	} {
		if err := os.Symlink(to, filepath.Join(p.root, link)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := p.take(false); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"usr/etc/systemd/timesyncd.conf.d/50-smiletill.conf", "run/hostname",
		outside + "/smiletill.toml"} {
		p.read(p.root, path)
	}
	if left := tree(t, outside); left != "" {
		t.Errorf("outside of it was written\n%s", left)
	}
	if got := within(p.root, "/loop/x"); !strings.HasPrefix(got, p.root+"/") {
		t.Errorf("a link to itself leads to %s", got)
	}
	if got := within(p.root, "../../x"); got != p.root+"/x" {
		t.Errorf("above the root is %s", got)
	}
}

// TestReportOfAFailure: what stands in the way on the terminal's side is told on the stick too.
func TestReportOfAFailure(t *testing.T) {
	p := newPlace(t, whole)
	p.write(filepath.Join(p.root, "etc/smiletill"), "a file where a folder belongs")
	if _, err := p.take(false); err == nil {
		t.Fatal("taken")
	}
	report := p.read(p.stick, reportName)
	if !strings.Contains(report, "could NOT be taken over whole") ||
		!strings.Contains(report, "not a directory") ||
		strings.Contains(report, "horse") || !strings.Contains(p.read(p.stick, FileName), "horse") {
		t.Errorf("the report:\n%s", report)
	}
	if err := os.Remove(filepath.Join(p.root, "etc/smiletill")); err != nil {
		t.Fatal(err)
	}
	if _, err := p.take(false); err != nil {
		t.Fatal(err)
	}
	if report := p.read(p.stick, reportName); !strings.Contains(report, "was taken over") {
		t.Errorf("the old report stands:\n%s", report)
	}
}

// TestAddressOfTheWiFi: [network] alone is of the Wi-Fi that the terminal has.
func TestAddressOfTheWiFi(t *testing.T) {
	p := newPlace(t, "[wifi]\nssid = \"Shop\"\npassword = \"correct horse\"\n")
	if _, err := p.take(false); err != nil {
		t.Fatal(err)
	}
	for _, address := range []string{"10.1.1.20/24", "10.1.2.20/24"} {
		p.write(filepath.Join(p.stick, FileName), "[network]\naddress = \""+address+"\"\ndns = [\"9.9.9.9\"]\n")
		if _, err := p.take(false); err != nil {
			t.Fatal(err)
		}
		got := p.read(p.root, radio)
		fixed := "[ipv4]\nmethod=manual\naddress1=" + address + "\ndns=9.9.9.9;\n"
		if !strings.Contains(got, "psk=correct horse\n") || !strings.Contains(got, fixed) ||
			strings.Count(got, "[ipv4]") != 1 || strings.Count(got, "address1") != 1 {
			t.Errorf("the Wi-Fi is\n%s", got)
		}
	}
	if _, err := os.Stat(filepath.Join(p.root, cable)); err == nil {
		t.Error("the cable has the address")
	}
}

// TestConfigurationStaysPrivate: who could not read it can't afterwards.
func TestConfigurationStaysPrivate(t *testing.T) {
	p := newPlace(t, "name = \"acme/b/till-3\"\n")
	cfg := filepath.Join(p.root, "etc/smiletill/smiletill.toml")
	p.write(cfg, "[terminal]\nlanguage = \"de\"\n")
	if err := os.Chmod(cfg, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := p.take(false); err != nil {
		t.Fatal(err)
	}
	if _, err := (Target{Root: p.root}).ask(strings.NewReader("\n\n\n\n\n"), &strings.Builder{}); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(cfg); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("it has %v, %v", info.Mode(), err)
	}
}

// TestAnotherSpelling: a stick may say again what the terminal has already, in other words too.
func TestAnotherSpelling(t *testing.T) {
	p := newPlace(t, whole)
	if _, err := p.take(true); err != nil {
		t.Fatal(err)
	}
	for text, ok := range map[string]bool{
		"[payment]\namount_max = \"80\"\n": true, "[payment]\namount_max = 80.0\n": true,
		"[mqtt]\nbroker = \"mqtts://BROKER.example:8883/\"\n": true, "[payment]\namount_max = \"80.01\"\n": false,
		"[mqtt]\nbroker = \"mqtts://broker.example:8884\"\n": false,
	} {
		p.write(filepath.Join(p.stick, FileName), text)
		if _, err := p.take(true); (err == nil) != ok {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// TestWhatNext: who takes settings over by hand is told when they are in force.
func TestWhatNext(t *testing.T) {
	p := newPlace(t, "[time]\nservers = [\"ptbtime1.ptb.de\"]\n")
	for here, want := range map[bool]bool{true: true, false: false} {
		var out strings.Builder
		p.write(filepath.Join(p.stick, FileName), "[time]\nservers = [\"ptbtime1.ptb.de\"]\n# "+out.String())
		err := Target{Root: p.root}.takeAndSay(t.Context(), source{p.stick, false}, &out, here)
		if err != nil || strings.Contains(out.String(), "sudo reboot") != want && !strings.Contains(out.String(),
			"taken over before") {
			t.Errorf("%v: %v %s", here, err, &out)
		}
		if err := os.RemoveAll(filepath.Join(p.root, memoryPath)); err != nil {
			t.Fatal(err)
		}
	}
}

// TestClaimOutOfSight: the code need not be an argument, which every user of the machine sees.
func TestClaimOutOfSight(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "claim")
	place{t, dir, dir}.write(file, "apple river stone\n")
	s, err := Words{ClaimFile: file}.Settings(nil, nil)
	if err != nil || s.Claim != "apple river stone" {
		t.Errorf("by a file: %+v, %v", s, err)
	}
	t.Setenv(claimVariable, "stone river")
	if s, err := (Words{}).Settings(nil, nil); err != nil || s.Claim != "stone river" {
		t.Errorf("by the variable: %+v, %v", s, err)
	}
	if s, err := (Words{Claim: "apple"}).Settings(nil, nil); err != nil || s.Claim != "apple" {
		t.Errorf("by the flag: %+v, %v", s, err)
	}
}
