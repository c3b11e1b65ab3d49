//go:build !notflite

package terminal_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"smiletill/cmd/smiletill/terminal/terminaltest"
	"smiletill/device/camera"
)

// customerPage is the customer's page of a terminal in a browser.
type customerPage struct {
	*shop
	ctx context.Context
}

func (s *shop) customerPage() *customerPage {
	s.T.Helper()
	p := &customerPage{s, counterBrowser(s.T, "http://"+s.Term.Addresses().Screen+"/?lang=en")}
	s.T.Cleanup(func() {
		text, err := chromedp.Run(p.ctx, chromedp.Evaluate[string]("document.body.innerText"))
		if s.T.Failed() {
			s.T.Logf("the page says %q, %v", text, err)
		}
	})
	return p
}

// is waits for a JavaScript expression to become true.
func (p *customerPage) is(what, expr string) {
	p.T.Helper()
	p.Eventually(what, func() bool {
		ok, err := chromedp.Run(p.ctx, chromedp.Evaluate[bool](expr))
		return err == nil && ok
	})
}

func (p *customerPage) says(text string) {
	p.T.Helper()
	p.is(text, fmt.Sprintf("document.querySelector('.say').innerText.includes(%q)", text))
}

func (p *customerPage) press(names ...string) {
	p.T.Helper()
	for _, n := range names {
		p.is(n, fmt.Sprintf("(() => { const b = [...document.querySelectorAll('.acts button, .yours button')]"+
			".find((b) => b.checkVisibility() && b.textContent === %q); b?.click(); return !!b })()", n))
	}
}

func (p *customerPage) typed(keys string) {
	p.T.Helper()
	if err := chromedp.Do(p.ctx, chromedp.KeyEvent(keys+kb.Enter)); err != nil {
		p.T.Fatal(err)
	}
}

// forgotten gives what the door of the last confirmation answered.
func (p *customerPage) forgotten() (receipt json.RawMessage, code []string) {
	p.T.Helper()
	text, err := chromedp.Run(p.ctx, chromedp.Evaluate[string]("window.heard ?? ''"))
	var told struct {
		Receipt json.RawMessage
		Code    []string
	}
	if err == nil {
		err = json.Unmarshal([]byte(text), &told)
	}
	if err != nil {
		p.T.Fatal(err)
	}
	return told.Receipt, told.Code
}

