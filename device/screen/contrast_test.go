package screen

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// contrast is a text, or a frame, with its ground, as a page paints them.
type contrast struct {
	Ratio, Need        float64
	Fore, Ground, Text string
}

// measured gives what faint.js found on the page, and what of it is too faint.
func measured(t *testing.T, ctx context.Context) (all []contrast, bad []string) {
	t.Helper()
	bad = findings(t, ctx, "faint.js")
	return eval[[]contrast](t, ctx, "window.contrasts"), bad
}

// weak are changes of a style sheet after which a text can't be read any more, in each way that there is, and
// what is said then.
func weak() []struct{ path, rule, says string } {
	const customer, counter = "/?lang=en", "/counter?lang=en"
	return []struct{ path, rule, says string }{
		{customer, ":root { --ink: #b98d10 }", "Pay with a smile"}, // on --sun
		{customer, "footer { color: #a07c18 }", "Till 2"},
		{customer, ".help { opacity: .35 }", "No card"},
		{customer, "main { opacity: .3 }", "No card"},
		{customer, ".yours button { color: rgb(21 23 28 / 35%) }", "My data"},
		{customer, ".help { background: linear-gradient(#fff, #333) }", "No card"},
		{customer, ".yours button { background: #15171c !important }", "Forget me"},
		{customer, ".yours button { background-image: url(/icon.svg) }", "contrast unknown"},
		{customer, ".help::after { content: 'more'; color: #ffd75e }", "::after"},
		{customer, ".help { position: relative; z-index: 1 } " +
			".art { inset: 0 !important; background: #17181c !important }", "No card"}, // over what is beside it
		{counter, ".pin h1 { color: #a19c90 }", "Clerk's PIN"},
		{counter, ".keys button { color: #b9b9b9 }", "BUTTON 7"},
		{counter, ":root { --green: #7fb89c }", "OK"},
		{counter, ".pin { background: #15171c }", "Clerk's PIN"},
		{counter, "input { border-color: #cfcabb; background: #e7e2d2 }", "frame"},
		{counter, "input { color: #b0b0b0 }", "typed"},
		{counter, "input::placeholder { color: #b0b0b0 }", "Anna"},
		{counter, ":focus-visible { outline-color: #f2eee2 !important }", "the ring of the focus"},
	}
}

// TestContrastNoticesWeakColours makes one colour after the other of a page too weak: each is noticed, at its
// own text.
func TestContrastNoticesWeakColours(t *testing.T) {
	ctx := browser(t)
	s := newServer(t, Options{Counter: newShopTill(), Forget: &erasure{}})
	s.heart, s.lost = 500*time.Millisecond, time.Minute // this is about looks, whatever the load
	web := serve(t, s)
	s.Show(View{State: Idle, Merchant: "Café Morgenrot", Terminal: "Till 2"})
	do(t, ctx, chromedp.EmulateViewport(800, 480))
	at := ""
	for _, w := range weak() {
		if w.path != at {
			at = w.path
			do(t, ctx, chromedp.Navigate(web.URL+at))
			until(t, ctx, "document.documentElement.dataset.link === 'live' || "+
				"document.documentElement.dataset.view === 'pin'")
			do(t, ctx, chromedp.Evaluate[chromedp.Void](`{ const who = document.querySelector(".who");
				if (who) who.hidden = false, who.lastElementChild.placeholder = "Anna", who.lastElementChild.focus(); }`))
			if all, bad := measured(t, ctx); len(bad) > 0 || len(all) < 5 {
				t.Fatalf("%s as it is: %q, of %d", at, bad, len(all))
			}
		}
		do(t, ctx, chromedp.Evaluate[chromedp.Void](fmt.Sprintf("{ const weak = new CSSStyleSheet(); "+
			"weak.replaceSync(%q); document.adoptedStyleSheets = [weak]; }", w.rule)))
		if _, bad := measured(t, ctx); !strings.Contains(strings.Join(bad, "\n"), w.says) {
			t.Errorf("%s with %s: not noticed at %q: %q", at, w.rule, w.says, bad)
		}
		do(t, ctx, chromedp.Evaluate[chromedp.Void]("document.adoptedStyleSheets = []"))
	}
}

