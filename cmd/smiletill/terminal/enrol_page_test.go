//go:build !notflite

package terminal_test

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"smiletill/cmd/smiletill/terminal/terminaltest"
	"smiletill/device/camera"
	"smiletill/device/screen"
)

// pageEnrolment is what the page hears of an enrolment.
type pageEnrolment struct {
	Taken  int
	Advice screen.Instruction
	Nobody bool
	Ended  bool
	Failed *struct{ Why, What string }
	ID     string
	Name   string
}

// enrols asks for an enrolment as the page does; again is a customer's id, or "agrees " and one. token is ""
// where it is refused, with the answer.
func (s *shop) enrols(cookie, name, again, digits string) (token, answer string) {
	s.T.Helper()
	_, text := s.counterGet("consent", cookie)
	var c screen.CounterConsent
	_ = json.Unmarshal([]byte(text), &c) // of who may not there is none
	q := map[string]any{"token": rand.Text(), "name": name, "pin": digits, "agreed": true, "explained": "Anna"}
	again, asks := strings.CutPrefix(again, "agrees ")
	q["again"] = again
	if (again == "" || asks) && len(c.Texts) > 0 {
		q["version"], q["lang"] = c.Texts[1].Version, c.Texts[1].Lang
	}
	body, err := json.Marshal(q)
	if err != nil {
		s.T.Fatal(err)
	}
	if _, answer, _ = s.counterPost("enrol", cookie, string(body)); strings.Contains(answer, `"why"`) {
		return "", answer
	}
	return q["token"].(string), answer
}

// follows asks how an enrolment goes until it has ended.
func (s *shop) follows(cookie, token string, stop bool) (e pageEnrolment) {
	s.T.Helper()
	s.Eventually("the end of an enrolment", func() bool {
		_, answer, _ := s.counterPost("enrolment", cookie, fmt.Sprintf(`{"token":%q,"stop":%t}`, token, stop))
		return json.Unmarshal([]byte(answer), &e) == nil && e.Ended
	})
	return e
}

