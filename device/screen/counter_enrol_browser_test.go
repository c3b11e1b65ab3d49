package screen

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// takes moves an enrolment on, as the camera does.
func (l *shopTill) takes(e CounterEnrolment) { l.change(func() { l.enrols = e }) }

// agrees goes through an enrolment up to where the pictures begin, with a PIN.
func (c *counterPage) agrees(name string) {
	c.t.Helper()
	c.click(".enrol-new")
	c.sees("document.activeElement.matches('dialog.customer .form input')")
	c.typed(name, kb.Enter)
	c.sees("card.dataset.step === 'text' && document.querySelector('dialog.customer .go').disabled")
	eval[bool](c.t, c.ctx, "(document.querySelector('.body').scrollTo(0, 9999), true)")
	c.click("dialog.customer .agree input")
	if c.l.clerk == "" {
		c.sees("document.querySelector('dialog.customer .go').disabled") // nobody explained it
		c.click("dialog.customer .form label:not(.agree) input")
		c.typed("Anna")
	}
	c.click("dialog.customer .go")
	c.typed("730164", kb.Enter, "730164", kb.Enter)
	c.sees("card.dataset.step === 'ready'")
}

// TestEnrolOnThePage enrols by the terminal's camera: the text is read and ticked, the PIN is typed twice,
// the page says how it goes, and who was enrolled is in the list.
func TestEnrolOnThePage(t *testing.T) {
	c := openCustomers(t)
	l := c.l
	c.click(".enrol-new")
	c.sees("document.activeElement.matches('dialog.customer .form input')")
	c.typed("Ada Lovelace")
	c.typed(kb.Escape)
	c.sees("!document.querySelector('dialog.customer').open")
	c.agrees("Ada Lovelace")
	c.click("dialog.customer .go")
	c.says("dialog.customer .told", "has this name")
	c.typed(" King", kb.Enter)
	c.click("dialog.customer .agree input", "dialog.customer .go") // it might be somebody else's name
	c.says("dialog.customer h1", "chooses a PIN")
	c.choose("Without a PIN")
	c.typed(kb.Escape) // back to the PIN
	c.says("dialog.customer h1", "chooses a PIN")
	c.typed("730164", kb.Enter, "730164", kb.Enter)
	c.click("dialog.customer .go")
	c.says("dialog.customer h1", "Look at the terminal's camera")
	c.says("dialog.customer .help", "Straight at it")
	c.sees("document.querySelector('dialog.customer .help').getAttribute('role') === 'status'") // is read out
	c.heardOnly("enrol Ada Lovelace King aa01 en Anna a PIN", 1)
	l.takes(CounterEnrolment{State: EnrolLook, Nobody: true})
	c.says("dialog.customer .help", "Nobody is to be seen")
	l.takes(CounterEnrolment{State: EnrolLook, Taken: 2, Advice: OnePersonOnly})
	c.says("dialog.customer .help", "One person")
	l.takes(CounterEnrolment{State: EnrolLook, Taken: 3})
	c.says("dialog.customer .help", "3 of 5")
	c.sees("document.querySelectorAll('.shots .set').length === 3")
	l.takes(CounterEnrolment{State: EnrolSmile, Taken: 5, Come: 0.5})
	c.says("dialog.customer h1", "smile")
	l.change(func() {
		l.folk = append(l.folk, CounterCustomer{ID: "c_new", Name: "Ada Lovelace King", PIN: true})
		l.enrols = CounterEnrolment{Ended: true, ID: "c_new", Name: "Ada Lovelace King", Smile: true}
	})
	c.says("dialog.customer h1", "Ada Lovelace King is enrolled")
	all := eval[string](t, c.ctx, "document.body.innerHTML + JSON.stringify([wish, typedPIN, firstPIN])")
	if strings.Contains(all, "730164") {
		t.Error("the page holds the PIN")
	}
	c.typed(kb.Enter)
	c.sees("!!document.querySelector('[data-customer=c_new]') && " +
		"!document.querySelector('dialog.customer').open")
	c.heardOnly("withdrawn", 0)
}

