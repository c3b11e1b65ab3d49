//go:build !notflite

package terminal_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"smiletill/cmd/smiletill/people"
)

// TestClerksOnThePage: at a real terminal the owner adds somebody on the page, who works at the same time;
// who is removed loses the page at the next act; the last owner stays; each change is a fact with the owner's
// name. Nobody but an owner does any of it.
func TestClerksOnThePage(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.setClerk("4826")
	s.Open()
	s.Opened()
	s.clerk("Berta", "owner", "915372")
	s.clerk("Tim", "technician", "284619")
	tim, _ := s.named("Tim", "284619")
	berta, _ := s.named("Berta", "915372")
	for who, cookie := range map[people.Role]string{
		people.Technician: tim, people.Clerk: s.unlocked("4826"), people.Owner: berta,
	} {
		for path, body := range map[string]string{
			"clerks/add":    `{"name":"Berta","role":"owner","pin":"730164"}`, // who is there already
			"clerks/pin":    `{"name":"Nobody","pin":"730164"}`,
			"clerks/remove": `{"name":"Nobody"}`,
			"clerks/role":   `{"name":"Nobody","role":"owner"}`,
		} {
			code, answer, _ := s.counterPost(path, cookie, body)
			if refused := strings.Contains(answer, `"why":"role"`); code != http.StatusConflict ||
				refused == who.May(people.ManageClerks) {
				t.Errorf("%s as %s: %d %s", path, who, code, answer)
			}
		}
	}
	for body, why := range map[string]string{
		`{"name":"Cleo","role":"owner","pin":"1234"}`:    "pin",
		`{"name":"Cleo","role":"owner","pin":""}`:        "pin",
		`{"name":"Cleo;","role":"owner","pin":"730164"}`: "name",
		`{"name":"berta","role":"clerk","pin":"730164"}`: "known",
		`{"name":"Cleo","role":"boss","pin":"730164"}`:   "",
	} {
		code, answer, _ := s.counterPost("clerks/add", berta, body)
		if code != http.StatusConflict || why != "" && !strings.Contains(answer, `"why":"`+why+`"`) {
			t.Errorf("%s: %d %s", body, code, answer)
		}
	}
	if _, out, _ := s.Cli("clerks", "list"); strings.Contains(out, "Cleo") {
		t.Errorf("half of it was done:\n%s", out)
	}
	wantAudits(s.Shop, "clerk added", "clerk pin set", "clerk added", "clerk pin set")

	p := &customerPage{s, counterBrowser(t, "http://"+s.Term.Addresses().Screen+"/counter?lang=en")}
	js := func(expr string) {
		t.Helper()
		if err := chromedp.Do(p.ctx, chromedp.Evaluate[chromedp.Void](expr)); err != nil {
			t.Fatalf("%s: %v", expr, err)
		}
	}
	enter := func(name, text string) {
		t.Helper()
		js(fmt.Sprintf("document.querySelector('[name=%s]').value = %q", name, text))
	}
	p.is("the page", "document.documentElement.dataset.view === 'pin'")
	js("document.querySelector('.who').hidden = false; document.querySelector('.who input').value = 'Berta'")
	if err := chromedp.Do(p.ctx, chromedp.KeyEvent("915372"+kb.Enter)); err != nil {
		t.Fatal(err)
	}
	p.is("the owner's page", "document.querySelector('nav [data-tab=clerks]').checkVisibility()")
	js("document.querySelector('nav [data-tab=clerks]').click()")
	p.is("who works here", "document.querySelectorAll('.clerks li').length === 3")
	js("document.querySelector('.clerks .add').click()")
	enter("name", "Jörg")
	enter("pin", "730164")
	enter("pin2", "730164")
	js("document.querySelector('.person .go').click()")
	p.is("one more", "document.querySelectorAll('.clerks li').length === 4 && "+
		"document.querySelector('.saved').textContent === 'Jörg works here now.'")
	jörg, answer := s.named("jörg", "730164")
	if jörg == "" {
		t.Fatal(answer)
	}
	// Two at once, and nobody's session has ended by it.
	if code, answer, _ := s.counterPost("stay", berta, "{}"); code != http.StatusOK {
		t.Errorf("the owner's other page: %d %s", code, answer)
	}
	for body, says := range map[string]string{
		`{"name":"Berta","role":"clerk"}`:   `"why":"last_owner"`,
		`{"name":"Jörg","role":"boss"}`:     "",
		`{"name":"counter","role":"owner"}`: `"why":"gone"`,
		`{"name":"Nobody","role":"clerk"}`:  `"why":"gone"`,
	} {
		if code, answer, _ := s.counterPost("clerks/role", berta, body); code != http.StatusConflict ||
			!strings.Contains(answer, says) {
			t.Errorf("%s: %d %s", body, code, answer)
		}
	}
	js("document.querySelector('[data-newrole=Jörg]').click()")
	js("document.querySelector('.person [value=technician]').click()")
	js("document.querySelector('.person .go').click()")
	p.is("another role", "document.querySelector('.saved').textContent === 'Jörg has the role now.'")
	if code, _, _ := s.counterPost("stay", jörg, "{}"); code != http.StatusUnauthorized {
		t.Errorf("the page of who has another role: %d", code)
	}
	if jörg, answer = s.named("jörg", "730164"); jörg == "" {
		t.Fatal(answer)
	}
	for name, says := range map[string]string{"Berta": "The last owner stays", "Jörg": ""} {
		js(fmt.Sprintf("document.querySelector('[data-remove=%q]').click()", name))
		js("document.querySelector('.person .yes').click()")
		if says != "" {
			p.is(says, fmt.Sprintf("document.querySelector('.person .said').textContent"+
				".startsWith(%q)", says))
			js("document.querySelector('.person').close()")
			continue
		}
		p.is("who has left", "document.querySelectorAll('.clerks li').length === 3")
	}
	if code, answer, _ := s.counterPost("pay", jörg, `{"id":"counter-1","amount":"1.00"}`); code !=
		http.StatusUnauthorized {
		t.Errorf("the next act of who has left: %d %s", code, answer)
	}
	if cookie, _ := s.named("Jörg", "730164"); cookie != "" {
		t.Error("who has left comes back")
	}
	// One's own PIN: the page is locked then.
	js("document.querySelector('[data-newpin=Berta]').click()")
	enter("pin", "628401")
	enter("pin2", "628401")
	js("document.querySelector('.person .go').click()")
	p.is("the page is locked", "document.documentElement.dataset.view === 'pin'")
	if code, _, _ := s.counterPost("stay", berta, "{}"); code != http.StatusUnauthorized {
		t.Errorf("a session of the PIN before: %d", code)
	}
	wantAudits(s.Shop, "clerk added", "clerk pin set", "clerk added", "clerk removed", "clerk pin set")
	for _, a := range audits(s.Shop)[len(audits(s.Shop))-5:] {
		if !strings.Contains(a, "owner Berta (page)") {
			t.Errorf("it does not say who did it: %s", a)
		}
	}
	s.noPINInFiles()
}
