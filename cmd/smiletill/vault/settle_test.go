package vault

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"smiletill/device/tpm/tpmtest"
)

// Cut off while a key is sealed, or unsealed, and with a file in its place that is damaged, empty or gone,
// what was there before is put back: it may be the only key. Of what is no key nothing is sealed.
func TestDamageWhileReplacing(t *testing.T) {
	m := tpmtest.New(t)
	plain := filepath.Join(t.TempDir(), "data")
	key := terminal(t, plain)
	sealed := copyOf(t, plain)
	if err := Of(at(sealed, m.Path)).Settle(false, quiet()); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(Of(at(sealed, m.Path)).files()[0].path)
	if err != nil {
		t.Fatal(err)
	}
	for _, from := range []string{plain, sealed} {
		for what, text := range map[string][]byte{"nothing": {}, "zeros": make([]byte, 119), "gone": nil,
			"half of one that is sealed": whole[:len(whole)/2],
			"other bytes in one":         bytes.Replace(whole, []byte(`"data":"`), []byte(`"data":"AAAA`), 1)} {
			dir := copyOf(t, from)
			v := Of(at(dir, m.Path))
			for _, f := range v.files() {
				_, was := f.beside()
				err := os.Rename(f.path, was)
				if err == nil && text != nil {
					err = os.WriteFile(f.path, text, 0o600)
				}
				if err != nil {
					t.Fatal(err)
				}
			}
			if err := v.Settle(false, quiet()); err != nil || !sealedAll(t, v.cfg) {
				t.Errorf("%s in the place of %s: %v", what, filepath.Base(from), err)
			}
			if got, err := keys(v.cfg); err != nil || !bytes.Equal(got, key) {
				t.Errorf("%s: the keys: %v", what, err)
			}
		}
	}
}

// Where neither is a key, both stay as they are; where the TPM was cleared before a plain key was
// overwritten, that is put back.
func TestReplacingWithoutAGoodKey(t *testing.T) {
	m := tpmtest.New(t)
	dir := filepath.Join(t.TempDir(), "data")
	key := terminal(t, dir)
	cfg := at(dir, m.Path)
	bad := copyOf(t, dir)
	v := Of(at(bad, m.Path))
	f := v.files()[0]
	_, was := f.beside()
	err := errors.Join(os.WriteFile(was, []byte("no key"), 0o600), os.WriteFile(f.path, []byte("none"), 0o600),
		v.Settle(false, quiet()))
	for path, text := range map[string]string{was: "no key", f.path: "none"} {
		if got, err := os.ReadFile(path); err != nil || string(got) != text {
			t.Errorf("%s: %q %v", path, got, err)
		}
	}
	if err != nil {
		t.Error(err)
	}
	for _, f := range Of(cfg).files() {
		next, was := f.beside()
		text, err := os.ReadFile(f.path)
		if err == nil {
			err = os.WriteFile(was, text, 0o600)
		}
		if err == nil {
			text, err = Of(cfg).For(f.purpose).seal(text)
		}
		if err == nil {
			err = errors.Join(os.WriteFile(next, text, 0o600), os.Rename(next, f.path))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	m.Clear(t)
	if err := Of(cfg).Settle(false, quiet()); err != nil || !sealedAll(t, cfg) {
		t.Errorf("cleared: %v", err)
	}
	if got, err := keys(cfg); err != nil || !bytes.Equal(got, key) {
		t.Errorf("cleared, the keys: %v", err)
	}
}