// A customer is enrolled on the shop's page by the terminal's own camera, with a consent and a PIN, and pays.
// While pictures are taken both pages say what they lack. One at a time; whose page is closed or locked, or
// who takes the consent back, is not enrolled, nor is one of a clerk who has left meanwhile. A name that is
// taken or none is said before anybody is looked at.
func TestEnrolOnTheShopsPage(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	plain := func(f []byte) []byte { return f }
	play := func(name string) camera.Source {
		return film(t, name, plain).Play(camera.Playback{FPS: 36, Loop: true})
	}
	live := camera.NewSwitch(play("idle"))
	show := func(name string) { _ = live.Cut(play(name)).Close() } // a film in memory
	s.Source = live
	s.Open()
	s.Opened()
	s.clerk("Anna", "clerk", "730164")
	s.clerk("Jörg", "clerk", "628401")
	s.clerk("Tim", "technician", "284619")
	anna, _ := s.named("Anna", "730164")
	joerg, _ := s.named("Jörg", "628401")
	tim, _ := s.named("Tim", "284619")
	refused := func(cookie, name, digits, why string) {
		t.Helper()
		if token, answer := s.enrols(cookie, name, "", digits); token != "" ||
			!strings.Contains(answer, `"why":"`+why+`"`) {
			t.Errorf("%q: %s; want %s", name, answer, why)
		}
	}
	refused(tim, "Grace Hopper", "", "role")
	refused(anna, strings.Repeat("a", 200), "", "who")
	refused(anna, "a\u202eb", "", "who")
	refused(anna, "Grace Hopper", "1234", "pin")
	nobody := func(when string) {
		t.Helper()
		if all, err := s.Customers(t.Context()); err != nil || len(all) > 0 {
			t.Fatalf("%s: %+v, %v", when, all, err)
		}
	}

	token, answer := s.enrols(anna, "Grace Hopper", "", "")
	if token == "" {
		t.Fatal(answer)
	}
	refused(joerg, "Ada Lovelace", "", "camera") // two clerks at once
	_, answer, _ = s.counterPost("enrolment", joerg, `{"token":"another","stop":true}`)
	if !strings.Contains(answer, "not_begun") {
		t.Errorf("another's enrolment: %s", answer)
	}
	both := func(what string, clerk func(pageEnrolment) bool, customer screen.Instruction) {
		t.Helper()
		s.Eventually(what, func() bool {
			var e pageEnrolment
			_, answer, _ := s.counterPost("enrolment", anna, fmt.Sprintf(`{"token":%q}`, token))
			return json.Unmarshal([]byte(answer), &e) == nil && clerk(e) && s.View().Instruction == customer
		})
	}
	both("that nobody is there", func(e pageEnrolment) bool { return e.Nobody }, screen.EnrolLook)
	show("two_people")
	both("that there are two", func(e pageEnrolment) bool { return e.Advice == screen.OnePersonOnly },
		screen.OnePersonOnly)
	if e := s.follows(anna, token, true); e.Failed == nil || e.Failed.Why != "withdrawn" {
		t.Errorf("taken back: %+v", e)
	}
	nobody("taken back")

	for _, leave := range []func(){
		func() {}, // closes the page
		func() { s.counterPost("lock", anna, "{}"); anna, _ = s.named("Anna", "730164") },
	} {
		if token, answer = s.enrols(anna, "Grace Hopper", "", ""); token == "" {
			t.Fatal(answer)
		}
		left := token
		leave()
		s.Eventually("the camera is free again", func() bool {
			token, _ = s.enrols(joerg, "Grace Hopper", "", "")
			return token != ""
		})
		nobody("a page that was left")
		for _, ended := range []string{left, token} {
			if e := s.follows(joerg, ended, true); e.Failed == nil || e.Failed.Why != "withdrawn" {
				t.Errorf("taken back: %+v", e)
			}
		}
	}
	if token, answer = s.enrols(joerg, "Grace Hopper", "", ""); token == "" {
		t.Fatal(answer)
	}
	if code, _, errs := s.Cli("clerks", "remove", "Jörg"); code != 0 { // who began it has left
		t.Fatal(errs)
	}
	anna, _ = s.named("Anna", "730164")
	var e pageEnrolment
	s.Eventually("the enrolment of who has left", func() bool {
		_, answer, _ := s.counterPost("enrolment", anna, fmt.Sprintf(`{"token":%q}`, token))
		return json.Unmarshal([]byte(answer), &e) == nil && e.Ended
	})
	if e.Failed == nil || e.Failed.Why != "withdrawn" {
		t.Errorf("by a clerk who has left: %+v", e)
	}
	nobody("a clerk who has left")
	show("customer_smile") // until now no picture was good enough: nothing was in a hurry

	if token, answer = s.enrols(anna, "Grace Hopper", "", terminaltest.RightPIN); token == "" {
		t.Fatal(answer)
	}
	agreed := time.Now() // before the pictures
	if e = s.follows(anna, token, false); e.Failed != nil || e.Name != "Grace Hopper" || e.Taken != 5 {
		t.Fatalf("%+v", e)
	}
	refused(anna, "grace hopper", "", "taken")
	all, err := s.Customers(t.Context())
	if err != nil || len(all) != 1 || !all[0].PIN {
		t.Fatal(all, err)
	}
	var folk struct{ Customers []screen.CounterCustomer }
	_, answer = s.counterGet("customers", anna)
	if err := json.Unmarshal([]byte(answer), &folk); err != nil || len(folk.Customers) != 1 ||
		folk.Customers[0].Agreed == nil || folk.Customers[0].Agreed.At.After(agreed) ||
		folk.Customers[0].Agreed.Lang != "de" {
		t.Errorf("agreed: %s; want before %v", answer, agreed)
	}
	s.Pay("order-1", "1.00")
	s.WantEnd("order-1", "approved", "")
	if token, answer = s.enrols(anna, "Somebody Else", "", ""); token == "" {
		t.Fatal(answer)
	}
	if e = s.follows(anna, token, false); e.Failed == nil || e.Failed.Why != "face" {
		t.Errorf("the same face under another name: %+v", e)
	}
	if token, answer = s.enrols(anna, "", all[0].ID, ""); token == "" {
		t.Fatal(answer)
	}
	if e = s.follows(anna, token, false); e.Failed != nil || e.ID != all[0].ID {
		t.Errorf("renewed: %+v", e)
	}
	said := strings.Join(audits(s.Shop), "\n")
	for _, want := range []string{"customer enrolled", "clerk Anna (page)", "customer renewed", " de"} {
		if !strings.Contains(said, want) {
			t.Errorf("no %q in\n%s", want, said)
		}
	}
	s.noPINInFiles()
}

