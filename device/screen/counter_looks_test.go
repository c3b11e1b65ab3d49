package screen

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// TestCounterLooks looks at the counter's page in each of its states, in both languages and all sizes:
// nothing is cut off, covered or too small, and all of it can be read. SCREENSHOTS=dir keeps pictures.
func TestCounterLooks(t *testing.T) {
	inAllSizes(t, lookAround)
}

// inAllSizes has one look around on pages of all sizes, in both languages.
func inAllSizes(t *testing.T, around func(*counterPage, size, string)) {
	for _, z := range few([]size{{"desktop", 1280, 800, false}, {"small", 320, 480, true},
		{"phone", 360, 640, true}, {"panel", 800, 480, false}, {"upright", 480, 800, true},
		{"middle", 870, 500, false}}) {
		t.Run(z.name, func(t *testing.T) {
			c := openCounter(t, newShopTill())
			c.size(z.w, z.h)
			c.hurried = true
			for _, lang := range []string{"en", "de"} {
				if lang == "de" || z.w < 400 || z.w > 1000 { // between, the longer words will do
					around(c, z, lang)
				}
			}
		})
	}
}

// few leaves of all sizes a panel and a phone where time is short: `make looks` looks at all of them.
func few(all []size) []size {
	if !testing.Short() {
		return all
	}
	return slices.DeleteFunc(slices.Clone(all), func(z size) bool {
		return z.name != "panel" && z.name != "phone"
	})
}

// look fails for what is cut off, covered, too small or too faint now, and for what axe-core finds.
func (c *counterPage) look(z size, lang, name string) {
	c.t.Helper()
	eval[int](c.t, c.ctx, "new Promise((r) => requestAnimationFrame(() => requestAnimationFrame(() => r(1))))")
	bad := append(findings(c.t, c.ctx, "counter_misfits.js"), findings(c.t, c.ctx, "faint.js")...)
	if z.name == "phone" && lang == "de" || z.name == "desktop" && lang == "en" {
		bad = append(bad, broken(c.t, c.ctx)...)
	}
	for _, b := range bad {
		c.t.Errorf("%s %s: %s", lang, name, b)
	}
	if dir := os.Getenv("SCREENSHOTS"); dir != "" {
		shoot(c.t, c.ctx, filepath.Join(dir, "counter_"+z.name+"_"+lang+"_"+name+".png"))
	}
}

// lookAround goes through the states of the page.
func lookAround(c *counterPage, z size, lang string) {
	t, l := c.t, c.l
	look := func(name string) { t.Helper(); c.look(z, lang, name) }
	tab := func(name string) {
		t.Helper()
		if z.w < 864 {
			c.click(`nav [data-tab="` + name + `"]`)
		}
	}
	fill(l)
	c.s.LockCounter()
	c.s.Show(View{State: Idle, Merchant: "Café Morgenrot", Terminal: "Till 2"})
	l.change(func() { l.pin = "" })
	c.visit(lang)
	do(t, c.ctx, chromedp.Evaluate[chromedp.Void]("sessionStorage.clear()"))
	c.visit(lang)
	c.view("off")
	look("off")
	l.change(func() { l.pin = "2580" })
	c.view("pin")
	c.typed("25")
	look("pin")
	c.typed("91", kb.Enter)
	c.sees("document.querySelector('.said').textContent !== ''")
	look("pin_wrong")
	c.unlock()
	look("empty_amount")
	c.typed("1250")
	c.sees("document.querySelectorAll('.book li').length === 6")
	look("amount")
	tab("book")
	look("list")
	lookGivingBack(c, look)
	lookAtShop(c, look)
	tab("take")
	c.typed(kb.Enter)
	c.sees("document.documentElement.dataset.state === 'look_here'")
	c.s.Show(View{State: LookHere, Amount: "12.50", Instruction: OnePersonOnly})
	c.sees("document.querySelector('.run .help').textContent !== ''")
	look("run_look")
	l.now(t, Smile, "")
	c.sees("document.documentElement.dataset.state === 'smile'")
	look("run_smile")
	l.now(t, EnterPIN, "")
	c.sees("document.documentElement.dataset.state === 'enter_pin'")
	look("run_pin")
	l.now(t, Approved, "")
	c.sees("document.documentElement.dataset.state === 'approved'")
	look("approved")
	for _, e := range []struct {
		state  State
		reason Reason
	}{{Declined, PINNotSet}, {Cancelled, CancelledByOperator}, {Expired, NoPIN}} {
		c.typed("99999999", kb.Delete, "4999", kb.Enter)
		c.sees("document.documentElement.dataset.state === 'look_here'")
		l.now(t, e.state, e.reason)
		c.sees("document.documentElement.dataset.state === '" + string(e.state) + "'")
		look(string(e.state))
	}
	c.typed("123456789012")
	look("long_amount")
	c.typed(kb.Enter)
	c.sees("document.querySelector('.note').checkVisibility()")
	look("refused")
	l.change(func() { l.add("order-2026-11-27-0017", "12345.67") })
	c.sees("document.querySelector('.pay').disabled")
	look("busy")
	l.now(t, Cancelled, CancelledByRegister)
	c.s.Show(View{State: OutOfOrder, Detail: Detail{
		What: "journal: write /var/lib/smiletill/journal.db: no space left on device",
		Do:   "Free some space on the data partition, then wait a minute."}})
	c.step("trouble")
	look("out_of_order")
	do(t, c.ctx, chromedp.Evaluate[chromedp.Void]("show('lost')"))
	look("lost")
	do(t, c.ctx, chromedp.Evaluate[chromedp.Void]("show('old')"))
	look("old")
}

