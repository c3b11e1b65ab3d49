package screen

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// erasure is a Forgetter whose camera sees what the test says.
type erasure struct {
	mu     sync.Mutex
	looks  error // of the next look
	wrong  error // of the next confirmation; nil: it is done
	asked  []string
	seeing chan struct{} // if set, a look waits for it, or until nobody wants it any more
}

func (e *erasure) change(f func()) {
	e.mu.Lock()
	defer e.mu.Unlock()
	f()
}

func (e *erasure) heard() []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Clone(e.asked)
}

func (e *erasure) Look(ctx context.Context) (string, error) {
	e.mu.Lock()
	seeing, err := e.seeing, e.looks
	e.asked = append(e.asked, "look")
	e.mu.Unlock()
	if seeing != nil {
		select {
		case <-seeing:
		case <-ctx.Done():
			e.change(func() { e.asked = append(e.asked, "left") })
			return "", ctx.Err()
		}
	}
	return "t1", err
}

func (e *erasure) Confirm(_ context.Context, token, pin string) (json.RawMessage, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.asked = append(e.asked, token+" "+pin)
	if e.wrong != nil {
		return nil, e.wrong
	}
	// As long as a terminal's own.
	return json.Marshal(map[string]any{"source": "//v1/demo/shop/till-1", "id": "K4ZQ7PD2M5XB6TRYWL3JCNHA2E",
		"type": "io.smiletill.terminal.forgotten.v1", "time": "2026-11-30T09:00:00Z",
		"data": map[string]any{"customer": "c_" + strings.Repeat("1f", 16), "by": map[string]string{
			"role": "customer", "name": "c_" + strings.Repeat("1f", 16), "door": "screen"}, "templates": 5,
			"smile": true, "consent": true, "pin": true, "payments": 12, "unreported": 2},
		"signature": strings.Repeat("eyJhbGciOiJFZERTQSJ9", 9)})
}

// farewellPage is the customer's page with the way to be forgotten.
type farewellPage struct {
	t   *testing.T
	ctx context.Context
	s   *Server
	e   *erasure
	at  string
}

func openFarewell(t *testing.T, o Options) *farewellPage {
	t.Helper()
	e := &erasure{}
	if o.Forget == nil {
		o.Forget = e
	}
	p := &farewellPage{t: t, ctx: browser(t), s: newServer(t, o), e: e}
	p.s.heart, p.s.lost = 500*time.Millisecond, time.Minute
	p.at = serve(t, p.s).URL
	watch(t, p.ctx)
	p.idle()
	do(t, p.ctx, chromedp.EmulateViewport(800, 480), chromedp.Navigate(p.at+"/?lang=en"))
	p.step("")
	return p
}

func (p *farewellPage) idle() {
	p.s.Show(View{State: Idle, Merchant: "Café Morgenrot", Terminal: "Till 2"})
}

// step waits for a step of the page, "" for none.
func (p *farewellPage) step(name string) {
	p.t.Helper()
	until(p.t, p.ctx, fmt.Sprintf("document.documentElement.dataset.forget === %q && "+
		"document.documentElement.dataset.link === 'live'", name))
}

func (p *farewellPage) says(text string) {
	p.t.Helper()
	until(p.t, p.ctx, fmt.Sprintf("document.querySelector('.say').innerText.includes(%q)", text))
}

func (p *farewellPage) press(names ...string) {
	p.t.Helper()
	for _, n := range names {
		find := fmt.Sprintf("[...document.querySelectorAll('.acts button, .yours button')].find((b) => "+
			"b.checkVisibility() && b.textContent === %q)", n)
		until(p.t, p.ctx, "!!"+find)
		eval[bool](p.t, p.ctx, find+".click() ?? true")
	}
}

func (p *farewellPage) typed(keys ...string) {
	p.t.Helper()
	for _, k := range keys {
		do(p.t, p.ctx, chromedp.KeyEvent(k))
	}
}

