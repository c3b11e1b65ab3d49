package screen

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// counterPage is an open counter's page in a browser.
type counterPage struct {
	t   *testing.T
	ctx context.Context
	l   *shopTill
	s   *Server
	web *httptest.Server
	net *cut

	hurried bool // this is about looks: the page asks when the test waits for something
}

// openCounter shows the counter's page in a browser, which fails the test for whatever it complains of.
func openCounter(t *testing.T, l *shopTill) *counterPage {
	t.Helper()
	c := &counterPage{t: t, ctx: browser(t), l: l, s: newServer(t, Options{Counter: l})}
	c.s.Show(View{State: Idle, Merchant: "Café Morgenrot", Terminal: "Till 2"})
	c.net = &cut{Handler: c.s}
	c.web = serve(t, c.net)
	watch(t, c.ctx)
	c.size(1280, 800)
	c.visit("en")
	return c
}

func (c *counterPage) size(w, h int64) {
	c.t.Helper()
	do(c.t, c.ctx, chromedp.EmulateViewport(w, h))
}

func (c *counterPage) visit(lang string) {
	c.t.Helper()
	do(c.t, c.ctx, chromedp.Navigate(c.web.URL+"/counter?lang="+lang))
}

func (c *counterPage) sees(expr string) {
	c.t.Helper()
	if c.hurried {
		_ = chromedp.Do(c.ctx, chromedp.Evaluate[chromedp.Void]("tick(); readBook()")) // or the page still loads
	}
	until(c.t, c.ctx, expr)
}

func (c *counterPage) view(name string) {
	c.t.Helper()
	c.sees("document.documentElement.dataset.view === '" + name + "'")
}

func (c *counterPage) step(name string) {
	c.t.Helper()
	c.sees("document.documentElement.dataset.step === '" + name + "'")
}

func (c *counterPage) says(selector, text string) {
	c.t.Helper()
	c.sees(fmt.Sprintf("[...document.querySelectorAll(%q)].some((n) => n.checkVisibility() && "+
		"n.textContent.replaceAll('\\u00a0', ' ').includes(%q))", selector, text))
}

func (c *counterPage) click(selectors ...string) {
	c.t.Helper()
	for _, s := range selectors {
		c.sees(fmt.Sprintf("document.querySelector(%q)?.checkVisibility() === true", s))
		ctx, done := context.WithTimeout(c.ctx, time.Minute)
		if err := chromedp.Do(ctx, chromedp.Click(chromedp.CSS(s))); err != nil {
			c.t.Errorf("click %s: %v", s, err)
			c.sees("false")
		}
		done()
	}
}

func (c *counterPage) digits(box string, keys ...string) {
	c.t.Helper()
	for _, k := range keys {
		c.click(box + ` [data-key="` + k + `"]`)
	}
}

func (c *counterPage) typed(keys ...string) {
	c.t.Helper()
	for _, k := range keys {
		do(c.t, c.ctx, chromedp.KeyEvent(k))
	}
}

// choose presses the button of the open sheet that says text.
func (c *counterPage) choose(text string) {
	c.t.Helper()
	c.says("dialog button", text)
	eval[bool](c.t, c.ctx, fmt.Sprintf("[...document.querySelectorAll('dialog button')].find((b) => "+
		"b.textContent.replaceAll('\\u00a0', ' ').includes(%q)).click() ?? true", text))
}

func (c *counterPage) unlock() {
	c.t.Helper()
	c.view("pin")
	c.typed("2580", kb.Enter)
	c.view("open")
}

// heardOnly fails if the terminal was asked for something more or less often.
func (c *counterPage) heardOnly(what string, n int) {
	c.t.Helper()
	if got := c.l.heard(what); got != n {
		c.t.Errorf("the terminal heard %q %d times, want %d", what, got, n)
	}
}

const clerkPad, sumPad = ".pin .keys", ".type .keys"

