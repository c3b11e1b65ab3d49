package screen

import (
	"regexp"
	"strings"
	"testing"
)

// TestDisplaysBrowserKnowsIt: the browser of a card (Debian's cog, WebKit 2.38) does not notice for :has()
// and :is() that the page has changed, knows no rules within rules, and has no AbortSignal.any. So the
// customer's page, which stands on its display, has none of them. The staff's pages are for other browsers.
func TestDisplaysBrowserKnowsIt(t *testing.T) {
	html, err := page.ReadFile("page/index.html")
	if err != nil {
		t.Fatal(err)
	}
	names := regexp.MustCompile(`"/(\w+\.(?:css|js))\?`).FindAllSubmatch(html, -1)
	if len(names) < 9 {
		t.Fatalf("the page has %d style sheets and scripts, which can't be all", len(names))
	}
	unknown := map[string]*regexp.Regexp{
		".css": regexp.MustCompile(`:(has|is|where)\(|&|\{[^{}@]*;\s*[.\[#:\w-][^{};:]*\{`),
		".js":  regexp.MustCompile(`AbortSignal\.any|:(has|is)\(`),
	}
	comment := regexp.MustCompile(`(?s)/\*.*?\*/|//[^\n"'` + "`" + `]*`)
	for _, m := range names {
		name := string(m[1])
		text, err := page.ReadFile("page/" + name)
		if err != nil {
			t.Fatal(err)
		}
		rules := comment.ReplaceAllString(string(text), "")
		if found := unknown[name[strings.LastIndex(name, "."):]].FindString(rules); found != "" {
			t.Errorf("%s has %q, which the display's browser does not know", name, found)
		}
	}
}
