package vending_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"smiletill/payment/vending"
)

// TestDialects plays a conversation in the dialect of each public project, and of each page of the maker,
// that says how firmware answers.
func TestDialects(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("testdata", "dialects", "*.txt"))
	if err != nil || len(files) < 8 {
		t.Fatal(files, err)
	}
	for _, f := range files {
		t.Run(strings.TrimSuffix(filepath.Base(f), ".txt"), func(t *testing.T) {
			text, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			remarks, rest, found := strings.Cut(string(text), "settings ")
			first, script, _ := strings.Cut(rest, "\n")
			words := strings.Fields(first) // mode, currency, decimals, the word for a no
			if !found || !strings.HasPrefix(remarks, "# ") || len(words) != 4 {
				t.Fatalf("%s does not begin with remarks and settings", f)
			}
			set := euro(vending.AlwaysIdle)
			if words[0] == "authorise-first" {
				set.Mode = vending.AuthoriseFirst
			}
			set.Scale.Currency, set.Scale.Decimals = words[1], int(words[2][0]-'0')
			if words[3] == "stop" {
				set.Deny = vending.DenyByStop
			}
			now := time.Now()
			play(t, vending.New(set, false, now), now, script)
		})
	}
}
