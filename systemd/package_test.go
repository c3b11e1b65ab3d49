//go:build linux && !notflite

package systemd_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	_ "smiletill/vision/tflite" // links this test program as the program is linked
)

// TestPackage builds the Debian package twice, from this test's own binary, and looks into it.
func TestPackage(t *testing.T) {
	for _, tool := range []string{"dpkg-deb", "patchelf"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("%s is not installed: apt-get install dpkg patchelf", tool)
		}
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	library, err := filepath.Abs("../.build/tflite/linux_" + runtime.GOARCH + "/libtensorflowlite_c.so")
	if err != nil {
		t.Fatal(err)
	}
	build := func() (deb, archive string) {
		t.Helper()
		out := t.TempDir()
		cmd := exec.Command("sh", "package/build.sh", runtime.GOARCH, self, library,
			"v1.2.3-4-gabc", out)
		cmd.Env = append(os.Environ(), "SOURCE_DATE_EPOCH=1700000000")
		if text, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("build: %v\n%s", err, text)
		}
		name := filepath.Join(out, "smiletill_1.2.3+4+gabc_"+runtime.GOARCH)
		return name + ".deb", name + ".tar.gz"
	}
	deb, archive := build()
	deb2, archive2 := build()
	for _, pair := range [][2]string{{deb, deb2}, {archive, archive2}} {
		if one, two := read(t, pair[0]), read(t, pair[1]); len(one) == 0 || !bytes.Equal(one, two) {
			t.Errorf("%s: built twice, the bytes differ", filepath.Base(pair[0]))
		}
	}
	files := output(t, "dpkg-deb", "--fsys-tarfile", deb)
	tree := t.TempDir()
	unpack := exec.Command("tar", "-x", "-C", tree)
	unpack.Stdin = strings.NewReader(files)
	if text, err := unpack.CombinedOutput(); err != nil {
		t.Fatalf("unpack: %v %s", err, text)
	}
	for path, same := range map[string]string{
		"usr/bin/smiletill": "", "usr/lib/smiletill/libtensorflowlite_c.so": "",
		"usr/lib/systemd/system/smiletill.service":      "smiletill.service",
		"usr/lib/sysusers.d/smiletill.conf":             "smiletill.sysusers",
		"usr/lib/tmpfiles.d/smiletill.conf":             "smiletill.tmpfiles",
		"usr/lib/udev/rules.d/60-smiletill.rules":       "60-smiletill.rules",
		"usr/share/smiletill/smiletill.toml":            "../cmd/smiletill/config/smiletill.toml",
		"usr/share/doc/smiletill/copyright":             "../LICENSE",
		"usr/share/doc/smiletill/NOTICES.md":            "../cmd/smiletill/cli/NOTICES.md",
		"usr/share/doc/smiletill/examples/edgetpu.conf": "edgetpu.conf",

		"usr/share/doc/smiletill/examples/setup-report-image.conf": "setup-report-image.conf",
		"usr/share/doc/smiletill/examples/setup-image.conf":        "setup-image.conf",
		"usr/lib/systemd/system/smiletill-setup.service":           "smiletill-setup.service",
		"usr/lib/systemd/system/smiletill-setup-report.service":    "smiletill-setup-report.service",
		"usr/lib/systemd/system/smiletill-kiosk.service":           "smiletill-kiosk.service",
	} {
		got := read(t, filepath.Join(tree, path))
		if same != "" && !bytes.Equal(got, read(t, same)) {
			t.Errorf("%s is not %s", path, same)
		}
	}
	for path, want := range map[string]string{
		"usr/bin/smiletill": "/usr/lib/smiletill", "usr/lib/smiletill/libtensorflowlite_c.so": "",
	} {
		got := strings.TrimSpace(output(t, "patchelf", "--print-rpath", filepath.Join(tree, path)))
		if got != want {
			t.Errorf("%s looks for libraries in %q, want %q", path, got, want)
		}
	}
	if list := output(t, "tar", "-tzf", archive); strings.Contains(list, "etc/") || !strings.Contains(list,
		"usr/bin/smiletill") {
		t.Errorf("the archive would undo a configuration, or has no program:\n%s", list)
	}
	if info := output(t, "dpkg-deb", "-I", deb); strings.Contains(info, "conffiles") {
		t.Errorf("dpkg would ask whose settings count:\n%s", info)
	}
	owners := strings.Fields(output(t, "sh", "-c", "dpkg-deb -c "+deb+" | awk '{print $2}' | sort -u"))
	if !slices.Equal(owners, []string{"root/root"}) {
		t.Errorf("files belong to %v", owners)
	}
}