// TestEnrolIsTakenBack takes the consent back while pictures are taken: by the button, by Escape, and by a
// page that is locked or has gone to another place.
func TestEnrolIsTakenBack(t *testing.T) {
	c := openCustomers(t)
	c.l.change(func() { c.l.clerk = "" })
	for n, leave := range []func(){
		func() { c.choose("Stop") }, func() { c.typed(kb.Escape) },
		func() { eval[bool](t, c.ctx, "(document.querySelector('.lock').click(), true)") },
	} {
		c.agrees("Somebody New")
		c.click("dialog.customer .go")
		c.says("dialog.customer h1", "Look at")
		leave()
		if n == 2 {
			break
		}
		c.says("dialog.customer .help", "Nothing was kept")
		c.heardOnly("withdrawn", n+1)
		c.typed(kb.Enter)
	}
	c.view("pin")
	c.leftNothing()
	c.unlock()
	c.sees("document.querySelectorAll('.customers li').length === 15")
	c.agrees("Somebody New")
	c.click("dialog.customer .go")
	c.says("dialog.customer h1", "Look at")
	c.visit("en") // goes to another place
	c.view("open")
	c.sees("document.querySelectorAll('dialog[open]').length === 0")
	for end := time.Now().Add(8 * time.Second); c.l.heard("withdrawn") < 3 && time.Now().Before(end); {
		time.Sleep(20 * time.Millisecond)
	}
	c.heardOnly("withdrawn", 3)
	c.leftNothing()
}

// TestEnrolInTheCustomersLanguage ticks and takes back in the language of the text, whatever the clerk's is.
func TestEnrolInTheCustomersLanguage(t *testing.T) {
	c := openCustomers(t)
	c.l.change(func() { c.l.clerk = "Anna" })
	c.click(".enrol-new")
	c.sees("document.activeElement.matches('dialog.customer .form input')")
	c.typed("Jemand Neues", kb.Enter)
	c.click("dialog.customer .agree input")
	c.choose("German")
	c.says("dialog.customer .agree span[lang=de]", "willige ein")
	c.sees("!document.querySelector('dialog.customer .agree input').checked") // the other text was ticked
	c.click("dialog.customer .agree input", "dialog.customer .go")
	c.choose("Without a PIN")
	c.choose("Take pictures")
	c.says("dialog.customer button[lang=de]", "Ich nehme es zurück")
	c.heardOnly("enrol Jemand Neues bb02 de Anna", 1)
	c.choose("Halt")
	c.says("dialog.customer .help", "Nothing was kept")
}

// TestEnrolIsTakenBackTooLate: it had been written down. The page says so, and erases at once.
func TestEnrolIsTakenBackTooLate(t *testing.T) {
	c := openCustomers(t)
	c.agrees("Somebody New")
	c.click("dialog.customer .go")
	c.says("dialog.customer h1", "Look at")
	c.l.change(func() {
		c.l.tooLate = true
		c.l.folk = append(c.l.folk, CounterCustomer{ID: "c_new", Name: "Somebody New"})
		c.l.enrols = CounterEnrolment{Ended: true, ID: "c_new", Name: "Somebody New", Smile: true}
	})
	eval[bool](t, c.ctx, "(wish.stop || stopEnrol(), true)")
	c.says("dialog.customer .help", "too late to stop")
	c.choose("Forget")
	c.says("dialog.customer h1", "Forget Somebody New")
	c.choose("Erase for good")
	c.sees("document.querySelector('dialog.paper').open")
	c.heardOnly("forget c_new", 1)
}

