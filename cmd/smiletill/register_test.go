//go:build !notflite

package main

import (
	"crypto/tls"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"smiletill/device/screen"
	"smiletill/payment/register"
)

// TestRegisterDoor: on other addresses than loopback nothing is listened on until a register is paired.
func TestRegisterDoor(t *testing.T) {
	for _, c := range []struct {
		listen string
		paired bool
		shut   bool
	}{
		{"127.0.0.1:8443", false, false}, {"[::1]:8443", false, false}, {"localhost:8443", false, false},
		{"0.0.0.0:8443", false, true}, {"[::]:8443", false, true}, {"192.0.2.7:8443", false, true},
		{"till.example:8443", false, true}, {"0.0.0.0:8443", true, false}, {"127.0.0.1:8443", true, false},
	} {
		cfg := defaultConfig()
		cfg.Register.Listen, cfg.Paths.DataDir = c.listen, t.TempDir()
		if c.paired {
			pairings, _, err := register.Pairings{}.Pair("front", "front", "correct horse", time.Now())
			if err == nil {
				err = pairings.Save(pairingsPath(cfg))
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		term, err := newTerminal(cfg, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		desk := term.register
		if why := desk.shut(); (why != "") != c.shut {
			t.Errorf("%s, paired %v: %q", c.listen, c.paired, why)
		}
		if !c.paired {
			continue
		}
		if err := os.Remove(pairingsPath(cfg)); err != nil {
			t.Fatal(err)
		}
		if desk.shut() == "" && !onlyHere(c.listen) {
			t.Errorf("%s is listened on after the last register was unpaired", c.listen)
		}
	}
}

// TestRegisterEvents: the configured receiver is told what happens to a terminal.
func TestRegisterEvents(t *testing.T) {
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
	s.flags = append(s.flags, "--register-events-url", hook.URL)
	end := s.openUntil()
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
	s.pull(true)
	next("OutOfOrder", "camera")
	s.pull(false)
	next("EndMaintenance", "")
	s.term.tamper.changed(true)
	next("SecurityAlarm", "opened")
	s.term.tamper.changed(false)
	if code, _, errs := s.cli("tamper", "reset"); code != 0 {
		t.Fatal(errs)
	}
	// The parts are opened anew after the reset: maintenance may begin and end once more before it is over.
	following := func(want string) {
		t.Helper()
		for last := ""; !strings.HasPrefix(last, want+" "); {
			select {
			case last = <-got:
			case <-time.After(20 * time.Second):
				t.Fatalf("no event %s", want)
			}
			if !strings.HasPrefix(last, want+" ") && !strings.Contains(last, "Maintenance ") {
				t.Errorf("%q, want %s", last, want)
			}
		}
	}
	following("EndMaintenance")
	end()
	following("Shutdown")
}

// TestFollower: each change of state once, and nothing for what can't be said.
func TestFollower(t *testing.T) {
	var f follower
	var told []string
	for _, s := range []deskState{"", deskOpening, "", deskReady, deskReady, "", deskOpening, deskReady,
		deskBroken,
		deskBroken, deskReady, deskOpen, deskReady} {
		if e := f.next(s); e != "" {
			told = append(told, string(e))
		}
	}
	want := []string{"Initialised", "BeginMaintenance", "EndMaintenance", "OutOfOrder", "EndMaintenance",
		"SecurityAlarm", "EndMaintenance"}
	if !slices.Equal(told, want) {
		t.Errorf("%v, want %v", told, want)
	}
}

// TestDamagedRecordsStopRegistersAlone: the file of records can't be read; payments by hand go on, registers
// are told why they don't, and so is the technician.
func TestDamagedRecordsStopRegistersAlone(t *testing.T) {
	s := newShop(t)
	s.flags = append(s.flags, "--register-listen", "127.0.0.1:0", "--log-level", "error")
	s.enrol()
	path := filepath.Join(s.dir, "data", "register.db")
	if err := os.WriteFile(path, []byte(strings.Repeat("this is no database", 500)), 0o600); err != nil {
		t.Fatal(err)
	}
	s.open()
	s.pay("one", "1.00")
	if p := s.end("one"); p.State != "approved" {
		t.Errorf("%+v", p)
	}
	reply := s.diagnosed(t)
	if reply.Payment == nil || reply.Payment.Response.ErrorCondition != register.UnavailableService ||
		!strings.Contains(register.Message(reply.Payment.Response), "register.db") {
		t.Errorf("%+v", reply.Payment)
	}
	row := s.term.register.row()
	if row.Level != screen.LevelFault || !strings.Contains(row.Do, "away") {
		t.Errorf("%+v", row)
	}
	if text, err := os.ReadFile(path); err != nil || !strings.HasPrefix(string(text), "this is no database") {
		t.Error("the damaged file was touched", err)
	}
}

// diagnosed sends a payment that is refused at once, and gives the reply.
func (s *shop) diagnosed(t *testing.T) *register.Reply {
	t.Helper()
	s.eventually("the register's address", func() bool { return s.term.register.address() != "" })
	p := &register.PaymentRequest{
		SaleData: json.RawMessage(`{"SaleTransactionID":{"TransactionID":"1","TimeStamp":"x"}}`)}
	p.Transaction.Amounts = register.AmountsReq{Currency: "EUR", RequestedAmount: "1"}
	c := register.Client{URL: "https://" + s.term.register.address() + "/nexo", SaleID: "POS 1",
		POIID: poiIDOf(s.term.cfg), HTTP: &http.Client{Transport: &http.Transport{
			TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}}
	reply, err := c.Send(t.Context(), register.Request{
		Header: register.Header{MessageCategory: register.CategoryPayment, ServiceID: "1"}, Payment: p})
	if err != nil {
		t.Fatal(err)
	}
	return reply
}

// TestTechnicianSeesTheRegister: address, fingerprint and a code for them.
func TestTechnicianSeesTheRegister(t *testing.T) {
	s := newShop(t)
	s.flags = append(s.flags, "--register-listen", "127.0.0.1:0")
	s.open()
	s.eventually("the register's address", func() bool { return s.term.register.address() != "" })
	row := s.term.register.row()
	cfg := s.term.cfg
	c, err := openCertificate(cfg)
	if err != nil {
		t.Fatal(err)
	}
	info, err := c.Info()
	if err != nil {
		t.Fatal(err)
	}
	if row.Level != screen.LevelOK || !strings.Contains(row.Value, grouped4(info.Fingerprint)) ||
		!strings.Contains(row.Value, s.term.register.address()) || len(row.Code) < 21 {
		t.Errorf("%+v", row)
	}
	s.eventually("the technician's page", func() bool {
		resp, err := http.Get("http://" + s.term.addr + "/status")
		if err != nil {
			return false
		}
		defer resp.Body.Close()
		page, err := io.ReadAll(resp.Body)
		return err == nil && strings.Contains(string(page), grouped4(info.Fingerprint)) &&
			strings.Contains(string(page), `<svg class="code"`)
	})
}

func TestRegisterOptions(t *testing.T) {
	for _, c := range []struct{ text, says string }{
		{"[register]\nlisten = \"\"", ""},
		{"[register]\nlisten = \"0.0.0.0:8443\"\nevents_url = \"https://pos.example/events\"", ""},
		{"[register]\nlisten = \"8443\"", "address and a port"},
		{"[register]\npoi_id = \"a b\"", "poi_id"},
		{"[register]\nevents_url = \"http://pos.example/events\"", "https://HOST"},
		{"[register]\nevents_url = \"https://u:p@pos.example/\"", "without a password"},
		{"[register]\ncert_file = \"/a\"", "key_file too"},
		{"[register]\nkey_file = \"/a\"", "cert_file too"},
		{"[register]\ncommon_name = \"a b\"", "host name"},
	} {
		path := filepath.Join(t.TempDir(), "c.toml")
		if err := os.WriteFile(path, []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := LoadConfig(path, nil, nil)
		if (err != nil) != (c.says != "") || err != nil && !strings.Contains(err.Error()+hintOf(err), c.says) {
			t.Errorf("%s: %v, want %q", c.text, err, c.says)
		}
	}
}
