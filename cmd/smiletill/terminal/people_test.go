//go:build !notflite

package terminal_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"smiletill/cmd/smiletill/people"
	"smiletill/cmd/smiletill/terminal/terminaltest"
)

// clerk gives somebody a role and a PIN.
func (s *shop) clerk(name, role, digits string) {
	s.T.Helper()
	if code, _, errs := s.Cli("clerks", "add", name, "--role", role); code != 0 {
		s.T.Fatal(errs)
	}
	s.Stdin(digits + "\n")
	if code, _, errs := s.Cli("clerks", "pin", name); code != 0 {
		s.T.Fatal(errs)
	}
}

// named gives the cookie of a clerk's session, or "" with the answer.
func (s *shop) named(name, digits string) (cookie, answer string) {
	s.T.Helper()
	code, answer, cookie := s.counterPost("unlock", "", fmt.Sprintf(`{"name":%q,"pin":%q}`, name, digits))
	if code != http.StatusOK {
		return "", answer
	}
	return cookie, answer
}

// Clerks have names, roles and PINs of their own at the counter's page, beside the clerk whose PIN was set
// before there were names; each does what the table says, and what is done says who did it.
func TestClerksAtTheCounter(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.EnrolCustomer()
	s.setClerk("4826") // of before: nothing that a shop has set up stops working
	s.Open()
	s.Opened()
	if code, _, errs := s.Cli("clerks", "add", "Anna", "--role", "boss"); code == 0 ||
		!strings.Contains(errs, "no such role") {
		t.Errorf("a role that there is not: %d %s", code, errs)
	}
	for name, who := range map[string]struct{ role, pin string }{
		"Jörg": {"clerk", "730164"}, "Berta": {"owner", "915372"}, "Tim": {"technician", "284619"},
	} {
		s.clerk(name, who.role, who.pin)
	}
	old := s.unlocked("4826") // as the page does that asks for no name
	for _, wrong := range [][2]string{{"Nobody", "730164"}, {"Jörg", "915372"}} {
		cookie, answer := s.named(wrong[0], wrong[1])
		if cookie != "" || !strings.Contains(answer, `"lock":"pin"`) {
			t.Errorf("%v opens the page: %s", wrong, answer)
		}
	}
	s.Pay("order-1", "1.00")
	paid := s.WantEnd("order-1", "approved", "").ID
	cookies := map[people.Role]string{people.Clerk: "", people.Owner: "", people.Technician: ""}
	cookies[people.Clerk], _ = s.named("jörg", "730164")
	cookies[people.Owner], _ = s.named("Berta", "915372")
	cookies[people.Technician], _ = s.named("Tim", "284619")
	for role, cookie := range cookies {
		for path, ask := range map[string]struct {
			act  people.Act
			body string
		}{
			"pay":     {people.Pay, `{"id":"","amount":"1.00"}`},
			"cancel":  {people.Pay, `{"id":"nothing"}`},
			"reverse": {people.GiveBack, `{"id":"nothing","payment":"nothing","amount":"1.00"}`},
		} {
			_, answer, _ := s.counterPost(path, cookie, ask.body)
			if refused := strings.Contains(answer, "not allowed"); refused == role.May(ask.act) {
				t.Errorf("%s as %s: %s", path, role, answer)
			}
		}
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet,
			"http://"+s.Term.Addresses().Screen+"/counter/payments", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Cookie", cookie)
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if (resp.StatusCode == http.StatusOK) != role.May(people.SeePayments) {
			t.Errorf("payments as %s: %d", role, resp.StatusCode)
		}
	}
	back := fmt.Sprintf(`{"id":"back-%%d","payment":%q,"amount":"0.50"}`, paid)
	for i, cookie := range []string{cookies[people.Clerk], old} {
		if code, answer, _ := s.counterPost("reverse", cookie, fmt.Sprintf(back, i)); code != http.StatusOK {
			t.Errorf("give back: %d %s", code, answer)
		}
	}
	text := string(terminaltest.Read(t, filepath.Join(s.Dir, "data", "journal.db"))) +
		string(terminaltest.Read(t, filepath.Join(s.Dir, "data", "journal.db-wal")))
	for _, want := range []string{`"by":{"door":"page","name":"Jörg","role":"clerk"}`,
		`"by":{"door":"page","name":"counter","role":"clerk"}`} {
		if !strings.Contains(text, want) {
			t.Errorf("no fact says %s", want)
		}
	}
	wantAudits(s.Shop, "") // it can be read
	for _, a := range audits(s.Shop) {
		if strings.Contains(a, "clerk added") && !strings.Contains(a, "owner root (socket)") && os.Geteuid() == 0 {
			t.Errorf("nobody did it: %s", a)
		}
	}

	// Who leaves is nobody at once, on a page that is open too; the last owner can't leave.
	if code, _, errs := s.Cli("clerks", "remove", "jörg"); code != 0 {
		t.Error(errs)
	}
	if code, answer, _ := s.counterPost("stay", cookies[people.Clerk], "{}"); code != http.StatusUnauthorized {
		t.Errorf("a clerk who has left: %d %s", code, answer)
	}
	if cookie, _ := s.named("Jörg", "730164"); cookie != "" {
		t.Error("a clerk who has left opens the page")
	}
	for _, args := range [][]string{{"remove", "Berta"}, {"add", "berta", "--role", "clerk"}} {
		if code, _, errs := s.Cli(append([]string{"clerks"}, args...)...); code == 0 ||
			!strings.Contains(errs, "last owner") {
			t.Errorf("clerks %v: %d %s", args, code, errs)
		}
	}
	s.clerk("Cleo", "owner", "628401")
	if code, _, errs := s.Cli("clerks", "remove", "Berta"); code != 0 {
		t.Error(errs)
	}
	if _, out, _ := s.Cli("clerks", "list"); strings.Contains(out, "Berta") || !strings.Contains(out, "Cleo") ||
		!strings.Contains(out, "counter") {
		t.Errorf("clerks list:\n%s", out)
	}
	wantAudits(s.Shop, "clerk removed", "clerk added", "clerk pin set", "clerk removed")
	s.noPINInFiles()
}

