package screen

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// till knows one payment's PIN and writes down what it is told.
type till struct {
	mu   sync.Mutex
	pin  string
	told []string
	done func() // what follows the right PIN or a cancellation
}

func (l *till) tell(what string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.told = append(l.told, what)
}

func (l *till) heard() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.told)
}

func (l *till) EnterPIN(_ context.Context, asked, pin string) error {
	l.tell(asked + " " + pin)
	switch pin {
	case l.pin:
		l.done()
		return nil
	case "9999":
		return errors.New("the file of PINs can't be read")
	}
	return ErrWrongPIN
}

func (l *till) EnterNumber(_ context.Context, asked, digits string) error {
	l.tell(asked + " number " + digits)
	l.done()
	return nil
}

func (l *till) Cancel(_ context.Context, asked string) error {
	l.tell(asked + " cancelled")
	l.done()
	return nil
}

func asksPIN(id string) View {
	return View{State: EnterPIN, Asked: id, Amount: "60.00", Currency: "EUR", Merchant: "Café Morgenrot"}
}

func from(addr string) func(*http.Request) {
	return func(r *http.Request) { r.RemoteAddr = addr }
}

func with(header, value string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Set(header, value) }
}

func TestKeypadRefuses(t *testing.T) {
	l := &till{pin: "2580", done: func() {}}
	s := newServer(t, Options{Keypad: l, AllowRemote: true})
	s.Show(asksPIN("p1"))
	const right = `{"asked":"p1","pin":"2580"}`
	for _, c := range []struct {
		name, path, body string
		change           func(*http.Request)
		want             int
	}{
		{"right", "/pin", right, nil, 204},
		{"wrong", "/pin", `{"asked":"p1","pin":"2581"}`, nil, 422},
		{"from the network", "/pin", right, from("192.168.1.9:5"), 403},
		{"cancelled from the network", "/cancel", right, from("[fe80::1]:5"), 403},
		{"another site", "/pin", right, with("Sec-Fetch-Site", "cross-site"), 403},
		{"a link", "/pin", right, with("Sec-Fetch-Site", "none"), 403},
		{"a form elsewhere", "/pin", right, func(r *http.Request) {
			r.Header.Set("Sec-Fetch-Site", "cross-site")
			r.Header.Set("Sec-Fetch-Mode", "navigate")
		}, 403},
		{"another origin", "/pin", right, with("Origin", "http://evil.example"), 403},
		{"another port", "/pin", right, with("Origin", "http://127.0.0.1:9"), 403},
		{"own origin", "/pin", right, with("Origin", "http://127.0.0.1:8080"), 204},
		{"a form's type", "/pin", right, with("Content-Type", "text/plain"), 415},
		{"another payment", "/pin", `{"asked":"p2","pin":"2580"}`, nil, 409},
		{"no payment", "/pin", `{"pin":"2580"}`, nil, 409},
		{"cancel another", "/cancel", `{"asked":"p2"}`, nil, 409},
		{"cancel", "/cancel", `{"asked":"p1"}`, nil, 204},
		{"letters", "/pin", `{"asked":"p1","pin":"25a0"}`, nil, 409},
		{"empty", "/pin", `{"asked":"p1","pin":""}`, nil, 409},
		{"long", "/pin", `{"asked":"p1","pin":"1234567890123"}`, nil, 409},
		{"huge", "/pin", `{"asked":"p1","pin":"` + strings.Repeat("1", 2000) + `"}`, nil, 400},
		{"other fields", "/pin", `{"asked":"p1","pin":"2580","amount":"0.01"}`, nil, 400},
		{"no JSON", "/pin", `pin=2580`, nil, 400},
	} {
		r := httptest.NewRequest(http.MethodPost, "http://127.0.0.1:8080"+c.path, strings.NewReader(c.body))
		r.RemoteAddr = "127.0.0.1:40000"
		r.Header.Set("Content-Type", "application/json")
		if c.change != nil {
			c.change(r)
		}
		before := len(l.heard())
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		if w.Code != c.want {
			t.Errorf("%s: %d %s, want %d", c.name, w.Code, w.Body, c.want)
		}
		if strings.Contains(w.Body.String(), "2580") {
			t.Errorf("%s repeats the PIN: %s", c.name, w.Body)
		}
		if taken := len(l.heard()) > before; taken != (c.want == 204 || c.want == 422) {
			t.Errorf("%s: reached the till: %t", c.name, taken)
		}
	}
	s.Show(View{State: Approved})
	r := httptest.NewRequest(http.MethodPost, "http://127.0.0.1:8080/pin", strings.NewReader(right))
	r.RemoteAddr = "127.0.0.1:40000"
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	if s.ServeHTTP(w, r); w.Code != 409 {
		t.Errorf("after the payment: %d", w.Code)
	}
}

const keyOf = `.keypad [data-key="`

func press(t *testing.T, ctx context.Context, keys ...string) {
	t.Helper()
	for _, k := range keys {
		do(t, ctx, chromedp.Click(chromedp.CSS(keyOf+k+`"]`)))
	}
}

