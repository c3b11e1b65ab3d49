//go:build !notflite

package terminal_test

import (
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"smiletill/cmd/smiletill/control"
	"smiletill/device/screen"
	"smiletill/payment"
	"smiletill/payment/register"
	"smiletill/vision/gallery"
)

// TestCaseOpened opens the case in the middle of a payment.
func TestCaseOpened(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.EnrolCustomer()
	s.setClerk("4826")
	s.Flags = append(s.Flags, "--register-listen", "127.0.0.1:0", "--register-plain")
	s.Open()
	s.Pay("zero", "1.00")
	s.WantEnd("zero", string(payment.StateApproved), "")
	s.Pay("one", "1.00")
	start := time.Now()
	s.Term.CaseChanged(true)
	if !s.Term.Gallery().Locked() {
		t.Error("the gallery is not locked when the switch's change was told")
	}
	t.Logf("locked within %v", time.Since(start).Round(time.Microsecond))
	if q := s.End("one"); q.State != string(payment.StateCancelled) {
		t.Errorf("the payment that ran: %+v", q)
	}
	s.Eventually("the case on the screen", func() bool {
		return s.View().Reason == screen.TamperOpen
	})
	if code := s.health(); code != http.StatusServiceUnavailable {
		t.Errorf("healthz answers %d", code)
	}
	s.refused("with the case open")
	s.nothingGivenBack("zero")
	if code, _, errs := s.Cli("tamper", "reset"); code == 0 || !strings.Contains(errs, "the case is open") ||
		!strings.Contains(errs, "hint:") {
		t.Errorf("the alarm ended with the case open: %d %s", code, errs)
	}
	s.Term.CaseChanged(false)
	s.refused("with the case closed again")
	again := append([]string{"enrol", "--agreed", "en", "Another Name"},
		s.Photos("enrol_1", "enrol_2", "enrol_3")...)
	if code, _, errs := s.Cli(again...); code == 0 || !strings.Contains(errs, gallery.ErrLocked.Error()) {
		t.Errorf("somebody was enrolled: %d %s", code, errs)
	}
	if code, out, errs := s.Cli("tamper", "reset"); code != 0 || !strings.Contains(out, "takes payments again") {
		t.Fatalf("reset: %d %s", code, errs)
	}
	s.Pay("two", "1.00")
	if q := s.End("two"); q.State != string(payment.StateApproved) {
		t.Errorf("after the reset: %+v", q)
	}
	if code, _, errs := s.Cli("reverse", "zero"); code != 0 {
		t.Errorf("after the reset nothing is given back: %d %s", code, errs)
	}
}

// nothingGivenBack tries to give a payment back by each door that there is.
func (s *shop) nothingGivenBack(id string) {
	t := s.T
	t.Helper()
	code, _, errs := s.Cli("reverse", id)
	if code == 0 || !strings.Contains(errs, "alarm") || !strings.Contains(errs, "tamper reset") {
		t.Errorf("the command gave back with the case open: %d %s", code, errs)
	}
	cookie := s.unlocked("4826")
	status, answer, _ := s.counterPost("reverse", cookie,
		`{"id":"counter-back","payment":"`+id+`","amount":"1.00"}`)
	if status == http.StatusOK || !strings.Contains(answer, "alarm") {
		t.Errorf("the counter gave back with the case open: %d %s", status, answer)
	}
	q := register.Request{Header: register.Header{MessageCategory: register.CategoryReversal, ServiceID: "back"},
		Reversal: &register.ReversalRequest{Reason: "CustCancel"}}
	q.Reversal.Original.POITransactionID = register.TransactionID{TransactionID: id}
	r := s.tell(t, q).Reversal
	if r == nil || r.Response.ErrorCondition != register.UnavailableDevice ||
		!strings.Contains(register.Message(r.Response), "alarm") {
		t.Errorf("a register gave back with the case open: %+v", r)
	}
}

func (s *shop) refused(when string) {
	s.T.Helper()
	q := control.PaymentRequest{ID: "x", Amount: "1.00", Currency: "EUR"}
	if _, err := s.Begin(s.T.Context(), q); err == nil {
		s.T.Errorf("a payment began %s", when)
	}
}

