//go:build !notflite

package terminal_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"smiletill/cmd/smiletill/people"
	"smiletill/cmd/smiletill/terminal/terminaltest"
)

// counterGet asks what the counter's page asks, with a session's cookie.
func (s *shop) counterGet(path, cookie string) (int, string) {
	s.T.Helper()
	r, err := http.NewRequestWithContext(s.T.Context(), http.MethodGet,
		"http://"+s.Term.Addresses().Screen+"/counter/"+path, nil)
	if err != nil {
		s.T.Fatal(err)
	}
	r.Header.Set("Cookie", cookie)
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		s.T.Fatal(err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		s.T.Fatal(err)
	}
	return resp.StatusCode, string(answer)
}

// Customers are seen, given PINs and forgotten on the shop's page by whose role does it, and what is done
// says who did it; not while a payment runs, which may be theirs. One not reported yet is on the receipt.
func TestCustomersAtTheCounter(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.EnrolCustomer()
	s.Open()
	s.Opened()
	for name, who := range map[string]struct{ role, pin string }{
		"Anna": {"clerk", "730164"}, "Berta": {"owner", "915372"}, "Tim": {"technician", "284619"},
	} {
		s.clerk(name, who.role, who.pin)
	}
	cookies := map[people.Role]string{}
	cookies[people.Clerk], _ = s.named("Anna", "730164")
	cookies[people.Owner], _ = s.named("Berta", "915372")
	cookies[people.Technician], _ = s.named("Tim", "284619")
	all, err := s.Customers(t.Context())
	if err != nil || len(all) != 1 {
		t.Fatal(all, err)
	}
	id := all[0].ID
	for role, cookie := range cookies {
		for ask, act := range map[string]people.Act{
			"customers": people.SeeCustomers, "extract?id=" + id: people.SeeCustomers, "consent": people.Enrol,
			`enrol {"token":"0123456789abcdef","again":"nobody"}`:           people.Enrol,
			`enrolment {"token":"nobody"}`:                                  people.Enrol,
			`vouch {"id":"nobody","name":"Nobody","pin":"628401"}`:          people.Vouch,
			`customers/pin {"id":"nobody","pin":"628401"}`:                  people.SetPIN,
			`customers/forget {"id":"nobody"}`:                              people.Remove,
			`customers/block {"id":"nobody","blocked":true,"why":"misuse"}`: people.Block,
		} {
			path, body, write := strings.Cut(ask, " ")
			_, answer := s.counterGet(path, cookie)
			if write {
				_, answer, _ = s.counterPost(path, cookie, body)
			}
			if refused := strings.Contains(answer, `"why":"role"`); refused == role.May(act) {
				t.Errorf("%s as %s: %s", ask, role, answer)
			}
		}
	}
	anna := cookies[people.Clerk]
	post := func(path, body, says string) string {
		t.Helper()
		_, answer, _ := s.counterPost(path, anna, body)
		if !strings.Contains(answer, says) {
			t.Errorf("%s %s: %s; want %s", path, body, answer, says)
		}
		return answer
	}
	post("customers/pin", fmt.Sprintf(`{"id":%q,"pin":"0000"}`, id), `"why":"pin"`)
	post("customers/pin", fmt.Sprintf(`{"id":%q,"pin":%q}`, id, terminaltest.RightPIN), `{}`)
	_, list := s.counterGet("customers", anna)
	for _, want := range []string{`"name":"Grace Hopper"`, `"pin":true`, `"lang":"en"`} {
		if !strings.Contains(list, want) {
			t.Errorf("no %s in %s", want, list)
		}
	}
	s.Pay("order-1", "1.00")
	s.WantEnd("order-1", "approved", "")
	_, extract := s.counterGet("extract?id="+id, anna)
	if !strings.Contains(extract, "order-1") || strings.Contains(extract, `"faces"`) {
		t.Errorf("stored about the customer: %s", extract)
	}
	forget := fmt.Sprintf(`{"id":%q,"lang":"en"}`, id)
	s.Pay("order-2", "1.00")
	post("customers/forget", forget, `"why":"busy"`)
	s.End("order-2")
	answer := post("customers/forget", forget, `"Erased"`)
	if again := post("customers/forget", forget, `"Erased"`); again != answer { // as if the answer had been lost
		t.Errorf("another receipt: %s", again)
	}
	var erased struct {
		Rows [][]string
		File json.RawMessage
	}
	if err := json.Unmarshal([]byte(answer), &erased); err != nil ||
		!strings.Contains(fmt.Sprint(erased.Rows), "not at the cloud yet 2") {
		t.Errorf("%v in %s", err, answer)
	}
	file := filepath.Join(s.Dir, "receipt.json")
	if err := os.WriteFile(file, erased.File, 0o600); err != nil {
		t.Fatal(err)
	}
	if code, out, errs := s.Cli("customers", "receipt", file); code != 0 ||
		!strings.Contains(out, "erased customer "+id) {
		t.Errorf("receipt: %d %s %s", code, out, errs)
	}
	wantAudits(s.Shop, "customer pin set", "customer forgotten")
	last := audits(s.Shop)
	if a := last[len(last)-1]; !strings.Contains(a, "clerk Anna (page)") {
		t.Errorf("who did it: %s", a)
	}
	// Who has left is nobody at once, on a page that is open too.
	if code, _, errs := s.Cli("clerks", "remove", "Anna"); code != 0 {
		t.Error(errs)
	}
	if code, answer := s.counterGet("customers", anna); code != http.StatusUnauthorized {
		t.Errorf("a clerk who has left: %d %s", code, answer)
	}
	s.noPINInFiles()
}

