package screen

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/chromedp/kb"
)

// unlockAs opens the page for somebody of the shop.
func (c *counterPage) unlockAs(name string) {
	c.t.Helper()
	c.l.change(func() { c.l.clerk = name })
	c.view("pin")
	c.sees("!document.querySelector('.who').hidden")
	eval[bool](c.t, c.ctx, fmt.Sprintf("(document.querySelector('.who input').value = %q, "+
		"document.querySelector('.who input').blur(), true)", name))
	c.typed("2580", kb.Enter)
	c.view("open")
}

// write types into a field of the open sheet.
func (c *counterPage) write(name, text string) {
	c.t.Helper()
	c.sees(fmt.Sprintf("document.querySelector('dialog.person input[name=%s]')?.checkVisibility() === true",
		name))
	eval[bool](c.t, c.ctx, fmt.Sprintf("(document.querySelector('dialog.person input[name=%s]').focus(), "+
		"document.activeElement.select(), true)", name))
	c.typed(text)
}

func staffOf() []CounterClerk {
	return []CounterClerk{{"Berta", "owner", true}, {"Jörg", "clerk", true}, {"counter", "clerk", true},
		{"Tim", "technician", false}}
}

// An owner adds somebody, gives another PIN and removes one who has left; what does not go is said, and no
// PIN stays on the page.
func TestCounterClerks(t *testing.T) {
	c := openCounter(t, newShopTill().staffed(staffOf()...))
	l := c.l
	c.unlockAs("Berta")
	c.click(`nav [data-tab="clerks"]`)
	c.sees("document.querySelectorAll('.clerks li').length === 4")
	c.says(".clerks li", "Berta (you)")
	c.says(".clerks li", "Counter, without a name")
	c.says(".clerks li", "no PIN yet")
	c.typed("77") // the amount can't be seen
	c.click(".clerks .add")
	c.write("name", "Cleo 2")
	c.click("dialog.person [value=owner]")
	c.write("pin", "730164")
	c.write("pin2", "730165")
	c.typed(kb.Enter)
	c.says("dialog.person .said", "not the same")
	c.heardOnly("add", 0)
	c.write("pin", "1234")
	c.write("pin2", "1234")
	c.typed(kb.Enter)
	c.says("dialog.person .said", "easy to guess")
	c.sees("[...document.querySelectorAll('dialog.person [type=password]')].every((i) => i.value === '')")
	c.write("name", "Jörg")
	c.write("pin", "730164")
	c.write("pin2", "730164")
	c.typed(kb.Enter)
	c.says("dialog.person .said", "Somebody of this name works here already.")
	c.write("name", "Cleo 2")
	c.write("pin", "730164")
	c.write("pin2", "730164")
	c.typed(kb.Enter)
	c.says(".clerks .saved", "Cleo 2 works here now.")
	c.sees("document.querySelectorAll('.clerks li').length === 5 && " +
		"!document.querySelector('dialog.person').open")
	c.click(`.clerks [data-newpin="Jörg"]`)
	c.write("pin", "915372")
	c.write("pin2", "915372")
	c.choose("Set the PIN")
	c.says(".clerks .saved", "The PIN of Jörg is another now.")
	c.click(`.clerks [data-newrole="Jörg"]`)
	c.sees("document.querySelector('dialog.person [value=clerk]').checked")
	c.click("dialog.person [value=technician]")
	c.choose("Give the role")
	c.says(".clerks .saved", "Jörg has the role now.")
	c.says(".clerks li:nth-child(2)", "Technician")
	c.click(`.clerks [data-newrole="Berta"]`)
	c.says("dialog.person .help", "That is you")
	c.click("dialog.person [value=clerk]")
	c.choose("Give the role")
	c.says("dialog.person .said", "The last owner stays")
	c.choose("Cancel")
	c.sees("!document.querySelector('.clerks [data-newrole=counter]')") // has no name, and no other role
	c.click(`.clerks [data-remove="Berta"]`)
	c.says("dialog.person .help", "That is you")
	c.typed(kb.Enter) // which may be held
	c.choose("Remove")
	c.says("dialog.person .said", "The last owner stays")
	c.choose("Cancel")
	l.change(func() { l.clerks = slices.Delete(l.clerks, 3, 4) }) // by somebody else, meanwhile
	c.click(`.clerks [data-newpin="Tim"]`)
	c.write("pin", "915372")
	c.write("pin2", "915372")
	c.typed(kb.Enter)
	c.says("dialog.person .said", "Nobody of this name works here any more.")
	c.typed(kb.Escape)
	c.click(`.clerks [data-remove="Jörg"]`)
	c.choose("Remove")
	c.says(".clerks .saved", "Jörg has no role here any more.")
	c.sees("document.querySelectorAll('.clerks li').length === 3")
	want := []string{"add Cleo 2 owner 1234", "add Jörg clerk 730164"}
	l.change(func() {
		if !slices.ContainsFunc(l.asked, func(a string) bool { return a == "add Cleo 2 owner 730164" }) ||
			!slices.Contains(l.asked, want[0]) {
			t.Errorf("asked %q", l.asked)
		}
	})
	all := eval[string](t, c.ctx, "document.documentElement.outerHTML + JSON.stringify(sessionStorage) + "+
		"[...document.querySelectorAll('input')].map((i) => i.value)")
	for _, secret := range []string{"730164", "915372"} {
		if strings.Contains(all, secret) {
			t.Errorf("the page still has %s", secret)
		}
	}
	c.click(`nav [data-tab="take"]`)
	c.says(".sum .amount", "€0.00")

	// The page is locked in the middle: nothing of it is left.
	c.click(`nav [data-tab="clerks"]`, ".clerks .add")
	c.write("name", "Dora")
	c.write("pin", "730164")
	c.s.LockCounterOf("Berta")
	c.view("pin")
	all = eval[string](t, c.ctx, "document.body.innerHTML")
	if strings.Contains(all, "Dora") || strings.Contains(all, "Cleo") {
		t.Error("the locked page has names")
	}
}