// A customer types with a finger, errs, corrects and is done; nothing on the page ever shows a digit.
func TestKeypadInBrowser(t *testing.T) {
	ctx := browser(t)
	l := &till{pin: "2580"}
	s := newServer(t, Options{Keypad: l})
	s.heart, s.lost = 500*1e6, 60*1e9
	l.done = func() { s.Show(View{State: Approved, Amount: "60.00", Currency: "EUR"}) }
	web := serve(t, s)
	s.Show(asksPIN("p1"))
	do(t, ctx, chromedp.EmulateViewport(800, 480), chromedp.Navigate(web.URL+"/?lang=en"))
	until(t, ctx, "document.documentElement.dataset.state === 'enter_pin'")

	press(t, ctx, "2", "5", "enter") // too short: nothing happens
	if got := l.heard(); len(got) > 0 {
		t.Errorf("two digits were sent: %q", got)
	}
	press(t, ctx, "8", "1")
	until(t, ctx, "document.querySelectorAll('.digits .set').length === 4")
	if dir := os.Getenv("SCREENSHOTS"); dir != "" {
		shoot(t, ctx, filepath.Join(dir, "panel_en_enter_pin_typed.png"))
	}
	page := eval[string](
		t,
		ctx,
		"document.querySelector('.digits').outerHTML + document.querySelector('main').dataset.pin",
	)
	if strings.Contains(page, "2581") || !strings.Contains(page, "4 digits entered") {
		t.Errorf("the page shows %s", page)
	}
	press(t, ctx, "enter")
	until(t, ctx, "document.querySelector('.said').textContent === 'Wrong PIN. Try again.'")
	until(t, ctx, "document.querySelectorAll('.digits .set').length === 0")
	if dir := os.Getenv("SCREENSHOTS"); dir != "" {
		shoot(t, ctx, filepath.Join(dir, "panel_en_enter_pin_wrong.png"))
	}
	for _, z := range sizes {
		do(t, ctx, chromedp.EmulateViewport(z.w, z.h))
		for _, b := range append(findings(t, ctx, "misfits.js"), findings(t, ctx, "faint.js")...) {
			t.Errorf("%s: %s", z.name, b)
		}
		if dir := os.Getenv("SCREENSHOTS"); dir != "" {
			shoot(t, ctx, filepath.Join(dir, z.name+"_en_enter_pin_wrong.png"))
		}
	}
	do(t, ctx, chromedp.EmulateViewport(800, 480))
	press(t, ctx, "9", "9", "9", "9", "enter")
	until(t, ctx, "document.querySelector('.said').textContent.startsWith(\"That didn't work\")")
	press(t, ctx, "2", "5", "9", "correct", "8", "0", "enter")
	until(t, ctx, "document.documentElement.dataset.state === 'approved'")
	want := []string{"p1 2581", "p1 9999", "p1 2580"}
	if got := l.heard(); !slices.Equal(got, want) {
		t.Errorf("the till heard %q, want %q", got, want)
	}
}

// Keys of a real keypad do the same; what was typed for one payment is not there for the next.
func TestKeypadByKeysAndBetweenPayments(t *testing.T) {
	ctx := browser(t)
	l := &till{pin: "2580"}
	s := newServer(t, Options{Keypad: l})
	s.heart, s.lost = 500*1e6, 60*1e9
	l.done = func() { s.Show(View{State: Cancelled, Reason: CancelledByCustomer}) }
	web := serve(t, s)
	s.Show(asksPIN("p1"))
	do(t, ctx, chromedp.Navigate(web.URL+"/?lang=de"))
	until(t, ctx, "document.documentElement.dataset.state === 'enter_pin'")
	do(t, ctx, chromedp.KeyEvent("258"))
	until(t, ctx, "document.querySelectorAll('.digits .set').length === 3")
	s.Show(asksPIN("p2"))
	until(t, ctx, "document.querySelectorAll('.digits .set').length === 0")
	do(t, ctx, chromedp.KeyEvent("2571"), chromedp.KeyEvent(kb.Backspace), chromedp.KeyEvent(kb.Enter))
	do(t, ctx, chromedp.KeyEvent("1"), chromedp.KeyEvent(kb.Enter))
	until(t, ctx, "document.querySelector('.said').textContent.startsWith('Falsche PIN')")
	do(t, ctx, chromedp.KeyEvent("25"), chromedp.KeyEvent(kb.Escape))
	until(t, ctx, "document.documentElement.dataset.state === 'cancelled'")
	do(t, ctx, chromedp.KeyEvent("2580"), chromedp.KeyEvent(kb.Enter)) // nothing is asked for
	s.Show(asksPIN("p3"))
	until(t, ctx, "document.documentElement.dataset.state === 'enter_pin'")
	do(t, ctx, chromedp.KeyEvent("258"))
	do(t, ctx, chromedp.Evaluate[chromedp.Void]("blank('lost'); connect()"))
	until(t, ctx, "document.documentElement.dataset.state === 'enter_pin'")
	if n := eval[int](t, ctx, "document.querySelectorAll('.digits .set').length"); n != 0 {
		t.Errorf("%d digits are still there after the connection was lost", n)
	}
	want := []string{"p2 2571", "p2 cancelled"}
	if got := l.heard(); !slices.Equal(got, want) {
		t.Errorf("the till heard %q, want %q", got, want)
	}
}
