package screen

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// folk gives the shop a customer of each kind, and some more.
func folk(l *shopTill) {
	since := time.Date(2026, 5, 12, 9, 30, 0, 0, time.UTC)
	agreed := &CounterAgreement{At: since, Lang: "de", Explained: "Anna"}
	l.change(func() {
		l.forgotten = nil
		l.folk = []CounterCustomer{
			{ID: "c_ada", Name: "Ada Lovelace", Since: since, Agreed: agreed, PIN: true},
			{ID: "c_long", Name: strings.Repeat("Donaudampfschifffahrt", 2) + "skapitänsmützen", Since: since,
				PIN: true, Agreed: &CounterAgreement{At: since, Explained: "Bernhard", Paper: "Ordner 7, Blatt 12"}},
			{ID: "c_markup", Name: "<b>Bob</b> 👩‍🚀 &amp;", Since: since, Agreed: agreed},
			{ID: "c_old", Name: "Zoë Quiñones", Since: since, PIN: true},
			{ID: "c_stale", Name: "Grace Hopper", Since: since, Agreed: agreed, PIN: true, Stale: true},
			{ID: "c_blocked", Name: "Kim Philby", Since: since, Agreed: agreed, PIN: true, Blocked: true},
			{ID: "c_damaged", Damaged: true},
		}
		for i := range 8 {
			l.folk = append(l.folk, CounterCustomer{ID: fmt.Sprint("c_more", i), Name: fmt.Sprintf("Kunde %d", i+1),
				Since: since.AddDate(0, 0, i), Agreed: agreed, PIN: i%3 > 0})
		}
	})
}

// openCustomers shows the customers in a browser.
func openCustomers(t *testing.T) *counterPage {
	t.Helper()
	l := newShopTill()
	folk(l)
	c := openCounter(t, l)
	c.unlock()
	c.click(`nav [data-tab="customers"]`)
	c.sees("document.querySelectorAll('.customers li').length === 15")
	return c
}

const customerPad = "dialog.customer .keys"

// TestCustomersAreListed reads the list: names are text, whatever is in them, and found without accents.
func TestCustomersAreListed(t *testing.T) {
	c := openCustomers(t)
	c.says(".customers .empty", "15 enrolled.")
	c.says(".customers b", "<b>Bob</b> 👩‍🚀 &amp;")
	c.says(".customers li", "No consent on file")
	c.says(".customers li", "Record is damaged")
	c.says(".customers li", "Face has to be taken again")
	c.click(".seek input")
	c.typed("zoe")
	c.sees("document.querySelectorAll('.customers li').length === 1")
	c.says(".customers .empty", "1 found.")
	c.typed("7", kb.Enter)
	c.says(".customers .empty", "Nothing found.")
	if n := eval[int](t, c.ctx, "performance.getEntriesByType('navigation').length"); n != 1 {
		t.Errorf("the page was loaded %d times", n)
	}
	c.typed(kb.Backspace, kb.Backspace, kb.Backspace, kb.Backspace)
	c.click(`[data-customer="c_ada"]`)
	c.says("dialog.customer h1", "Ada Lovelace")
	c.says("dialog.customer dd", "May 12, 2026")
	c.says("dialog.customer dd", "German")
	c.typed(kb.Escape)
	c.sees("!document.querySelector('dialog.customer').open && " +
		"document.activeElement.dataset.customer === 'c_ada'")
	c.l.change(func() { c.l.trouble = &CounterError{Why: RefusedRole, What: "not allowed"} })
	eval[bool](t, c.ctx, "(readCustomers(), true)")
	c.says(".customers .empty", "Your role does not do this")
	c.sees("!document.querySelector('.customers li')")
}

// TestCustomerPIN has a customer type a PIN twice, by touch and by keys; another, and one that is easy to
// guess, are not taken.
func TestCustomerPIN(t *testing.T) {
	c := openCustomers(t)
	c.click(`[data-customer="c_markup"]`)
	c.choose("Set a PIN")
	c.says("dialog.customer h1", "The customer chooses a PIN")
	c.digits(customerPad, "7", "3", "0", "ok") // too short
	c.digits(customerPad, "1", "5", "correct", "6", "4", "ok")
	c.says("dialog.customer h1", "The same PIN once more")
	c.typed("730165", kb.Enter)
	c.says("dialog.customer .told", "not the same")
	c.typed("1234", kb.Enter, "1234", kb.Enter)
	c.says("dialog.customer .told", "easy to guess")
	c.typed("730164", kb.Enter)
	c.says("dialog.customer h1", "The same PIN once more")
	c.typed("730164")
	if html := eval[string](t, c.ctx, "document.documentElement.outerHTML"); strings.Contains(html, "730164") {
		t.Error("the page holds the PIN")
	}
	c.typed(kb.Enter)
	c.says("dialog.customer h1", "The PIN is set")
	c.typed(kb.Enter)
	c.sees("!document.querySelector('dialog.customer').open")
	c.heardOnly("customer pin c_markup", 2)
	c.heardOnly("pay", 0) // digits and Enter were the card's
	c.sees("document.querySelector('[data-customer=c_markup] .more').textContent.endsWith('PIN')")
	c.click(`[data-customer="c_markup"]`)
	c.choose("Take PIN away")
	c.says("dialog.customer .help", "declined then")
	c.choose("Take it away")
	c.says("dialog.customer h1", "The PIN was taken away")
	c.l.change(func() { c.l.folk = c.l.folk[1:] }) // somebody else was faster
	c.choose("Close")
	c.click(`[data-customer="c_ada"]`)
	c.choose("Take PIN away")
	c.choose("Take it away")
	c.says("dialog.customer .help", "not enrolled any more")
}