// Somebody is forgotten by touch: the notice, the camera, the PIN on the keypad, one more question, and a
// receipt with its number and a code. Nothing is erased before the last press, and no page holds the PIN.
func TestForgetMeByTouch(t *testing.T) {
	p := openFarewell(t, Options{})
	e := p.e
	p.press("My data")
	p.step("notice")
	p.says("Only of people who agreed")
	p.says("ask the staff")
	p.press("Forget me")
	p.step("ask")
	e.change(func() { e.seeing = make(chan struct{}) })
	p.press("Go on")
	p.step("look")
	p.s.Show(View{State: LookHere, Instruction: ForgetLook, Progress: 0.3, Merchant: "Café Morgenrot"})
	until(t, p.ctx, "document.querySelector('.stage').getAttribute('aria-valuenow') === '30'")
	p.says("Look at the camera")
	e.change(func() { close(e.seeing) })
	p.step("pin")
	p.idle()
	press(t, p.ctx, "2", "5", "8", "1", "enter")
	p.step("sure")
	if got := e.heard(); !slices.Equal(got, []string{"look"}) {
		t.Errorf("before it was confirmed: %q", got)
	}
	e.change(func() { e.wrong = ErrWrongPIN })
	p.press("Erase me")
	p.step("pin")
	until(t, p.ctx, "document.querySelector('.said').textContent === 'Wrong PIN. Try again.'")
	e.change(func() { e.wrong = nil })
	press(t, p.ctx, "2", "5", "8", "0")
	if html := eval[string](t, p.ctx, "document.documentElement.outerHTML"); strings.Contains(html, "2580") {
		t.Error("the page holds the PIN")
	}
	press(t, p.ctx, "enter")
	p.press("Erase me")
	p.step("done")
	p.says("You are forgotten")
	p.says("under a made-up name: 12")
	p.says("Still to be reported: 2")
	p.says("K4ZQ7PD2M5XB6TRYWL3JCNHA2E")
	until(t, p.ctx, "document.querySelector('.receipt path').getAttribute('d').length > 10000 && "+
		"document.querySelector('.receipt').checkVisibility()")

	// A payment comes first; the receipt is there again after it.
	p.s.Show(View{State: LookHere, Amount: "12.50", Currency: "EUR"})
	until(t, p.ctx, "document.documentElement.dataset.state === 'look_here' && "+
		"!document.body.innerText.includes('K4ZQ7')")
	p.idle()
	p.says("K4ZQ7PD2M5XB6TRYWL3JCNHA2E")
	p.press("Done")
	p.step("")
	if got := e.heard(); !slices.Equal(got, []string{"look", "t1 2581", "t1 2580"}) {
		t.Errorf("the terminal heard %q", got)
	}
	all := eval[string](t, p.ctx, "document.body.innerHTML")
	if strings.Contains(all, "K4ZQ7") || strings.Contains(all, "2580") {
		t.Error("something of the customer is left on the page")
	}
}

// By keys alone; the focus is never on what erases, and comes back to where it was.
func TestForgetMeByKeys(t *testing.T) {
	p := openFarewell(t, Options{})
	p.typed(kb.Tab, kb.Tab)
	until(t, p.ctx, "document.activeElement.textContent === 'Forget me'")
	p.typed(kb.Enter)
	p.step("ask")
	until(t, p.ctx, "document.activeElement.className === 'acts'")
	p.typed(kb.Enter) // which is still held
	p.step("ask")
	p.typed(kb.Tab, kb.Enter)
	p.step("pin")
	p.typed("2580", kb.Enter)
	p.step("sure")
	p.typed(kb.Enter)
	p.step("sure")
	p.typed(kb.Escape)
	p.step("")
	until(t, p.ctx, "document.activeElement.closest('.yours') !== null")
	p.press("Forget me", "Go on")
	p.step("pin")
	p.typed("25", kb.Escape)
	p.step("")
	p.press("Forget me", "Go on")
	p.step("pin")
	until(t, p.ctx, "document.querySelectorAll('.digits .set').length === 0")
	p.typed("2580", kb.Enter, kb.Tab, kb.Enter)
	p.step("done")
}

