package cloud

import (
	"context"
	"fmt"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"smiletill/payment/report"
)

// The page answers programs of its own machine by its own names, and nobody else: neither a name that a page
// of another site has made point here, nor another machine that says "localhost".
func TestPageIsForThisMachine(t *testing.T) {
	k := newBench(t)
	r, _ := k.start(k.options())
	page := r.Page()
	for _, c := range []struct {
		host, peer string
		want       int
	}{
		{"127.0.0.1:8090", "127.0.0.1:40000", 200},
		{"localhost:8090", "[::1]:40000", 200},
		{"[::1]:8090", "127.0.0.1:40000", 200},
		{"localhost:8090", "192.0.2.7:40000", 403},
		{"localhost", "[2001:db8::7]:40000", 403},
		{"127.0.0.1", "10.0.0.7:40000", 403},
		{"shop.example:8090", "127.0.0.1:40000", 403},
		{"192.0.2.1:8090", "192.0.2.1:40000", 403},
	} {
		for _, path := range []string{"/", "/events.json", "/page.js"} {
			q := httptest.NewRequest("GET", "http://"+c.host+path, nil)
			q.RemoteAddr = c.peer
			w := httptest.NewRecorder()
			page.ServeHTTP(w, q)
			if w.Code != c.want {
				t.Errorf("%s of %s from %s: %d, want %d", path, c.host, c.peer, w.Code, c.want)
			}
		}
	}
}

// A database of before the tally has its events counted once, and a terminal's figures are those of its
// events.
func TestTally(t *testing.T) {
	k := newBench(t)
	r, stop := k.start(k.options())
	numbered := func(n int) []byte {
		return encode(t, func(r *report.Row) { r.ID, r.Seq = fmt.Sprint("e-", n), int64(n) })
	}
	for _, n := range []int{9, 8, 7} {
		k.send(numbered(n))
		k.wantAck(fmt.Sprint("e-", n), "h-1", int64(n))
	}
	if _, err := r.store.db.Exec(`DROP TRIGGER event_counts; DROP TABLE tally`); err != nil {
		t.Fatal(err)
	}
	stop()
	r, _ = k.start(k.options())
	for range 2 {
		k.send(numbered(12))
		k.wantAck("e-12", "h-1", 12)
	}
	all, err := r.Terminals(t.Context())
	if err != nil || len(all) != 1 || all[0].Events != 4 || all[0].LastSeq != 12 {
		t.Errorf("%+v, %v", all, err)
	}
	k.wantCount(r, 4)
}

// Two receivers on one file, each with its event of one place: the later one sees the earlier's, always.
func TestOnePlaceAtTwoReceivers(t *testing.T) {
	k := newBench(t)
	a, _ := k.start(k.options())
	b, err := openStore(t.Context(), k.file)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.db.Close() })
	for seq := range int64(20) {
		var both sync.WaitGroup
		verdicts := make([]Verdict, 2)
		for i, s := range []*store{a.store, b} {
			e, err := Decode(here().Topic(report.ChannelPayment), encode(t, func(r *report.Row) {
				r.ID, r.Seq = fmt.Sprint("e-", seq, "-", i), seq+1
			}))
			if err != nil {
				t.Fatal(err)
			}
			e.Received = time.Now()
			both.Go(func() {
				out, err := s.commit(t.Context(), []Event{e})
				if err != nil {
					t.Error(err)
					return
				}
				verdicts[i] = out[0]
			})
		}
		both.Wait()
		slices.Sort(verdicts)
		if verdicts[0] != Rewound || verdicts[1] != Stored {
			t.Fatalf("place %d: %v", seq+1, verdicts)
		}
	}
}

// browse starts a headless Chromium, or skips the test.
func browse(t *testing.T) context.Context {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		t.Skip("no Chromium here: the page itself is not tested (apt-get install chromium)")
	}
	opts := append(slices.Clone(chromedp.DefaultExecAllocatorOptions[:]),
		chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.UserDataDir(t.TempDir()),
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true))
	ctx, stop := chromedp.NewExecAllocator(context.WithoutCancel(t.Context()), opts...)
	t.Cleanup(stop)
	ctx, shut := chromedp.NewContext(ctx)
	t.Cleanup(shut)
	ctx, done := context.WithTimeout(ctx, 4*time.Minute)
	t.Cleanup(done)
	return ctx
}

func eval[T any](t *testing.T, ctx context.Context, expr string) T {
	t.Helper()
	v, err := chromedp.Run(ctx, chromedp.Evaluate[T](expr))
	if err != nil {
		t.Fatalf("%s: %v", expr, err)
	}
	return v
}

