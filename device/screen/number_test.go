package screen

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

func asksNumber(id string) View {
	v := asksPIN(id)
	v.Number = true
	return v
}

// TestNumberIsNoPIN: what was typed for one question is never tried as the answer to the other, though both
// are of one payment.
func TestNumberIsNoPIN(t *testing.T) {
	l := &till{pin: "2580", done: func() {}}
	s := newServer(t, Options{Keypad: l})
	post := func(body string) int {
		r := httptest.NewRequest(http.MethodPost, "http://127.0.0.1:8080/pin", strings.NewReader(body))
		r.RemoteAddr = "127.0.0.1:40000"
		r.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		return w.Code
	}
	const pin, number = `{"asked":"p1","pin":"2580"}`, `{"asked":"p1","pin":"4711","number":true}`
	s.Show(asksNumber("p1"))
	if a, b := post(pin), post(number); a != http.StatusConflict || b != http.StatusNoContent {
		t.Errorf("asked for the number: a PIN gives %d, a number %d", a, b)
	}
	s.Show(asksPIN("p1"))
	if a, b := post(number), post(pin); a != http.StatusConflict || b != http.StatusNoContent {
		t.Errorf("asked for the PIN: a number gives %d, a PIN %d", a, b)
	}
	if got := l.heard(); !slices.Equal(got, []string{"p1 number 4711", "p1 2580"}) {
		t.Errorf("the till heard %q", got)
	}
}

// A customer types a number of three digits, is asked again, and then for the PIN, of which three are too
// few.
func TestNumberInBrowser(t *testing.T) {
	ctx := browser(t)
	l := &till{pin: "2580"}
	s := newServer(t, Options{Keypad: l})
	s.heart, s.lost = 500*1e6, 60*1e9
	l.done = func() { s.Show(View{State: LookHere, Amount: "60.00", Currency: "EUR"}) }
	web := serve(t, s)
	s.Show(asksNumber("p1"))
	do(t, ctx, chromedp.EmulateViewport(800, 480), chromedp.Navigate(web.URL+"/?lang=en"))
	until(t, ctx, "document.querySelector('h1').textContent === 'Your customer number'")
	for range 2 {
		press(t, ctx, "4", "7", "enter") // too short
		press(t, ctx, "1", "enter")
		until(t, ctx, "document.documentElement.dataset.state === 'look_here'")
		s.Show(asksNumber("p1"))
		until(t, ctx, "document.documentElement.dataset.state === 'enter_pin'")
		until(t, ctx, "document.querySelectorAll('.digits .set').length === 0")
	}
	press(t, ctx, "2", "5")
	s.Show(asksPIN("p1")) // at once: what was typed of the number is gone
	until(t, ctx, "document.querySelector('h1').textContent === 'Enter your PIN'")
	until(t, ctx, "document.querySelectorAll('.digits .set').length === 0")
	press(t, ctx, "2", "5", "8", "enter", "0", "enter")
	until(t, ctx, "document.documentElement.dataset.state === 'look_here'")
	if got := l.heard(); !slices.Equal(got, []string{"p1 number 471", "p1 number 471", "p1 2580"}) {
		t.Errorf("the till heard %q", got)
	}
}