// TestEnrolWhoseAnswersAreLost: the page asks on under the token it chose, and tells the end that comes; of
// one that never began it says that.
func TestEnrolWhoseAnswersAreLost(t *testing.T) {
	c := openCustomers(t)
	loses := func(sent bool) {
		eval[bool](t, c.ctx, `(window.asks ??= ask, ask = async (method, path, body) => {
			if (path !== "/counter/enrol") return asks(method, path, body);
			if (`+fmt.Sprint(sent)+`) await asks(method, path, body);
			return { status: 0, data: null };
		}, true)`)
	}
	loses(true)
	c.agrees("Somebody New")
	c.click("dialog.customer .go")
	c.says("dialog.customer h1", "Look at")
	c.l.takes(CounterEnrolment{Ended: true, ID: "c_new", Name: "Somebody New"})
	c.says("dialog.customer h1", "Somebody New is enrolled")
	c.typed(kb.Enter)
	loses(false)
	c.l.change(func() { c.l.begun = "" })
	c.agrees("Somebody Else")
	c.click("dialog.customer .go")
	c.says("dialog.customer .help", "Look at the list")
	c.typed(kb.Escape)
	eval[bool](t, c.ctx, "(ask = asks, true)")
	c.agrees("Somebody Else")
	c.click("dialog.customer .go")
	c.says("dialog.customer h1", "Look at")
	eval[bool](t, c.ctx, `(ask = async (method, path, body) =>
		path === "/counter/enrolment" ? { status: 0, data: null } : asks(method, path, body), true)`)
	c.says("dialog.customer .help", "does not answer")
	eval[bool](t, c.ctx, "(ask = asks, true)")
	c.l.takes(CounterEnrolment{State: EnrolLook, Taken: 3})
	c.says("dialog.customer .help", "3 of 5")
	c.choose("Stop")
	c.says("dialog.customer .help", "Nothing was kept")
}

// TestEnrolOutlivesALostConnection: the page says what became of an enrolment when the terminal answers
// again, and takes no refusal of its question for the enrolment's end.
func TestEnrolOutlivesALostConnection(t *testing.T) {
	c := openCustomers(t)
	for _, done := range []CounterEnrolment{
		{Ended: true, ID: "c_new", Name: "Somebody New", Smile: true},
		{Ended: true, Failed: &CounterError{Why: RefusedTaken, What: "taken"}},
	} {
		c.agrees("Somebody New")
		c.click("dialog.customer .go")
		c.says("dialog.customer h1", "Look at")
		eval[bool](t, c.ctx, `(window.asks ??= ask, ask = async (method, path, body) =>
			path === "/counter/enrolment" ? { status: 409, data: { why: "out_of_order", what: "opening" } } :
				asks(method, path, body), true)`)
		c.says("dialog.customer .help", "does not answer")
		eval[bool](t, c.ctx, "(ask = async () => ({ status: 0, data: null }), true)")
		c.view("lost")
		c.leftNothing()
		c.l.takes(done)
		eval[bool](t, c.ctx, "(ask = asks, true)")
		c.view("open")
		if done.Failed == nil {
			c.says("dialog.customer h1", "Somebody New is enrolled")
		} else {
			c.says("dialog.customer .help", "this name already")
		}
		c.typed(kb.Enter)
		c.sees("!document.querySelector('dialog.customer').open")
	}
}

// TestEnrolAsksAnewForAnother: what one person ticked is not the next one's, nor for ever.
func TestEnrolAsksAnewForAnother(t *testing.T) {
	c := openCustomers(t)
	c.agrees("Somebody New")
	c.typed(kb.Escape, kb.Escape, kb.Escape)
	c.sees("card.dataset.step === 'name'")
	c.typed(kb.Enter)
	c.sees("document.querySelector('dialog.customer .agree input').checked")
	c.typed(kb.Escape)
	c.sees("card.dataset.step === 'name'")
	c.typed(" Again", kb.Enter)
	c.sees("card.dataset.step === 'text' && !document.querySelector('dialog.customer .agree input').checked")
	c.click("dialog.customer .agree input", "dialog.customer .go")
	c.typed("730164", kb.Enter, "730164", kb.Enter)
	c.sees("card.dataset.step === 'ready'")
	eval[bool](t, c.ctx, "(wish.agreed -= 6 * 60 * 1000, true)")
	c.choose("Take pictures")
	c.says("dialog.customer .told", "a while ago")
	c.sees("!document.querySelector('dialog.customer .agree input').checked")
	c.heardOnly("enrol", 0)
}

