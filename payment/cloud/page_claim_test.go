package cloud

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"smiletill/payment/cloud/fleet"
)

// oneWaits is a terminal that shows a code.
func oneWaits() []fleet.Waiting {
	return []fleet.Waiting{{Plate: "K7P", Host: "fe80::1234:5678:9abc:def0%wlan0", Since: time.Now(),
		Key: strings.Repeat("W", 43), Program: "smiletill 1.2.3-45-gabcdef"}}
}

// TestClaimOnThePage: the page's own requests claim and revoke; another site's do nothing.
func TestClaimOnThePage(t *testing.T) {
	k := newBench(t)
	o := k.options()
	o.Waiting = oneWaits
	r, _ := k.start(o)
	page := r.Page()
	const good = `{"code":"k7p 4mx 9tr","tenant":"acme","site":"shop","name":"till-1"}`
	ask := func(path, body string, change func(*http.Request)) int {
		q := httptest.NewRequest("POST", "http://127.0.0.1:8090"+path, strings.NewReader(body))
		q.RemoteAddr = "127.0.0.1:40000"
		q.Header.Set("Content-Type", "application/json")
		q.Header.Set("Origin", "http://127.0.0.1:8090")
		if change != nil {
			change(q)
		}
		w := httptest.NewRecorder()
		page.ServeHTTP(w, q)
		return w.Code
	}
	for _, c := range []struct {
		name, path, body string
		change           func(*http.Request)
		want             int
	}{
		{"another site", "/claim", good, func(q *http.Request) { q.Header.Set("Origin", "https://evil.example") },
			403},
		{"no origin", "/claim", good, func(q *http.Request) { q.Header.Del("Origin") }, 403},
		{"a form", "/claim", good, func(q *http.Request) { q.Header.Set("Content-Type", "text/plain") }, 403},
		{"another machine", "/claim", good, func(q *http.Request) { q.RemoteAddr = "192.0.2.7:40000" }, 403},
		{"another site's revocation", "/revoke", `{"source":"smiletill:/demo/shop/till-1"}`,
			func(q *http.Request) { q.Header.Set("Origin", "null") }, 403},
		{"no JSON", "/claim", "x", nil, 400},
		{"too long", "/claim", `{"code":"` + strings.Repeat("x", 5000) + `"}`, nil, 400},
		{"no code", "/claim", `{"code":"K7P"}`, nil, 422},
		{"no name", "/claim", `{"code":"K7P-4MX-9TR","name":"a/b"}`, nil, 409},
		{"nobody to be replaced", "/claim", strings.Replace(good, `"name"`, `"replace":true,"name"`, 1), nil, 409},
		{"good", "/claim", good, nil, 204},
		{"twice", "/claim", good, nil, 409},
		{"nobody to be revoked", "/revoke", `{"source":"smiletill:/a/b/c"}`, nil, 409},
		{"no source", "/revoke", `{"source":"a"}`, nil, 409},
		{"revoked", "/revoke", `{"source":"` + here().Source() + `"}`, nil, 204},
	} {
		if got := ask(c.path, c.body, c.change); got != c.want {
			t.Errorf("%s: %d, want %d", c.name, got, c.want)
		}
	}
	all, err := r.fleet.Latest(t.Context(), 10)
	if err != nil || len(all) != 1 || all[0].Plate != "K7P" || !strings.Contains(all[0].By, "page") {
		t.Errorf("%+v, %v", all, err)
	}
	o.Waiting = nil
	r.o.Waiting = nil
	if got := ask("/claim", good, nil); got != http.StatusConflict {
		t.Errorf("where no terminal can come: %d", got)
	}
}

// TestClaimInBrowser types a code on the page as a person does, by day at two sizes.
func TestClaimInBrowser(t *testing.T) {
	k := newBench(t)
	o := k.options()
	o.Waiting = oneWaits
	r, _ := k.start(o)
	web := httptest.NewServer(r.Page())
	t.Cleanup(func() { web.CloseClientConnections(); web.Close() })
	ctx := browse(t)
	for _, width := range []int64{1280, 400} {
		if err := chromedp.Do(ctx, chromedp.EmulateViewport(width, 800), chromedp.Navigate(web.URL)); err != nil {
			t.Fatal(err)
		}
		for _, bad := range eval[[]string](t, ctx, `[...document.querySelectorAll("#claiming *")]
			.filter((n) => n.getBoundingClientRect().right > innerWidth + 1 || n.scrollWidth > n.clientWidth + 1
				&& n.tagName !== "INPUT" && n.clientWidth > 0).map((n) => n.outerHTML)`) {
			t.Errorf("%d pixels: %s", width, bad)
		}
		for _, bad := range eval[[]string](t, ctx, `[...document.querySelectorAll("#claim button, #claim label")]
			.filter((n) => n.getBoundingClientRect().height < 44).map((n) => n.outerHTML)`) {
			t.Errorf("%d pixels: too small for a finger: %s", width, bad)
		}
		if dir := os.Getenv("SCREENSHOTS"); dir != "" {
			png, err := chromedp.Run(ctx, chromedp.CaptureScreenshot())
			if err == nil {
				err = os.WriteFile(filepath.Join(dir, fmt.Sprintf("cloud_claim_%d.png", width)), png, 0o600)
			}
			if err != nil {
				t.Error(err)
			}
		}
	}
	until := func(what, expr string) {
		t.Helper()
		for end := time.Now().Add(patience); !eval[bool](t, ctx, expr); time.Sleep(20 * time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("%s: never\n%s", what, eval[string](t, ctx, "document.body.innerText"))
			}
		}
	}
	if axe, err := os.ReadFile("../../.build/axe/node_modules/axe-core/axe.min.js"); err != nil {
		t.Log("npm's axe-core is not installed (make axe): names, roles and labels are not looked at")
	} else {
		eval[bool](t, ctx, string(axe)+`; axe.run().then((r) => { window.found = r.violations.flatMap((v) =>
			v.nodes.map((n) => v.id + ": " + n.html)); }), true`)
		until("axe has looked", "Array.isArray(window.found)")
		for _, bad := range eval[[]string](t, ctx, "window.found") {
			t.Error(bad)
		}
	}
	typed := func(name, text string) {
		t.Helper()
		eval[string](t, ctx, fmt.Sprintf(`document.querySelector("input[name=%s]").value = %q`, name, text))
	}
	press := func() {
		t.Helper()
		eval[bool](t, ctx, `document.querySelector("#claim button").click(), true`)
	}
	typed("code", "K7P")
	press()
	until("a wrong code is said", `document.querySelector("#said").textContent.includes("no code")`)
	typed("code", "K7P-4MX-9TR")
	typed("tenant", "acme")
	typed("site", "shop")
	typed("name", "till-1")
	press()
	until("the claim", `document.querySelector("#claims").textContent.includes("waiting for the terminal")`)
	if eval[string](t, ctx, `document.querySelector("input[name=code]").value`) != "" {
		t.Error("the code stays on the page")
	}
}