// What a terminal is, besides its people, is in the journal too: its first start, and what was another at a
// later one, by name and without a value; the case, whoever ends its alarm.
func TestMachineAndCaseAreFacts(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	end := s.Open()
	s.Opened()
	wantAudits(s.Shop, "terminal configured")
	end()
	s.Flags = append(s.Flags, "--payment-amount-max", "33.00")
	end = s.Open()
	s.Opened()
	wantAudits(s.Shop, "terminal configured", "settings changed")
	for _, a := range audits(s.Shop) {
		if strings.Contains(a, "settings changed") && (!strings.Contains(a, "payment.amount_max") ||
			strings.Contains(a, "33") && !strings.Contains(a, ":33")) {
			t.Errorf("it does not tell which, or its value: %s", a)
		}
	}
	s.Term.CaseChanged(true)
	wantAudits(s.Shop, "case opened")
	if code, _, _ := s.Cli("tamper", "reset"); code == 0 {
		t.Error("the alarm of an open case is ended")
	}
	s.Term.CaseChanged(false)
	if code, _, errs := s.Cli("tamper", "reset"); code != 0 {
		t.Error(errs)
	}
	wantAudits(s.Shop, "case opened", "alarm ended")
	s.Opened()
	s.Term.CaseChanged(true)
	wantAudits(s.Shop, "case opened")
	end()
	// Whoever removes the file ends the alarm, and not unseen.
	if err := os.Remove(filepath.Join(s.Dir, "data", "tamper.json")); err != nil {
		t.Fatal(err)
	}
	s.Open()
	s.Opened()
	wantAudits(s.Shop, "case opened", "alarm ended")
	last := audits(s.Shop)
	if a := last[len(last)-1]; !strings.Contains(a, "not by the running terminal") {
		t.Errorf("somebody seems to have ended it: %s", a)
	}
}
