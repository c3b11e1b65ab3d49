package systemd_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// exposureMax is ten times the exposure that `systemd-analyze security` may find; an unhardened unit has 96.
const exposureMax = "15"

// installed lays the unit and its neighbours out as a package does.
func installed(t *testing.T, change func(unit string) string) (root string) {
	t.Helper()
	if _, err := exec.LookPath("systemd-analyze"); err != nil {
		t.Skip("systemd-analyze is not here: the units are not checked")
	}
	root = t.TempDir()
	put := func(from, to string, mode os.FileMode, change func(string) string) {
		text, err := os.ReadFile(filepath.Join(".", from))
		if err != nil {
			t.Fatal(err)
		}
		if change != nil {
			text = []byte(change(string(text)))
		}
		to = filepath.Join(root, to)
		if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(to, text, mode); err != nil {
			t.Fatal(err)
		}
	}
	put("smiletill.service", "usr/lib/systemd/system/smiletill.service", 0o644, change)
	put("smiletill.sysusers", "usr/lib/sysusers.d/smiletill.conf", 0o644, nil)
	put("smiletill.tmpfiles", "usr/lib/tmpfiles.d/smiletill.conf", 0o644, nil)
	put("smiletill.service", "usr/bin/smiletill", 0o755, nil) // only has to be there
	return root
}

func analyze(args ...string) (string, error) {
	out, err := exec.Command("systemd-analyze", args...).CombinedOutput()
	return string(out), err
}

func verifyUnit(root string) (string, error) {
	return analyze("verify", "--man=no", "--recursive-errors=no", "--root="+root, "smiletill.service")
}

// The units of first settings are as systemd wants them, come before what reads their files, and wait for
// nothing of that.
func TestSetupUnits(t *testing.T) {
	root := installed(t, nil)
	for _, name := range []string{"smiletill-setup.service", "smiletill-setup-report.service",
		"smiletill-update.service"} {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		at := filepath.Join(root, "usr/lib/systemd/system", name)
		if err := os.WriteFile(at, text, 0o644); err != nil {
			t.Fatal(err)
		}
		out, err := analyze("verify", "--man=no", "--recursive-errors=no", "--root="+root, name)
		if err != nil || out != "" {
			t.Errorf("%s: verify: %v\n%s", name, err, out)
		}
	}
	for _, unit := range []string{"setup", "setup-report", "update"} {
		part, err := os.ReadFile(unit + "-image.conf")
		if err != nil {
			t.Fatal(err)
		}
		drop := filepath.Join(root, "usr/lib/systemd/system/smiletill-"+unit+".service.d/image.conf")
		if err := errors.Join(os.MkdirAll(filepath.Dir(drop), 0o755), os.WriteFile(drop, part, 0o644)); err != nil {
			t.Fatal(err)
		}
		out, err := analyze("verify", "--man=no", "--recursive-errors=no", "--root="+root,
			"smiletill-"+unit+".service")
		if err != nil || out != "" {
			t.Errorf("a card's part: verify: %v\n%s", err, out)
		}
	}
	text, err := os.ReadFile("smiletill-setup.service")
	if err != nil {
		t.Fatal(err)
	}
	before := ""
	for line := range strings.Lines(string(text)) {
		if list, ok := strings.CutPrefix(line, "Before="); ok {
			before += " " + strings.TrimSpace(list)
		}
	}
	for _, unit := range []string{"network-pre.target", "systemd-timesyncd.service", "smiletill.service"} {
		if !slices.Contains(strings.Fields(before), unit) {
			t.Errorf("it does not come before %s", unit)
		}
	}
}

func exposure(root string) (string, error) {
	return exposureOf(filepath.Join(root, "usr/lib/systemd/system/smiletill.service"), exposureMax)
}

func exposureOf(unit, bound string) (string, error) {
	return analyze("security", "--offline=true", "--threshold="+bound, unit)
}

// The display's unit is as systemd wants it, always comes back, and may do little more than the terminal: a
// browser compiles scripts, and has a user of its own.
func TestKioskUnit(t *testing.T) {
	root := installed(t, nil)
	text, err := os.ReadFile("smiletill-kiosk.service")
	if err != nil {
		t.Fatal(err)
	}
	at := filepath.Join(root, "usr/lib/systemd/system/smiletill-kiosk.service")
	if err := os.WriteFile(at, text, 0o644); err != nil {
		t.Fatal(err)
	}
	out, err := analyze("verify", "--man=no", "--recursive-errors=no", "--root="+root, "smiletill-kiosk.service")
	if err != nil || out != "" {
		t.Errorf("verify: %v\n%s", err, out)
	}
	if out, err := exposureOf(at, "25"); err != nil {
		t.Errorf("exposure: %v\n%s", err, out)
	}
	for _, want := range []string{"Restart=always", "StartLimitIntervalSec=0", "DynamicUser=yes",
		"IPAddressDeny=any", "InaccessiblePaths=-/var/lib/smiletill"} {
		if !strings.Contains(string(text), "\n"+want) {
			t.Errorf("the unit lacks %s", want)
		}
	}
}

