package link

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// What an editor puts around a password is no part of it.
func TestPasswordFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "password")
	for text, want := range map[string]string{
		"geheim": "geheim", "geheim\r\n": "geheim", "\xef\xbb\xbfgeheim\n": "geheim", "\xff\xfeg\x00": "",
		"\xfe\xff\x00g": "",
	} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		o, err := Files{Password: file}.apply(Options{})
		if string(o.Password) != want || (err != nil) != (want == "") {
			t.Errorf("%q: %q, %v", text, string(o.Password), err)
		}
		if err != nil && !strings.Contains(err.Error(), "UTF-16") {
			t.Errorf("%q: %v", text, err)
		}
	}
}