func TestCounterLocksAndUnlocks(t *testing.T) {
	l := newShopTill()
	l.pin = ""
	c := openCounter(t, l)
	c.view("off")
	c.says("p", "smiletill counter pin")
	l.change(func() { l.pin = "2580" })
	c.view("pin")
	c.digits(clerkPad, "2", "5", "8", "1", "ok")
	c.says(".said", "Wrong PIN")
	c.digits(clerkPad, "2", "5", "9", "correct", "8", "0")
	c.sees("document.querySelectorAll('.dots .set').length === 4")
	if html := eval[string](t, c.ctx, "document.documentElement.outerHTML"); strings.Contains(html, "2580") {
		t.Error("the page holds the PIN")
	}
	c.digits(clerkPad, "ok")
	c.view("open")
	if cookie := eval[string](t, c.ctx, "document.cookie"); cookie != "" {
		t.Errorf("a script can read %s", cookie)
	}
	do(t, c.ctx, chromedp.Reload())
	c.view("open")
	c.click(".lock")
	c.view("pin")
	do(t, c.ctx, chromedp.Reload())
	c.view("pin")
	l.change(func() { l.locked = 13*time.Minute + time.Second })
	c.says(".said", "in 14 min")
	l.change(func() { l.locked = 0 })
	c.sees("document.querySelector('.said').textContent === ''")
	c.unlock()
	c.s.LockCounter() // its PIN was changed
	c.view("pin")
	l.change(func() { l.trouble = &CounterError{What: "The file of PINs can't be read.", Do: "Restart it."} })
	c.says(".said", "The file of PINs can't be read. Restart it.")
}

func TestCounterTakesPayments(t *testing.T) {
	c := openCounter(t, newShopTill())
	l := c.l
	c.unlock()
	sees := func(sum string) { t.Helper(); c.says(".sum .amount", sum) }
	sees("€0.00")
	c.digits(sumPad, "1")
	sees("€0.01")
	c.digits(sumPad, "2", "5")
	sees("€1.25")
	c.says(".pay", "Take €1.25")
	c.digits(sumPad, "00")
	sees("€125.00")
	c.digits(sumPad, "correct", "correct", "correct")
	sees("€0.12")
	c.digits(sumPad, "clear", "0", "00", "4", "2", "0")
	sees("€4.20")
	c.click(".pay")
	c.step("run")
	c.says(".run h1", "look at the camera")
	c.says(".run .left", "s left")
	c.s.Show(View{State: LookHere, Amount: "4.20", Instruction: StepCloser})
	c.says(".run .help", "Come a little closer")
	c.typed("9", kb.Backspace, kb.Enter) // not while a payment runs
	l.now(t, Smile, "")
	c.says(".run h1", "smile to pay")
	l.now(t, EnterPIN, "")
	c.says(".run h1", "PIN on the customer's screen")
	l.now(t, Approved, "")
	c.step("end")
	c.says(".end h1", "Approved")
	c.says(".end .amount", "€4.20")
	c.says(".book li", "€4.20")
	c.typed(kb.Enter) // the next customer
	sees("€0.00")

	c.typed("1", "2", "3", kb.Backspace, "5", kb.Enter)
	c.step("run")
	l.now(t, Declined, NotRecognised)
	c.says(".end .help", "belongs to no customer. Nothing was charged.")
	c.click(".again")
	sees("€1.25")
	c.typed(kb.Delete)
	sees("€0.00")
	c.typed("7", "0", kb.Enter)
	c.click("button.cancel")
	c.step("end")
	c.says(".end .help", "Cancelled by the staff")
	c.typed("6") // the first digit of the next amount
	sees("€0.06")
	c.typed("0", "0", "0", "0", "0", kb.Enter)
	c.says(".note", "more than the terminal takes at once")
	c.says(".note", "above this terminal's limit")
	c.typed(kb.Backspace)
	c.sees("document.querySelector('.note').hidden")
	for what, n := range map[string]int{"pay": 4, "pay 4.20": 1, "pay 1.25": 1, "pay 0.70": 1,
		"pay 6000.00": 1} {
		c.heardOnly(what, n)
	}
}

// Currencies without decimals, and with three.
func TestCounterDecimals(t *testing.T) {
	for _, x := range []struct {
		currency      string
		decimals      int
		shows, amount string
	}{{"JPY", 0, "¥125", "125"}, {"KWD", 3, "0.125", "0.125"}} {
		l := newShopTill()
		l.currency, l.decimals = x.currency, x.decimals
		c := openCounter(t, l)
		c.unlock()
		c.typed("125")
		c.says(".sum .amount", x.shows)
		c.typed(kb.Enter)
		c.step("run")
		c.heardOnly("pay "+x.amount, 1)
	}
}

