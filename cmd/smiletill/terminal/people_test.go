//go:build !notflite

package terminal_test

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"smiletill/cmd/smiletill/control"
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
	// Whoever removes the file does not end the alarm.
	if err := os.Remove(filepath.Join(s.Dir, "data", "tamper.json")); err != nil {
		t.Fatal(err)
	}
	s.Open()
	s.Eventually("the alarm, written down again", func() bool {
		_, err := os.Stat(filepath.Join(s.Dir, "data", "tamper.json"))
		return err == nil
	})
	if code, _, errs := s.Cli("tamper", "reset"); code != 0 {
		t.Error(errs)
	}
	s.Opened()
	wantAudits(s.Shop, "case opened", "alarm ended")
}

// forget posts what the customer's page does when somebody wants to be forgotten.
func (s *shop) forget(path, body string) (int, string) {
	s.T.Helper()
	resp, err := http.Post("http://"+s.Term.Addresses().Screen+"/forget/"+path, "application/json",
		strings.NewReader(body))
	if err != nil {
		s.T.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		s.T.Fatal(err)
	}
	return resp.StatusCode, string(text)
}

// traces are the files of the data folder, and of a copy that was made of it, that hold any of these bytes.
func (s *shop) traces(of map[string][]byte) (found []string) {
	s.T.Helper()
	backup := filepath.Join(s.Dir, "backup")
	if err := os.RemoveAll(backup); err != nil {
		s.T.Fatal(err)
	}
	s.copyData(backup)
	err := filepath.WalkDir(s.Dir, func(path string, d os.DirEntry, err error) error {
		kept := strings.Contains(path, "/data/") || strings.Contains(path, "/backup/")
		if err != nil || !d.Type().IsRegular() || !kept {
			return err
		}
		for what, part := range of {
			if bytes.Contains(terminaltest.Read(s.T, path), part) {
				found = append(found, what+" in "+path)
			}
		}
		return nil
	})
	if err != nil {
		s.T.Fatal(err)
	}
	return found
}