// TestForgetMeOnThePage is a customer who wants to be forgotten at a real terminal's screen: nobody stands
// there, two do, a payment comes first, the PIN is wrong; then no byte is left, and the receipt holds.
func TestForgetMeOnThePage(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	plain := func(f []byte) []byte { return f }
	play := func(name string) camera.Source {
		return film(t, name, plain).Play(camera.Playback{FPS: 36, Loop: true})
	}
	live := camera.NewSwitch(play("idle"))
	show := func(name string) { _ = live.Cut(play(name)).Close() } // a film in memory
	s.Source = live
	s.EnrolCustomer()
	s.Open()
	s.Opened()
	all, err := s.Customers(t.Context())
	if err != nil || len(all) != 1 {
		t.Fatal(all, err)
	}
	id := all[0].ID
	p := s.customerPage()
	p.press("My data")
	p.says("Only of people who agreed")
	p.press("Forget me", "Go on")
	p.says("Look at the camera")
	p.says("The camera saw nobody.")
	show("two_people")
	p.press("Try again")
	p.says("There was more than one face.")
	show("customer_smile")
	p.press("Try again")
	p.says("have no PIN") // which a photo's face has not either
	p.press("Close")
	s.Stdin(terminaltest.RightPIN + "\n")
	if code, _, errs := s.Cli("customers", "pin", id); code != 0 {
		t.Fatal(errs)
	}
	p.press("Forget me", "Go on")
	p.is("the keypad", "document.documentElement.dataset.forget === 'pin'")
	s.Pay("order-1", "1.00") // which takes the page
	p.is("the payment", "document.documentElement.dataset.forget === '' && "+
		"document.documentElement.dataset.state !== 'idle'")
	s.WantEnd("order-1", "approved", "")
	of := map[string][]byte{"the name": []byte("Grace Hopper")}
	for _, ext := range []string{".face", ".consent"} {
		sealed := terminaltest.Read(t, filepath.Join(s.Dir, "data", "gallery", id+ext))
		for at := len(sealed) - 32; at > 90; at -= 64 {
			of[fmt.Sprintf("%s at %d", ext, at)] = sealed[at : at+16]
		}
	}
	if found := s.traces(of); len(found) < 4 {
		t.Fatalf("the test sees nothing: %q", found)
	}
	err = chromedp.Do(p.ctx, chromedp.Evaluate[chromedp.Void](`{ const send = fetch;
		window.fetch = async (...of) => {
			const a = await send(...of); window.heard = await a.clone().text(); return a } }`))
	if err != nil {
		t.Fatal(err)
	}
	p.press("Forget me", "Go on")
	p.is("the keypad", "document.documentElement.dataset.forget === 'pin'")
	p.typed("8642")
	p.press("Erase me")
	p.is("a wrong PIN", "document.querySelector('.said').textContent.startsWith('Wrong PIN')")
	p.typed(terminaltest.RightPIN)
	p.says("Erase me for good?")
	if found := s.traces(of); len(found) < 4 {
		t.Error("erased before it was confirmed")
	}
	p.press("Erase me")
	p.says("You are forgotten")
	p.says("Still to be reported: 1")
	wantAudits(s.Shop, "customer forgotten")
	if found := s.traces(of); len(found) > 0 {
		t.Errorf("left: %q", found)
	}
	s.noPINInFiles()
	receipt, code := p.forgotten()
	var r struct{ ID string }
	if err := json.Unmarshal(receipt, &r); err != nil || r.ID == "" || len(code) < 21 {
		t.Fatalf("%s %d %v", receipt, len(code), err)
	}
	p.says(r.ID)
	p.is("its code", "document.querySelector('.receipt').checkVisibility() && "+
		"document.querySelector('.receipt path').getAttribute('d').length > 1000")
	file := filepath.Join(s.Dir, "receipt.json")
	if err := os.WriteFile(file, receipt, 0o600); err != nil {
		t.Fatal(err)
	}
	status, out, errs := s.Cli("customers", "receipt", file)
	if status != 0 || !strings.Contains(out, "erased customer "+id) {
		t.Errorf("receipt: %d %s %s", status, out, errs)
	}
	p.press("Done", "Forget me", "Go on")
	p.says("you are not known here")
	s.NothingPersonalLeaked()
}

// TestForgetMeIsLocked: who tries PINs at the terminal erases nobody; who leaves in the middle is asked for
// nothing more.
func TestForgetMeIsLocked(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.Flags = append(s.Flags, "--consent-timeout", "20s", "--consent-contact", "Ada, 030 123456")
	s.EnrolCustomer()
	s.Open()
	s.Opened()
	all, err := s.Customers(t.Context())
	if err != nil || len(all) != 1 {
		t.Fatal(all, err)
	}
	s.Stdin(terminaltest.RightPIN + "\n")
	if code, _, errs := s.Cli("customers", "pin", all[0].ID); code != 0 {
		t.Fatal(errs)
	}
	p := s.customerPage()
	p.press("My data")
	p.says("Ada, 030 123456")
	p.press("Forget me", "Go on")
	for range 3 {
		p.is("the keypad", "document.documentElement.dataset.forget === 'pin'")
		p.typed("8642")
		p.press("Erase me")
	}
	p.says("The PIN was wrong too often. It can be tried again in 15 min")
	p.press("Close", "Forget me", "Go on")
	p.says("The PIN was wrong too often.")
	begun := time.Now()
	p.is("it gives up", "document.documentElement.dataset.forget === ''")
	t.Logf("gave up after %v", time.Since(begun).Round(time.Second))
	// The question stands when the camera goes: pressed afterwards, it may be gone before the second press.
	p.press("Forget me")
	s.Pull(true)
	p.is("out of order", "document.documentElement.dataset.state === 'out_of_order'")
	if all, err := s.Customers(t.Context()); err == nil && len(all) != 1 {
		t.Errorf("left: %v", all)
	}
}
