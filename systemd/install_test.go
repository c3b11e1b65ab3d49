//go:build linux

package systemd_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// TestInstallUpgradePurge has the real dpkg install the package in a folder, upgrade it to one that ships
// other settings, with nobody to answer a question, and purge it. The program in it is a small one: it is
// not started.
func TestInstallUpgradePurge(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("dpkg gives files to root: needs root")
	}
	for _, tool := range []string{"dpkg", "patchelf", "systemd-sysusers", "systemd-tmpfiles", "systemctl"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("%s is not installed", tool)
		}
	}
	first := small(t, "v1.0.0")
	d := &disk{t: t, root: t.TempDir()}
	d.make()
	said := d.dpkg("-i", first)
	if !strings.Contains(said, "no payments are taken before") || !strings.Contains(said,
		"sudo smiletill setup") {
		t.Errorf("the installation does not say what is to be done:\n%s", said)
	}
	const settings = "etc/smiletill/smiletill.toml"
	if got := d.read(settings); !strings.Contains(got, "[terminal]") || !strings.Contains(got,
		"\nkind = \"none\"\n") ||
		strings.Count(got, "\n") != strings.Count(d.read("usr/share/smiletill/smiletill.toml"), "\n") {
		t.Fatalf("no settings were put there, or of a board that nobody has named: %q", got)
	}
	if got := d.wants(); !strings.HasSuffix(got, "/smiletill.service") || strings.Contains(got,
		"smiletill-setup") {
		t.Errorf("settings are taken from any stick: %s", got)
	}
	const mine = "[terminal]\ntenant = \"acme\"\n"
	d.write(settings, mine)
	d.dpkg("-i", changed(t, small(t, "v1.1.0")))
	if got := d.read(settings); got != mine {
		t.Errorf("the upgrade changed the technician's settings: %q", got)
	}
	for path, text := range map[string]string{
		"journal.db": "payments", "gallery/c_1.face": "a face", "gallery/c_1.smile": "a smile",
		"gallery/gallery.key": "its key",
		"terminal.key":        "a key", "pins.db": "PINs",
	} {
		d.write("var/lib/smiletill/"+path, text)
	}
	const wifi = "etc/NetworkManager/system-connections/smiletill-wifi.nmconnection"
	d.write(wifi, "psk=secret")
	d.write("etc/smiletill/claim.toml", "claim = \"x\"")
	enable := exec.Command("systemctl", "--root="+d.root, "enable", "smiletill-setup.service",
		"smiletill-setup-report.service")
	if out, err := enable.CombinedOutput(); err != nil || strings.Count(d.wants(), "smiletill-setup") != 2 {
		t.Errorf("the units can't be switched on: %v %s", err, out)
	}
	said = d.dpkg("-P", "smiletill")
	if d.wants() != "" {
		t.Errorf("units are switched on that are gone: %s", d.wants())
	}
	for _, left := range []string{
		"payments", "faces", "smiles", "gallery.key", "PINs", "terminal.key", "rm -r /var/lib/smiletill",
		"rm /" + wifi, "rm -r /etc/smiletill",
	} {
		if !strings.Contains(said, left) {
			t.Errorf("the purge says nothing of %s:\n%s", left, said)
		}
	}
	if strings.Contains(said, "models of your own") {
		t.Errorf("the purge speaks of what is not there:\n%s", said)
	}
	if d.read("var/lib/smiletill/journal.db") != "payments" {
		t.Error("the purge took the payments")
	}
	if _, err := os.Stat(filepath.Join(d.root, settings)); err == nil {
		t.Error("the purge left the settings")
	}
}

// disk is a folder in which dpkg installs.
type disk struct {
	t    *testing.T
	root string
}

func (d *disk) make() {
	for _, dir := range []string{"var/lib/dpkg/info", "var/lib/dpkg/updates", "etc", "usr"} {
		if err := os.MkdirAll(filepath.Join(d.root, dir), 0o755); err != nil {
			d.t.Fatal(err)
		}
	}
	d.write("var/lib/dpkg/status", "")
	d.write("var/lib/dpkg/available", "")
}

// dpkg runs without anybody to answer. Scripts run outside of the folder, as for an image that is built.
func (d *disk) dpkg(args ...string) string {
	d.t.Helper()
	args = append([]string{"--root=" + d.root, "--log=/dev/null", "--force-depends",
		"--force-script-chrootless"}, args...)
	out, err := exec.Command("dpkg", args...).CombinedOutput()
	if err != nil {
		d.t.Fatalf("dpkg %v: %v\n%s", args, err, out)
	}
	return string(out)
}

// wants are the units that are switched on.
func (d *disk) wants() string {
	d.t.Helper()
	found, err := filepath.Glob(filepath.Join(d.root, "etc/systemd/system/*.wants/*"))
	if err != nil {
		d.t.Fatal(err)
	}
	return strings.Join(found, " ")
}

func (d *disk) read(path string) string {
	d.t.Helper()
	return string(read(d.t, filepath.Join(d.root, path)))
}

func (d *disk) write(path, text string) {
	d.t.Helper()
	path = filepath.Join(d.root, path)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		d.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		d.t.Fatal(err)
	}
}

// small makes a package whose program and library are small.
func small(t *testing.T, version string) string {
	t.Helper()
	library := filepath.Join(t.TempDir(), "small.so")
	gcc := exec.Command("gcc", "-shared", "-x", "c", "-o", library, "/dev/null")
	if out, err := gcc.CombinedOutput(); err != nil {
		t.Fatalf("gcc: %v %s", err, out)
	}
	out := t.TempDir()
	cmd := exec.Command("sh", "package/build.sh", runtime.GOARCH, "/bin/true", library, version, out)
	cmd.Env = append(os.Environ(), "SOURCE_DATE_EPOCH=1700000000")
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, text)
	}
	return filepath.Join(out, "smiletill_"+strings.TrimPrefix(version, "v")+"_"+runtime.GOARCH+".deb")
}

// changed is a package that ships other settings than the one before.
func changed(t *testing.T, deb string) string {
	t.Helper()
	tree := filepath.Join(t.TempDir(), "tree")
	output(t, "dpkg-deb", "-R", deb, tree)
	output(t, "sh", "-c", "find "+tree+" -name smiletill.toml -exec sh -c 'echo \"# new\" >>\"$1\"' - {} ';'")
	output(t, "dpkg-deb", "-b", tree, deb)
	return deb
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func output(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := exec.Command(name, args...).Output()
	if err != nil {
		t.Fatalf("%s %v: %v", name, args, err)
	}
	return string(out)
}
