package cli

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// What else the papers promise: their links, the tests that they name, their sizes, the programs that they
// show.

var (
	mdLink    = regexp.MustCompile(`\]\(([^)#\s]*)(?:#([^)\s]*))?\)`)
	mdCode    = regexp.MustCompile("(?s)```.*?\n```|`[^`\n]*`")
	mdHeading = regexp.MustCompile(`(?m)^#+ (.*)$`)
	testName  = regexp.MustCompile(`\b((?:Test|Fuzz|Benchmark)[A-Z]\w*)(\.\.\.)?`)
)

// deadLinks lists the links of a paper to files, or headings in papers, that are not there.
func deadLinks(top string, p paper) []string {
	var dead []string
	for _, m := range mdLink.FindAllStringSubmatch(mdCode.ReplaceAllString(p.text, "code"), -1) {
		if strings.Contains(m[1], "://") {
			continue
		}
		file, text := filepath.Join(top, filepath.Dir(p.path), m[1]), p.text
		if m[1] != "" {
			b, err := os.ReadFile(file)
			if info, e := os.Stat(file); e == nil && info.IsDir() {
				err = nil
			}
			if err != nil {
				dead = append(dead, m[1])
				continue
			}
			text = string(b)
		}
		anchors := []string{""}
		for _, h := range mdHeading.FindAllStringSubmatch(text, -1) {
			h := regexp.MustCompile(`[^\w\- ]`).ReplaceAllString(strings.ToLower(h[1]), "")
			anchors = append(anchors, strings.ReplaceAll(h, " ", "-"))
		}
		if !slices.Contains(anchors, m[2]) {
			dead = append(dead, m[1]+"#"+m[2])
		}
	}
	return dead
}

func TestHandbookLinksAndTests(t *testing.T) {
	var there strings.Builder
	for _, f := range texts(t, "_test.go") {
		there.WriteString(f.text)
	}
	for _, p := range papers(t) {
		for _, l := range deadLinks(topFolder(t), p) {
			t.Errorf("%s: the link to %s leads nowhere", p.path, l)
		}
		for _, m := range testName.FindAllStringSubmatch(p.text, -1) {
			end := "("
			if m[2] != "" {
				end = ""
			}
			if !strings.Contains(there.String(), "func "+m[1]+end) {
				t.Errorf("%s: there is no test %s", p.path, m[0])
			}
		}
	}
	for words, why := range notRun {
		for _, m := range testName.FindAllString(why, -1) {
			if !strings.Contains(there.String(), "func "+m+"(") {
				t.Errorf("%s: there is no test %s", words, m)
			}
		}
	}
}

func TestHandbookSizes(t *testing.T) {
	for _, c := range []struct {
		path         string
		lines, bytes int
	}{{"README.md", 150, 10_000}, {"ARCHITECTURE.md", 200, 1 << 20}} {
		p := text(t, c.path)
		if n := strings.Count(p, "\n"); n > c.lines || len(p) > c.bytes {
			t.Errorf("%s: %d lines, %d bytes; at most %d and %d: what is a trade's belongs into its handbook",
				c.path, n, len(p), c.lines, c.bytes)
		}
	}
}

func TestHandbookShowsThePrograms(t *testing.T) {
	const room = "payment/register"
	files, err := filepath.Glob(filepath.Join(topFolder(t), room, "testdata", "examples", "*"))
	if err != nil || len(files) < 2 {
		t.Fatal(files, err)
	}
	for _, f := range files {
		name := filepath.Base(f)
		if !strings.Contains(text(t, room, "README.md"), text(t, room, "testdata", "examples", name)+"```\n") {
			t.Errorf("%s/README.md does not show %s as it is", room, name)
		}
	}
}

func TestHandbookLinksCanFail(t *testing.T) {
	top := t.TempDir()
	there := []byte("# One\n\n## The counter's page\n")
	if err := os.WriteFile(filepath.Join(top, "there.md"), there, 0o600); err != nil {
		t.Fatal(err)
	}
	links := "[a](there.md) [b](there.md#the-counters-page) [c](https://example.org/x) `[d](gone.md)`\n" +
		"![e](gone.png) [f](there.md#two) [g](#three)\n# Three\n"
	want := []string{"gone.png", "there.md#two"}
	if got := deadLinks(top, paper{"paper.md", links}); !slices.Equal(got, want) {
		t.Errorf("dead are %q, want %q", got, want)
	}
}

func topFolder(t *testing.T) string {
	t.Helper()
	dir, err := filepath.Abs("../../..")
	if err != nil {
		t.Fatal(err)
	}
	return dir
}
