package screen

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// pick presses the button of the open sheet that says text.
func (c *counterPage) pick(text string) {
	c.t.Helper()
	c.choose(text)
}

// TestCounterDay reads the day's sums, closes the day while a payment runs and twice, and reads it again.
func TestCounterDay(t *testing.T) {
	l := newShopTill()
	l.put("order-1", "12.50", nil)
	l.put("order-2", "4.00", func(p *CounterPayment) { p.Returned, p.Left = "1.50", "2.50" })
	l.put("order-3", "3.00", func(p *CounterPayment) { p.State, p.Reason, p.Left = Declined, NotRecognised, "" })
	c := openCounter(t, l)
	c.unlock()
	c.click(`nav [data-tab="day"]`)
	c.says(".today dt", "Paid (2)")
	c.says(".today dd", "€16.50")
	c.says(".today dd.net", "€15.00")
	c.says(".since h2", "Not closed yet")
	c.says(".fine", "not the closing of a fiscal cash register")
	c.typed("7") // the amount can't be seen
	l.change(func() { l.add("order-4", "1.00") })
	c.click("nav [data-tab=take]")
	c.sees("!!desk.running")
	c.says(".sum .amount", "€0.00")
	c.click("nav [data-tab=day]", "section.day .close")
	c.says("dialog.paper .help", "it counts to the next closing")
	c.pick("No")
	c.click("section.day .close")

	// The answer is lost, and the page is loaded anew: the day is closed once.
	c.net.answers.Store(true)
	c.pick("Close it")
	for end := time.Now().Add(8 * time.Second); l.heard("close") < 1 && time.Now().Before(end); {
		time.Sleep(20 * time.Millisecond)
	}
	do(t, c.ctx, chromedp.Reload())
	c.net.answers.Store(false)
	c.says("dialog.paper h1", "Closing 7")
	c.says("dialog.paper dd", "Anna")
	c.says("dialog.paper .fine", "not the closing of a fiscal cash register")
	if n := eval[int](t, c.ctx, "document.querySelectorAll('dialog.paper .code[hidden]').length"); n != 1 {
		t.Error("a closing has a code")
	}
	c.pick("Close")
	c.click(`nav [data-tab="day"]`)
	c.says(".since h2", "Since closing 7")
	c.sees("document.querySelector('section.day .close').disabled")
	eval[bool](t, c.ctx, "(closing = newID(), closeDay(), true)") // another clerk was faster
	c.says("dialog.paper .help", "Nothing has ended since the last closing.")
	c.pick("Close")
	c.click(".closed li button")
	c.says("dialog.paper dd.net", "€15.00")
	c.typed(kb.Escape)
	c.sees("!document.querySelector('dialog.paper').open")
}

// TestCounterReceipt shows a receipt again, with a code of the same words, and prints nothing else.
func TestCounterReceipt(t *testing.T) {
	l := newShopTill()
	l.put("order-1", "12.50", func(p *CounterPayment) { p.Reference = "Tisch 4" })
	c := openCounter(t, l)
	c.visit("de")
	c.unlock()
	c.click(`[data-slip="order-1"]`)
	c.says("dialog.paper h1", "Beleg über eine Zahlung")
	c.says("dialog.paper dd", "12,50 EUR")
	c.says("dialog.paper dd", "Tisch 4")
	c.says("dialog.paper .fine", "Keine Rechnung")
	c.sees("document.querySelector('.paper .code path').getAttribute('d').length > 1000")
	eval[bool](t, c.ctx, "(window.print = () => { window.printed = true }, true)")
	c.pick("Drucken")
	c.sees("window.printed")
	media := emulation.SetEmulatedMediaParams{Media: "print"}
	if _, err := chromedp.Call(c.ctx, emulation.SetEmulatedMedia, media); err != nil {
		t.Fatal(err)
	}
	c.sees("['main', '.paper .col', '.paper dl'].map((s) => document.querySelector(s).checkVisibility())" +
		".join() === 'false,false,true'")
	if dir := os.Getenv("SCREENSHOTS"); dir != "" {
		shoot(t, c.ctx, dir+"/receipt_print.png")
	}
}

// TestCounterSearch finds payments by what is known of them.
func TestCounterSearch(t *testing.T) {
	l := newShopTill()
	l.put("order-1", "12.50", nil)
	l.put("order-2", "4.00", func(p *CounterPayment) { p.Reference = "Tisch 9" })
	c := openCounter(t, l)
	c.unlock()
	c.sees("document.querySelectorAll('.book li').length === 2")
	c.click(".search input")
	c.typed("Tisch")
	c.sees("document.querySelectorAll('.book li').length === 1")
	c.says(".book .empty", "1 found.")
	c.says(".sum .amount", "€0.00") // digits are the field's
	c.typed(" 12")
	c.says(".book .empty", "Nothing found.")
	eval[bool](t, c.ctx, "(document.querySelector('.search input').value = 'more', readBook(), true)")
	c.says(".book .empty", "Nothing found.")
	eval[bool](t, c.ctx, "(document.querySelector('.search input').value = '', readBook(), true)")
	c.sees("document.querySelectorAll('.book li').length === 2 && !document.querySelector('.empty').textContent")
}

