//go:build !notflite

package till_test

import (
	"fmt"
	"maps"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"smiletill/payment"
	"smiletill/payment/journal"
)

// libraryName is a common name that npm's library takes for a terminal's.
const libraryName = "P400Plus-123456789.test.terminal.adyen.com"

// TestAdyenLibrary has npm's @adyen/api-library, which registers use, pay, reverse and ask at a terminal of
// this process: real frames, networks, journal and HTTPS; each once plain and once sealed.
func TestAdyenLibrary(t *testing.T) {
	t.Parallel()
	nodeModules(t)
	for i, mode := range []string{"plain", "sealed"} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			s := newCounter(t, "--register-common-name", libraryName, "--payment-timeout", "25s",
				"--payment-amount-max", "500.00")
			addr, _ := s.ready()
			c := s.tills(newNode(t), addr, s.libraryKey("Counter 1"))[i]
			for _, one := range []struct {
				name string
				test func(*testing.T, *shop, *npmTill)
			}{
				{"login", libraryLogin}, {"approved", libraryApproved}, {"not approved", libraryNotApproved},
				{"while one runs", libraryBusy}, {"connection cut", libraryCut}, {"reversal", libraryReversal},
				{"amounts", libraryAmounts}, {"not for this terminal", libraryElsewhere},
				{"display", libraryDisplay}, {"diagnosis", libraryDiagnosis}, {"totals", libraryTotals},
			} {
				t.Run(one.name, func(t *testing.T) { c.node.t = t; one.test(t, s, c) })
			}
			c.node.t = t
		})
	}
}

// libraryKey pairs a register and gives the library's SecurityKey.
func (s *shop) libraryKey(name string) object {
	s.T.Helper()
	_, said := s.pairFor(name)
	return object{"Passphrase": field(s.T, said, "passphrase"), "KeyVersion": 1, "AdyenCryptoVersion": 1,
		"KeyIdentifier": field(s.T, said, "KeyIdentifier")}
}

// tills are a register that sends plain messages and one that seals them.
func (s *shop) tills(n *node, addr string, key object) []*npmTill {
	plain := &npmTill{node: n, url: "https://" + addr + "/nexo", poi: "smiletill-till-1", sale: "plain",
		patience: 40 * time.Second}
	sealed := *plain
	sealed.sale, sealed.key = "sealed [POS 2]", key
	sealed.pem = filepath.Join(s.Dir, "data", "register.crt")
	return []*npmTill{plain, &sealed}
}

// journalled are the facts of payments with a reference, as "state amount".
func (s *shop) journalled(reference string) []string {
	s.T.Helper()
	r, err := journal.OpenReader(s.T.Context(), filepath.Join(s.Dir, "data", "journal.db"))
	if err != nil {
		s.T.Fatal(err)
	}
	defer r.Close()
	entries, err := r.List(s.T.Context(), journal.Filter{Limit: -1})
	if err != nil {
		s.T.Fatal(err)
	}
	found := []string{}
	for _, e := range entries {
		if e.Payment.Reference == reference {
			found = append(found, fmt.Sprintf("%s %s", e.Payment.State, e.Payment.Amount))
		}
	}
	return found
}

func (s *shop) mustBooks(t *testing.T, reference string, want ...string) {
	t.Helper()
	if got := s.journalled(reference); !slices.Equal(got, want) {
		t.Errorf("%s: the journal has %v, want %v", reference, got, want)
	}
}

// paid has somebody pay, and gives the payment's ServiceID, its transaction and the answer.
func (c *npmTill) paid(
	t *testing.T, reference string, amounts object,
) (service string, transaction any, h heard) {
	t.Helper()
	service = c.id()
	h = c.hear(c.send(c.message("Payment", service, c.payment(reference, amounts))))
	body := c.response(h, "Payment")
	must(t, reference, body, "Success")
	return service, dig(body, "POIData", "POITransactionID"), h
}

func libraryLogin(t *testing.T, _ *shop, c *npmTill) {
	login := object{"DateTime": "2026-03-01T10:11:12.000Z", "OperatorLanguage": "de", "SaleSoftware": object{
		"ManufacturerID": "m", "ApplicationName": "a", "SoftwareVersion": "1", "CertificationCode": "c"}}
	body := c.ask("Login", login)
	must(t, "login", body, "Success")
	if dig(body, "POISystemData", "POISoftware", "ApplicationName") != "smiletill" ||
		dig(body, "POISystemData", "POIStatus", "GlobalStatus") != "OK" {
		t.Errorf("login: %v", body)
	}
	must(t, "logout", c.ask("Logout", object{}), "Success")
	pay := c.payment("smile logged out", eur(1))
	must(t, "payment after a logout", c.ask("Payment", pay), "LoggedOut")
	must(t, "login again", c.ask("Login", login), "Success")
}

