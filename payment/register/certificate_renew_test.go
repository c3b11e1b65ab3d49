package register_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"smiletill/payment/register"
)

// TestRenewalCutOff cuts the power before each step of a first certificate and of a renewal, and before each
// of those that come after such a cut. What is opened next is a pair that fits: the old one while the old key
// was there, and the new one after it.
func TestRenewalCutOff(t *testing.T) {
	t.Parallel()
	for _, first := range []bool{true, false} {
		for n := 0; ; n++ {
			dir := t.TempDir()
			cert, key := filepath.Join(dir, "r.crt"), filepath.Join(dir, "r.key")
			old := ""
			if !first {
				old = fingerprint(t, cert, key)
			}
			keyBefore, _ := os.ReadFile(key) // none at first
			whole := register.RenewUntil(t, cert, key, n)
			keyAfter, _ := os.ReadFile(key)
			what := fmt.Sprintf("first %v, cut before step %d", first, n)
			for again := range 3 { // and then again, in the renewal that somebody tries next
				copied := copyFolder(t, dir)
				cert, key := filepath.Join(copied, "r.crt"), filepath.Join(copied, "r.key")
				register.RenewUntil(t, cert, key, again)
				fingerprint(t, cert, key)
			}
			now := fingerprint(t, cert, key)
			if renewed := string(keyAfter) != string(keyBefore); !first && renewed != (now != old) {
				t.Errorf("%s: the key is new %v, the certificate %v", what, renewed, now != old)
			}
			if now != fingerprint(t, cert, key) {
				t.Errorf("%s: opened again it is another", what)
			}
			if files, _ := filepath.Glob(filepath.Join(dir, "*")); len(files) != 2 {
				t.Errorf("%s: leaves %v", what, files)
			}
			if whole {
				if n != 3 {
					t.Errorf("whole after %d steps", n)
				}
				break
			}
		}
	}
}

// TestOwnFilesStay: a certificate and key that somebody put in place are not changed for what a renewal that
// was cut off has left.
func TestOwnFilesStay(t *testing.T) {
	t.Parallel()
	own, dir := t.TempDir(), t.TempDir()
	want := fingerprint(t, filepath.Join(own, "r.crt"), filepath.Join(own, "r.key"))
	cert, key := filepath.Join(dir, "r.crt"), filepath.Join(dir, "r.key")
	fingerprint(t, cert, key)
	register.RenewUntil(t, cert, key, 2)
	for _, name := range []string{"r.key", "r.crt"} { // one after the other
		data, err := os.ReadFile(filepath.Join(own, name))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
		_, err = register.MakeCertificate(cert, key, poiID, nil)
		if fits := name == "r.crt"; (err == nil) != fits {
			t.Errorf("after %s: %v", name, err)
		}
	}
	if got := fingerprint(t, cert, key); got != want {
		t.Error("the certificate that somebody put there is gone")
	}
}

// fingerprint opens a certificate as a terminal that starts, or makes it.
func fingerprint(t *testing.T, cert, key string) string {
	t.Helper()
	c, err := register.MakeCertificate(cert, key, poiID, nil)
	if err != nil {
		t.Fatal(err)
	}
	info, err := c.Info()
	if err != nil {
		t.Fatal(err)
	}
	return info.Fingerprint
}

func copyFolder(t *testing.T, dir string) string {
	t.Helper()
	to := filepath.Join(t.TempDir(), "copy")
	if err := os.CopyFS(to, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	return to
}