func TestUnit(t *testing.T) {
	root := installed(t, nil)
	if out, err := verifyUnit(root); err != nil || out != "" {
		t.Errorf("verify: %v\n%s", err, out)
	}
	if out, err := exposure(root); err != nil {
		t.Errorf("exposure: %v\n%s", err, out)
	}
	// An Edge TPU costs something, but not more than the bound.
	drop := filepath.Join(root, "usr/lib/systemd/system/smiletill.service.d/edgetpu.conf")
	text, err := os.ReadFile("edgetpu.conf")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Dir(drop), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(drop, text, 0o644); err != nil {
		t.Fatal(err)
	}
	if out, err := verifyUnit(root); err != nil || out != "" {
		t.Errorf("verify with an Edge TPU: %v\n%s", err, out)
	}
	if out, err := exposure(root); err != nil {
		t.Errorf("exposure with an Edge TPU: %v\n%s", err, out)
	}
}

// The checks above notice what they are for.
func TestUnitChecksNotice(t *testing.T) {
	misspelled := installed(t, func(u string) string { return strings.Replace(u, "Restart=", "Restrat=", 1) })
	if out, err := verifyUnit(misspelled); err == nil && out == "" {
		t.Error("a misspelled key passes")
	}
	open := installed(t, func(u string) string {
		for _, line := range []string{"DevicePolicy=closed", "ProtectSystem=strict", "User=smiletill"} {
			u = strings.Replace(u, line, "", 1)
		}
		return u
	})
	if _, err := exposure(open); err == nil {
		t.Error("a unit of root with all devices passes")
	}
}

// A till that was started again many times is started again.
func TestUnitStaysAlive(t *testing.T) {
	text, err := os.ReadFile("smiletill.service")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"Type=notify", "Restart=always", "StartLimitIntervalSec=0", "WatchdogSec="} {
		if !strings.Contains(string(text), "\n"+want) {
			t.Errorf("the unit lacks %s", want)
		}
	}
	if strings.Contains(string(text), "\nProcSubset=pid") {
		t.Error("ProcSubset=pid hides /proc/device-tree and /proc/cpuinfo, which tell the board")
	}
}

// Of all devices the terminal may have those of its trade, also those that are plugged in after it was
// started: systemd allows only kinds of devices whose driver is there by then, so each has its driver loaded
// before.
func TestUnitDevices(t *testing.T) {
	text, err := os.ReadFile("smiletill.service")
	if err != nil {
		t.Fatal(err)
	}
	unit := map[string][]string{}
	for line := range strings.Lines(string(text)) {
		if key, value, ok := strings.Cut(strings.TrimSpace(line), "="); ok && key[0] != '#' {
			unit[key] = append(unit[key], strings.Fields(value)...)
		}
	}
	if !slices.Equal(unit["DevicePolicy"], []string{"closed"}) {
		t.Errorf("DevicePolicy is %v", unit["DevicePolicy"])
	}
	for _, d := range []struct{ kind, driver, group string }{ // "" where no system has the driver as a module
		{"video4linux", "videodev", "video"}, {"gpiochip", "", "gpio"}, {"ttyACM", "cdc_acm", "dialout"},
		{"ttyUSB", "usbserial", "dialout"}, {"ttyAMA", "", "dialout"}, {"ttyS", "", "dialout"},
		{"tpm", "tpm", "tss"},
	} {
		if !slices.Contains(unit["DeviceAllow"], "char-"+d.kind) {
			t.Errorf("%s may not be opened", d.kind)
		}
		if !slices.Contains(unit["SupplementaryGroups"], d.group) {
			t.Errorf("%s: the terminal is not in the group %s", d.kind, d.group)
		}
		if load := "modprobe@" + d.driver + ".service"; d.driver != "" &&
			!(slices.Contains(unit["Wants"], load) && slices.Contains(unit["After"], load)) {
			t.Errorf("%s: %s is not loaded before the terminal starts", d.kind, d.driver)
		}
	}
	if n := len(unit["DeviceAllow"]); n != 2*7 {
		t.Errorf("more may be opened than this test knows: %v", unit["DeviceAllow"])
	}
}

func TestSysusersAndTmpfiles(t *testing.T) {
	root := installed(t, nil)
	if err := os.Mkdir(filepath.Join(root, "etc"), 0o755); err != nil {
		t.Fatal(err)
	}
	run := func(name string, args ...string) {
		if out, err := exec.Command(name, append(args, "--root="+root)...).CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", name, err, out)
		}
	}
	run("systemd-sysusers")
	if os.Getuid() == 0 { // it gives the folders to another user
		run("systemd-tmpfiles", "--create")
	}
	group, err := os.ReadFile(filepath.Join(root, "etc/group"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"video", "gpio", "dialout", "tss"} {
		if !strings.Contains(string(group), "\n"+name+":") && !strings.HasPrefix(string(group), name+":") {
			t.Errorf("there is no group %s", name)
		}
	}
	if os.Getuid() == 0 {
		info, err := os.Stat(filepath.Join(root, "var/lib/smiletill"))
		if err != nil || info.Mode().Perm() != 0o700 {
			t.Errorf("data folder: %v, %v; want mode 0700", info, err)
		}
	}
}