// misfits lists what leaves the page, or its cell.
const misfits = `[document.scrollingElement, ...document.querySelectorAll("td, th, h1, p")]
	.filter((n) => n.scrollWidth > n.clientWidth + 1 && n.checkVisibility())
	.map((n) => n.tagName + " " + n.scrollWidth + " of " + n.clientWidth + ": " + n.textContent.slice(0, 40))`

// fillPage has an alarm, two terminals and four events on the page, with the longest names.
func fillPage(k *bench, r *Receiver) (more []byte) {
	k.t.Helper()
	id := strings.Repeat("order-2026-11-29-", 4)[:64]
	row := func(event string, seq int64) []byte {
		return encode(k.t, func(r *report.Row) {
			r.ID, r.Seq, r.PaymentID = event+"d2c0e4b-7a1f-4c3e-9b8d-0123456789ab", seq, id
			r.Body = []byte(`{"amount_minor":420,"currency":"EUR","customer":"c_46sl6mgksrrvwcxekel24xksmo",` +
				`"kind":"approved"}`)
		})
	}
	for i, seq := range []int64{1, 2, 3, 1} { // the last: set back
		k.send(row(fmt.Sprint(i), 1_000_000_000+seq))
	}
	k.status(here(), "online", "a")
	a := report.Address{Tenant: strings.Repeat("t", 40), Site: "s", Terminal: "t"}
	if err := r.Trust(k.t.Context(), a, key(1).Public()); err != nil {
		k.t.Fatal(err)
	}
	r.noteStatus(k.t.Context(), a, []byte(`{"status":"offline","version":"1.2.3-45-gabcdef",`+
		`"alarm":"the case was opened at 2026-11-29T08:00:00Z; the own certificate (/etc/smiletill/till-1.crt) `+
		`ends on 2026-12-01"}`))
	return row("9", 1_000_000_009)
}

// TestPageInBrowser looks at the page in a window of 1280 pixels, by day and by night, with the longest
// names: no column is cut off, all can be read, amounts are money; and what comes in is put on it without a
// reload. SCREENSHOTS=dir keeps pictures.
func TestPageInBrowser(t *testing.T) {
	k := newBench(t)
	o := k.options()
	o.Money = func(minor int64, currency string) string {
		return fmt.Sprintf("%d.%02d %s", minor/100, minor%100, currency)
	}
	r, _ := k.start(o)
	more := fillPage(k, r)
	web := httptest.NewServer(r.Page())
	t.Cleanup(func() { web.CloseClientConnections(); web.Close() })
	ctx := browse(t)
	faint, err := os.ReadFile("../../device/screen/testdata/faint.js")
	if err != nil {
		t.Fatal(err)
	}
	until := func(what, expr string) {
		t.Helper()
		for end := time.Now().Add(patience); !eval[bool](t, ctx, expr); time.Sleep(20 * time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("%s: never\n%s", what, eval[string](t, ctx, "document.body.innerText"))
			}
		}
	}
	if err := chromedp.Do(ctx, chromedp.EmulateViewport(1280, 800), chromedp.Navigate(web.URL)); err != nil {
		t.Fatal(err)
	}
	until("all events", "document.querySelectorAll('#events tbody tr').length === 4")
	until("who is there", "document.querySelectorAll('#terminals .good').length === 1")
	for _, scheme := range []string{"light", "dark"} {
		media := emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}}
		if _, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, media); err != nil {
			t.Fatal(err)
		}
		for _, bad := range append(eval[[]string](t, ctx, misfits), eval[[]string](t, ctx, string(faint))...) {
			t.Errorf("%s: %s", scheme, bad)
		}
		if dir := os.Getenv("SCREENSHOTS"); dir != "" {
			png, err := chromedp.Run(ctx, chromedp.CaptureScreenshot())
			if err == nil {
				err = os.WriteFile(filepath.Join(dir, "cloud_"+scheme+".png"), png, 0o600)
			}
			if err != nil {
				t.Error(err)
			}
		}
	}
	if text := eval[string](t, ctx, "document.body.innerText"); !strings.Contains(text, "4.20 EUR") {
		t.Errorf("amounts are no money:\n%s", text)
	}
	eval[int](t, ctx, "window.head = document.querySelector('h1'), 1")
	k.send(more)
	until("what came in", "document.querySelectorAll('#events tbody tr').length === 5")
	if !eval[bool](t, ctx, "document.querySelector('#lost').hidden &&"+
		" window.head === document.querySelector('h1')") {
		t.Error("the page was loaded anew, or says that it is lost")
	}
}
