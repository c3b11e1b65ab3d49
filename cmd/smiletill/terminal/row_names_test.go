package terminal

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestRowsHaveNames: each line of the technician's page is called something in both languages.
func TestRowsHaveNames(t *testing.T) {
	var files []string
	for _, room := range []string{".", "../front", "../alarm", "../storage", "../claiming"} {
		more, err := filepath.Glob(room + "/*.go")
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, more...)
	}
	name := regexp.MustCompile(`(?:StatusRow\{Name: |\bok\()"([a-z]+)"`)
	rows := map[string]bool{}
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(f, "_test.go") {
			continue
		}
		for _, m := range name.FindAllStringSubmatch(string(text), -1) {
			rows[m[1]] = true
		}
	}
	if len(rows) < 10 {
		t.Fatalf("only %d lines were found", len(rows))
	}
	for _, lang := range []string{"en", "de"} {
		words, err := os.ReadFile("../../../device/screen/page/" + lang + ".json")
		if err != nil {
			t.Fatal(err)
		}
		for row := range rows {
			if !strings.Contains(string(words), `"status.part.`+row+`"`) {
				t.Errorf("%s.json has no status.part.%s", lang, row)
			}
		}
	}
}
