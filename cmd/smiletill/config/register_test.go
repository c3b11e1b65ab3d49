package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"smiletill/payment"
)

func TestRegisterOptions(t *testing.T) {
	for _, c := range []struct{ text, says string }{
		{"[register]\nlisten = \"\"", ""},
		{"[register]\nlisten = \"0.0.0.0:8443\"\nevents_url = \"https://pos.example/events\"", ""},
		{"[register]\nlisten = \"8443\"", "address and a port"},
		{"[register]\npoi_id = \"a b\"", "poi_id"},
		{"[register]\nevents_url = \"http://pos.example/events\"", "https://HOST"},
		{"[register]\nevents_url = \"https://u:p@pos.example/\"", "without a password"},
		{"[register]\ncert_file = \"/a\"", "key_file too"},
		{"[register]\nkey_file = \"/a\"", "cert_file too"},
		{"[register]\ncommon_name = \"a b\"", "host name"},
	} {
		path := filepath.Join(t.TempDir(), "c.toml")
		if err := os.WriteFile(path, []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := Load(path, nil, nil)
		if (err != nil) != (c.says != "") ||
			err != nil && !strings.Contains(err.Error()+payment.HintOf(err), c.says) {
			t.Errorf("%s: %v, want %q", c.text, err, c.says)
		}
	}
}

// TestTextsOfPeople: names of any script, joiners included, and what no name has is named with its place.
func TestTextsOfPeople(t *testing.T) {
	for _, good := range []string{"Café n°\u00a04", "می\u200cخواهم", "日本語", strings.Repeat("é", 60)} {
		if err := CheckText(good); err != nil {
			t.Errorf("%q: %v", good, err)
		}
	}
	for bad, words := range map[string]string{
		"":                      "",
		"a\nb":                  "character 2 is U+000A",
		"ab\u202ec":             "character 3 is U+202E, which turns the direction",
		strings.Repeat("é", 61): "61 characters",
	} {
		if err := CheckText(bad); err == nil || !strings.Contains(err.Error(), words) {
			t.Errorf("%q: %v, want %q", bad, err, words)
		}
	}
}
