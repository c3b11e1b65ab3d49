package screen

import (
	"context"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// An approval must never outlive the terminal on the screen: not its end, not its silence.
func TestConnectionLost(t *testing.T) {
	ctx := browser(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	up := func(s *Server, l net.Listener) (down func()) {
		sctx, cancel := context.WithCancel(context.Background())
		ended := make(chan error, 1)
		go func() { ended <- s.Serve(sctx, l) }()
		return func() { cancel(); <-ended }
	}
	s := newServer(t, Options{})
	s.lost = 5 * time.Second
	s.Show(View{State: Approved, Amount: "12.50", Currency: "EUR"})
	down := up(s, l)
	do(t, ctx, chromedp.EmulateViewport(800, 480), chromedp.Navigate("http://"+addr+"/"))
	until(t, ctx, "document.body.innerText.includes('Approved')")

	before := time.Now()
	down()
	until(t, ctx, "document.documentElement.dataset.link === 'lost'")
	t.Logf("lost after %v", time.Since(before).Round(time.Millisecond))
	for _, expr := range []string{"document.body.innerText", "document.body.textContent"} {
		text := eval[string](t, ctx, expr)
		if strings.Contains(text, "Approved") || strings.Contains(text, "12.50") ||
			!strings.Contains(text, "Connection lost") {
			t.Errorf("%s after the loss: %s", expr, text)
		}
	}
	if dir := os.Getenv("SCREENSHOTS"); dir != "" {
		shoot(t, ctx, filepath.Join(dir, "panel_en_lost.png"))
	}

	// Back again, as another process with another state; an error answer at first doesn't discourage the
	// page.
	if l, err = net.Listen("tcp", addr); err != nil {
		t.Fatal(err)
	}
	s = newServer(t, Options{})
	s.lost, s.opt.MaxClients = 5*time.Second, 0
	s.Show(View{State: Idle})
	down = up(s, l)
	time.Sleep(1500 * time.Millisecond)
	if eval[string](t, ctx, "document.documentElement.dataset.link") != "lost" {
		t.Error("connected although the only place is taken")
	}
	s.mu.Lock()
	s.opt.MaxClients = 1
	s.mu.Unlock()
	until(t, ctx, "document.body.innerText.includes('Pay with a smile')")

	// A terminal with another page: this one replaces itself.
	do(t, ctx, chromedp.Evaluate[chromedp.Void]("window.old = 1"))
	down()
	if l, err = net.Listen("tcp", addr); err != nil {
		t.Fatal(err)
	}
	s = newServer(t, Options{})
	s.version, s.lost = "another", 5*time.Second
	s.Show(View{State: Smile, Amount: "1500", Currency: "JPY"})
	down = up(s, l)
	until(t, ctx, "window.old === undefined && document.body.innerText.includes('Smile to pay')")
	down()
}

// A connection that stays open and says nothing is lost too.
func TestSilence(t *testing.T) {
	ctx := browser(t)
	s := newServer(t, Options{})
	s.heart, s.lost = time.Hour, 700*time.Millisecond
	s.Show(View{State: Approved, Amount: "12.50", Currency: "EUR"})
	web := serve(t, s)
	do(t, ctx, chromedp.Navigate(web.URL))
	until(t, ctx, "document.body.innerText.includes('Approved')")
	shown := eval[float64](t, ctx, `new Promise((done) => {
		const t = performance.now(), root = document.documentElement;
		if (root.dataset.link !== "live") done(0);
		setTimeout(() => done(9999), 5000);
		new MutationObserver(() => {
			const said = document.body.innerText;
			if (root.dataset.link === "lost" && !said.includes("Approved")) done(performance.now() - t);
		}).observe(root, { attributes: true });
	})`)
	t.Logf("blank %.0f ms later", shown)
	if shown > 1200 {
		t.Errorf("shown for %.0f ms, with a patience of 700 ms", shown)
	}
	until(t, ctx, "document.body.innerText.includes('Approved')") // it is still the truth, and comes back
}

func TestMoney(t *testing.T) {
	ctx := browser(t)
	web := serve(t, newServer(t, Options{}))
	do(t, ctx, chromedp.Navigate(web.URL))
	for _, c := range []struct{ decimal, currency, lang, want string }{
		// What is no decimal, or no currency, is shown as it is.
		{"1e9", "EUR", "en", "1e9 EUR"}, {"-1.00", "EUR", "en", "-1.00 EUR"}, {"1,50", "EUR", "de", "1,50 EUR"},
		{"12.50", "EURO", "en", "12.50 EURO"}, {"007.00", "EUR", "en", "007.00 EUR"},
		// The browser's own idea of these currencies has no decimals: it would round.
		{"12.345", "IQD", "en", "IQD 12.345"}, {"0.50", "AFN", "en", "AFN 0.50"},
		{"1.5000", "CLF", "en", "CLF 1.5000"},
		{"1500", "JPY", "en", "¥1,500"}, {"1500", "JPY", "de", "1.500 ¥"},
		{"0.01", "EUR", "en", "€0.01"}, {"12.50", "EUR", "de", "12,50 €"},
		{"12345.678", "KWD", "de", "12.345,678 KWD"},
		// Beyond what a float64 holds.
		{"92233720368547758.07", "EUR", "en", "€92,233,720,368,547,758.07"},
	} {
		js := "money('" + c.decimal + "', '" + c.currency + "', '" + c.lang + "').map((p) => p.value).join('')"
		got := strings.NewReplacer("\u00a0", " ", "\u202f", " ").Replace(eval[string](t, ctx, js))
		if got != c.want {
			t.Errorf("%s %s in %s: %q, want %q", c.decimal, c.currency, c.lang, got, c.want)
		}
	}
}

// Only a result that happens while the page looks on is heard.
func TestSound(t *testing.T) {
	ctx := browser(t)
	s := newServer(t, Options{})
	s.lost = time.Minute
	s.Show(View{State: Approved, Sound: true})
	web := serve(t, s)
	do(t, ctx, chromedp.Navigate(web.URL))
	count := `window.tones = 0; { const make = AudioContext.prototype.createOscillator;
		AudioContext.prototype.createOscillator = function () { tones++; return make.call(this); }; }`
	do(t, ctx, chromedp.Evaluate[chromedp.Void](count))
	expect := func(v View, want int) {
		t.Helper()
		s.Show(v)
		until(t, ctx, "document.documentElement.dataset.state === '"+string(v.State)+"'")
		if n := eval[int](t, ctx, "tones"); n != want {
			t.Errorf("%d tones at %s, want %d", n, v.State, want)
		}
	}
	expect(View{State: Approved, Sound: true}, 0)
	expect(View{State: Idle, Sound: true}, 0)
	expect(View{State: Declined}, 0)
	expect(View{State: Idle, Sound: true}, 0)
	expect(View{State: Approved, Sound: true}, 2)
	expect(View{State: Approved, Sound: true, Reason: NoSmile}, 2)
	do(t, ctx, chromedp.Evaluate[chromedp.Void]("blank('lost'); connect()"))
	until(t, ctx, "document.documentElement.dataset.link === 'live'")
	expect(View{State: Approved, Sound: true, Reason: NoSmile}, 2) // found on coming back
	expect(View{State: Declined, Sound: true}, 4)
}

func TestReducedMotion(t *testing.T) {
	ctx := browser(t)
	s := newServer(t, Options{})
	s.lost = time.Minute
	web := serve(t, s)
	for _, c := range []struct {
		prefers string
		moves   bool
	}{{"no-preference", true}, {"reduce", false}} {
		media := emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{{Name: "prefers-reduced-motion", Value: c.prefers}},
		}
		if _, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, media); err != nil {
			t.Fatal(err)
		}
		s.Show(View{State: LookHere, Instruction: StepCloser})
		do(t, ctx, chromedp.Navigate(web.URL))
		until(t, ctx, "document.documentElement.dataset.act === 'step_closer'")
		if got := eval[int](t, ctx, "document.getAnimations().length") > 0; got != c.moves {
			t.Errorf("%s: moves %t", c.prefers, got)
		}
	}
}

