//go:build !notflite

package till_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"smiletill/cmd/smiletill/terminal/terminaltest"
	"smiletill/payment"
	"smiletill/payment/journal"
	"smiletill/payment/register"
)

// opened begins a payment, aborts it, and gives what the register was told.
func (c *npmTill) opened(t *testing.T, s *shop, reference string, amounts object) {
	t.Helper()
	service := c.id()
	running := c.send(c.message("Payment", service, c.payment(reference, amounts)))
	s.began(t, reference)
	c.abort(service)
	must(t, reference, c.response(c.hear(running), "Payment"), "Aborted")
}

func libraryAmounts(t *testing.T, s *shop, c *npmTill) {
	for i, a := range []struct {
		amount any
		is     string
	}{
		{10.1, "10.10"}, {0.1 + 0.2, "0.30"}, {0.30000000000000004, "0.30"}, {1e2, "100.00"}, {"10.10", "10.10"},
		{4, "4.00"},
	} {
		name := fmt.Sprintf("nobody %d %s", i, c.sale)
		c.opened(t, s, name, eur(a.amount))
		s.mustBooks(t, name, "cancelled "+a.is+" EUR")
	}
	with := func(more object) object {
		a := eur(10)
		for k, v := range more {
			a[k] = v
		}
		return a
	}
	for i, a := range []struct {
		amounts object
		want    string
		says    string
	}{
		{eur(-5), "MessageFormat", "negative"}, {eur(0), "MessageFormat", "zero"},
		{eur(10.001), "MessageFormat", "decimals"},
		{eur(1e21), "MessageFormat", "large"}, {eur(1e300), "MessageFormat", "size"},
		{eur(500.01), "Refusal", "refusalReason=limit"},
		{with(object{"TipAmount": 10.01}), "MessageFormat", "TipAmount"},
		{with(object{"TipAmount": -1}), "MessageFormat", "TipAmount"},
		{with(object{"CashBackAmount": 5}), "MessageFormat", "CashBackAmount"},
		{object{"Currency": "JPY", "RequestedAmount": 100}, "MessageFormat", "takes+EUR"},
		{object{"Currency": "KWD", "RequestedAmount": 1.234}, "MessageFormat", "takes+EUR"},
		{object{"Currency": "XXQ", "RequestedAmount": 1}, "MessageFormat", "currency"},
		{object{"Currency": "EUR"}, "MessageFormat", ""},
	} {
		name := fmt.Sprintf("refused %d %s", i, c.sale)
		must(t, fmt.Sprint(a.amounts), c.ask("Payment", c.payment(name, a.amounts)), a.want, a.says)
		s.mustBooks(t, name)
	}
	refund := c.payment("refund "+c.sale, eur(1))
	refund["PaymentData"] = object{"PaymentType": "Refund"}
	must(t, "a refund", c.ask("Payment", refund), "PaymentRestriction", "Reversal")
	s.mustBooks(t, "refund "+c.sale)
}

func libraryElsewhere(t *testing.T, s *shop, c *npmTill) {
	name := "smile astray " + c.sale
	pay := c.payment(name, eur(1))
	other := *c
	other.poi = "V400m-123456789"
	must(t, "another terminal's POIID", other.ask("Payment", pay), "NotAllowed", "V400m-123456789",
		"smiletill-till-1")
	rejected := func(what string, h heard) {
		t.Helper()
		// The library knows no Event: plain it finds no response in it, sealed nothing to open.
		if dig(h.Reply, "SaleToPOIResponse") != nil || c.key != nil && !strings.Contains(h.Error, "NexoBlob") {
			t.Errorf("%s: %v", what, h)
		}
	}
	must(t, "unknown category", c.ask("CardAcquisition", object{}), "MessageFormat", "MessageCategory")
	must(t, "text for an amount", c.ask("Payment", c.payment(name, eur("abc"))), "MessageFormat", "%22abc%22")
	long := c.hear(c.send(c.message("Payment", "12345678901", pay)))
	must(t, "ServiceID too long", c.response(long, "Payment"), "MessageFormat", "ServiceID")
	if c.key != nil {
		for what, change := range map[string]object{
			"wrong passphrase": {"Passphrase": "another passphrase"}, "unknown key": {"KeyIdentifier": "nobody"},
			"another version": {"KeyVersion": 2},
		} {
			other := *c
			other.key = object{}
			for _, from := range []object{c.key, change} {
				for k, v := range from {
					other.key[k] = v
				}
			}
			rejected(what, other.hear(other.send(other.message("Payment", c.id(), pay))))
		}
		fake := *c
		fake.pem = filepath.Join(t.TempDir(), "fake.crt")
		if _, err := register.MakeCertificate(fake.pem, fake.pem+".key", libraryName, nil); err != nil {
			t.Fatal(err)
		}
		h := fake.hear(fake.send(fake.message("Payment", c.id(), pay)))
		if !strings.Contains(h.Error, "certificate") && !strings.Contains(h.Error, "signature") {
			t.Errorf("another certificate: %v", h)
		}
	}
	s.mustBooks(t, name)
}