func libraryApproved(t *testing.T, s *shop, c *npmTill) {
	name := "smile " + c.sale
	service, transaction, h := c.paid(t, name,
		object{"Currency": "EUR", "RequestedAmount": 11, "TipAmount": 1.1})
	s.mustBooks(t, name, "approved 11.00 EUR")
	body := c.response(h, "Payment")
	want := object{"Currency": "EUR", "AuthorizedAmount": 11.0, "TipAmount": 1.1}
	if got := dig(body, "PaymentResult", "AmountsResp"); !reflect.DeepEqual(clean(got), want) {
		t.Errorf("AmountsResp %v, want %v", got, want)
	}
	for path, want := range map[string]any{
		"PaymentResult PaymentInstrumentData PaymentInstrumentType": "Mobile", "PaymentResult OnlineFlag": false,
		"SaleData SaleTransactionID TransactionID":        name,
		"PaymentResult PaymentAcquirerData AcquirerPOIID": c.poi,
		"PaymentResult PaymentAcquirerData MerchantID":    "demo",
		"POIData POITransactionID TransactionID":          dig(transaction, "TransactionID"),
	} {
		if got := dig(body, strings.Fields(path)...); got != want {
			t.Errorf("%s is %v, want %v", path, got, want)
		}
	}
	header := dig(h.Reply, "SaleToPOIResponse", "MessageHeader")
	if dig(header, "SaleID") != c.sale || dig(header, "ServiceID") != service || dig(header, "MessageType") !=
		"Response" {
		t.Errorf("header %v", header)
	}
	for kind, title := range map[string]string{"CustomerReceipt": "CUSTOMER", "CashierReceipt": "CASHIER"} {
		for _, want := range []string{"<br>" + title + " RECEIPT<br>Date: ", "<br>Tip: 1.10 EUR",
			"<br>TOTAL: 11.00 EUR", "<br>APPROVED", "<br>Reference: " + name} {
			if !strings.Contains(h.Receipts[kind], want) {
				t.Errorf("%s: no %q in %s", kind, want, h.Receipts[kind])
			}
		}
	}
	again, repeated := c.status("Payment", service)
	must(t, "status", again, "Success")
	if dig(again, "POIData", "POITransactionID", "TransactionID") != dig(transaction, "TransactionID") ||
		!strings.Contains(repeated.Receipts["CustomerReceipt"], "<br>COPY") {
		t.Errorf("status: %v", repeated)
	}
	must(t, "the same message again",
		c.response(c.hear(c.send(c.message("Payment", service, c.payment(name, eur(11))))), "Payment"),
		"NotAllowed")
	other := *c
	other.node = newNode(t) // another process of the register's
	same := other.message("Payment", service, other.payment(name,
		object{"Currency": "EUR", "RequestedAmount": 11, "TipAmount": 1.1}))
	must(t, "the same by another process", other.response(other.hear(other.send(same)), "Payment"), "NotAllowed")
	s.mustBooks(t, name, "approved 11.00 EUR")
}

// clean takes out what the library puts in for what is not there.
func clean(v any) object {
	o, _ := v.(object)
	o = maps.Clone(o)
	maps.DeleteFunc(o, func(_ string, v any) bool { return v == nil })
	return o
}

func libraryNotApproved(t *testing.T, s *shop, c *npmTill) {
	stranger, nobody, aborted := "stranger "+c.sale, "nobody "+c.sale, "neutral "+c.sale
	must(t, "a stranger", c.ask("Payment", c.payment(stranger, eur(4.2))), "Refusal",
		"refusalReason=not_recognised")
	s.mustBooks(t, stranger, "declined 4.20 EUR")

	service := c.id()
	running := c.send(c.message("Payment", service, c.payment(aborted, eur(4.2))))
	s.began(t, aborted)
	abort := c.abort(service)
	if abort.Error != "" || len(clean(abort.Reply)) != 0 {
		t.Errorf("an abort has no answer: %v", abort)
	}
	must(t, "aborted", c.response(c.hear(running), "Payment"), "Aborted", "refusalReason=cancelled_by_register")
	s.mustBooks(t, aborted, "cancelled 4.20 EUR")

	body := c.ask("Payment", c.payment(nobody, eur(4.2)))
	must(t, "nobody comes", body, "Cancel", "refusalReason=timeout")
	s.mustBooks(t, nobody, "expired 4.20 EUR")
	if list, ok := body["PaymentReceipt"].([]any); !ok || len(list) != 2 {
		t.Errorf("receipts of what was not paid: %v", body["PaymentReceipt"])
	}
}

