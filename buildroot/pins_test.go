package buildroot_test

import (
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// TestPins: the table of README.md says what the files pin, and a Buildroot of the release that it names can
// build this module.
func TestPins(t *testing.T) {
	readme := string(read(t, "README.md"))
	pinned := map[string]string{}
	row := regexp.MustCompile(`(?m)^\| ([^|]+) \| ([^|]+) \| [^|]* \| [^|]* \|$`)
	for _, m := range row.FindAllStringSubmatch(readme, -1) {
		pinned[m[1]] = m[2]
	}
	if !strings.Contains(readme, "--branch "+pinned["Buildroot"]+" Buildroot") {
		t.Errorf("README.md clones another Buildroot than %q", pinned["Buildroot"])
	}
	commit := regexp.MustCompile(`linux,(\w+)\)/linux-(\w+)\.tar\.gz`)
	configs, err := filepath.Glob("configs/*_defconfig")
	if err != nil || len(configs) != 5 {
		t.Fatalf("%v %v", configs, err)
	}
	for _, file := range configs {
		m := commit.FindStringSubmatch(string(read(t, file)))
		if pi := !strings.Contains(file, "qemu"); pi != (m != nil) {
			t.Errorf("%s: the kernel's commit is %v", file, m)
		} else if pi && (m[1] != pinned["kernel of the Pis"] || m[2] != m[1]) {
			t.Errorf("%s has the kernel %s, README.md %s", file, m[1:], pinned["kernel of the Pis"])
		}
	}
	requirements := string(read(t, "requirements.txt"))
	for _, name := range []string{"python-magic", "flake8"} {
		if !strings.Contains(requirements, "\n"+name+"=="+pinned[name]+" ") {
			t.Errorf("requirements.txt does not have %s %s", name, pinned[name])
		}
	}
	want := regexp.MustCompile(`(?m)^go (\S+)$`).FindStringSubmatch(string(read(t, "../go.mod")))
	if want == nil || older(pinned["Go"], want[1]) {
		t.Errorf("Buildroot's Go %s is older than go.mod's %v", pinned["Go"], want)
	}
	if !strings.Contains(string(read(t, "symbols.Kconfig")), "Buildroot "+pinned["symbols"]+")") {
		t.Errorf("symbols.Kconfig is not of Buildroot %s", pinned["symbols"])
	}
}

// older compares two versions, number by number.
func older(a, b string) bool {
	x, y := strings.Split(a, "."), strings.Split(b, ".")
	for i := range min(len(x), len(y)) {
		m, errM := strconv.Atoi(x[i])
		n, errN := strconv.Atoi(y[i])
		if errM != nil || errN != nil || m != n {
			return errM == nil && errN == nil && m < n
		}
	}
	return len(x) < len(y)
}
