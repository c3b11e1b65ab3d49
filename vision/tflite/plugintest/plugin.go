package plugintest

import (
	_ "embed"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

//go:embed testdata/plugin.c
var source []byte

// Build compiles the plug-in with macros ("FAIL_PREPARE", "BIAS=5") that testdata/plugin.c knows, and returns
// the path of the library. It skips the test where there is no gcc, but not in CI, where that is a fault.
func Build(t testing.TB, macros ...string) string {
	t.Helper()
	gcc, err := exec.LookPath("gcc")
	if err != nil && os.Getenv("CI") == "" {
		t.Skip("no gcc: make deps installs it")
	}
	dir := t.TempDir()
	src, lib := filepath.Join(dir, "plugin.c"), filepath.Join(dir, "libplugin.so")
	if err := os.WriteFile(src, source, 0o600); err != nil {
		t.Fatal(err)
	}
	args := append([]string{"-shared", "-fPIC", "-Wall"}, strings.Fields(os.Getenv("CGO_CFLAGS"))...)
	for _, m := range macros {
		args = append(args, "-D"+m)
	}
	if out, err := exec.Command(gcc, append(args, "-o", lib, src)...).CombinedOutput(); err != nil {
		t.Fatalf("gcc %v: %v\n%s", macros, err, out)
	}
	return lib
}