// leftNothing fails if the page holds anything of an enrolment: in what it shows, has typed in, or knows.
func (c *counterPage) leftNothing() {
	c.t.Helper()
	all := eval[string](c.t, c.ctx, `document.documentElement.outerHTML + JSON.stringify([wish, one, agreement,
		typedPIN, firstPIN, folkDrawn, { ...sessionStorage }, { ...localStorage },
		[...document.querySelectorAll("input")].map((i) => i.value)])`)
	for _, secret := range []string{"Somebody New", "730164", "915372", "Berta"} {
		if strings.Contains(all, secret) {
			c.t.Errorf("the page still has %s", secret)
		}
	}
}

// TestRenewOnThePage takes new pictures of a customer; another face needs a second person and a new PIN.
func TestRenewOnThePage(t *testing.T) {
	c := openCustomers(t)
	l := c.l
	c.click(`[data-customer="c_ada"]`)
	c.choose("New pictures")
	c.choose("Take pictures")
	c.says("dialog.customer h1", "Look at")
	l.takes(CounterEnrolment{Ended: true, Failed: &CounterError{Why: RefusedOtherFace, What: "not the face"}})
	c.says("dialog.customer .help", "not the one that is enrolled")
	c.choose("A second person")
	c.typed("Berta", kb.Enter)
	c.sees("document.activeElement.id === 'customer-title'") // the digits that come are the PIN's
	c.typed("91")
	c.s.LockCounter()
	c.view("pin")
	c.leftNothing()
	c.unlock()
	c.click(`[data-customer="c_ada"]`)
	c.choose("New pictures")
	c.choose("Take pictures")
	c.says("dialog.customer h1", "Look at")
	l.takes(CounterEnrolment{Ended: true, Failed: &CounterError{Why: RefusedOtherFace, What: "not the face"}})
	c.choose("A second person")
	c.typed("Berta", kb.Enter)
	c.digits(customerPad, "9", "1", "5", "3", "7", "3", "ok")
	c.says("dialog.customer .told", "somebody else")
	c.sees("document.querySelector('dialog.customer .form input').value === 'Berta'")
	l.change(func() { l.clerk = "Anna" })
	c.digits(customerPad, "9", "1", "5", "3", "7", "2", "ok")
	c.sees("card.dataset.step === 'text'") // whose face it is agrees anew
	c.click("dialog.customer .agree input", "dialog.customer .form label:not(.agree) input")
	c.typed("Anna")
	c.click("dialog.customer .go")
	c.says("dialog.customer h1", "chooses a PIN")
	c.typed("730164", kb.Enter, "730164", kb.Enter)
	c.choose("Take pictures")
	c.says("dialog.customer h1", "Look at")
	c.heardOnly("enrol c_ada", 3)
	c.heardOnly("enrol c_ada aa01 en Anna a PIN", 1)
	l.takes(CounterEnrolment{Ended: true, ID: "c_ada", Name: "Ada Lovelace"})
	c.says("dialog.customer h1", "New pictures of Ada Lovelace")
	c.says("dialog.customer .help", "smile")
	c.typed(kb.Enter)

	c.click(`[data-customer="c_ada"]`)
	c.choose("New pictures")
	c.choose("Take pictures")
	c.choose("Stop")
	c.says("dialog.customer h1", "No new pictures")
	c.says("dialog.customer .help", "stays enrolled as before")
	c.says("dialog.customer button", "Forget") // a consent that is taken back is that, too
	c.typed(kb.Escape)
	l.change(func() { l.clerk, l.folk[0].Agreed = "Anna", nil }) // enrolled before anybody was asked
	eval[bool](t, c.ctx, "(readCustomers(), true)")
	c.says(`[data-customer="c_ada"]`, "No consent")
	c.click(`[data-customer="c_ada"]`)
	c.choose("New pictures")
	c.sees("card.dataset.step === 'text'")
	c.typed(kb.Escape)
	c.sees("card.dataset.step === 'card'")
	c.choose("New pictures")
	c.click("dialog.customer .agree input", "dialog.customer .go")
	c.choose("Take pictures")
	c.says("dialog.customer h1", "Look at")
	c.heardOnly("enrol c_ada aa01 en Anna", 2)
}

