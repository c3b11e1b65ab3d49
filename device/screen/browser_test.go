package screen

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// chromium is the one browser of this package's tests, started by the first that needs it: a browser for each
// test took a fifth of what the tests took of a processor.
type chromium struct {
	mu   sync.Mutex
	ctx  context.Context
	dir  string // its profile
	stop []func()
}

var shared chromium

func TestMain(m *testing.M) {
	code := m.Run()
	if err := shared.close(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// start gives the browser, which it starts if there is none, or skips the test.
func (c *chromium) start(t *testing.T) context.Context {
	t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ctx != nil {
		return c.ctx
	}
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
	dir, err := os.MkdirTemp("", "chromium")
	if err != nil {
		t.Fatal(err)
	}
	opts := append(slices.Clone(chromedp.DefaultExecAllocatorOptions[:]),
		chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.UserDataDir(dir),
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true),
		chromedp.Flag("autoplay-policy", "no-user-gesture-required"))
	ctx, stop := chromedp.NewExecAllocator(context.Background(), opts...)
	ctx, shut := chromedp.NewContext(ctx)
	if err := chromedp.Do(ctx); err != nil {
		shut()
		stop()
		t.Fatalf("start %s: %v", path, errors.Join(err, os.RemoveAll(dir)))
	}
	c.ctx, c.dir, c.stop = ctx, dir, []func(){shut, stop}
	return ctx
}

func (c *chromium) close() error {
	for _, stop := range c.stop {
		stop()
	}
	if c.dir == "" {
		return nil
	}
	return os.RemoveAll(c.dir) // the browser has gone
}

// browser gives a page with cookies and storage of its own in a headless Chromium, or skips the test.
func browser(t *testing.T) context.Context {
	t.Helper()
	ctx, shut := chromedp.NewContext(shared.start(t), chromedp.WithNewBrowserContext())
	t.Cleanup(shut)
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("open a page: %v", err)
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

// until waits for a JavaScript expression to become true. (Not chromedp.Poll, which the page's policy
// forbids: it makes functions from strings.)
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

// watch fails the test for whatever the browser complains of: exceptions, and breaches of the page's policy.
// A refusal is no fault of the page, and a lost connection none either where the test cuts it.
func watch(t *testing.T, ctx context.Context) {
	t.Helper()
	for _, cmd := range []cdp.Command[cdp.Empty, cdp.Empty]{log.Enable, runtime.Enable} {
		if _, err := chromedp.Call(ctx, cmd, cdp.Empty{}); err != nil {
			t.Fatal(err)
		}
	}
	var mu sync.Mutex
	var complaints []string
	refusal := regexp.MustCompile(`^Failed to load resource: (` +
		`the server responded with a status of (401|409|422) |` +
		`net::ERR_(EMPTY_RESPONSE|CONNECTION_\w+|INCOMPLETE_CHUNKED_ENCODING)$)`)
	err := chromedp.Listen(ctx, func(ev any) {
		mu.Lock()
		defer mu.Unlock()
		switch ev := ev.(type) {
		case *log.EventEntryAdded:
			if !refusal.MatchString(ev.Entry.Text) {
				complaints = append(complaints, ev.Entry.Text)
			}
		case *runtime.EventExceptionThrown:
			text := ev.ExceptionDetails.Text
			if e := ev.ExceptionDetails.Exception; e != nil {
				text += " " + e.Description
			}
			complaints = append(complaints, text)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		mu.Lock()
		defer mu.Unlock()
		for _, c := range complaints {
			t.Error("the browser complains:", c)
		}
	})
}

type size struct {
	name  string
	w, h  int64
	touch bool
}

var sizes = [...]size{{"panel", 800, 480, false}, {"upright", 480, 800, false}, {"phone", 390, 844, true},
	{"desktop", 1440, 900, false}, {"small", 320, 568, true}}

// findings runs one of the scripts in testdata on the page, each of which lists what is wrong with it.
func findings(t *testing.T, ctx context.Context, script string) []string {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("testdata", script))
	if err != nil {
		t.Fatal(err)
	}
	return eval[[]string](t, ctx, string(raw))
}

// TestPage looks at every scene in both languages and all sizes: its words are there, and nothing is cut off.
// SCREENSHOTS=dir keeps pictures of them.
func TestPage(t *testing.T) {
	ctx := browser(t)
	s := newServer(t, Options{MaxClients: 4})
	web := serve(t, s)
	// After serve: its verdict then comes before the server cuts the page's stream.
	watch(t, ctx)
	s.heart, s.lost = 500*time.Millisecond, time.Minute // this is about looks, whatever the load
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

// serve is httptest.NewServer, closed without waiting for the event streams of a browser.
func serve(t *testing.T, s http.Handler) *httptest.Server {
	web := httptest.NewServer(s)
	t.Cleanup(func() {
		web.CloseClientConnections()
		web.Close()
	})
	return web
}

// lookAt shows a scene and checks it.
func lookAt(t *testing.T, ctx context.Context, s *Server, sc scene, lang string) {
	s.Show(sc.view)
	_, seq := s.current()
	said := s.words.words(sc.view, lang)
	want := said["title"]
	until(t, ctx, fmt.Sprintf("document.querySelector('h1').textContent === %q && "+
		"document.querySelector('.help').textContent === %q && "+
		"document.documentElement.dataset.link === 'live' && %d > 0", want, said["help"], seq))
	eval[int](t, ctx, "new Promise((r) => requestAnimationFrame(() => requestAnimationFrame(() => r(1))))")
	text := eval[string](t, ctx, "document.body.innerText")
	amount := eval[string](t, ctx, "document.querySelector('.amount').innerText")
	bad := append(findings(t, ctx, "misfits.js"), findings(t, ctx, "faint.js")...)
	if w := eval[int](t, ctx, "innerWidth"); w == 800 || w == 390 {
		bad = append(bad, broken(t, ctx)...)
	}
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
	showsAmount := sc.view.State.paying() || sc.view.State.result() || sc.view.State == Vending
	if showsAmount != (amount != "") {
		t.Errorf("amount %q in state %q", amount, sc.view.State)
	}
}

func shoot(t *testing.T, ctx context.Context, file string) {
	do(t, ctx, chromedp.Sleep(450*time.Millisecond))
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
