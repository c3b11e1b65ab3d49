package screen

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/chromedp/chromedp"
)

// broken asks axe-core which of its rules a page breaks: names, roles and labels for who does not see it,
// contrast, the order of headings, and that all of it is in a landmark.
func broken(t *testing.T, ctx context.Context) []string {
	t.Helper()
	modules := filepath.Join("..", "..", ".build", "axe", "node_modules")
	raw, err := os.ReadFile(filepath.Join(modules, "axe-core", "axe.min.js"))
	if err != nil {
		t.Skip("npm's axe-core is not installed: make axe")
	}
	if !eval[bool](t, ctx, "'axe' in window") {
		eval[bool](t, ctx, string(raw)+";true")
	}
	return eval[[]string](t, ctx, `axe.run(document, { resultTypes: ["violations"] }).then((r) =>
		r.violations.flatMap((v) => v.nodes.map((n) => v.id + " (" + v.impact + "): " + n.target + " " +
		n.html.slice(0, 120) + " " +
		n.any.map((a) => a.message).join("; ").slice(0, 160))))`)
}

// TestStatusIsForAll looks at the technician's page with axe-core, before its first status and with one of
// each kind of row.
func TestStatusIsForAll(t *testing.T) {
	ctx := browser(t)
	s := newServer(t, Options{})
	web := serve(t, s)
	s.Show(View{State: Idle, Merchant: "Café Morgenrot", Terminal: "Till 2"})
	look := func(lang string) {
		do(t, ctx, chromedp.EmulateViewport(800, 480), chromedp.Navigate(web.URL+"/status?lang="+lang))
		for _, b := range broken(t, ctx) {
			t.Errorf("%s: %s", lang, b)
		}
	}
	look("en")
	s.SetStatus(Status{Rows: []StatusRow{{Name: "camera", Level: LevelOK, Value: "30 a second"},
		{Name: "journal", Level: LevelFault, Value: "full", Do: "free the disk"},
		{Name: "counter", Level: LevelWarning, Value: "off", Code: CodeOf("https://192.0.2.1/counter")},
		{Name: "board", Level: LevelUnknown, Value: "-"}}})
	look("en")
	look("de")
}
