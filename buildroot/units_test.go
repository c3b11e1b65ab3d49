//go:build linux

package buildroot_test

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestUnitsAreInstalled: each unit that a card enables, by a link of post-build.sh or by a rule of udev, is
// installed: by Buildroot's package, whose steps make itself runs here, and by the Debian package.
func TestUnitsAreInstalled(t *testing.T) {
	tools(t, "make", "dpkg-deb", "patchelf")
	for _, way := range []struct {
		name     string
		install  func(t *testing.T, root string)
		overlays []string
	}{
		{"Buildroot", installByBuildroot, []string{"board/card/overlay"}},
		{"Debian", installByDebian, []string{"board/card/overlay", "debian/overlay*"}},
	} {
		t.Run(way.name, func(t *testing.T) {
			root := t.TempDir()
			for _, pattern := range way.overlays {
				found, err := filepath.Glob(pattern)
				if err != nil {
					t.Fatal(err)
				}
				for _, overlay := range found {
					output(t, "cp", "-a", overlay+"/.", root)
				}
			}
			way.install(t, root)
			keyring := filepath.Join(t.TempDir(), "keyring.pem")
			settings := filepath.Join(t.TempDir(), "settings")
			for path, text := range map[string]string{keyring: "a certificate",
				settings: "BR2_PACKAGE_SMILETILL_KEYRING=\"" + keyring + "\"\n"} {
				if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			cmd := exec.Command("sh", "board/card/post-build.sh", root, "virt")
			cmd.Env = append(os.Environ(), "BR2_CONFIG="+settings)
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Fatalf("post-build: %v\n%s", err, out)
			}
			enabled := unitsEnabled(t, root)
			for _, unit := range enabled {
				if _, err := os.Stat(filepath.Join(root, "usr/lib/systemd/system", unit)); err != nil {
					t.Errorf("%s is enabled and not installed", unit)
				}
			}
			if len(enabled) < 5 {
				t.Errorf("enabled are only %v", enabled)
			}
		})
	}
}

// unitsEnabled are the units of ours that a root's links and rules start.
func unitsEnabled(t *testing.T, root string) (units []string) {
	t.Helper()
	wants := regexp.MustCompile(`SYSTEMD_WANTS\}\+?="([^"]+)"`)
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.Type()&fs.ModeSymlink != 0 && strings.Contains(path, "/systemd/system/"):
			target, err := os.Readlink(path)
			if err == nil && target != "/dev/null" {
				units = append(units, filepath.Base(target))
			}
			return err
		case strings.HasSuffix(path, ".rules"):
			for _, m := range wants.FindAllStringSubmatch(string(read(t, path)), -1) {
				units = append(units, strings.Fields(m[1])...)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return units
}

// installByBuildroot has make do what Buildroot would, with the few variables of Buildroot's that it needs.
func installByBuildroot(t *testing.T, root string) {
	t.Helper()
	cmd := exec.Command("make", "-s", "-C", "..", "-f", "-", "all")
	cmd.Stdin = strings.NewReader("qstrip = $(1)\nINSTALL = install\nTARGET_DIR = " + root + "\n" +
		"include buildroot/package/smiletill/smiletill.mk\nall:\n\t$(SMILETILL_INSTALL_INIT_SYSTEMD)\n")
	cmd.Env = append(os.Environ(), "MAKEFLAGS=")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("make: %v\n%s", err, out)
	}
}

// installByDebian unpacks the Debian package, built with another program in place of the terminal's.
func installByDebian(t *testing.T, root string) {
	t.Helper()
	out := t.TempDir()
	cmd := exec.Command("sh", "../systemd/package/build.sh", "amd64", "/usr/bin/install", "/usr/bin/install",
		"v1.2.3", out)
	cmd.Env = append(os.Environ(), "SOURCE_DATE_EPOCH=1700000000")
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, text)
	}
	output(t, "dpkg-deb", "-x", filepath.Join(out, "smiletill_1.2.3_amd64.deb"), root)
}
