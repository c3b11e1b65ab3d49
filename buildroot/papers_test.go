//go:build linux

package buildroot_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

const cardStatus = `Package: libc6
Status: install ok installed
Source: glibc (2.36-9)
Architecture: arm64
Version: 2.36-9
Description: C library
 with a line
 .
 Version: 7

Package: gone
Status: deinstall ok config-files
Architecture: arm64
Version: 1

Package: mawk
Status: install ok installed
Architecture: arm64
Version: 1:3.4

Package: smiletill
Status: install ok installed
Architecture: arm64
Version: 0.1
`

// TestCardPapers writes lock, parts list and manifest of a small card, and has the lock stop a build.
func TestCardPapers(t *testing.T) {
	tools(t, "python3", "/sbin/sfdisk", "genimage", "mksquashfs")
	out := t.TempDir()
	put := func(path, text string) {
		t.Helper()
		path = filepath.Join(out, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	put("root/var/lib/dpkg/status", cardStatus)
	put("root/lib/modules/6.1.0-57-arm64/modules.dep", "")
	put("debs/libc6_2.36-9_arm64.deb", "the C library")
	put("debs/mawk_1%3a3.4_arm64.deb", "awk")
	put("images/verity", "smiletill.verity=12:"+strings.Repeat("ab", 32)+"\n")
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	put("root/usr/bin/smiletill", string(read(t, self)))
	if err := os.Rename(postImage(t, images(t)), filepath.Join(out, "images/smiletill-pi4.img")); err != nil {
		t.Fatal(err)
	}
	lock := filepath.Join(out, "pi4.lock")
	papers := func(env ...string) (string, error) {
		cmd := exec.Command("python3", buildrootTree+"/debian/papers.py", out, "pi4",
			filepath.Join(out, "debs"), filepath.Join(out, "root"), lock)
		cmd.Env = append(append(os.Environ(), "PATH="+os.Getenv("PATH")+":/sbin:/usr/sbin"), env...)
		text, err := cmd.CombinedOutput()
		return string(text), err
	}
	if text, err := papers(); err != nil || !strings.Contains(text, "there is no "+lock) {
		t.Fatalf("the first time: %v %s", err, text)
	}
	written := string(read(t, filepath.Join(out, "packages.lock")))
	if strings.Count(written, "\n") != 2 || !strings.HasPrefix(written, "libc6 2.36-9 arm64 ") {
		t.Errorf("packages.lock:\n%s", written)
	}
	put("pi4.lock", written)
	if text, err := papers("LOCKED=1"); err != nil || text != "" {
		t.Errorf("the same packages: %v %s", err, text)
	}
	put("pi4.lock", strings.Replace(written, "2.36-9", "2.36-8", 1)+"zlib1g 1.2 arm64 00\n")
	text, err := papers()
	if err != nil || !strings.Contains(text, "libc6 is 2.36-9, was 2.36-8") ||
		!strings.Contains(text, "zlib1g 1.2 is gone") {
		t.Errorf("other packages: %v %s", err, text)
	}
	if text, err := papers("LOCKED=1"); err == nil {
		t.Errorf("other packages do not stop a locked build: %s", text)
	}
	var bom struct {
		BomFormat  string
		Components []struct{ Name, Version, Purl string }
	}
	if err := json.Unmarshal(read(t, filepath.Join(out, "smiletill-pi4.cdx.json")), &bom); err != nil {
		t.Fatal(err)
	}
	purls := ""
	for _, c := range bom.Components {
		purls += c.Purl + "\n"
	}
	if bom.BomFormat != "CycloneDX" ||
		!strings.Contains(purls, "pkg:deb/debian/mawk@1%3A3.4?arch=arm64&distro=debian-12&upstream=mawk\n") ||
		!strings.Contains(purls, "/libc6@2.36-9?arch=arm64&distro=debian-12&upstream=glibc\n") ||
		!strings.Contains(purls, "pkg:generic/smiletill@0.1\n") || strings.Contains(purls, "gone") {
		t.Errorf("%s with parts\n%s", bom.BomFormat, purls)
	}
	validSBOM(t, filepath.Join(out, "smiletill-pi4.cdx.json"))
	var manifest struct {
		Image      struct{ Bytes int64 }
		Kernel     string
		Partitions []struct{ Number, Start, Bytes int64 }
	}
	if err := json.Unmarshal(read(t, filepath.Join(out, "smiletill-pi4.manifest.json")), &manifest); err != nil {
		t.Fatal(err)
	}
	if manifest.Kernel != "6.1.0-57-arm64" || len(manifest.Partitions) != 7 || manifest.Image.Bytes == 0 {
		t.Errorf("manifest: %+v", manifest)
	}
}

// validSBOM holds a parts list against CycloneDX's own schema, by CycloneDX's own library; a list with a part
// that has no name is none.
func validSBOM(t *testing.T, file string) {
	t.Helper()
	python := "../.build/python/bin/python"
	if exec.Command(python, "-c", "import cyclonedx.validation.json, jsonschema").Run() != nil {
		t.Skip("cyclonedx is not there: `make python` installs it")
	}
	validate := func(file string) (string, error) {
		out, err := exec.Command(python, "-c", `import sys
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
bad = JsonStrictValidator(SchemaVersion.V1_5).validate_str(open(sys.argv[1]).read())
sys.exit(str(bad)[:500] if bad else 0)`, file).CombinedOutput()
		return string(out), err
	}
	if out, err := validate(file); err != nil {
		t.Errorf("%s is no CycloneDX: %v %s", file, err, out)
	}
	broken := filepath.Join(t.TempDir(), "broken.json")
	text := strings.Replace(string(read(t, file)), `"name"`, `"nome"`, 1)
	if err := os.WriteFile(broken, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	if out, err := validate(broken); err == nil {
		t.Errorf("the validator takes everything: %s", out)
	}
}