func lookGivingBack(c *counterPage, look func(string)) {
	c.click(`.book [data-id="counter-b"]`)
	look("give")
	lang := eval[string](c.t, c.ctx, "document.documentElement.lang")
	c.choose(map[string]string{"en": "A part", "de": "Einen Teil"}[lang])
	c.typed("150")
	look("give_part")
	c.typed(kb.Enter)
	c.sees("document.querySelector('dialog').className === 'why'")
	look("give_why")
	c.click("dialog .col button")
	c.sees("document.querySelector('dialog').className === 'sure'")
	look("give_sure")
	c.l.change(func() { delete(c.l.payments, "counter-b"); c.l.order = c.l.order[:len(c.l.order)-1] })
	c.click("dialog .yes")
	c.sees("document.querySelector('dialog').className === 'failed'")
	look("give_failed")
	c.l.put("counter-b", "2.50", nil)
	c.click("dialog .col button")
	c.sees("!document.querySelector('dialog').open && document.querySelectorAll('.book li').length === 6")
	c.click(`.book [data-id="counter-b"]`, "dialog .col button")
	c.sees("document.querySelector('dialog').className === 'why'")
	c.click("dialog .col button", "dialog .yes")
	c.sees("document.querySelector('dialog').className === 'done'")
	look("give_done")
	c.click("dialog .col button")
	c.sees("!document.querySelector('dialog').open")
}

// lookAtShop goes through what the page has besides the till.
func lookAtShop(c *counterPage, look func(string)) {
	c.click(`[data-slip="counter-b"]`)
	c.sees("document.querySelector('dialog.paper').open")
	look("receipt")
	c.click("dialog.paper .col button:last-child", ".search input")
	c.typed("order")
	c.sees("document.querySelectorAll('.book li').length === 2")
	look("search")
	eval[bool](c.t, c.ctx, "(document.querySelector('.search input').value = '', readBook(), true)")
	c.l.change(func() { c.l.closings = nil })
	c.click(`nav [data-tab="day"]`)
	c.sees("!!document.querySelector('.since dl')")
	look("day")
	c.click("section.day .close")
	c.sees("document.querySelector('dialog.paper').open")
	look("close_day")
	c.click("dialog.paper .go")
	c.sees("document.querySelectorAll('dialog.paper dt').length > 5")
	look("closing")
	c.click("dialog.paper .col button:last-child")
	c.sees("!document.querySelector('dialog.paper').open && !!document.querySelector('.closed li')")
	look("day_closed")
	c.click(`nav [data-tab="take"]`)
}

// fill gives the list one of each kind.
func fill(l *shopTill) {
	l.change(func() { l.payments, l.order = map[string]*CounterPayment{}, nil })
	l.put("order-1015", "90071992547409.91", func(p *CounterPayment) {
		p.Report, p.Returned, p.Left = ReportParked, "90071992547409.91", ""
	})
	l.put("order-1016", "12.50", func(p *CounterPayment) {
		p.State, p.Reason, p.Left, p.Report, p.AtUnsure = Cancelled, CancelledByRegister, "", "", true
	})
	l.put("a1b2c3", "8.00", func(p *CounterPayment) {
		p.State, p.Reason, p.Left, p.Report, p.Reference = Expired, NoSmile, "", "", strings.Repeat("table 4 ", 6)
	})
	l.put("counter-c", "30.00", func(p *CounterPayment) {
		p.State, p.Reason, p.Left, p.Report = Declined, PINNotSet, "", ""
	})
	l.put("counter-a", "4.20", func(p *CounterPayment) {
		p.Report, p.Returned, p.Left = ReportWaiting, "1.20", "3.00"
	})
	l.put("counter-b", "2.50", nil)
}
