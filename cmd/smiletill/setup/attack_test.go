package setup

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func folderWith(t *testing.T, text string) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, FileName), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

// TestTwoSources: what the card's file once gave does not come back over what a stick and a technician have
// changed since, at whatever start.
func TestTwoSources(t *testing.T) {
	p := newPlace(t, "name = \"acme/b/till-3\"\n[network]\naddress = \"192.168.1.20/24\"\n"+
		"[payment]\namount_max = \"20.00\"\n")
	if _, err := p.take(false); err != nil {
		t.Fatal(err)
	}
	to := Target{Root: p.root}
	stick := folderWith(t, "[network]\naddress = \"10.9.9.20/24\"\n")
	if _, err := to.take(source{stick, true}, noon(), never); err != nil {
		t.Fatal(err)
	}
	cfg := filepath.Join(p.root, "etc/smiletill/smiletill.toml")
	p.write(cfg, strings.Replace(p.read(cfg), `amount_max = "20.00"`, `amount_max = "5.00"`, 1))
	for range 2 {
		if _, err := p.take(false); err != nil {
			t.Fatal(err)
		}
		if _, err := to.take(source{stick, true}, noon(), never); err != nil {
			t.Fatal(err)
		}
	}
	if !strings.Contains(p.read(p.root, cable), "10.9.9.20") {
		t.Errorf("the stick's address is gone:\n%s", p.read(p.root, cable))
	}
	if !strings.Contains(p.read(cfg), `amount_max = "5.00"`) {
		t.Error("the limit that was set by hand is gone")
	}
}

// TestFlashedAgain: the file is the one that was taken over before, and nothing of what was in it is there.
func TestFlashedAgain(t *testing.T) {
	p := newPlace(t, whole)
	if _, err := p.take(false); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(filepath.Join(p.root, "etc/smiletill")); err != nil {
		t.Fatal(err)
	}
	p.write(filepath.Join(p.stick, FileName), whole)
	if got, err := p.take(false); err != nil || got.again || !(Target{Root: p.root}).named() {
		t.Errorf("%+v, %v: it has no name", got, err)
	}
}

// TestStickCutShort: TestTakeCutShort, by a stick: what was half done is done the next time, and the terminal
// has its name last of all.
func TestStickCutShort(t *testing.T) {
	cut := errors.New("power cut")
	for n := 1; n < 40; n++ {
		p := newPlace(t, whole)
		calls, at := 0, ""
		_, _ = Target{Root: p.root}.take(source{p.stick, true}, noon(), func(what string) error {
			if calls++; calls == n {
				at = strings.ReplaceAll(what, p.root, "")
				return cut
			}
			return nil
		})
		if calls < n {
			if n < 5 {
				t.Errorf("only %d steps", n)
			}
			return
		}
		_, err := p.take(true)
		if _, wifi := os.Stat(filepath.Join(p.root, radio)); err != nil || wifi != nil {
			t.Errorf("cut before %q, then again: %v, Wi-Fi %v", at, err, wifi)
		}
	}
}

// TestStrangersStick: a mistake in a terminal's settings opens them to nobody.
func TestStrangersStick(t *testing.T) {
	p := newPlace(t, whole)
	if _, err := p.take(false); err != nil {
		t.Fatal(err)
	}
	cfg := filepath.Join(p.root, "etc/smiletill/smiletill.toml")
	p.write(cfg, strings.Replace(p.read(cfg), `amount_max = "80.00"`, `amount_max = "80,00"`, 1))
	before := p.read(cfg)
	p.write(filepath.Join(p.stick, FileName), "name = \"thief/x/y\"\n[payment]\namount_max = \"9999.00\"\n")
	if _, err := p.take(true); err == nil || p.read(cfg) != before {
		t.Errorf("taken: %v", err)
	}
}

// TestStickOnACard: a stick names a terminal whose configuration lies on the first partition, read-only.
func TestStickOnACard(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("root alone mounts")
	}
	p := newPlace(t, "")
	first := filepath.Join(p.root, "boot/select")
	if err := os.MkdirAll(first, 0o755); err != nil {
		t.Fatal(err)
	}
	const flags = unix.MS_NODEV | unix.MS_NOSUID
	if err := unix.Mount("none", first, "tmpfs", flags, ""); err != nil {
		t.Skipf("this root may not mount: %v", err)
	}
	t.Cleanup(func() { _ = unix.Unmount(first, 0) })
	p.write(filepath.Join(first, "smiletill.toml"), "[terminal]\nlanguage = \"de\"\n")
	if err := unix.Mount("", first, "", unix.MS_REMOUNT|unix.MS_RDONLY|flags, ""); err != nil {
		t.Fatal(err)
	}
	cfg := filepath.Join(p.root, "etc/smiletill/smiletill.toml")
	if err := errors.Join(os.MkdirAll(filepath.Dir(cfg), 0o755),
		os.Symlink("/boot/select/smiletill.toml", cfg)); err != nil {
		t.Fatal(err)
	}
	to := Target{Root: p.root, Kept: "/var/lib/smiletill/setup"}
	stick := folderWith(t, "name = \"acme/b/till-3\"\n")
	if _, err := to.take(source{stick, true}, noon(), never); err != nil || !to.named() {
		t.Errorf("named %v: %v", to.named(), err)
	}
	var is unix.Statfs_t
	if err := unix.Statfs(first, &is); err != nil || is.Flags&unix.ST_RDONLY == 0 {
		t.Errorf("the partition stayed writable, %v", err)
	}
}
