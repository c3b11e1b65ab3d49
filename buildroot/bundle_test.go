//go:build linux

package buildroot_test

import (
	"bytes"
	"crypto/rand"
	"encoding/binary"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestBundle signs a bundle with keys of keys.sh: what a terminal must know before it writes anything can be
// read from it, by who has the CA's certificate alone.
func TestBundle(t *testing.T) {
	tools(t, "rauc", "mksquashfs", "openssl", "genimage", "/sbin/mkfs.vfat")
	dir := images(t)
	postImage(t, dir)
	root := make([]byte, 1<<16) // RAUC makes no bundle of next to nothing
	if _, err := rand.Read(root); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "rootfs.squashfs"), root, 0o644); err != nil {
		t.Fatal(err)
	}
	version := `{"version":"v1.2.3-4-gabc","models":"x","journal":5}`
	if err := os.WriteFile(filepath.Join(dir, "version.json"), []byte(version), 0o644); err != nil {
		t.Fatal(err)
	}
	keys, file := keysIn(t), filepath.Join(t.TempDir(), "update.raucb")
	bundle := func(env ...string) (string, error) {
		cmd := exec.Command("sh", "board/card/bundle.sh", dir, "pi4", file)
		cmd.Env = append(os.Environ(), env...)
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	sign := []string{"BUNDLE_KEY=" + keys + "/sign.key", "BUNDLE_CERT=" + keys + "/sign.pem"}
	if out, err := bundle(append(sign, "BUNDLE_FLOOR=v1.2.0")...); err != nil {
		t.Fatalf("bundle: %v %s", err, out)
	}
	var info struct{ Compatible, Version, Description string }
	text := output(t, "rauc", "--keyring="+keys+"/ca.pem", "info", "--output-format=json", file)
	if err := json.Unmarshal([]byte(text), &info); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	want := info
	want.Compatible, want.Version, want.Description = "smiletill-pi4", "v1.2.3-4-gabc", "journal=5 floor=v1.2.0"
	if info != want {
		t.Errorf("the bundle says %+v, want %+v", info, want)
	}
	stranger := exec.Command("rauc", "--keyring="+keysIn(t)+"/ca.pem", "info", file)
	if out, err := stranger.CombinedOutput(); err == nil {
		t.Errorf("another's CA takes it: %s", out)
	}
	first := contents(t, file)
	later := time.Now().Add(time.Hour)
	if err := os.Chtimes(filepath.Join(dir, "rootfs.squashfs"), later, later); err != nil {
		t.Fatal(err)
	}
	if out, err := bundle(append(sign, "BUNDLE_FLOOR=v1.2.0")...); err != nil {
		t.Fatalf("bundle: %v %s", err, out)
	}
	if !bytes.Equal(contents(t, file), first) {
		t.Error("the same images gave a bundle with other contents")
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "bundle.*")); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
	if err := os.WriteFile(filepath.Join(dir, "version.json"), []byte("{}"), 0o644); err != nil {
		t.Fatal(err)
	}
	if out, err := bundle(sign...); err == nil || !strings.Contains(out, "no version") {
		t.Errorf("a bundle of nobody's version: %v %s", err, out)
	}
}

// contents is a bundle's squashfs: behind it are RAUC's hashes, which have a salt, and who signed when.
func contents(t *testing.T, bundle string) []byte {
	t.Helper()
	b := read(t, bundle)
	used := binary.LittleEndian.Uint64(b[40:]) // of the superblock
	if string(b[:4]) != "hsqs" || used > uint64(len(b)) {
		t.Fatalf("the bundle is no squashfs: %q, %d bytes", b[:4], used)
	}
	return b[:used]
}

// keysIn makes a CA and what signs, and looks that a second call leaves both, and an ended one is made anew.
func keysIn(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	run := func() {
		t.Helper()
		if out, err := exec.Command("sh", "board/keys.sh", dir).CombinedOutput(); err != nil {
			t.Fatalf("keys: %v %s", err, out)
		}
	}
	run()
	ca, sign := read(t, dir+"/ca.pem"), read(t, dir+"/sign.pem")
	run()
	if string(read(t, dir+"/ca.pem")) != string(ca) || string(read(t, dir+"/sign.pem")) != string(sign) {
		t.Error("keys that were there were made anew")
	}
	info, err := os.Stat(dir + "/ca.key")
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the CA's key: %v %v", info, err)
	}
	end := strings.TrimSpace(output(t, "openssl", "x509", "-in", dir+"/ca.pem", "-noout", "-enddate"))
	at, err := time.Parse("Jan _2 15:04:05 2006 MST", strings.TrimPrefix(end, "notAfter="))
	if err != nil || time.Until(at) < 19*365*24*time.Hour {
		t.Errorf("the CA ends %v %v", at, err)
	}
	return dir
}