// TestAlarmOutlivesTheProcess starts a terminal on the files of one whose case was opened, whole or cut
// short.
func TestAlarmOutlivesTheProcess(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{"whole": `{"since":"2026-11-01T10:00:00Z"}`, "cut short": ""} {
		t.Run(name, func(t *testing.T) {
			s := newShop(t)
			s.EnrolCustomer()
			if err := os.WriteFile(filepath.Join(s.Dir, "data", "tamper.json"), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			s.Open()
			s.Opened()
			if !s.Term.Gallery().Locked() {
				t.Error("the faces are read")
			}
			s.refused("after the restart")
			if code, _, errs := s.Cli("tamper", "reset"); code != 0 {
				t.Fatal(errs)
			}
			s.Pay("one", "1.00")
			if q := s.End("one"); q.State != string(payment.StateApproved) {
				t.Errorf("after the reset: %+v", q)
			}
		})
	}
}

// TestAlarmEndedWhileFilesAreOpened: the terminal has found the alarm and left the faces alone, and the
// technician ends it before the terminal is ready.
func TestAlarmEndedWhileFilesAreOpened(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.EnrolCustomer()
	if err := os.WriteFile(filepath.Join(s.Dir, "data", "tamper.json"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	s.Flags = append(s.Flags, "--camera-source", "replay:visit", "--camera-realtime=false")
	reached, ended := make(chan bool), make(chan bool)
	s.PlugAt = sync.OnceFunc(func() { // in the middle of opening: the gallery is open, the camera is not
		close(reached)
		<-ended
	})
	s.Open()
	<-reached
	code, _, errs := s.Cli("tamper", "reset")
	close(ended)
	if code != 0 {
		t.Fatal(errs)
	}
	s.Pay("one", "1.00")
	if q := s.End("one"); q.State != string(payment.StateApproved) {
		t.Errorf("after the reset: %+v", q)
	}
}

// TestSwitchThatCannotBeWatched takes no payments, but forgets nobody.
func TestSwitchThatCannotBeWatched(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.EnrolCustomer()
	s.Open()
	s.Opened()
	const do = "stop the program that uses GPIO16"
	s.Term.CaseUnwatched(payment.WithHint(errors.New("line GPIO16 is in use by another program"), do))
	s.refused("with a switch that nobody watches")
	_, err := s.Begin(s.T.Context(), control.PaymentRequest{ID: "x", Amount: "1.00", Currency: "EUR"})
	if payment.HintOf(err) != do {
		t.Errorf("who pays is told %q", payment.HintOf(err))
	}
	for _, row := range s.Term.StatusRows(t.Context()) {
		if row.Name == "case" && row.Do != do {
			t.Errorf("the technician is told %q", row.Do)
		}
	}
	if s.Term.Gallery().Locked() {
		t.Error("the faces are locked")
	}
	if words := s.Term.CaseWords(); !strings.Contains(words, "can't be watched") {
		t.Errorf("says %q", words)
	}
	s.Term.CaseChanged(false)
	s.Pay("one", "1.00")
	if q := s.End("one"); q.State != string(payment.StateApproved) {
		t.Errorf("with the switch back: %+v", q)
	}
}

// TestOfflineCommandsObeyTheAlarm has no terminal that runs.
func TestOfflineCommandsObeyTheAlarm(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.EnrolCustomer()
	if err := os.WriteFile(filepath.Join(s.Dir, "data", "tamper.json"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	args := append([]string{"enrol", "--agreed", "en", "Another Name"},
		s.Photos("enrol_1", "enrol_2", "enrol_3")...)
	if code, _, errs := s.Cli(args...); code == 0 || !strings.Contains(errs, gallery.ErrLocked.Error()) {
		t.Errorf("enrol: %d %s", code, errs)
	}
	if code, _, errs := s.Cli("tamper", "reset"); code == 0 || !strings.Contains(errs, "smiletill run") {
		t.Errorf("reset without a terminal: %d %s", code, errs)
	}
}
