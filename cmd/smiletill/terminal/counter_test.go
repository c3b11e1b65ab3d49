//go:build !notflite

package terminal_test

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"smiletill/cmd/smiletill/pairing"
	"smiletill/cmd/smiletill/terminal/terminaltest"
	"smiletill/device/screen"
	"smiletill/payment"
	"smiletill/payment/register"
)

// counterPost sends what the counter's page sends, with a session's cookie or none.
func (s *shop) counterPost(path, cookie, body string) (int, string, string) {
	s.T.Helper()
	r, err := http.NewRequestWithContext(
		s.T.Context(),
		http.MethodPost,
		"http://"+s.Term.Addresses().Screen+"/counter/"+path,
		strings.NewReader(body),
	)
	if err != nil {
		s.T.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Cookie", cookie)
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		s.T.Fatal(err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		s.T.Fatal(err)
	}
	for _, c := range resp.Cookies() {
		cookie = c.Name + "=" + c.Value
	}
	return resp.StatusCode, string(answer), cookie
}

// unlocked gives the cookie of a session.
func (s *shop) unlocked(digits string) string {
	s.T.Helper()
	code, answer, cookie := s.counterPost("unlock", "", fmt.Sprintf(`{"pin":%q}`, digits))
	if code != http.StatusOK || cookie == "" {
		s.T.Fatalf("unlock: %d %s", code, answer)
	}
	return cookie
}

// setClerk sets the clerk's PIN as a person does who pipes it in.
func (s *shop) setClerk(digits string) {
	s.T.Helper()
	s.Stdin(digits + "\n")
	code, out, errs := s.Cli("counter", "pin")
	if code != 0 || !strings.Contains(out, "set the PIN of the clerk") {
		s.T.Fatalf("counter pin: %d %s %s", code, out, errs)
	}
}

func TestCounterPIN(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.Stdin("1234\n")
	if code, _, errs := s.Cli("counter", "pin"); code == 0 || !strings.Contains(errs, "guess") {
		t.Errorf("a PIN that is easy to guess: %d %s", code, errs)
	}
	s.setClerk("4826") // on the file: nothing runs yet
	s.EnrolCustomer()
	s.Open()
	s.Opened()
	first := s.unlocked("4826")

	// Nobody takes the clerk for a customer.
	if _, out, _ := s.Cli("customers", "list"); strings.Contains(out, "clerk") || strings.Contains(out, "yes") {
		t.Errorf("customers list:\n%s", out)
	}
	for _, args := range [][]string{{"remove", "/clerk"}, {"pin", "/clerk", "--remove"}} {
		if code, _, errs := s.Cli(append([]string{"customers"}, args...)...); code == 0 || errs == "" {
			t.Errorf("customers %v: %d", args, code)
		}
	}
	s.unlocked("4826")

	s.setClerk(terminaltest.RightPIN) // over the socket: whoever was in is out
	if code, answer, _ := s.counterPost("stay", first, "{}"); code != http.StatusUnauthorized {
		t.Errorf("a session of the PIN before: %d %s", code, answer)
	}
	for i, lock := range []string{"pin", "pin", "wait"} {
		code, answer, _ := s.counterPost("unlock", "", `{"pin":"4826"}`)
		if code != http.StatusUnprocessableEntity || !strings.Contains(answer, `"lock":"`+lock+`"`) {
			t.Errorf("wrong PIN %d: %d %s", i+1, code, answer)
		}
	}
	if _, answer, _ := s.counterPost("unlock", "", `{"pin":"`+terminaltest.RightPIN+`"}`); !strings.Contains(
		answer,
		"wait",
	) {
		t.Errorf("the right PIN while it is locked: %s", answer)
	}
	s.setClerk(terminaltest.RightPIN) // ends the lock
	cookie := s.unlocked(terminaltest.RightPIN)
	s.noPINInFiles()
	s.Term.CaseChanged(true) // the case was opened
	if code, answer, _ := s.counterPost("stay", cookie, "{}"); code != http.StatusUnauthorized {
		t.Errorf("a session from before the case was opened: %d %s", code, answer)
	}
	cookie = s.unlocked(terminaltest.RightPIN)
	if code, out, errs := s.Cli("counter", "pin", "--remove"); code != 0 || !strings.Contains(out, "removed") {
		t.Errorf("counter pin --remove: %d %s %s", code, out, errs)
	}
	if code, answer, _ := s.counterPost("stay", cookie, "{}"); code != 401 || !strings.Contains(answer, "off") {
		t.Errorf("after it was removed: %d %s", code, answer)
	}
}

// TestCounterEndOutlivesARestart takes a payment whose browser is never heard of again, starts the terminal
// again, and asks as a page does that was just opened.
func TestCounterEndOutlivesARestart(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.setClerk(terminaltest.RightPIN)
	s.EnrolCustomer()
	end := s.Open()
	s.Opened()
	cookie := s.unlocked(terminaltest.RightPIN)
	code, answer, _ := s.counterPost("pay", cookie, `{"id":"counter-1","amount":"4.20"}`)
	if code != http.StatusOK {
		t.Fatalf("pay: %d %s", code, answer)
	}
	s.WantEnd("counter-1", "approved", "")
	back := `{"id":"back-1","payment":"counter-1","amount":"1.25"}`
	if code, answer, _ := s.counterPost("reverse", cookie, back); code != http.StatusOK {
		t.Fatalf("reverse: %d %s", code, answer)
	}
	end()
	s.Open()
	s.Opened()
	cookie = s.unlocked(terminaltest.RightPIN)
	asks := func() string {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet,
			"http://"+s.Term.Addresses().Screen+"/counter/desk?unconfirmed=1", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Cookie", cookie)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		text, err := io.ReadAll(resp.Body)
		if err != nil || resp.StatusCode != http.StatusOK {
			t.Fatalf("desk: %s %s %v", resp.Status, text, err)
		}
		return string(text)
	}
	if text := asks(); !strings.Contains(text, `"unconfirmed":{"id":"counter-1"`) ||
		!strings.Contains(text, `"state":"approved"`) || !strings.Contains(text,
		`"reversal":{"id":"back-1","payment":"counter-1","amount":"1.25","currency":"EUR"}`) {
		t.Errorf("a page that was just opened is told %s", text)
	}
	if code, answer, _ := s.counterPost("confirm", cookie, `{"id":"counter-1"}`); code != http.StatusOK {
		t.Errorf("confirm: %d %s", code, answer)
	}
	if code, answer, _ := s.counterPost("reverse", cookie, back); code != http.StatusOK {
		t.Errorf("the same again: %d %s", code, answer)
	}
	if code, answer, _ := s.counterPost("confirm", cookie, `{"id":"back-1"}`); code != http.StatusOK {
		t.Errorf("confirm: %d %s", code, answer)
	}
	if _, out, _ := s.Cli("journal", "list"); !strings.Contains(out, "1.25 back") {
		t.Errorf("given back:\n%s", out)
	}
	if text := asks(); strings.Contains(text, "unconfirmed") || strings.Contains(text, "more") {
		t.Errorf("after it was read it is told again: %s", text)
	}
}

// What the counter is refused reads as `smiletill pay` reads it, and it is known whether it was done.
func TestCounterRefusals(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.setClerk(terminaltest.RightPIN)
	s.EnrolCustomer()
	s.Open()
	s.Pay("order-1", "2.00")
	s.End("order-1")
	cookie := s.unlocked(terminaltest.RightPIN)
	for _, c := range []struct {
		path, body, says string
		why              screen.Refusal
	}{
		{"pay", `{"id":"counter-1","amount":"50.01"}`, "limit of 50.00 EUR", screen.RefusedLimit},
		{"pay", `{"id":"counter-1","amount":"1.001"}`, "too many decimals", screen.RefusedAmount},
		{"pay", `{"id":"counter-1","amount":"0"}`, "zero", screen.RefusedAmount},
		{"pay", `{"id":"a b","amount":"1.00"}`, "id", ""},
		{"pay", `{"id":"order-1","amount":"2.01"}`, "another amount", ""},
		{"cancel", `{"id":"counter-1"}`, "no such payment", ""},
		{"reverse", `{"id":"counter-r","payment":"order-1","amount":"2.01"}`, "more than is left",
			screen.RefusedTooMuch},
		{"reverse", `{"id":"counter-r","payment":"nothing","amount":"2.00"}`, "no such payment", ""},
		{"reverse", `{"id":"counter-r","payment":"order-1","amount":""}`, "no amount", ""},
	} {
		code, answer, _ := s.counterPost(c.path, cookie, c.body)
		var e struct {
			Why  screen.Refusal
			What string
			Do   *string
			Open bool
		}
		if err := json.Unmarshal([]byte(answer), &e); err != nil || code != http.StatusConflict || e.Open ||
			e.Why != c.why || !strings.Contains(e.What, c.says) {
			t.Errorf("%s %s: %d %s, %v", c.path, c.body, code, answer, err)
		}
	}
	s.Pull(true)
	n := 1
	s.Eventually("out of order", func() bool {
		n++ // what began before the camera was missed keeps its id
		_, answer, _ := s.counterPost("pay", cookie, fmt.Sprintf(`{"id":"counter-%d","amount":"1.00"}`, n))
		return strings.Contains(answer, payment.ErrOutOfOrder.Error()) &&
			strings.Contains(answer, `"open":false`) && strings.Contains(answer, `"why":"out_of_order"`)
	})
}

// counterBrowser opens the counter's page in a browser.
func counterBrowser(t *testing.T, address string) context.Context {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		t.Skip("no Chromium here: the counter's page is not tested with the terminal (apt-get install chromium)")
	}
	opts := append(slices.Clone(chromedp.DefaultExecAllocatorOptions[:]), chromedp.ExecPath(path),
		chromedp.NoSandbox, chromedp.DisableGPU, chromedp.UserDataDir(t.TempDir()),
		chromedp.Flag("disable-component-update", true),
		chromedp.Flag("ignore-certificate-errors", true)) // a clerk looks at the fingerprint once, and says yes
	ctx, stop := chromedp.NewExecAllocator(context.WithoutCancel(t.Context()), opts...)
	t.Cleanup(stop)
	ctx, shut := chromedp.NewContext(ctx)
	t.Cleanup(shut)
	if err := chromedp.Do(ctx, chromedp.EmulateViewport(1280, 800), chromedp.Navigate(address)); err != nil {
		t.Fatal(err)
	}
	return ctx
}