func libraryDisplay(t *testing.T, s *shop, c *npmTill) {
	output := func(device string, lines ...string) object {
		text := []object{}
		for _, l := range lines {
			text = append(text, object{"Text": l, "EndOfLineFlag": true})
		}
		return object{"Device": device, "InfoQualify": "Display",
			"OutputContent": object{"OutputFormat": "Text", "OutputText": text}}
	}
	body := c.ask("Display", object{"DisplayOutput": []object{
		output("CustomerDisplay", "2 × Käse", "Total "+c.sale), output("CashierDisplay", "x"),
	}})
	results, _ := body["OutputResult"].([]any)
	if len(results) != 2 {
		t.Fatalf("display: %v", body)
	}
	must(t, "the customer's", results[0].(object), "Success")
	must(t, "the cashier's", results[1].(object), "DeviceOut")
	s.Eventually("the note", func() bool {
		return s.View().Note == "2 × Käse\nTotal "+c.sale
	})
}

func libraryDiagnosis(t *testing.T, s *shop, c *npmTill) {
	r := s.journal()
	b, err := r.Backlog(t.Context())
	if err = errors.Join(err, r.Close()); err != nil || b.Count == 0 {
		t.Fatalf("backlog %+v, %v", b, err)
	}
	body := c.ask("Diagnosis", object{"HostDiagnosisFlag": true})
	must(t, "diagnosis", body, "Success", fmt.Sprintf("unconfirmedBatchCount=%d", b.Count), "storeId=shop")
	hosts, _ := body["HostStatus"].([]any)
	if dig(body, "POIStatus", "GlobalStatus") != "OK" || len(hosts) != 1 ||
		dig(hosts[0], "IsReachableFlag") != false {
		t.Errorf("diagnosis: %v", body)
	}
	s.Pull(true)
	s.Eventually("out of order", func() bool {
		body = c.ask("Diagnosis", object{})
		return dig(body, "POIStatus", "GlobalStatus") == "Maintenance"
	})
	must(t, "diagnosis out of order", body, "Success", "no+such+device")
	must(t, "payment out of order", c.ask("Payment", c.payment("smile without camera", eur(1))),
		"UnavailableDevice", "camera")
	s.mustBooks(t, "smile without camera")
	s.Pull(false)
	s.Eventually("in order again", func() bool {
		return dig(c.ask("Diagnosis", object{}), "POIStatus", "GlobalStatus") == "OK"
	})
}