// Who is no owner has no such page, and is refused without one.
func TestCounterClerksAreTheOwners(t *testing.T) {
	c := openCounter(t, newShopTill().staffed(staffOf()...))
	c.unlockAs("Jörg")
	c.sees("!document.querySelector('nav [data-tab=clerks]').checkVisibility()")
	said := eval[string](t, c.ctx, `ask("POST", "/counter/clerks/remove", { name: "Tim" }).then((a) =>
		a.status + a.data.why)`)
	if said != "409role" {
		t.Errorf("a clerk removes one: %s", said)
	}
	c.s.LockCounterOf("Berta")
	c.sees("document.documentElement.dataset.view === 'open'")
	c.s.LockCounterOf("Jörg")
	c.view("pin")
}

// Two clerks work at once, in two browsers: what one does ends nothing of the other's.
func TestCounterTwoClerksAtOnce(t *testing.T) {
	c := openCounter(t, newShopTill().staffed(staffOf()...))
	c.unlockAs("Berta")
	two := &counterPage{t: t, ctx: browser(t), l: c.l, s: c.s, web: c.web, net: c.net}
	two.visit("de")
	two.unlockAs("Jörg")
	c.click(`nav [data-tab="clerks"]`)
	c.sees("document.querySelectorAll('.clerks li').length === 4")
	two.typed("125")
	two.click(".pay")
	two.says(".run h1", "in die Kamera")
	c.click(`.clerks [data-newpin="Tim"]`)
	c.write("pin", "915372")
	c.write("pin2", "915372")
	c.typed(kb.Enter)
	c.says(".clerks .saved", "Tim")
	two.l.now(t, Approved, "")
	two.says(".end h1", "Bezahlt")
	c.s.LockCounterOf("Jörg") // who was removed
	two.view("pin")
	c.sees("document.documentElement.dataset.view === 'open'")
}

// TestCounterClerksLook looks at the page and its sheets, in both languages and all sizes, and at the lock of
// a page where several work. SCREENSHOTS=dir keeps pictures.
func TestCounterClerksLook(t *testing.T) {
	for _, z := range few([]size{{"desktop", 1280, 800, false}, {"phone", 390, 844, true},
		{"small", 320, 480, true}, {"panel", 800, 480, false}, {"tiny", 480, 320, true},
		{"wide", 1920, 1080, false}}) {
		t.Run(z.name, func(t *testing.T) {
			c := openCounter(t, newShopTill().staffed(append(staffOf(),
				CounterClerk{"Maximiliane von Müller-Lüdenscheidt, ju.", "technician", true})...))
			c.size(z.w, z.h)
			c.lookAtClerks(z, "de")
			if z.name == "desktop" { // elsewhere the longer words will do
				c.s.LockCounter()
				c.lookAtClerks(z, "en")
			}
		})
	}
}

func (c *counterPage) lookAtClerks(z size, lang string) {
	t := c.t
	look := func(name string) {
		t.Helper()
		eval[int](t, c.ctx, "new Promise((r) => requestAnimationFrame(() => requestAnimationFrame(() => r(1))))")
		bad := append(findings(t, c.ctx, "counter_misfits.js"), findings(t, c.ctx, "faint.js")...)
		if z.name == "phone" || z.name == "desktop" {
			bad = append(bad, broken(t, c.ctx)...)
		}
		for _, b := range bad {
			t.Errorf("%s %s: %s", lang, name, b)
		}
		if dir := os.Getenv("SCREENSHOTS"); dir != "" {
			shoot(t, c.ctx, filepath.Join(dir, "clerks_"+z.name+"_"+lang+"_"+name+".png"))
		}
	}
	c.l.change(func() { c.l.clerk = "Berta" })
	c.visit(lang)
	c.view("pin")
	c.sees("!document.querySelector('.who').hidden")
	look("0_name")
	c.unlockAs("Berta")
	c.click(`nav [data-tab="clerks"]`)
	c.sees("document.querySelectorAll('.clerks li').length === 5")
	look("1_list")
	c.click(".clerks .add")
	look("2_add")
	c.write("name", "Dora")
	c.write("pin", "12")
	c.typed(kb.Enter)
	c.sees("document.querySelector('dialog.person .said').textContent !== ''")
	look("3_unlike")
	c.typed(kb.Escape)
	c.click(`.clerks [data-newpin="Jörg"]`)
	look("4_pin")
	c.typed(kb.Escape)
	c.click(`.clerks [data-newrole="Tim"]`)
	look("6_role")
	c.typed(kb.Escape)
	c.click(`.clerks [data-remove="Tim"]`)
	look("5_remove")
	c.typed(kb.Escape)
	c.sees("!document.querySelector('dialog.person').open")
}
