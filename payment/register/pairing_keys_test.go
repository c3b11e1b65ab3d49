package register

import (
	"path/filepath"
	"sync"
	"testing"
)

// TestCertificateMadeAtOnce: a terminal that starts and a technician's command find no certificate, and have
// the same one afterwards.
func TestCertificateMadeAtOnce(t *testing.T) {
	for range 5 {
		dir := t.TempDir()
		found := make([]string, 8)
		var all sync.WaitGroup
		for i := range found {
			all.Go(func() {
				c, err := MakeCertificate(filepath.Join(dir, "c"), filepath.Join(dir, "k"), "till", nil)
				if err != nil {
					t.Error(err)
					return
				}
				info, err := c.Info()
				if err != nil {
					t.Error(err)
				}
				found[i] = info.Fingerprint
			})
		}
		all.Wait()
		for _, f := range found {
			if f == "" || f != found[0] {
				t.Errorf("fingerprints %q", found)
			}
		}
	}
}

func TestKeyIDs(t *testing.T) {
	for name, want := range map[string]string{
		"Counter 1": "counter-1", "  Bar/left ": "bar-left", "Kasse Süd": "kasse-s-d", "…": "register",
		"a.b_c": "a.b_c",
	} {
		if got := KeyIDOf(name); got != want {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
	}
}
