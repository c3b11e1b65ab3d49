package screen

import (
	"context"
	"fmt"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// browser starts a headless Chromium, or skips the test.
func browser(t *testing.T) context.Context {
	t.Helper()
	path := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if p, err := exec.LookPath(name); err == nil {
			path = p
			break
		}
	}
	if path == "" {
		t.Skip("no Chromium here: the page itself is not tested (apt-get install chromium)")
	}
	opts := append(slices.Clone(chromedp.DefaultExecAllocatorOptions[:]),
		chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.UserDataDir(t.TempDir()),
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true),
		chromedp.Flag("autoplay-policy", "no-user-gesture-required"))
	ctx, stop := chromedp.NewExecAllocator(context.WithoutCancel(t.Context()), opts...)
	t.Cleanup(stop)
	ctx, shut := chromedp.NewContext(ctx)
	t.Cleanup(shut) // before stop, so that the browser has gone when its folder is removed
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("start %s: %v", path, err)
	}
	ctx, done := context.WithTimeout(ctx, 4*time.Minute)
	t.Cleanup(done)
	return ctx
}

func do(t *testing.T, ctx context.Context, actions ...chromedp.Action[chromedp.Void]) {
	t.Helper()
	if err := chromedp.Do(ctx, actions...); err != nil {
		t.Fatal(err)
	}
}

// eval returns the value of a JavaScript expression, or of the promise that it gives.
func eval[T any](t *testing.T, ctx context.Context, expr string) T {
	t.Helper()
	v, err := chromedp.Run(ctx, chromedp.Evaluate[T](expr, chromedp.EvalAwaitPromise))
	if err != nil {
		t.Fatalf("%s: %v", expr, err)
	}
	return v
}

// until waits for a JavaScript expression to become true. (Not chromedp.Poll, which the page's policy forbids: it
// makes functions from strings.)
func until(t *testing.T, ctx context.Context, expr string) {
	t.Helper()
	for end := time.Now().Add(8 * time.Second); time.Now().Before(end); time.Sleep(15 * time.Millisecond) {
		if ok, err := chromedp.Run(ctx, chromedp.Evaluate[bool](expr)); err == nil && ok {
			return
		}
	}
	t.Fatalf("never became true: %s\npage: %s", expr, eval[string](t, ctx,
		"document.documentElement.outerHTML.slice(0, 200) + document.body.innerText"))
}

type size struct {
	name  string
	w, h  int64
	touch bool
}

var sizes = [...]size{{"panel", 800, 480, false}, {"upright", 480, 800, false}, {"phone", 390, 844, true},
	{"desktop", 1440, 900, false}, {"small", 320, 568, true}}

// misfits lists what is cut off, outside the window, or covered by a neighbour.
const misfits = `(() => {
	const bad = [], W = innerWidth, H = innerHeight;
	if (document.scrollingElement.scrollWidth > W) bad.push("page is " + document.scrollingElement.scrollWidth + " wide");
	const seen = [...document.querySelectorAll("h1, h2, p, svg, li, .amount")].filter((n) => n.checkVisibility());
	for (const n of seen) {
		const what = (n.className.baseVal ?? n.className) + " " + n.tagName + " " + n.textContent.trim().slice(0, 30);
		let r = n.getBoundingClientRect();
		if (r.width === 0) continue;
		if (r.left < -0.5 || r.top < -0.5 || r.right > W + 0.5 || r.bottom > H + 0.5)
			bad.push("outside: " + what + " " + [r.left, r.top, r.right, r.bottom].map(Math.round));
		if (getComputedStyle(n).textOverflow !== "ellipsis" && n.scrollWidth > n.clientWidth + 1 && n.clientWidth)
			bad.push("wider than its box: " + what);
	}
	const art = document.querySelector(".art").getBoundingClientRect();
	const texts = [...document.querySelectorAll(".text p, .text h1, .text h2")].filter((n) => n.checkVisibility() && n.textContent);
	const boxes = texts.map((n) => { const g = document.createRange(); g.selectNodeContents(n);
		return getComputedStyle(n).textOverflow === "ellipsis" ? n.getBoundingClientRect() : g.getBoundingClientRect(); });
	const over = (a, b) => Math.min(a.right, b.right) - Math.max(a.left, b.left) > 1 &&
		Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > Math.min(a.height, b.height) * 0.2;
	boxes.forEach((a, i) => {
		if (art.width && over(a, art)) bad.push("under the face: " + texts[i].textContent);
		boxes.forEach((b, j) => { if (i < j && over(a, b)) bad.push("overlap: " + texts[i].textContent + " / " + texts[j].textContent); });
	});
	return bad;
})()`

// TestPage looks at every scene in both languages and all sizes: its words are there, and nothing is cut off.
// SCREENSHOTS=dir keeps pictures of them.
func TestPage(t *testing.T) {
	ctx := browser(t)
	s := newServer(t, Options{MaxClients: 4})
	web := httptest.NewServer(s)
	t.Cleanup(web.Close)
	dir := os.Getenv("SCREENSHOTS")
	for _, z := range sizes {
		for _, lang := range []string{"en", "de"} {
			s.Show(View{State: Idle})
			do(t, ctx, chromedp.EmulateViewport(z.w, z.h), chromedp.Navigate(web.URL+"/?lang="+lang))
			for _, sc := range scenes() {
				t.Run(z.name+"_"+lang+"_"+sc.name, func(t *testing.T) {
					lookAt(t, ctx, s, sc, lang)
					if dir != "" && (z.name == "panel" || z.name == "phone") {
						shoot(t, ctx, filepath.Join(dir, t.Name()[len("TestPage/"):]+".png"))
					}
				})
			}
		}
	}
}

// lookAt shows a scene and checks it.
func lookAt(t *testing.T, ctx context.Context, s *Server, sc scene, lang string) {
	s.Show(sc.view)
	_, seq := s.current()
	want := s.words.words(sc.view, lang)["title"]
	until(t, ctx, fmt.Sprintf("document.querySelector('h1').textContent === %q && "+
		"document.documentElement.dataset.link === 'live' && %d > 0", want, seq))
	eval[int](t, ctx, "new Promise((r) => requestAnimationFrame(() => requestAnimationFrame(() => r(1))))")
	text := eval[string](t, ctx, "document.body.innerText")
	amount := eval[string](t, ctx, "document.querySelector('.amount').innerText")
	bad := eval[[]string](t, ctx, misfits)
	words := sc.en
	if lang == "de" {
		words = sc.de
	}
	if !strings.Contains(text, words) || !strings.Contains(text, want) {
		t.Errorf("the page says\n%s\nbut not %q", text, words)
	}
	for _, b := range bad {
		t.Error(b)
	}
	showsAmount := sc.view.State.paying() || sc.view.State.result()
	if showsAmount != (amount != "") {
		t.Errorf("amount %q in state %q", amount, sc.view.State)
	}
}

func shoot(t *testing.T, ctx context.Context, file string) {
	do(t, ctx, chromedp.Sleep(700*time.Millisecond))
	png, err := chromedp.Run(ctx, chromedp.CaptureScreenshot())
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, png, 0o644); err != nil {
		t.Fatal(err)
	}
}