// Another face takes a customer's account on the page with somebody else's word and a new PIN alone; without
// a camera, while somebody pays and while the alarm of the case stands nobody is enrolled or renewed.
func TestRenewOnTheShopsPage(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	photos := strangers(t, s.Dir)
	args := append([]string{"enrol", "--agreed", "en", "Ada Lovelace"}, photos...)
	if code, _, errs := s.Cli(args...); code != 0 {
		t.Fatal(errs)
	}
	consents, err := filepath.Glob(filepath.Join(s.Dir, "data", "gallery", "*.consent"))
	if err != nil || len(consents) != 1 {
		t.Fatal(consents, err)
	}
	if err := os.Remove(consents[0]); err != nil { // enrolled before anybody was asked
		t.Fatal(err)
	}
	s.Open()
	s.Opened()
	s.clerk("Anna", "clerk", "730164")
	s.clerk("Berta", "owner", "915372")
	s.clerk("Tim", "technician", "284619")
	anna, _ := s.named("Anna", "730164")
	all, err := s.Customers(t.Context())
	if err != nil || len(all) != 1 {
		t.Fatal(all, err)
	}
	id := all[0].ID
	if token, answer := s.enrols(anna, "", id, ""); token != "" || !strings.Contains(answer, `"why":"text"`) {
		t.Errorf("nothing tells what the customer agreed to: %s", answer)
	}
	if code, _, errs := s.Cli("enrol", "--again", id); code == 0 || !strings.Contains(errs, "--agreed") {
		t.Errorf("by the command: %d %s", code, errs)
	}
	renews := func(digits, why string) {
		t.Helper()
		token, answer := s.enrols(anna, "", "agrees "+id, digits)
		if token == "" {
			t.Fatal(answer)
		}
		if e := s.follows(anna, token, false); (why == "") != (e.Failed == nil) ||
			why != "" && e.Failed.Why != why {
			t.Errorf("renewed: %+v; want %q", e, why)
		}
	}
	vouch := func(name, digits, says string) {
		t.Helper()
		_, answer, _ := s.counterPost("vouch", anna,
			fmt.Sprintf(`{"id":%q,"name":%q,"pin":%q}`, id, name, digits))
		if !strings.Contains(answer, says) {
			t.Errorf("%s vouches: %s", name, answer)
		}
	}
	renews("", "other_face")
	vouch("Tim", "284619", `"why":"second_role"`)
	for name, digits := range map[string]string{"anna": "730164", "Berta": "915373", "Nobody": "915372",
		"": "915372"} {
		vouch(name, digits, `"why":"second"`)
	}
	s.clerk("Carl", "clerk", "550917")
	vouch("Carl", "550917", "{}")
	s.does("clerks", "remove", "Carl")
	renews(terminaltest.RightPIN, "other_face") // the word of somebody who has left
	vouch("Berta", "915372", "{}")
	s.clerk("Berta", "owner", "482015") // nobody knows whose word it was
	renews(terminaltest.RightPIN, "other_face")
	vouch("Berta", "482015", "{}")
	renews("", "other_face") // without a new PIN
	renews(terminaltest.RightPIN, "")
	s.Pay("order-1", "1.00")
	for again, name := range map[string]string{"": "Grace Hopper", id: ""} {
		token, answer := s.enrols(anna, name, again, "")
		if token != "" || !strings.Contains(answer, `"why":"busy"`) {
			t.Errorf("while somebody pays: %s", answer)
		}
	}
	s.WantEnd("order-1", "approved", "")
	said := strings.Join(audits(s.Shop), "\n")
	if !strings.Contains(said, "another face; owner Berta (page) stood by it") {
		t.Errorf("nobody stood by it:\n%s", said)
	}
	s.Term.CaseChanged(true)
	s.Eventually("the alarm", func() bool {
		anna, _ = s.named("Anna", "730164") // its page was locked
		_, answer := s.enrols(anna, "Grace Hopper", "", "")
		return strings.Contains(answer, `"why":"alarm"`)
	})
	s.Term.CaseChanged(false)
	if code, _, errs := s.Cli("tamper", "reset"); code != 0 {
		t.Fatal(errs)
	}
	s.Opened()
	s.Pull(true)
	s.Eventually("the camera is missed", func() bool {
		_, answer := s.enrols(anna, "Grace Hopper", "", "")
		return strings.Contains(answer, `"why":"out_of_order"`)
	})
}