// TestCounterDoor reads what a technician does of the counter's page for other machines: where it is, that no
// PIN opens it yet, and why it can't be shown.
func TestCounterDoor(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := newShop(t)
	s.Flags = append(s.Flags, "--counter-listen", taken.Addr().String())
	s.Open()
	row := func() screen.StatusRow { return s.Term.CounterRow(t.Context()) }
	s.Eventually("a fault", func() bool { return row().Level == screen.LevelFault })
	if r := row(); !strings.Contains(r.Value, "address already in use") ||
		!strings.Contains(r.Do, "counter.listen") {
		t.Errorf("the port is taken: %+v", r)
	}
	if err := taken.Close(); err != nil {
		t.Fatal(err)
	}
	s.Eventually("without a PIN", func() bool { return strings.Contains(row().Value, "the clerk has no PIN") })
	at := s.Term.Addresses().Counter
	certificate, err := pairing.OpenCertificate(s.Config())
	if err != nil {
		t.Fatal(err)
	}
	info, err := certificate.Info()
	if err != nil {
		t.Fatal(err)
	}
	r := row()
	if r.Level != screen.LevelWarning || !strings.Contains(r.Value, "https://"+at+"/counter") ||
		!strings.Contains(r.Value, register.Grouped(info.Fingerprint)) || len(r.Code) == 0 {
		t.Errorf("no PIN: %+v", r)
	}
	s.setClerk(terminaltest.RightPIN)
	s.Eventually("a PIN", func() bool { return row().Level == screen.LevelOK })
	web := register.Pinned(info.Fingerprint)
	resp, err := web.Get("https://" + at + "/counter")
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Errorf("the page: %d", resp.StatusCode)
	}
	if resp, err = web.Get("https://" + at + "/status"); err != nil || resp.StatusCode != http.StatusNotFound {
		t.Errorf("the technician's page: %v %v", resp, err)
	}
	_ = resp.Body.Close()
}