// still is a text without what counts on between two looks at it, such as the seconds that are left.
func still(text string) string { return regexp.MustCompile(`[0-9]+`).ReplaceAllString(text, "#") }

// TestContrastAgreesWithAxe holds the ratios against those of axe-core, where that can tell them.
func TestContrastAgreesWithAxe(t *testing.T) {
	ctx := browser(t)
	s := newServer(t, Options{Counter: newShopTill(), Forget: &erasure{}})
	s.heart, s.lost = 500*time.Millisecond, time.Minute // this is about looks, whatever the load
	web := serve(t, s)
	compared := 0
	for _, sc := range scenes() {
		if !slices.Contains([]string{"idle", "smile", "enter_pin", "approved", "declined", "out_of_order",
			"sim_look_here", "register_writes"}, sc.name) {
			continue
		}
		s.Show(sc.view)
		do(t, ctx, chromedp.EmulateViewport(800, 480), chromedp.Navigate(web.URL+"/?lang=en"))
		until(t, ctx, "document.documentElement.dataset.link === 'live'")
		if bad := broken(t, ctx); len(bad) > 0 {
			t.Errorf("%s: %q", sc.name, bad)
		}
		all, _ := measured(t, ctx)
		for _, a := range eval[[]contrast](t, ctx, `axe.run(document, { runOnly: ["color-contrast"] }).then((r) =>
			r.passes.flatMap((p) => p.nodes).flatMap((n) => n.any.map((c) => ({ Ratio: c.data.contrastRatio,
			Fore: c.data.fgColor, Ground: c.data.bgColor,
			Text: document.querySelector(n.target[0]).textContent.trim() }))))`) {
			found := false
			for _, o := range all {
				one, other := still(o.Text), still(a.Text)
				if strings.HasSuffix(one, other) || len(other) > 40 && strings.Contains(one, other[:30]) {
					found = found || o.Ratio > a.Ratio-0.06 && o.Ratio < a.Ratio+0.06
				}
			}
			if compared++; !found && a.Ratio > 0 {
				t.Errorf("%s: axe-core has %.2f of %s on %s for %q", sc.name, a.Ratio, a.Fore, a.Ground, a.Text)
			}
		}
	}
	if compared < 20 {
		t.Errorf("only %d compared", compared)
	}
	t.Logf("%d ratios are axe-core's", compared)
}

// TestWaitingPageCanBeRead looks at the page that the machine's own display shows until the terminal answers,
// on the ground that it shares with the customer's page.
func TestWaitingPageCanBeRead(t *testing.T) {
	ctx := browser(t)
	raw, err := os.ReadFile(filepath.Join("..", "..", "cmd", "smiletill", "kiosk", "waiting.html"))
	if err != nil {
		t.Fatal(err)
	}
	css, err := page.ReadFile("page/app.css")
	if err != nil {
		t.Fatal(err)
	}
	night := regexp.MustCompile(`--night: (#\w+);`).FindSubmatch(css)
	if night == nil {
		t.Fatal("the customer's page has no such ground")
	}
	file := filepath.Join(t.TempDir(), "waiting.html")
	if err := os.WriteFile(file, bytes.ReplaceAll(raw, []byte("{{.Ground}}"), night[1]), 0o600); err != nil {
		t.Fatal(err)
	}
	do(t, ctx, chromedp.EmulateViewport(800, 480), chromedp.Navigate("file://"+file))
	if all, bad := measured(t, ctx); len(bad) > 0 || len(all) < 2 {
		t.Errorf("%q, of %v", bad, all)
	}
}