// What goes wrong is said in a sentence of its own, in both languages; nothing is erased.
func TestForgetMeSaysWhyNot(t *testing.T) {
	p := openFarewell(t, Options{Contact: "Ada, 030 123456"})
	e := p.e
	for _, lang := range []string{"en", "de"} {
		do(t, p.ctx, chromedp.Navigate(p.at+"/?lang="+lang))
		p.step("")
		w := func(key string) string { return p.s.words[lang]["forget."+key] }
		p.press(w("stored"))
		p.says("Ada, 030 123456")
		p.press(w("close"))
		for _, c := range []struct {
			err   error
			says  string
			again bool
		}{
			{ErrForgetUnsure, w("why.unsure"), false}, {ErrForgetNobody, w("why.nobody"), true},
			{ErrForgetSeveral, w("why.several"), true}, {ErrForgetPicture, w("why.picture"), true},
			{ErrForgetBusy, w("why.busy"), true}, {ErrForgetClosed, w("why.closed"), false},
			{&ForgetLocked{15 * time.Minute}, strings.Replace(w("why.locked"), "{n}", "15", 1), false},
			{fmt.Errorf("the disk is full"), w("why.failed"), false},
		} {
			e.change(func() { e.looks = c.err })
			p.press(w("me"), w("go"))
			p.step("said")
			p.says(c.says)
			p.says(w("failed_title"))
			has := fmt.Sprintf("document.querySelectorAll('.acts button').length === %d",
				map[bool]int{true: 2, false: 1}[c.again])
			if !eval[bool](t, p.ctx, has) {
				t.Errorf("%v: another try: want %t", c.err, c.again)
			}
			p.press(w("close"))
		}
		e.change(func() { e.looks, e.wrong = nil, ErrForgetLate })
		p.press(w("me"), w("go"))
		p.step("pin")
		p.typed("2580", kb.Enter)
		p.press(w("yes"))
		p.says(w("why.late"))
		p.press(w("close"))
		e.change(func() { e.wrong = nil })
	}
}

// A payment is never kept waiting: it takes the page from whoever reads, types or is looked at, and what they
// had typed is gone. So does a time without a touch, and a terminal that is out of order.
func TestForgetMeGivesWay(t *testing.T) {
	p := openFarewell(t, Options{ForgetFor: 3 * time.Second})
	e := p.e
	pays := func() {
		t.Helper()
		p.s.Show(View{State: LookHere, Amount: "12.50", Currency: "EUR"})
		until(t, p.ctx, "document.documentElement.dataset.state === 'look_here' && "+
			"document.querySelector('.amount').textContent.includes('12.50') && "+
			"!document.querySelector('.acts').checkVisibility() && "+
			"!document.querySelector('.yours').checkVisibility()")
		p.idle()
		p.step("")
	}
	p.press("My data")
	p.step("notice")
	pays()
	e.change(func() { e.seeing = make(chan struct{}) })
	p.press("Forget me", "Go on")
	p.step("look")
	pays()
	until(t, p.ctx, "true")
	for end := time.Now().Add(8 * time.Second); !slices.Contains(e.heard(), "left") && time.Now().Before(end); {
		time.Sleep(10 * time.Millisecond)
	}
	if !slices.Contains(e.heard(), "left") {
		t.Error("the camera goes on looking")
	}
	e.change(func() { close(e.seeing); e.seeing = nil })
	p.press("Forget me", "Go on")
	p.step("pin")
	p.typed("258")
	pays()
	p.press("Forget me", "Go on")
	p.step("pin")
	until(t, p.ctx, "document.querySelectorAll('.digits .set').length === 0")
	p.typed("2580", kb.Enter)
	p.step("sure")
	pays()
	p.press("Forget me")
	p.s.Show(View{State: OutOfOrder, Reason: CameraGone})
	until(t, p.ctx, "document.body.innerText.includes('Out of order')")
	p.idle()
	p.step("")
	for _, step := range [][]string{{"My data"}, {"Forget me"}, {"Forget me", "Go on"}} {
		p.press(step...)
		until(t, p.ctx, "document.documentElement.dataset.forget !== ''")
		p.step("") // by itself
	}
	if slices.ContainsFunc(e.heard(), func(s string) bool { return strings.HasPrefix(s, "t1") }) {
		t.Errorf("the terminal heard %q", e.heard())
	}
	// The connection is lost: what stands there is not left to the next.
	p.press("Forget me", "Go on")
	p.step("pin")
	p.typed("258")
	do(t, p.ctx, chromedp.Evaluate[chromedp.Void]("blank('lost'); connect()"))
	p.step("")
}