// Pressed twice, reloaded before its answer came, locked meanwhile: one payment, and its end is seen.
func TestCounterChargesOnce(t *testing.T) {
	c := openCounter(t, newShopTill())
	l := c.l
	c.unlock()
	slow := make(chan struct{})
	l.change(func() { l.slow = slow })
	c.typed("420")
	eval[bool](t, c.ctx, "(document.querySelector('.pay').click(), document.querySelector('.pay').click(), "+
		"pay(), true)")
	c.step("run")
	c.sees("document.documentElement.dataset.state === 'look_here'") // the page has found it without an answer
	do(t, c.ctx, chromedp.Reload())
	c.says(".run h1", "look at the camera")
	l.change(func() { l.slow = nil })
	close(slow)
	c.click(".lock")
	c.unlock()
	c.says(".run h1", "look at the camera")
	l.now(t, Approved, "")
	c.says(".end h1", "Approved")
	do(t, c.ctx, chromedp.Reload())
	c.says(".end h1", "Approved")
	c.click(".next")
	c.says(".sum .amount", "€0.00")
	c.heardOnly("pay", 1)
	l.change(func() {
		if len(l.order) != 1 || !regexp.MustCompile(`^counter-[0-9a-f]{32}$`).MatchString(l.order[0]) {
			t.Errorf("payments: %v", l.order)
		}
	})
}

// cut is a network that swallows requests, or their answers.
type cut struct {
	http.Handler
	requests, answers atomic.Bool
}

func (c *cut) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if c.requests.Load() {
		panic(http.ErrAbortHandler)
	}
	if c.answers.Load() && r.Method == http.MethodPost {
		c.Handler.ServeHTTP(httptest.NewRecorder(), r)
		panic(http.ErrAbortHandler)
	}
	c.Handler.ServeHTTP(w, r)
}

// A payment whose request was lost did not begin, and is not begun behind the clerk's back; one whose answer
// was lost is found; without a connection the page says so and nothing else.
func TestCounterConnectionLost(t *testing.T) {
	c := openCounter(t, newShopTill())
	l := c.l
	net := c.net
	c.unlock()
	c.typed("125")
	net.requests.Store(true)
	c.click(".pay")
	c.view("lost")
	if text := eval[string](t, c.ctx, "document.body.innerText"); !strings.Contains(text, "Connection lost") ||
		strings.Contains(text, "1.25") {
		t.Errorf("without a connection the page says %q", text)
	}
	net.requests.Store(false)
	c.says(".note", "did not begin")
	c.says(".sum .amount", "€1.25")
	c.heardOnly("pay", 0)
	id := eval[string](t, c.ctx, "till.id")

	net.answers.Store(true)
	c.click(".pay")
	c.says(".run h1", "look at the camera")
	net.answers.Store(false)
	if got := eval[string](t, c.ctx, "till.id"); got != id {
		t.Errorf("the id was %s, is %s", id, got)
	}
	net.requests.Store(true)
	c.view("lost")
	l.now(t, Approved, "")
	net.requests.Store(false)
	c.says(".end h1", "Approved")
	// The browser itself sends a request again whose connection was cut.
	l.change(func() {
		if len(l.order) != 1 || l.payments[id].Amount != "1.25" {
			t.Errorf("payments: %v, heard %v", l.order, l.asked)
		}
	})
}

func TestCounterOutOfOrderAndBusy(t *testing.T) {
	c := openCounter(t, newShopTill())
	l := c.l
	c.unlock()
	c.typed("125")
	c.s.Show(View{State: OutOfOrder,
		Detail: Detail{What: "No picture from /dev/video0.", Do: "Check its cable."}})
	c.step("trouble")
	c.says(".trouble .what", "No picture from /dev/video0.")
	c.says(".trouble .do", "Check its cable.")
	c.typed("9", kb.Enter)
	c.s.Show(View{State: Idle})
	c.says(".sum .amount", "€1.25")
	l.change(func() { l.add("order-1017", "4.20") })
	c.says(".note", "Another payment is running: €4.20 (order-1017)")
	c.says(".note", "smiletill pay")
	c.sees("document.querySelector('.pay').disabled")
	c.typed(kb.Enter)
	l.now(t, Cancelled, CancelledByRegister)
	c.sees("document.querySelector('.note').hidden && !document.querySelector('.pay').disabled")
	c.heardOnly("pay", 0)
	c.says(".book li", "order-1017")
	c.says(".book li", "Cancelled by the register")

	// One of another window of the counter can be taken over.
	l.change(func() { l.add("counter-feed", "7.00") })
	c.says(".note", "begun on a counter page")
	c.click(".show")
	c.says(".run .amount", "€7.00")
	l.now(t, Approved, "")
	c.says(".end .amount", "€7.00")
	c.heardOnly("pay", 0)

	// In the clerk's language, with the terminal's own words beside it.
	c.click(".next")
	l.change(func() { l.trouble = &CounterError{Why: RefusedJournal, What: "the disk is full", Do: "free it"} })
	c.visit("de")
	c.says(".trouble .what", "konnte es nicht aufschreiben")
	c.says(".trouble .do", "the disk is full")
}

