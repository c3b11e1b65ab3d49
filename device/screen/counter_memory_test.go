package screen

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// again is another browser on the same terminal, as far as the terminal and the page can tell: nothing of
// what the first one kept in its memory, or of its cookies, is there.
func (c *counterPage) again() *counterPage {
	c.t.Helper()
	d := *c
	ctx, shut := chromedp.NewContext(c.ctx, chromedp.WithNewBrowserContext())
	c.t.Cleanup(shut)
	d.ctx = ctx
	do(c.t, d.ctx)
	watch(c.t, d.ctx)
	d.size(1280, 800)
	d.visit("en")
	return &d
}

// crash has the page gone without a word.
func (c *counterPage) crash() {
	c.t.Helper()
	do(c.t, c.ctx, chromedp.Navigate("about:blank"))
}

// TestCounterBrowserCrashed kills the browser in a payment, which is approved meanwhile: the page that is
// opened then tells it before anything can be typed again, once, and until somebody went on from it.
func TestCounterBrowserCrashed(t *testing.T) {
	c := openCounter(t, newShopTill())
	l := c.l
	c.unlock()
	c.typed("420", kb.Enter)
	c.step("run")
	c.crash()
	l.now(t, Approved, "")
	second := c.again()
	second.unlock()
	second.step("end")
	second.says(".end h1", "Approved")
	second.says(".end .amount", "€4.20")
	second.says(".end .help", "don't take it again")
	second.click(".next")
	second.says(".sum .amount", "€0.00")
	for end := time.Now().Add(8 * time.Second); l.heard("confirm") < 1 && time.Now().Before(end); {
		time.Sleep(20 * time.Millisecond)
	}
	c.heardOnly("pay", 1)
	c.heardOnly("confirm", 1)
	third := c.again() // it is told once
	third.unlock()
	third.typed("1")
	third.says(".sum .amount", "€0.01")
	third.step("type")
}

// TestCounterCrashedWhileItRuns opens another browser while the payment still runs and types the next
// amount, which is there again after the end was read.
func TestCounterCrashedWhileItRuns(t *testing.T) {
	c := openCounter(t, newShopTill())
	l := c.l
	c.unlock()
	c.typed("420", kb.Enter)
	c.step("run")
	second := c.again()
	second.unlock()
	second.says(".note", "Another payment is running: €4.20")
	second.typed("125")
	c.crash()
	l.now(t, Declined, NoSmile)
	second.step("end")
	second.says(".end .help", "Nobody has confirmed its end yet")
	second.says(".end .help", "there was no smile")
	second.click(".next")
	second.says(".sum .amount", "€1.25")
	second.step("type")
	c.heardOnly("pay", 1)
}

// TestCounterCrashedWhileItGivesBack kills the browser after a part was asked back and before its answer
// came: the page that is opened then asks again under the same id, and the part is given back once.
func TestCounterCrashedWhileItGivesBack(t *testing.T) {
	c := openCounter(t, newShopTill())
	l := c.l
	l.put("order-1", "12.50", nil)
	c.unlock()
	c.click(`.book [data-id="order-1"]`)
	c.choose("A part")
	c.digits("dialog .keys", "1", "2", "5")
	c.typed(kb.Enter)
	c.choose("It was charged twice")
	c.net.answers.Store(true)
	c.choose("Give back €1.25")
	c.sees("document.querySelector('dialog').className === 'sending'")
	for end := time.Now().Add(8 * time.Second); l.heard("reverse 1.25") < 1 && time.Now().Before(end); {
		time.Sleep(20 * time.Millisecond)
	}
	c.crash()
	c.net.answers.Store(false)
	second := c.again()
	second.unlock()
	second.says("dialog h1", "Give back €1.25?")
	second.says("dialog .help", "not known yet")
	second.choose("Ask again")
	second.says("dialog h1", "€1.25 given back")
	second.choose("Close")
	if got := l.given(); len(got) != 1 {
		t.Errorf("given back: %q", got)
	}
	third := c.again()
	third.unlock()
	third.says(".book li", "€1.25 given back")
	if eval[bool](t, third.ctx, "document.querySelector('dialog').open") {
		t.Error("it is asked about once more")
	}
}

// TestFollowedPaymentsAreNotTold holds what an open page shows against another one that was just opened.
func TestFollowedPaymentsAreNotTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, l := newCounter(t)
		b := &counterClient{t: t, s: a.s}
		a.unlock()
		b.unlock()
		a.want(200, "", "POST", "/counter/pay", `{"id":"counter-1","amount":"4.20"}`)
		asks := func(says string) {
			t.Helper()
			b.want(200, says, "GET", "/counter/desk?unconfirmed=1", "")
		}
		asks(`"more":true`) // it runs
		l.now(t, Approved, "")
		time.Sleep(followedFor - time.Second)
		a.want(200, `"approved"`, "GET", "/counter/desk?id=counter-1", "")
		time.Sleep(2 * time.Second)
		asks(`"more":true`) // the first page shows it
		time.Sleep(followedFor)
		asks(`"unconfirmed":{"id":"counter-1"`) // that one has gone
		b.want(200, "", "POST", "/counter/confirm", `{"id":"counter-1"}`)
		if _, answer := b.send("GET", "/counter/desk?unconfirmed=1", ""); answer == "" ||
			len(l.memory) != 0 {
			t.Errorf("after it was read: %s, %v", answer, l.memory)
		}
		// A payment that is refused has no end, and one that can't be remembered does not begin.
		b.want(409, "", "POST", "/counter/pay", `{"id":"counter-2","amount":"6000.00"}`)
		if len(l.memory) != 0 {
			t.Errorf("a refused payment is remembered: %v", l.memory)
		}
	})
}