// Who wants to be forgotten is, at the terminal, by the own face, the PIN and a touch; not while a payment
// runs, and not a stranger. Nothing of face, name, consent or PIN is left in any file, nor in a copy that is
// made then; the payment stays under the pseudonym, and a signed receipt says all that.
func TestForgetMe(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.EnrolCustomer()
	end := s.Open()
	s.Opened()
	all, err := s.Customers(t.Context())
	if err != nil || len(all) != 1 {
		t.Fatal(all, err)
	}
	id := all[0].ID
	if status, answer := s.forget("look", "{}"); status != http.StatusConflict ||
		!strings.Contains(answer, "unsure") {
		t.Errorf("a face without a PIN, which may be a photo's: %d %s", status, answer)
	}
	s.Stdin(terminaltest.RightPIN + "\n")
	if code, _, errs := s.Cli("customers", "pin", id); code != 0 {
		t.Fatal(errs)
	}
	s.Pay("order-1", "1.00")
	s.WantEnd("order-1", "approved", "")
	code, out, errs := s.Cli("customers", "extract", id, "--faces")
	var e control.Extract
	if err := json.Unmarshal([]byte(out), &e); code != 0 || err != nil || e.Name != "Grace Hopper" || !e.PIN ||
		e.Agreed == nil || e.Agreed.Lang != "en" || len(e.Payments) != 1 || len(e.Faces) != e.Templates {
		t.Fatalf("extract: %d %s %s", code, out, errs)
	}
	of := map[string][]byte{"the name": []byte("Grace Hopper")}
	for i, f := range e.Faces {
		part := make([]byte, 0, 32)
		for _, v := range f[:8] {
			part = binary.LittleEndian.AppendUint32(part, math.Float32bits(v))
		}
		of[fmt.Sprintf("template %d", i)] = part
	}
	for _, ext := range []string{".face", ".consent"} {
		sealed := terminaltest.Read(t, filepath.Join(s.Dir, "data", "gallery", id+ext))
		for at := len(sealed) - 32; at > 90; at -= 64 {
			of[fmt.Sprintf("%s at %d", ext, at)] = sealed[at : at+16]
		}
	}
	if found := s.traces(of); len(found) < 4 { // the sealed files are there, and in the copy
		t.Fatalf("the test sees nothing: %q", found)
	}
	_, words, _ := s.Cli("backup", "key")
	before, after := filepath.Join(s.Dir, "before.backup"), filepath.Join(s.Dir, "after.backup")
	s.does("backup", "--faces", before)

	s.Pay("order-2", "1.00")
	if status, answer := s.forget("look", "{}"); status != http.StatusConflict ||
		!strings.Contains(answer, "busy") {
		t.Errorf("while a payment runs: %d %s", status, answer)
	}
	if code, _, errs := s.Cli("customers", "forget", id); code == 0 ||
		!strings.Contains(errs, "wait for the payment") {
		t.Errorf("consent is taken back in the middle of a payment: %d %s", code, errs)
	}
	s.End("order-2")
	var seen struct{ Token string }
	s.Eventually("the own face", func() bool {
		status, answer := s.forget("look", "{}")
		return status == http.StatusOK && json.Unmarshal([]byte(answer), &seen) == nil
	})
	for body, want := range map[string]int{
		`{"token":"","pin":""}`:                           http.StatusConflict,
		`{"token":"other","pin":""}`:                      http.StatusConflict,
		fmt.Sprintf(`{"token":%q,"pin":""}`, seen.Token):  http.StatusUnprocessableEntity,
		fmt.Sprintf(`{"token":%q,"pin":"1"}`, seen.Token): http.StatusUnprocessableEntity,
	} {
		if status, answer := s.forget("confirm", body); status != want {
			t.Errorf("%s: %d %s", body, status, answer)
		}
	}
	yes := fmt.Sprintf(`{"token":%q,"pin":%q}`, seen.Token, terminaltest.RightPIN)
	status, answer := s.forget("confirm", yes)
	var told struct{ Receipt json.RawMessage }
	if err := json.Unmarshal([]byte(answer), &told); status != http.StatusOK || err != nil {
		t.Fatalf("confirmed: %d %s", status, answer)
	}
	wantAudits(s.Shop, "customer forgotten")
	if found := s.traces(of); len(found) > 0 {
		t.Errorf("left: %q", found)
	}
	s.noPINInFiles()
	file := filepath.Join(s.Dir, "receipt.json")
	if err := os.WriteFile(file, told.Receipt, 0o600); err != nil {
		t.Fatal(err)
	}
	code, out, errs = s.Cli("customers", "receipt", file)
	if code != 0 || !strings.Contains(out, "erased customer "+id) ||
		!strings.Contains(out, "2 of them not reported") ||
		strings.Contains(out, "Grace") {
		t.Errorf("receipt: %d %s %s", code, out, errs)
	}
	changed := bytes.Replace(told.Receipt, []byte(id[2:6]), []byte("aaaa"), 1)
	if err := os.WriteFile(file, changed, 0o600); err != nil {
		t.Fatal(err)
	}
	if code, _, _ = s.Cli("customers", "receipt", file); code == 0 {
		t.Error("a receipt that was changed holds")
	}
	if code, out, _ := s.Cli("journal", "list"); code != 0 || !strings.Contains(out, "order-1") {
		t.Errorf("the payment is gone: %s", out)
	}
	if status, answer := s.forget("look", "{}"); status != http.StatusConflict ||
		!strings.Contains(answer, "unsure") {
		t.Errorf("who is no customer any more: %d %s", status, answer)
	}
	s.does("backup", "--faces", after)
	end()
	for file, kept := range map[string]bool{before: true, after: false} { // what is in them, unsealed
		s.replaced(file, words)
		if found := s.traces(of); (len(found) > 0) != kept {
			t.Errorf("in %s: %q", file, found)
		}
	}
}