// TestCounterAmongIdleConnections fills the counter's door as one in the shop's network can: nobody is kept
// out by it.
func TestCounterAmongIdleConnections(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.Flags = append(s.Flags, "--counter-listen", "127.0.0.1:0")
	s.Open()
	s.Opened()
	s.Eventually("the counter's door", func() bool { return s.Term.Addresses().Counter != "" })
	at := s.Term.Addresses().Counter
	for range 100 {
		c, err := tls.Dial("tcp", at, &tls.Config{InsecureSkipVerify: true})
		if err != nil {
			t.Fatalf("the door takes no connection: %v", err)
		}
		t.Cleanup(func() { _ = c.Close() })
	}
	web := http.Client{Timeout: 3 * time.Second,
		Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}
	resp, err := web.Get("https://" + at + "/counter")
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Error(resp.Status)
	}
}

// TestCounterShop plays a small shop: a clerk's browser asks for money over TLS, a face pays, and it is given
// back.
func TestCounterShop(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.Flags = append(s.Flags, "--counter-listen", "127.0.0.1:0")
	s.setClerk(terminaltest.RightPIN)
	s.EnrolCustomer()
	s.Open()
	s.Opened()
	s.Eventually("the counter's door", func() bool { return s.Term.Addresses().Counter != "" })
	ctx := counterBrowser(t, "https://"+s.Term.Addresses().Counter+"/counter?lang=en")
	is := func(expr string) func() bool {
		return func() bool {
			ok, err := chromedp.Run(ctx, chromedp.Evaluate[bool](expr))
			return err == nil && ok
		}
	}
	says := func(selector, text string) {
		t.Helper()
		s.Eventually(text, is(fmt.Sprintf("[...document.querySelectorAll(%q)].some((n) => n.checkVisibility() && "+
			"n.textContent.includes(%q))", selector, text)))
	}
	press := func(selectors ...string) {
		t.Helper()
		for _, q := range selectors {
			s.Eventually(q, is(fmt.Sprintf("document.querySelector(%q)?.checkVisibility() === true", q)))
			within, done := context.WithTimeout(ctx, time.Minute)
			if err := chromedp.Do(within, chromedp.Click(chromedp.CSS(q))); err != nil {
				t.Fatalf("press %s: %v", q, err)
			}
			done()
		}
	}
	says(".pin h1", "Clerk's PIN")
	if err := chromedp.Do(ctx, chromedp.KeyEvent(terminaltest.RightPIN+kb.Enter)); err != nil {
		t.Fatal(err)
	}
	const pad = `.type .keys [data-key="`
	press(pad+`4"]`, pad+`2"]`, pad+`0"]`)
	s.Eventually("ready for payments", is("!document.querySelector('.pay').disabled"))
	press("button.pay")
	says(".end h1", "Approved")
	says(".end .amount", "€4.20")
	_, list, _ := s.Cli("journal", "list")
	if strings.Count(list, "counter-") != 1 || !strings.Contains(list, "4.20 EUR") ||
		!strings.Contains(list, "approved") {
		t.Errorf("journal list:\n%s", list)
	}
	s.Pay("order-1", "1.00") // by a register
	s.WantEnd("order-1", "approved", "")
	says(".book li", "order-1")

	press(".book li:last-child button")
	says("dialog button", "All: €4.20")
	press("dialog .col button:nth-child(2)")
	for _, k := range []string{"1", "5", "0"} {
		press(`dialog .keys [data-key="` + k + `"]`)
	}
	press("dialog button.go")
	says("dialog h1", "Why?")
	press("dialog .col button")
	says("dialog h1", "Give back €1.50?")
	press("dialog button.yes")
	says("dialog h1", "€1.50 given back")
	press("dialog .col button")
	says(".book li", "€1.50 given back")
	press(".book li:last-child button", "dialog .col button")
	says("dialog h1", "Why?")
	press("dialog .col button:nth-child(2)", "dialog button.yes")
	says("dialog h1", "€2.70 given back")
	if _, list, _ = s.Cli("journal", "list"); !strings.Contains(list, "approved, 4.20 back") {
		t.Errorf("journal list:\n%s", list)
	}
	if code, out, errs := s.Cli("journal", "verify"); code != 0 || !strings.Contains(out, "2 approved") ||
		!strings.Contains(out, "2 reversals") {
		t.Errorf("journal verify: %d %s %s", code, out, errs)
	}
	s.NothingPersonalLeaked()
}
