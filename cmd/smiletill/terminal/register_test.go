//go:build !notflite

package terminal_test

import (
	"crypto/tls"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"smiletill/cmd/smiletill/pairing"
	"smiletill/device/screen"
	"smiletill/payment/register"
)

// TestRegisterEvents: the configured receiver is told what happens to a terminal.
func TestRegisterEvents(t *testing.T) {
	t.Parallel()
	got := make(chan string, 32)
	hook := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		var m struct {
			Request register.Request `json:"SaleToPOIRequest"`
		}
		if err := json.NewDecoder(r.Body).Decode(&m); err != nil || m.Request.Event == nil {
			t.Errorf("%+v %v", m, err)
			return
		}
		got <- m.Request.Event.Event + " " + register.Message(register.Response{
			AdditionalResponse: m.Request.Event.Details})
	}))
	t.Cleanup(hook.Close)
	s := newShop(t)
	s.Flags = append(s.Flags, "--register-events-url", hook.URL)
	end := s.Open()
	next := func(want, words string) {
		t.Helper()
		select {
		case e := <-got:
			if !strings.HasPrefix(e, want+" ") || !strings.Contains(e, words) {
				t.Errorf("%q, want %s with %q", e, want, words)
			}
		case <-time.After(20 * time.Second):
			t.Fatalf("no event %s", want)
		}
	}
	next("Initialised", "")
	s.Pull(true)
	next("OutOfOrder", "camera")
	s.Pull(false)
	next("EndMaintenance", "")
	s.Term.CaseChanged(true)
	next("SecurityAlarm", "opened")
	s.Term.CaseChanged(false)
	if code, _, errs := s.Cli("tamper", "reset"); code != 0 {
		t.Fatal(errs)
	}
	// Being out of order is told beside the alarm, and later on a busy machine. The parts are opened anew after
	// the reset: maintenance may begin and end once more before it is over.
	following := func(want string) {
		t.Helper()
		for last := ""; !strings.HasPrefix(last, want+" "); {
			select {
			case last = <-got:
			case <-time.After(20 * time.Second):
				t.Fatalf("no event %s", want)
			}
			if !strings.HasPrefix(last, want+" ") && !strings.Contains(last, "Maintenance ") &&
				!strings.HasPrefix(last, "OutOfOrder tamper") {
				t.Errorf("%q, want %s", last, want)
			}
		}
	}
	following("EndMaintenance")
	end()
	following("Shutdown")
}

// TestDamagedRecordsStopRegistersAlone: the file of records can't be read; payments by hand go on, registers
// are told why they don't, and so is the technician.
func TestDamagedRecordsStopRegistersAlone(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.Flags = append(s.Flags, "--register-listen", "127.0.0.1:0", "--register-plain", "--log-level", "error")
	s.EnrolCustomer()
	path := filepath.Join(s.Dir, "data", "register.db")
	if err := os.WriteFile(path, []byte(strings.Repeat("this is no database", 500)), 0o600); err != nil {
		t.Fatal(err)
	}
	s.Open()
	s.Pay("one", "1.00")
	if p := s.End("one"); p.State != "approved" {
		t.Errorf("%+v", p)
	}
	reply := s.diagnosed(t)
	if reply.Payment == nil || reply.Payment.Response.ErrorCondition != register.UnavailableService ||
		!strings.Contains(register.Message(reply.Payment.Response), "register.db") {
		t.Errorf("%+v", reply.Payment)
	}
	row := s.Term.RegisterRow()
	if row.Level != screen.LevelFault || !strings.Contains(row.Do, "away") {
		t.Errorf("%+v", row)
	}
	if text, err := os.ReadFile(path); err != nil || !strings.HasPrefix(string(text), "this is no database") {
		t.Error("the damaged file was touched", err)
	}
}

func (s *shop) poiID() string {
	cfg := s.Config()
	return cfg.POIID()
}

// diagnosed sends a payment that is refused at once, and gives the reply.
func (s *shop) diagnosed(t *testing.T) *register.Reply {
	t.Helper()
	p := &register.PaymentRequest{
		SaleData: json.RawMessage(`{"SaleTransactionID":{"TransactionID":"1","TimeStamp":"x"}}`)}
	p.Transaction.Amounts = register.AmountsReq{Currency: "EUR", RequestedAmount: "1"}
	return s.tell(t, register.Request{
		Header: register.Header{MessageCategory: register.CategoryPayment, ServiceID: "1"}, Payment: p})
}

// tell sends a register's message, and gives the reply.
func (s *shop) tell(t *testing.T, q register.Request) *register.Reply {
	t.Helper()
	s.Eventually("the register's address", func() bool { return s.Term.Addresses().Register != "" })
	c := register.Client{URL: "https://" + s.Term.Addresses().Register + "/nexo", SaleID: "POS 1",
		POIID: s.poiID(), HTTP: &http.Client{Transport: &http.Transport{
			TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}}
	reply, err := c.Send(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	return reply
}

// TestTechnicianSeesTheRegister: address, fingerprint and a code for them.
func TestTechnicianSeesTheRegister(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.Flags = append(s.Flags, "--register-listen", "127.0.0.1:0")
	s.Open()
	s.Eventually("the register's address", func() bool { return s.Term.Addresses().Register != "" })
	row := s.Term.RegisterRow()
	cfg := s.Config()
	c, err := pairing.OpenCertificate(cfg)
	if err != nil {
		t.Fatal(err)
	}
	info, err := c.Info()
	if err != nil {
		t.Fatal(err)
	}
	if row.Level != screen.LevelOK || !strings.Contains(row.Value, register.Grouped(info.Fingerprint)) ||
		!strings.Contains(row.Value, s.Term.Addresses().Register) || len(row.Code) < 21 {
		t.Errorf("%+v", row)
	}
	s.Eventually("the technician's page", func() bool {
		resp, err := http.Get("http://" + s.Term.Addresses().Screen + "/status")
		if err != nil {
			return false
		}
		defer resp.Body.Close()
		page, err := io.ReadAll(resp.Body)
		return err == nil && strings.Contains(string(page), register.Grouped(info.Fingerprint)) &&
			strings.Contains(string(page), `<svg class="code"`)
	})
}