// Who is blocked, on the page or by a command, is known and declined, and the clerk is told why. It holds
// over a restart, and when the file of PINs is put away; it ends when it is ended.
func TestBlockedCustomer(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.EnrolCustomer()
	end := s.Open()
	s.Opened()
	s.clerk("Anna", "clerk", "730164")
	anna, _ := s.named("Anna", "730164")
	all, err := s.Customers(t.Context())
	if err != nil || len(all) != 1 {
		t.Fatal(all, err)
	}
	id := all[0].ID
	block := func(blocked bool, why, says string) {
		t.Helper()
		_, answer, _ := s.counterPost("customers/block", anna,
			fmt.Sprintf(`{"id":%q,"blocked":%t,"why":%q}`, id, blocked, why))
		if !strings.Contains(answer, says) {
			t.Errorf("%s; want %s", answer, says)
		}
	}
	block(true, " ", "it takes a reason")
	block(true, "a\nb", "control character")
	block(true, "misuse", "{}")
	block(true, "misuse", "{}") // once more does nothing
	s.Pay("order-1", "1.00")
	s.WantEnd("order-1", "declined", "blocked")
	if _, list := s.counterGet("payments", anna); !strings.Contains(list, `"reason":"blocked"`) {
		t.Errorf("the clerk is not told: %s", list)
	}
	if _, out, _ := s.Cli("customers", "list"); !strings.Contains(out, "blocked") {
		t.Errorf("customers list: %s", out)
	}
	end()
	if err := os.Remove(filepath.Join(s.Dir, "data", "pins.db")); err != nil { // put away: the PINs are gone
		t.Fatal(err)
	}
	s.Open()
	s.goOn("the file of PINs is lost")
	s.Pay("order-2", "1.00")
	s.WantEnd("order-2", "declined", "blocked")
	if code, out, errs := s.Cli("customers", "unblock", id, "--why", "it is settled"); code != 0 ||
		!strings.Contains(out, "unblocked") {
		t.Errorf("%d %s %s", code, out, errs)
	}
	s.Pay("order-3", "1.00")
	s.WantEnd("order-3", "approved", "")
	said := strings.Join(audits(s.Shop), "\n")
	for _, want := range []string{"customer blocked", "clerk Anna (page)", "misuse", "customer unblocked",
		"it is settled"} {
		if !strings.Contains(said, want) {
			t.Errorf("no %q in\n%s", want, said)
		}
	}
	if n := strings.Count(said, "customer blocked"); n != 1 {
		t.Errorf("blocked %d times", n)
	}
	if code, _, errs := s.Cli("customers", "block", "c_nobody", "--why", "x"); code == 0 ||
		!strings.Contains(errs, "no such customer") {
		t.Errorf("%d %s", code, errs)
	}
}