func libraryBusy(t *testing.T, s *shop, c *npmTill) {
	name := "neutral first " + c.sale
	service := c.id()
	first := c.message("Payment", service, c.payment(name, eur(1)))
	running := c.send(first)
	s.began(t, name)
	must(t, "a second payment", c.ask("Payment", c.payment("smile second", eur(1))), "Busy",
		"serviceId="+service, "saleId=")
	must(t, "the same while it runs", c.response(c.hear(c.send(first)), "Payment"), "Busy", "serviceId="+service)
	must(t, "reconciliation", c.ask("Reconciliation",
		object{"ReconciliationType": "SaleReconciliation"}), "Busy")
	if got := dig(c.ask("Diagnosis", object{}), "POIStatus", "GlobalStatus"); got != "Busy" {
		t.Errorf("GlobalStatus %v", got)
	}
	c.abort(service)
	must(t, "the first", c.response(c.hear(running), "Payment"), "Aborted")
	must(t, "the same afterwards", c.response(c.hear(c.send(first)), "Payment"), "NotAllowed")
	s.mustBooks(t, name, "cancelled 1.00 EUR")
	s.mustBooks(t, "smile second")
}

func libraryCut(t *testing.T, s *shop, c *npmTill) {
	w := newWire(t, strings.TrimSuffix(strings.TrimPrefix(c.url, "https://"), "/nexo"))
	for _, how := range []string{"wire", "patience"} {
		name := "nobody at first, " + how + " " + c.sale
		far := *c
		far.url = w.url()
		if how == "patience" {
			far.patience = 400 * time.Millisecond
		}
		service := c.id()
		lost := far.send(far.message("Payment", service, c.payment(name, eur(2.5))))
		s.began(t, name)
		if how == "wire" {
			w.lead("")
		}
		if h := c.hear(lost); h.Error == "" {
			t.Errorf("%s: there was an answer: %v", how, h.Reply)
		}
		must(t, how+": the same after the cut", c.response(c.hear(c.send(
			c.message("Payment", service, c.payment(name, eur(2.5))))), "Payment"), "Busy")
		s.stepUp("customer_smile")
		body, _ := c.status("Payment", service)
		must(t, how+": status after the cut", body, "Success")
		s.mustBooks(t, name, "approved 2.50 EUR")
		w.lead(strings.TrimSuffix(strings.TrimPrefix(c.url, "https://"), "/nexo"))
	}
}

func libraryReversal(t *testing.T, s *shop, c *npmTill) {
	name := "smile and back " + c.sale
	_, transaction, _ := c.paid(t, name, eur(4.2))
	back := func(transaction any, amount any) object {
		q := object{"OriginalPOITransaction": object{"POITransactionID": transaction},
			"ReversalReason": "MerchantCancel"}
		if amount != nil {
			q["ReversedAmount"] = amount
		}
		return q
	}
	service := c.id()
	part := c.message("Reversal", service, back(transaction, 1.2))
	h := c.hear(c.send(part))
	body := c.response(h, "Reversal")
	must(t, "a part", body, "Success")
	if body["ReversedAmount"] != 1.2 ||
		!strings.Contains(h.Receipts["CustomerReceipt"], "GIVEN BACK: 1.20 EUR") {
		t.Errorf("a part: %v", h)
	}
	must(t, "the same again", c.response(c.hear(c.send(part)), "Reversal"), "NotAllowed")
	again, _ := c.status("Reversal", service)
	must(t, "status", again, "Success")
	must(t, "too much", c.ask("Reversal", back(transaction, 3.01)), "NotAllowed")
	full := c.ask("Reversal", back(transaction, nil))
	must(t, "the rest", full, "Success")
	if full["ReversedAmount"] != 3.0 {
		t.Errorf("the rest: %v", full["ReversedAmount"])
	}
	must(t, "nothing is left", c.ask("Reversal", back(transaction, nil)), "NotAllowed")
	must(t, "no such payment", c.ask("Reversal", back(object{"TransactionID": "nexo-none",
		"TimeStamp": "2026-03-01T10:11:12.000Z"}, nil)), "NotFound")
	must(t, "too many decimals", c.ask("Reversal", back(transaction, 0.001)), "MessageFormat")
	id, _ := dig(transaction, "TransactionID").(string)
	if p, err := s.find(id); err != nil || p.State != payment.StateApproved || p.Reversed != 420 {
		t.Errorf("the journal: %+v, %v", p, err)
	}
}

// find looks a payment up in the terminal's own journal.
func (s *shop) find(id string) (payment.Payment, error) {
	r := s.journal()
	defer r.Close()
	return r.Find(s.T.Context(), id)
}