// TestEnrolLooks looks at each step of an enrolment, in all sizes and both languages.
func TestEnrolLooks(t *testing.T) {
	inAllSizes(t, func(c *counterPage, z size, lang string) {
		look := func(name string) { c.t.Helper(); c.look(z, lang, "enrol_"+name) }
		folk(c.l)
		c.l.change(func() { c.l.narrow = true })
		c.s.LockCounter()
		c.visit(lang)
		do(c.t, c.ctx, chromedp.Evaluate[chromedp.Void]("sessionStorage.clear()"))
		c.unlock()
		c.click(`nav [data-tab="customers"]`, ".enrol-new")
		c.sees("document.activeElement.matches('dialog.customer .form input')")
		look("name_empty")
		c.typed("Ada Lovelace", kb.Enter)
		look("text")
		c.click("dialog.customer .agree input", "dialog.customer .form label:not(.agree) input")
		c.typed("Anna")
		look("agreed")
		c.click("dialog.customer .go")
		look("pin")
		c.typed("730164", kb.Enter, "730164", kb.Enter)
		look("ready")
		c.click("dialog.customer .go")
		c.sees("card.dataset.step === 'name'")
		look("taken")
		c.typed(" King", kb.Enter)
		c.click("dialog.customer .agree input", "dialog.customer .go")
		c.typed("730164", kb.Enter, "730164", kb.Enter)
		c.click("dialog.customer .go")
		c.sees("card.dataset.step === 'shots'")
		c.l.takes(CounterEnrolment{State: EnrolLook, Taken: 3, Advice: MoreLight})
		c.sees("document.querySelectorAll('.shots .set').length === 3")
		look("shots")
		c.l.takes(CounterEnrolment{State: EnrolSmile, Taken: 5, Come: 0.6})
		c.sees("document.querySelectorAll('.shots .set').length === 5")
		look("smile")
		c.l.takes(CounterEnrolment{Ended: true, Failed: &CounterError{Why: RefusedPictures, What: "only 3"}})
		c.sees("card.dataset.step === 'said'")
		look("failed")
		c.click("dialog.customer .go", "dialog.customer .go")
		c.sees("card.dataset.step === 'shots'")
		c.l.takes(CounterEnrolment{Ended: true, ID: "c_x", Name: "Ada Lovelace King", Smile: true})
		c.sees("card.dataset.step === 'said'")
		look("done")
		eval[bool](c.t, c.ctx, "(wish.stop = true, enrolled({ id: 'c_x', name: 'Ada Lovelace King' }), true)")
		look("late")
		c.typed(kb.Escape)
		c.click(`[data-customer="c_ada"]`)
		c.click("dialog.customer .col button:nth-child(5)", "dialog.customer .go")
		c.sees("card.dataset.step === 'shots'")
		c.l.takes(CounterEnrolment{Ended: true,
			Failed: &CounterError{Why: RefusedOtherFace, What: "not the face"}})
		c.sees("card.dataset.step === 'said'")
		c.click("dialog.customer .go")
		look("second")
		c.typed(kb.Escape, kb.Escape)
	})
}