// sums adds up the journal's facts after one of them, in the protocol's words.
func (s *shop) sums(t *testing.T, after int64) (sums map[string]string, last int64) {
	t.Helper()
	r, err := journal.OpenReader(t.Context(), filepath.Join(s.Dir, "data", "journal.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	words := map[string]string{"approved": "Debit", "reversed": "ReverseDebit", "declined": "Declined",
		"cancelled": "Failed", "expired": "Failed"}
	counts, minor := map[string]int{}, map[string]int64{}
	err = r.Facts(t.Context(), journal.Range{After: after}, func(f journal.Fact) error {
		if w := words[f.Kind]; w != "" {
			counts[w]++
			minor[w] += f.Amount.Minor
		}
		last = f.Seq
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	sums = map[string]string{}
	for w, n := range counts {
		sums[w] = fmt.Sprintf("%d %s", n, payment.Amount{Minor: minor[w], Currency: "EUR"}.Decimal())
	}
	return sums, last
}

// told are the sums of an answer.
func toldTotals(t *testing.T, body object) map[string]string {
	t.Helper()
	must(t, "totals", body, "Success")
	sums := map[string]string{}
	all, _ := body["TransactionTotals"].([]any)
	for _, one := range all {
		if dig(one, "PaymentCurrency") != "EUR" {
			t.Errorf("totals of %v", dig(one, "PaymentCurrency"))
		}
		list, _ := dig(one, "PaymentTotals").([]any)
		for _, p := range list {
			kind, _ := dig(p, "TransactionType").(string)
			sums[kind] = fmt.Sprintf("%v %.2f", dig(p, "TransactionCount"), dig(p, "TransactionAmount"))
		}
	}
	return sums
}

func libraryTotals(t *testing.T, s *shop, c *npmTill) {
	want, last := s.sums(t, s.reconciled)
	s.reconciled = last
	if len(want) != 4 {
		t.Fatalf("the journal has %v: something of each kind was to come before", want)
	}
	same := func(what string, got map[string]string, want map[string]string) {
		t.Helper()
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%s: %v, the journal has %v", what, got, want)
		}
	}
	same("totals", toldTotals(t, c.ask("GetTotals", object{})), want)
	closed := c.ask("Reconciliation", object{"ReconciliationType": "SaleReconciliation"})
	same("reconciliation", toldTotals(t, closed), want)
	same("totals afterwards", toldTotals(t, c.ask("GetTotals", object{})), map[string]string{})
	same("the same period again", toldTotals(t, c.ask("Reconciliation", object{
		"ReconciliationType":  "PreviousReconciliation",
		"POIReconciliationID": closed["POIReconciliationID"]})), want)
}

// TestAdyenLibraryCurrencies: terminals of a currency without decimals and of one with three.
func TestAdyenLibraryCurrencies(t *testing.T) {
	t.Parallel()
	nodeModules(t)
	for _, c := range []struct {
		currency, limit string
		amount          float64
		is, tooFine     string
	}{
		{"JPY", "50000", 1000, "1000", "10.5"}, {"KWD", "50.000", 1.234, "1.234", "1.2345"},
	} {
		t.Run(c.currency, func(t *testing.T) {
			t.Parallel()
			s := newCounter(t, "--terminal-currency", c.currency, "--payment-amount-max", c.limit,
				"--register-common-name", libraryName)
			addr, _ := s.ready()
			amount := func(v any) object { return object{"Currency": c.currency, "RequestedAmount": v} }
			for _, r := range s.tills(newNode(t), addr, s.libraryKey("Counter 1")) {
				name := "smile " + r.sale
				_, _, h := r.paid(t, name, amount(c.amount))
				s.mustBooks(t, name, "approved "+c.is+" "+c.currency)
				got := dig(r.response(h, "Payment"), "PaymentResult", "AmountsResp", "AuthorizedAmount")
				if got != c.amount {
					t.Errorf("authorised %v", got)
				}
				total := "<br>TOTAL: " + c.is + " " + c.currency
				if !strings.Contains(h.Receipts["CustomerReceipt"], total) {
					t.Errorf("no %q in %s", total, h.Receipts["CustomerReceipt"])
				}
				must(t, "too many decimals", r.ask("Payment", r.payment("x", amount(c.tooFine))), "MessageFormat")
				must(t, "euro", r.ask("Payment", r.payment("x", eur(1))), "MessageFormat", "takes+"+c.currency)
			}
		})
	}
}

// TestAdyenLibraryKilledTerminal kills a terminal (SIGKILL) while payments run and after some were approved,
// and asks the next one how they went.
func TestAdyenLibraryKilledTerminal(t *testing.T) { // not parallel: its camera's film does not wait
	nodeModules(t)
	s := newCounter(t)
	film := filepath.Join(s.Dir, "visit.mjpeg")
	address := terminaltest.FreeAddress(t)
	args := append([]string{"run"}, s.Flags...)
	args = append(args, "--register-listen", address, "--camera-source", "replay:"+film, "--camera-fps", "10",
		"--camera-realtime", "--register-common-name", libraryName, "--terminal-tenant", "test",
		"--terminal-site", "shop", "--terminal-id", "till-1")
	start := func(clip string) (stop func()) {
		if err := os.WriteFile(film, filmOf(t, clip), 0o600); err != nil {
			t.Fatal(err)
		}
		stop = terminaltest.Start(t, os.Args[0], filepath.Join(s.Dir, "log"), args, terminaltest.AsProgram+"=1")
		t.Cleanup(stop)
		s.Eventually("the terminal", func() bool { return s.Running(t.Context()) })
		// Who pairs before would make it, with another name than the library wants.
		s.Eventually("its certificate", func() bool {
			_, err := os.Stat(filepath.Join(s.Dir, "data", "register.crt"))
			return err == nil
		})
		return stop
	}
	stop := start("customer_neutral")
	key := s.libraryKey("Counter 1")
	tills := s.tills(newNode(t), address, key)
	again := map[string]object{} // the very messages, by ServiceID
	services := map[string][2]string{}
	for i, c := range tills {
		name := "killed " + c.sale
		service := c.id()
		again[service] = c.message("Payment", service, c.payment(name, eur(3)))
		c.until(t, "OK")
		lost := c.send(again[service])
		c.until(t, "Busy")
		stop()
		if h := c.hear(lost); h.Error == "" {
			t.Errorf("an answer of a terminal that was killed: %v", h)
		}
		stop = start([]string{"customer_neutral", "customer_smile"}[i])
		body, _ := c.status("Payment", service)
		must(t, name, body, "UnavailableDevice", "refusalReason=restarted")
		s.mustBooks(t, name, "expired 3.00 EUR")
		services[c.sale] = [2]string{service, ""}
	}
	for _, c := range tills {
		c.until(t, "OK")
		name := "approved " + c.sale
		service := c.id()
		again[service] = c.message("Payment", service, c.payment(name, eur(3)))
		h := c.hear(c.send(again[service]))
		must(t, name, c.response(h, "Payment"), "Success")
		services[c.sale] = [2]string{services[c.sale][0], service}
		s.mustBooks(t, name, "approved 3.00 EUR")
	}
	stop()
	stop = start("customer_smile")
	defer stop()
	for _, c := range s.tills(newNode(t), address, key) { // the register was started again, too
		c.last = 1000
		expired, approved := services[c.sale][0], services[c.sale][1]
		body, h := c.status("Payment", approved)
		must(t, "approved before the kill", body, "Success")
		if !strings.Contains(h.Receipts["CustomerReceipt"], "TOTAL: 3.00 EUR") {
			t.Errorf("receipt %s", h.Receipts["CustomerReceipt"])
		}
		for _, service := range []string{expired, approved} {
			must(t, "the same again "+service, c.response(c.hear(c.send(again[service])), "Payment"), "NotAllowed")
		}
		s.mustBooks(t, "killed "+c.sale, "expired 3.00 EUR")
		s.mustBooks(t, "approved "+c.sale, "approved 3.00 EUR")
	}
}

// until asks the terminal how it does until it is as it is to be.
func (c *npmTill) until(t *testing.T, state string) {
	t.Helper()
	var last heard
	for range 600 {
		last = c.hear(c.send(c.message("Diagnosis", c.id(), object{})))
		if dig(last.Reply, "SaleToPOIResponse", "DiagnosisResponse", "POIStatus", "GlobalStatus") == state {
			return
		}
		time.Sleep(25 * time.Millisecond)
	}
	t.Fatalf("the terminal is never %s: %v", state, last)
}