// TestCustomerIsForgotten asks twice before anything is erased, waits for a payment, and shows a receipt,
// also when the first answer is lost.
func TestCustomerIsForgotten(t *testing.T) {
	c := openCustomers(t)
	l := c.l
	c.click(`[data-customer="c_ada"]`)
	c.choose("Forget")
	c.says("dialog.customer h1", "Forget Ada Lovelace?")
	c.typed(kb.Escape)
	c.says("dialog.customer h1", "Ada Lovelace")
	c.heardOnly("forget", 0)
	l.change(func() { l.add("order-1", "1.00") })
	c.choose("Forget")
	c.choose("Erase for good")
	c.says("dialog.customer .help", "Another payment is running")
	l.now(t, Cancelled, CancelledByRegister)
	c.choose("Back")
	c.choose("Forget")
	c.net.answers.Store(true)
	c.choose("Erase for good")
	for end := time.Now().Add(8 * time.Second); l.heard("forget") < 2 && time.Now().Before(end); {
		time.Sleep(20 * time.Millisecond)
	}
	c.typed(kb.Escape, kb.Escape) // the outcome is not known yet
	c.sees("document.querySelector('dialog.customer').open")
	c.net.answers.Store(false)
	c.says("dialog.paper h1", "Erased")
	c.says("dialog.paper dd", "5 series of numbers erased")
	c.says("dialog.paper dd", "c_ada")
	if text := eval[string](t, c.ctx, "document.body.innerText"); strings.Contains(text, "Lovelace") {
		t.Error("who was forgotten is named")
	}
	eval[bool](t, c.ctx, `(HTMLAnchorElement.prototype.click = function () {
		window.saved = [this.download, this.href] }, true)`)
	c.choose("Save")
	c.says("dialog.paper .help", "erased_2026-11-30_")
	if saved := eval[[]string](t, c.ctx, "saved"); !strings.HasPrefix(saved[1], "blob:") {
		t.Errorf("saved %q", saved)
	}
	c.choose("Close")
	c.sees("!document.querySelector('[data-customer=c_ada]')")

	c.click(`[data-customer="c_old"]`)
	c.choose("What is stored")
	c.says("dialog.customer .help", "stored_about_c_old.json was saved")
}

// TestCustomerIsBlocked blocks a customer and ends it, for a reason each time.
func TestCustomerIsBlocked(t *testing.T) {
	c := openCustomers(t)
	c.click(`[data-customer="c_ada"]`)
	c.choose("Block")
	c.says("dialog.customer .help", "tells nobody")
	c.typed(kb.Escape)
	c.choose("Block")
	c.choose("The customer asked for it")
	c.says("dialog.customer h1", "Blocked")
	c.heardOnly("block c_ada true asked_for", 1)
	c.typed(kb.Enter)
	c.says("[data-customer=c_ada]", "Blocked")
	c.click(`[data-customer="c_ada"]`)
	c.says("dialog.customer dd", "blocked")
	c.choose("Unblock")
	c.choose("It was a mistake")
	c.says("dialog.customer h1", "can pay again")
	c.heardOnly("block c_ada false by_mistake", 1)
	c.typed(kb.Enter)
	c.sees("!document.querySelector('[data-customer=c_ada] .mark-bad')")
}

// TestCustomersOvernight leaves the customers open until the session has ended: no name is left.
func TestCustomersOvernight(t *testing.T) {
	c := openCustomers(t)
	c.click(".seek input")
	c.typed("a")
	c.click(`[data-customer="c_ada"]`)
	c.choose("New PIN")
	c.typed("7301")
	c.s.LockCounter()
	c.view("pin")
	all := eval[string](t, c.ctx,
		"document.body.innerHTML + JSON.stringify([sessionStorage, folkAll, typedPIN, one])")
	for _, secret := range []string{"Lovelace", "c_ada", "7301", "Grace"} {
		if strings.Contains(all, secret) {
			t.Errorf("the page still has %s", secret)
		}
	}
	c.unlock()
	c.sees("document.querySelectorAll('.customers li').length === 15")
}

// TestCustomersLook looks at the customers in all sizes and both languages.
func TestCustomersLook(t *testing.T) {
	inAllSizes(t, func(c *counterPage, z size, lang string) {
		l := c.l
		look := func(name string) { c.t.Helper(); c.look(z, lang, "customers_"+name) }
		pick := func(selector string) { c.t.Helper(); c.click("dialog.customer " + selector) }
		folk(l)
		c.s.LockCounter()
		c.visit(lang)
		do(c.t, c.ctx, chromedp.Evaluate[chromedp.Void]("sessionStorage.clear()"))
		c.unlock()
		c.click(`nav [data-tab="customers"]`)
		c.sees("document.querySelectorAll('.customers li').length === 15")
		look("list")
		for _, id := range []string{"c_ada", "c_long", "c_damaged", "c_blocked"} {
			c.click(`[data-customer="` + id + `"]`)
			look("card_" + id)
			c.typed(kb.Escape)
		}
		c.click(`[data-customer="c_ada"]`)
		pick(".col button:nth-child(1)")
		c.typed("730164")
		look("pin")
		c.typed(kb.Enter)
		look("twice")
		c.typed("730165", kb.Enter)
		look("differs")
		c.typed(kb.Escape)
		pick(".col button:nth-child(2)")
		look("take")
		c.typed(kb.Escape)
		pick(".col button:nth-child(4)")
		look("block")
		c.typed(kb.Escape)
		pick(".col .warn")
		look("forget")
		pick(".yes")
		c.sees("document.querySelector('dialog.paper').open")
		look("erased")
		c.typed(kb.Escape)
		l.change(func() { l.folk = nil })
		eval[bool](c.t, c.ctx, "(readCustomers(), true)")
		c.sees("!document.querySelector('.customers li')")
		look("nobody")
	})
}