// The status page fits, and its colours can be read.
func TestStatusInBrowser(t *testing.T) {
	ctx := browser(t)
	s := newServer(t, Options{})
	s.Show(View{State: Idle, Merchant: "Café Morgenrot", Terminal: "Till 2"})
	s.SetStatus(Status{Rows: []StatusRow{
		{"camera", "640x480 MJPEG, 14.8 frames/s", LevelOK, "", nil},
		{"models", "3 of 3 verified", LevelOK, "", nil},
		{"gallery", "1 customer, 5 templates", LevelOK, "", nil},
		{"journal", "41 payments, chain intact", LevelOK, "", nil},
		{"report", "3 wait, the oldest since 4 min", LevelWarning, "Check the network cable.", nil},
		{"board", "pin GPIO22: permission denied", LevelFault, "Add the service's user to the group gpio.", nil},
		{"version", "smiletill 0.1.0 5f2c9e0d1b7a4d6c8e3f5f2c9e0d1b7a4d6c8e3f", LevelUnknown, "", nil},
	}})
	web := serve(t, s)
	for _, z := range sizes {
		do(t, ctx, chromedp.EmulateViewport(z.w, z.h), chromedp.Navigate(web.URL+"/status?lang=de"))
		if w := eval[int64](t, ctx, "document.scrollingElement.scrollWidth"); w > z.w {
			t.Errorf("%s: %d wide", z.name, w)
		}
		if n := eval[int](t, ctx, "document.querySelectorAll('tbody tr').length"); n != 7 {
			t.Errorf("%s: %d rows", z.name, n)
		}
		for _, b := range findings(t, ctx, "faint.js") {
			t.Errorf("%s: %s", z.name, b)
		}
		if dir := os.Getenv("SCREENSHOTS"); dir != "" {
			shoot(t, ctx, filepath.Join(dir, "status_"+z.name+".png"))
		}
	}
}