// TestCounterTable saves a table, and says what is wrong with days.
func TestCounterTable(t *testing.T) {
	c := openCounter(t, newShopTill())
	c.unlock()
	c.click(`nav [data-tab="day"]`)
	c.sees("document.querySelector('.books input').value.endsWith('-01')")
	eval[bool](t, c.ctx, `(HTMLAnchorElement.prototype.click = function () {
		window.saved = [this.download, this.href] }, true)`)
	c.click(".table button")
	c.says(".books .fine", "payments_20")
	if saved := eval[[]string](t, c.ctx, "saved"); !strings.HasPrefix(saved[0], "payments_20") ||
		!strings.HasPrefix(saved[1], "blob:") {
		t.Errorf("saved %q", saved)
	}
	eval[bool](t, c.ctx, "(document.querySelector('[name=to]').value = '2001-01-01', true)")
	c.click(".table button")
	c.says(".books .fine", "Choose a first day that is not after the last one.")
}

// TestCounterOvernight leaves a page open until its session has ended: it says so, and nothing of the day, of
// payments or of what was typed is left on it or in it. It is not loaded anew.
func TestCounterOvernight(t *testing.T) {
	l := newShopTill()
	l.put("order-1", "12.50", func(p *CounterPayment) { p.Reference = "Tisch 4" })
	c := openCounter(t, l)
	c.unlock()
	c.typed("987")
	c.click(`nav [data-tab="day"]`)
	c.says(".today dd.net", "€12.50")
	c.click(`nav [data-tab="take"]`, `[data-slip="order-1"]`)
	c.says("dialog.paper dd", "Tisch 4")
	eval[bool](t, c.ctx, "window.same = true")
	c.s.LockCounter()
	c.view("pin")
	c.says(".said", "nobody used it for 15 minutes")
	all := eval[string](t, c.ctx, "document.body.innerHTML + JSON.stringify(sessionStorage)")
	for _, secret := range []string{"Tisch 4", "12.50", "order-1", "987", "9.87"} {
		if strings.Contains(all, secret) {
			t.Errorf("the page still has %s", secret)
		}
	}
	c.unlock()
	c.says(".sum .amount", "€0.00")
	c.click(".lock")
	c.view("pin")
	if said := eval[string](t, c.ctx, "document.querySelector('.said').textContent"); said != "" {
		t.Errorf("locked by hand: %q", said)
	}
	eval[bool](t, c.ctx, "(document.documentElement.dataset.version = 'older', true)") // the program was renewed
	c.view("old")
	if !eval[bool](t, c.ctx, "window.same === true") {
		t.Error("the page was loaded anew by itself")
	}
	c.click(".anew")
	c.view("pin")
}

// TestCounterNamesBesideThePINWithout: who has a name is let in though the shop still has a PIN without one,
// and that PIN's digits go nowhere else.
func TestCounterNamesBesideThePINWithout(t *testing.T) {
	l := newShopTill()
	l.clerk, l.named = "Anna", true
	c := openCounter(t, l)
	c.view("pin")
	c.sees("!document.querySelector('.who').hidden")
	c.typed("2580", kb.Enter)
	c.view("open")
	c.click(".lock")
	c.view("pin")
	eval[bool](t, c.ctx, "(document.querySelector('.who input').focus(), true)")
	c.typed("Anna", kb.Enter, "2580", kb.Enter)
	c.view("open")
	if n := l.heard("unlock"); n != 2 {
		t.Errorf("%d were let in", n)
	}
}

// TestCounterNames asks for a name where several people work, and keeps the keys from the PIN meanwhile.
func TestCounterNames(t *testing.T) {
	l := newShopTill()
	l.clerk = "Anna 2"
	c := openCounter(t, l)
	c.view("pin")
	c.sees("document.activeElement === document.querySelector('.who input')")
	c.typed(kb.Enter, "2580", kb.Enter)
	c.says(".said", "type your name, then your PIN")
	eval[bool](t, c.ctx, "(document.querySelector('.who input').focus(), true)")
	for _, b := range append(findings(t, c.ctx, "counter_misfits.js"), broken(t, c.ctx)...) {
		t.Error(b)
	}
	c.typed("Anna 2") // its digit is the name's
	if n := eval[int](t, c.ctx, "document.querySelectorAll('.dots .set').length"); n != 0 {
		t.Errorf("%d digits of the name went into the PIN", n)
	}
	c.typed(kb.Enter, "2581", kb.Enter) // by the keyboard alone
	c.says(".said", "Wrong PIN")
	if v := eval[string](t, c.ctx, "document.querySelector('.who input').value"); v != "Anna 2" {
		t.Errorf("the field of the name has %q", v)
	}
	c.digits(clerkPad, "2", "5", "8", "0", "ok")
	c.view("open")
}
