//go:build linux

package buildroot_test

import (
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestCardIsRefused: a card that can't be made says so at once, and what to do; nothing of one that was made
// before is left to be taken for the new one.
func TestCardIsRefused(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("a card is made by root alone")
	}
	tools(t, "bash")
	bin, out := t.TempDir(), t.TempDir()
	stub := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(bin, name), []byte("#!/bin/sh\n"+text+"\n"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	stub("uname", "echo aarch64") // nothing is asked of this machine's kernel
	stub("mmdebstrap", "echo 'E: apt-get update failed' >&2; exit 100")
	stub("df", "echo Avail; echo 2499M")
	old := filepath.Join(out, "smiletill-pi4.img.gz")
	if err := os.WriteFile(old, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	build := func(env string, args ...string) string {
		t.Helper()
		cmd := exec.Command("bash", append([]string{buildrootTree + "/debian/build.sh"}, args...)...)
		cmd.Env = append(os.Environ(), "PATH="+bin+":"+os.Getenv("PATH"), "SOURCE_DATE_EPOCH=1700000000", env)
		text, err := cmd.CombinedOutput()
		if err == nil && args[0] != "--check" {
			t.Errorf("%v made a card: %s", args, text)
		}
		return string(text)
	}
	for _, c := range []struct {
		env  string
		args []string
		want string
	}{
		{"", []string{"--check", "pi4"}, ""},
		{"", []string{"--check", "pi5"}, "BOARD=virt, pi3, pi4 or zero2w (for a Pi 5: make image)"},
		{"", []string{"--check", ""}, "BOARD=virt"},
		{"SOURCES=/nowhere", []string{"--check", "pi4"}, "SOURCES=/nowhere can't be read: name a sources.list"},
		{"KEYRING=/nowhere", []string{"--check", "pi4"}, "KEYRING=/nowhere can't be read"},
		{"BUNDLE_KEY=/nowhere", []string{"--check", "pi4"}, "BUNDLE_KEY=/nowhere can't be read"},
		{"", []string{"pi4", out, "x.deb"}, "has 2499 MB left, and a card takes 2500: make room there"},
	} {
		got := build(c.env, c.args...)
		if !strings.Contains(got, c.want) || c.want == "" && got != "" {
			t.Errorf("%s %v says %q, want %q", c.env, c.args, got, c.want)
		}
	}
	if _, err := os.Stat(old); err == nil {
		t.Error("the card that was made before is still there")
	}
	stub("df", "echo Avail; echo 2500M")
	if got := build("", "pi4", out, "x.deb"); !strings.Contains(got, "apt-get update failed") ||
		!strings.Contains(got, "is there a network?") || !strings.Contains(got, "Debian itself") {
		t.Errorf("without a network: %s", got)
	}
}

// TestCardIsLocked: before anything is installed the packages' files are held against the lock.
func TestCardIsLocked(t *testing.T) {
	tools(t, "python3")
	dir := t.TempDir()
	lock := filepath.Join(dir, "pi4.lock")
	for name, text := range map[string]string{"mawk_1%3a3.4_arm64.deb": "awk",
		"libc6_2.36-9_arm64.deb": "libc"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	sum := func(text string) string { return fmt.Sprintf("%x\n", sha256.Sum256([]byte(text))) }
	libc, awk := "libc6 2.36-9 arm64 "+sum("libc"), "mawk 1:3.4 arm64 "
	old := strings.Replace(libc, "-9", "-8", 1) + "sed 4 arm64 00\n"
	for text, want := range map[string]string{
		libc + awk + sum("awk"):  "",
		libc + awk + sum("gawk"): "mawk 1:3.4 has another content under the same version",
		libc:                     "mawk 1:3.4 is new",
		old + awk + sum("awk"):   "libc6 is 2.36-9, was 2.36-8\n    sed 4 is gone",
	} {
		if err := os.WriteFile(lock, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command("python3", buildrootTree+"/debian/papers.py", "--fetched", dir, lock)
		out, err := cmd.CombinedOutput()
		switch {
		case want == "" && (err != nil || len(out) > 0):
			t.Errorf("the packages of the lock are refused: %v %s", err, out)
		case want != "" && (err == nil || !strings.Contains(string(out), want) ||
			!strings.Contains(string(out), "LOCKED=1 stops here")):
			t.Errorf("want %q, got %v\n%s", want, err, out)
		}
	}
}