func TestCounterGivesBack(t *testing.T) {
	c := openCounter(t, newShopTill())
	l := c.l
	net := c.net
	l.put("order-1", "12.50", func(p *CounterPayment) { p.Report = ReportParked })
	l.put("order-2", "3.00", nil)
	l.put("order-3", "9.99", func(p *CounterPayment) {
		p.State, p.Reason, p.Left, p.Report = Expired, NobodyCame, "", ""
	})
	c.unlock()
	c.says(".book li", "can't be delivered")
	if n := eval[int](t, c.ctx, "document.querySelectorAll('.book [data-id]').length"); n != 2 {
		t.Errorf("%d payments can be given back", n)
	}
	c.click(`.book [data-id="order-2"]`)
	c.choose("All: €3.00")
	c.choose("Goods came back")
	c.says("dialog h1", "Give back €3.00?")
	c.choose("No")
	c.sees("!document.querySelector('dialog').open")
	c.click(`.book [data-id="order-2"]`)
	c.choose("All: €3.00")
	c.choose("Goods came back")
	eval[bool](t, c.ctx, "(document.querySelector('dialog .yes').click(), "+
		"document.querySelector('dialog .yes')?.click(), "+
		"give(), true)")
	c.says("dialog h1", "€3.00 given back")
	c.heardOnly("reverse 3.00", 1)
	c.choose("Close")
	c.says(".book li", "€3.00 given back")
	c.sees("document.querySelectorAll('.book [data-id]').length === 1")

	// A part, by keys; more than is left can't be asked for.
	c.click(`.book [data-id="order-1"]`)
	c.choose("A part")
	c.digits("dialog .keys", "1", "2", "5", "1")
	c.sees("document.querySelector('dialog .go').disabled")
	c.typed(kb.Enter, kb.Backspace, kb.Backspace, "5", kb.Enter)
	c.choose("The amount was wrong")
	c.says("dialog h1", "Give back €1.25?")
	c.says("dialog .help", "The amount was wrong. This can't be undone.")

	// The answers are lost: it is asked for again, and again after a reload, under the same id.
	net.answers.Store(true)
	c.choose("Give back €1.25")
	c.sees("document.querySelector('dialog').className === 'sending'")
	c.typed(kb.Escape, kb.Escape)
	c.sees("document.querySelector('dialog').open")
	for end := time.Now().Add(8 * time.Second); l.heard("reverse 1.25") < 2 && time.Now().Before(end); {
		time.Sleep(20 * time.Millisecond)
	}
	do(t, c.ctx, chromedp.Reload())
	c.says("dialog .help", "not known yet")
	c.choose("Later")
	c.click(`.book [data-id="order-1"]`) // nothing else of it is given back before that is known
	c.says("dialog h1", "Give back €1.25?")
	net.answers.Store(false)
	c.choose("Ask again")
	c.says("dialog h1", "€1.25 given back")
	c.choose("Close")
	c.says(".book li", "€1.25 given back")
	if l.heard("reverse 1.25") < 3 {
		t.Errorf("asked %d times", l.heard("reverse 1.25"))
	}
	if got := l.given(); len(got) != 2 || got[0] != "order-1 1.25" || got[1] != "order-2 3.00" {
		t.Errorf("given back: %q", got)
	}
	l.change(func() {
		got := slices.Compact(slices.Clone(l.reasons))
		if !slices.Equal(got, []string{"goods_returned", "wrong_amount"}) {
			t.Errorf("the reasons: %q", got)
		}
	})
	do(t, c.ctx, chromedp.Reload())
	c.view("open")
	c.says(".book li", "€1.25 given back")
	if eval[bool](t, c.ctx, "document.querySelector('dialog').open") {
		t.Error("the sheet is open again")
	}

	// Somebody else gave it back meanwhile: said as the terminal says it.
	c.click(`.book [data-id="order-1"]`)
	c.choose("All: €11.25")
	c.choose("Another reason")
	l.change(func() { _ = l.reverse("elsewhere", "order-1", "11.25") })
	c.choose("Give back €11.25")
	c.says("dialog", "This is more than is left of the payment. more than is left of the payment")
	c.choose("Close")
	c.sees("document.querySelectorAll('.book [data-id]').length === 0")
}