// New pictures of somebody of whom nothing tells what they agreed to want it first, also while no terminal
// runs; then they have agreed.
func TestRenewOfWhoWasNeverAsked(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	photos := strangers(t, s.Dir)
	s.does(slices.Concat([]string{"enrol", "Ada Lovelace", "--agreed", "en"}, photos)...)
	consents, err := filepath.Glob(filepath.Join(s.Dir, "data", "gallery", "*.consent"))
	if err != nil || len(consents) != 1 {
		t.Fatal(consents, err)
	}
	if err := os.Remove(consents[0]); err != nil {
		t.Fatal(err)
	}
	id := strings.TrimSuffix(filepath.Base(consents[0]), ".consent")
	again := slices.Concat([]string{"enrol", "--again", id}, photos)
	if code, _, errs := s.Cli(again...); code == 0 || !strings.Contains(errs, "--agreed") {
		t.Errorf("nobody was asked: %d %s", code, errs)
	}
	s.does(append(again, "--agreed", "de")...)
	s.does(again...) // who has agreed is not asked anew
	s.Open()
	s.Opened()
	if _, out, _ := s.Cli("customers", "extract", id); !strings.Contains(out, `"lang": "de"`) {
		t.Errorf("what was agreed to: %s", out)
	}
}

// Nobody is enrolled without having agreed, and another face takes no account without a second person's word
// and a new PIN: one's own word does not do, nor an old one.
func TestConsentAndSecondPerson(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.EnrolCustomer()
	s.Open()
	s.Opened()
	photos := strangers(t, s.Dir)
	for _, args := range [][]string{{}, {"--paper", "folder 7"}, {"--agreed", "fr"}} {
		code, _, errs := s.Cli(slices.Concat([]string{"enrol", "Ada Lovelace"}, args, photos)...)
		if code == 0 || !strings.Contains(errs, "nobody has agreed") {
			t.Errorf("enrolled with %v: %d %s", args, code, errs)
		}
	}
	all, err := s.Customers(t.Context())
	if err != nil || len(all) != 1 {
		t.Fatal(all, err)
	}
	id := all[0].ID
	again := slices.Concat([]string{"enrol", "--again", id, "--new-pin", "--agreed", "de"}, photos)
	refused := func(when string) {
		t.Helper()
		s.Stdin("730164\n")
		if code, _, errs := s.Cli(again...); code == 0 || !strings.Contains(errs, "not the face") ||
			!strings.Contains(errs, "vouch") {
			t.Errorf("%s: %d %s", when, code, errs)
		}
	}
	refused("without a second person")
	if code, _, errs := s.Cli("customers", "vouch", id); code != 0 { // one's own word
		t.Fatal(errs)
	}
	refused("with the own word")
	s.clerk("Anna", "clerk", "915372")
	s.clerk("Tim", "technician", "284619")
	for name, digits := range map[string]string{"Tim": "284619", "Anna": "915373", "Nobody": "915372"} {
		s.Stdin(digits + "\n")
		if code, _, errs := s.Cli("customers", "vouch", id, "--as", name); code == 0 {
			t.Errorf("%s vouches: %s", name, errs)
		}
	}
	s.Stdin("915372\n")
	if code, _, errs := s.Cli("customers", "vouch", id, "--as", "anna"); code != 0 {
		t.Fatal(errs)
	}
	if code, _, errs := s.Cli(slices.Concat([]string{"enrol", "--again", id}, photos)...); code == 0 {
		t.Errorf("without a new PIN: %s", errs)
	}
	s.Stdin("730164\n") // who was enrolled has agreed, and this is another face
	code, _, errs := s.Cli(slices.Concat([]string{"enrol", "--again", id, "--new-pin"}, photos)...)
	if code == 0 || !strings.Contains(errs, "--agreed") {
		t.Errorf("nobody has agreed: %d %s", code, errs)
	}
	s.Stdin("730164\n")
	if code, _, errs := s.Cli(again...); code != 0 {
		t.Fatal(errs)
	}
	wantAudits(s.Shop, "renewal vouched", "customer renewed", "customer pin set")
	said := false
	for _, a := range audits(s.Shop) {
		said = said || strings.Contains(a, "another face; clerk Anna (page) stood by it")
	}
	if !said {
		t.Errorf("nobody stood by it: %q", audits(s.Shop))
	}
	if all, err := s.Customers(t.Context()); err != nil || !all[0].PIN {
		t.Errorf("no PIN: %+v, %v", all, err)
	}
}