// TestForgetMeElsewhere: whoever opens the page where no camera sees them reads the notice, and no more.
func TestForgetMeElsewhere(t *testing.T) {
	p := openFarewell(t, Options{})
	p.s.opt.Forget = nil
	do(t, p.ctx, chromedp.Reload())
	p.step("")
	until(t, p.ctx, "[...document.querySelectorAll('.yours button')].map((b) => b.checkVisibility()).join() "+
		"=== 'true,false'")
	p.press("My data")
	p.step("notice")
	until(t, p.ctx, "document.querySelectorAll('.acts button').length === 1")
}

// TestForgetMeLooks looks at each step in both languages and all sizes: nothing is cut off, covered or too
// small, all of it can be read. SCREENSHOTS=dir keeps pictures.
func TestForgetMeLooks(t *testing.T) {
	p := openFarewell(t, Options{Contact: "Bäckerei Müller-Lüdenscheidt, Datenschutz, 030 1234567"})
	e := p.e
	more := []size{{"tiny", 480, 320, true}, {"wide", 1920, 1080, false}}
	for _, z := range few(slices.Concat(sizes[:], more)) {
		for _, lang := range []string{"de", "en"} {
			if lang == "en" && z.w != 800 && z.w != 390 {
				continue // the longer words will do
			}
			do(t, p.ctx, chromedp.EmulateViewport(z.w, z.h), chromedp.Navigate(p.at+"/?lang="+lang))
			p.step("")
			w := func(key string) string { return p.s.words[lang]["forget."+key] }
			look := func(step, name string) {
				t.Helper()
				p.step(step)
				eval[int](t, p.ctx, "new Promise((r) => requestAnimationFrame(() => requestAnimationFrame(() => r(1))))")
				bad := append(findings(t, p.ctx, "misfits.js"), findings(t, p.ctx, "faint.js")...)
				if z.w == 800 || z.w == 390 {
					bad = append(bad, broken(t, p.ctx)...)
				}
				for _, b := range bad {
					t.Errorf("%s %s %s: %s", z.name, lang, name, b)
				}
				if dir := os.Getenv("SCREENSHOTS"); dir != "" {
					shoot(t, p.ctx, filepath.Join(dir, "forget_"+z.name+"_"+lang+"_"+name+".png"))
				}
			}
			look("", "0_idle")
			p.press(w("stored"))
			look("notice", "1_notice")
			p.press(w("me"))
			look("ask", "2_ask")
			e.change(func() { e.seeing = make(chan struct{}) })
			p.press(w("go"))
			look("look", "3_look")
			e.change(func() { close(e.seeing); e.seeing = nil })
			look("pin", "4_pin")
			p.typed("2580", kb.Enter)
			look("sure", "5_sure")
			p.press(w("yes"))
			look("done", "6_done")
			p.press(w("done_close"))
			for why, err := range map[string]error{"unsure": ErrForgetUnsure, "picture": ErrForgetPicture} {
				e.change(func() { e.looks = err })
				p.press(w("me"), w("go"))
				look("said", "7_"+why)
				p.press(w("close"))
			}
			e.change(func() { e.looks = nil })
		}
	}
}