// TestStatusIsKeptTrue: what has changed is put on the technician's page, and nothing else is touched; when
// nothing is heard any more, it says so.
func TestStatusIsKeptTrue(t *testing.T) {
	ctx := browser(t)
	s := newServer(t, Options{})
	s.heart, s.lost = 50*time.Millisecond, 2*time.Second
	s.Show(View{State: Idle})
	web := serve(t, s)
	watch(t, ctx)
	rows := func(report string) Status {
		return Status{Rows: []StatusRow{{"camera", "card:test", LevelOK, "", nil},
			{"report", report, LevelOK, "", nil}}}
	}
	do(t, ctx, chromedp.EmulateViewport(800, 480), chromedp.Navigate(web.URL+"/status"))
	s.SetStatus(rows("connected"))
	until(t, ctx, "document.querySelectorAll('tbody tr').length === 2")
	eval[int](t, ctx, "window.camera = document.querySelector('tbody tr'), 1")
	s.SetStatus(rows("<i>3 wait</i>"))
	until(t, ctx, "document.querySelector('main').innerText.includes('<i>3 wait</i>')")
	if !eval[bool](t, ctx, "window.camera === document.querySelector('tbody tr') &&"+
		" document.querySelector('#lost').hidden") {
		t.Error("the page was made anew for one row, or says that it is lost")
	}
	eval[int](t, ctx, "window.verdict = document.querySelector('.verdict'), 1")
	worse := rows("refused")
	worse.Rows[1].Level = LevelFault
	s.SetStatus(worse)
	until(t, ctx, "document.querySelector('.verdict.fault').innerText.includes('refused')")
	if !eval[bool](t, ctx, "window.verdict === document.querySelector('.verdict') &&"+
		" window.camera === document.querySelector('tbody tr')") {
		t.Error("the verdict's element was made anew: no screen reader tells it")
	}
	web.CloseClientConnections()
	web.Listener.Close()
	until(t, ctx, "!document.querySelector('#lost').hidden")
}

// TestStatusStreams: whoever comes beyond the bound ends the longest stream, and is heard.
func TestStatusStreams(t *testing.T) {
	s := newServer(t, Options{})
	s.heart = 20 * time.Millisecond
	web := serve(t, s)
	var first *http.Response
	for i := range statusStreams + 1 {
		res, err := http.Get(web.URL + "/status/events")
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		if first == nil {
			first = res
		}
		if b := make([]byte, 6); i == statusStreams {
			if _, err := io.ReadFull(res.Body, b); err != nil || string(b) != "retry:" {
				t.Errorf("the last: %q, %v", b, err)
			}
		}
	}
	if _, err := io.Copy(io.Discard, first.Body); err != nil { // it ends, by itself
		t.Error(err)
	}
}
