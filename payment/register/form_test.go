package register_test

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"smiletill/payment"
	"smiletill/payment/register"
)

// formDesk takes no payment: what has the right form is above its limit.
func formDesk(t *testing.T) (*desk, *register.Key) {
	t.Helper()
	d := newDesk(t, func(d *desk) { d.limit = payment.Amount{Minor: 1, Currency: "EUR"} })
	return d, d.pair("correct horse")
}

// reply is a message's answer, with the one body that it has besides its header.
type reply struct {
	header   register.Header
	category string
	response register.Response
}

// readReply takes a SaleToPOIResponse apart.
func readReply(t testing.TB, answer string) reply {
	t.Helper()
	var m struct{ SaleToPOIResponse map[string]json.RawMessage }
	if err := json.Unmarshal([]byte(answer), &m); err != nil || len(m.SaleToPOIResponse) != 2 {
		t.Fatalf("no response: %s: %v", answer, err)
	}
	var r reply
	for name, raw := range m.SaleToPOIResponse {
		if name == "MessageHeader" {
			if err := json.Unmarshal(raw, &r.header); err != nil {
				t.Fatal(err)
			}
			continue
		}
		var body struct {
			Response     register.Response
			OutputResult []struct{ Response register.Response }
		}
		if err := json.Unmarshal(raw, &body); err != nil {
			t.Fatalf("%s: %v", answer, err)
		}
		r.category, r.response = strings.TrimSuffix(name, "Response"), body.Response
		for _, one := range body.OutputResult {
			r.response = one.Response
		}
	}
	return r
}

// askBoth sends a message plain and sealed, and gives both answers, opened. The sealed one must have been
// sealed.
func (d *desk) askBoth(key *register.Key, body string) (plain, sealed string) {
	d.t.Helper()
	code, plain := d.raw(strings.ReplaceAll(body, "@SID@", "p"))
	if code != http.StatusOK {
		d.t.Fatalf("%d %s", code, plain)
	}
	body = strings.ReplaceAll(body, "@SID@", "s")
	var m struct {
		SaleToPOIRequest struct{ MessageHeader json.RawMessage }
	}
	header := json.RawMessage(`{"MessageClass":"Service","MessageCategory":"Payment","MessageType":"Request",` +
		`"SaleID":"Counter 1","ServiceID":"outside","POIID":"` + poiID + `","ProtocolVersion":"3.0"}`)
	if json.Unmarshal([]byte(strings.TrimPrefix(body, "\ufeff")), &m) == nil &&
		m.SaleToPOIRequest.MessageHeader != nil {
		header = m.SaleToPOIRequest.MessageHeader
	}
	blob, trailer := key.Seal([]byte(body))
	outer, err := json.Marshal(map[string]any{"SaleToPOIRequest": map[string]any{"MessageHeader": header,
		"NexoBlob": blob, "SecurityTrailer": trailer}})
	if err != nil {
		d.t.Fatal(err)
	}
	_, answer := d.raw(string(outer))
	var s struct{ SaleToPOIResponse *register.Reply }
	if err := json.Unmarshal([]byte(answer), &s); err != nil || s.SaleToPOIResponse == nil ||
		s.SaleToPOIResponse.SecurityTrailer == nil {
		d.t.Fatalf("the answer is not sealed: %s: %v", answer, err)
	}
	opened, err := key.Open(s.SaleToPOIResponse.NexoBlob, *s.SaleToPOIResponse.SecurityTrailer)
	if err != nil {
		d.t.Fatal(err)
	}
	return plain, string(opened)
}

func (d *desk) wants(answer, category string, c register.Condition, words string) {
	d.t.Helper()
	r := readReply(d.t, answer)
	if r.category != category || string(r.header.MessageCategory) != category ||
		r.response.ErrorCondition != c ||
		!strings.Contains(register.Message(r.response), words) {
		d.t.Errorf("%sResponse %s %q, want %sResponse %s with %q", r.category, r.response.ErrorCondition,
			register.Message(r.response), category, c, words)
	}
}

// TestFaultsOfRegisters plays messages of real registers that were refused, or in words that nobody could
// use.
func TestFaultsOfRegisters(t *testing.T) {
	const limit = "is above this terminal's limit"
	d, key := formDesk(t)
	answers := schemas(t, "Answer")
	for _, c := range []struct {
		file, category string
		want           register.Condition
		words          string
	}{
		{"01a-php-diagnosis", "Diagnosis", "", ""},
		{"02a-amount-comma", "Payment", register.MessageFormat,
			`AmountsReq.RequestedAmount: "4,20" is no number; send 4.20`},
		{"02b-tip-empty-text", "Payment", register.MessageFormat,
			`AmountsReq.TipAmount: "" is no number; leave it out`},
		{"03a-saleid-nbsp", "Diagnosis", "", ""},
		{"03c-reference-nnbsp", "Payment", register.Refusal, limit},
		{"04a-bom", "Diagnosis", "", ""},
		{"06-cjk-reference", "Payment", register.Refusal, limit},
		{"07-sec-fetch-site-none", "Diagnosis", "", ""},
		{"01b-php-logout", "Logout", "", ""},
	} {
		t.Run(c.file, func(t *testing.T) {
			d.t = t
			body, err := os.ReadFile(filepath.Join("testdata", "faults", c.file+".json"))
			if err != nil {
				t.Fatal(err)
			}
			plain, sealed := d.askBoth(key, strings.ReplaceAll(string(body), "@POI@", poiID))
			for _, answer := range []string{plain, sealed} {
				d.wants(answer, c.category, c.want, c.words)
			}
			valid(t, answers, c.file, []byte(plain))
		})
	}
	d.t = t
}

// TestForm: what is wrong with a message is said in the response of its category, with the field's path, what
// was sent and what to send; sealed if the message was.
func TestForm(t *testing.T) {
	header := func(old, new string) string {
		return strings.Replace(`"MessageHeader":{"MessageClass":"Service","MessageCategory":"Diagnosis",`+
			`"MessageType":"Request","SaleID":"Counter 1","ServiceID":"@SID@","POIID":"`+poiID+
			`","ProtocolVersion":"3.0"}`, old, new, 1)
	}
	of := func(category, body string) string { return header("Diagnosis", category) + "," + body }
	payment := func(old, new string) string {
		return of("Payment", strings.Replace(`"PaymentRequest":{"SaleData":{"SaleTransactionID":{"TransactionID":`+
			`"17","TimeStamp":"x"}},"PaymentTransaction":{"AmountsReq":{"Currency":"EUR","RequestedAmount":1}}}`,
			old, new, 1))
	}
	const amounts = "PaymentRequest.PaymentTransaction.AmountsReq."
	d, key := formDesk(t)
	answers := schemas(t, "Answer")
	for _, c := range []struct{ body, category, words string }{
		{header("@SID@", "12345678901"), "Diagnosis",
			"MessageHeader.ServiceID: it has 11 characters; use at most 10"},
		{header(`"@SID@"`, "17"), "Diagnosis", `MessageHeader.ServiceID: 17 is no text; send "17"`},
		{header(`"@SID@"`, "{}"), "Diagnosis", "MessageHeader.ServiceID: an object is no text"},
		{header(`"ServiceID":"@SID@",`, ""), "Diagnosis", "MessageHeader.ServiceID: it is missing"},
		{header(`"Counter 1"`, "1"), "Diagnosis", `MessageHeader.SaleID: 1 is no text; send "1"`},
		{header("Counter 1", ""), "Diagnosis", "MessageHeader.SaleID: it is missing"},
		{header("Counter 1", strings.Repeat("é", 101)), "Diagnosis",
			"MessageHeader.SaleID: it has 101 characters; use at most 100"},
		{header("Counter 1", `a\u0007`), "Diagnosis",
			"MessageHeader.SaleID: character 2 is U+0007, a control character; leave it out"},
		{header("Counter 1", `é\u202egnp`), "Diagnosis",
			"SaleID: character 2 is U+202E, which turns the direction"},
		{header("Counter 1", `\ufffd`), "Diagnosis", "SaleID: character 1 is U+FFFD"},
		{header(poiID, ""), "Diagnosis", "MessageHeader.POIID: it is missing"},
		{header("Service", "Device"), "Diagnosis",
			`MessageHeader.MessageClass: "Device" is not taken; send Service`},
		{header("Request", "Response"), "Diagnosis", "MessageHeader.MessageType"},
		{header("3.0", "2.0"), "Diagnosis", `MessageHeader.ProtocolVersion: "2.0" is not taken; send 3.0`},
		{header("Diagnosis", "Print"), "Print",
			`MessageHeader.MessageCategory: "Print" is not taken; send Payment,`},
		{header("Diagnosis", "Payment"), "Payment", "PaymentRequest: it is missing; send an object"},
		{header("Diagnosis", "Abort"), "Abort", "AbortRequest: it is missing"},
		{header("Diagnosis", "TransactionStatus"), "TransactionStatus", "TransactionStatusRequest: it is missing"},
		{header("Diagnosis", "Reversal"), "Reversal", "ReversalRequest: it is missing"},
		{header("Diagnosis", "Login"), "Login", "LoginRequest: it is missing"},
		{header("Diagnosis", "Reconciliation"), "Reconciliation", "ReconciliationType: it is missing"},
		{header("Diagnosis", "Display"), "Display", "DisplayRequest: it is missing"},
		{of("Abort", `"AbortRequest":{"AbortReason":"x","MessageReference":[]}`), "Abort",
			"AbortRequest.MessageReference.ServiceID: it is missing"},
		{of("Login", `"LoginRequest":[]`), "Login",
			"LoginRequest: [] is no object; send an object with DateTime, SaleSoftware, OperatorLanguage"},
		{of("Diagnosis", `"DiagnosisRequest":[1]`), "Diagnosis",
			"DiagnosisRequest: a list is no object; send { }"},
		{of("Diagnosis", `"DiagnosisRequest":{"HostDiagnosisFlag":"true"}`), "Diagnosis",
			`DiagnosisRequest.HostDiagnosisFlag: "true" is no true or false; send true or false, without quotes`},
		{of("GetTotals", `"GetTotalsRequest":{"TotalDetails":"x"}`), "GetTotals", "TotalDetails: \"x\" is no list"},
		{of("Display", `"DisplayRequest":{"DisplayOutput":[{"OutputContent":{"OutputText":[{"Text":1}]}}]}`),
			"Display", `DisplayRequest.DisplayOutput[0].OutputContent.OutputText[0].Text: 1 is no text; send "1"`},
		{of("Display", `"DisplayRequest":{"DisplayOutput":[{"MinimumDisplayTime":"5"}]}`), "Display",
			`MinimumDisplayTime: "5" is no whole number; send 5, without quotes`},
		{payment(`"RequestedAmount":1`, `"RequestedAmount":"four"`), "Payment",
			amounts + `RequestedAmount: "four" is no number; send a number with a point`},
		{payment(`"RequestedAmount":1`, `"RequestedAmount":"4,200"`), "Payment",
			`"4,200" is no number; send a number with a point and without separators, such as 4.20`},
		{payment(`,"RequestedAmount":1`, ""), "Payment", amounts + "RequestedAmount: it is missing; send a number"},
		{payment(`"RequestedAmount":1`, `"RequestedAmount":1.001`), "Payment",
			amounts + "RequestedAmount: 1.001 has more decimals than EUR; EUR has 2 decimals"},
		{payment(`"RequestedAmount":1`, `"RequestedAmount":1e400`), "Payment",
			"1e400 is no number of reasonable size"},
		{payment(`"RequestedAmount":1`, `"RequestedAmount":-2`), "Payment", "RequestedAmount: -2 is negative"},
		{payment("EUR", "eur"), "Payment", amounts + `Currency: "eur" is no currency; send a code`},
		{payment(`"Currency":"EUR",`, ""), "Payment", amounts + "Currency: it is missing"},
		{payment(`"EUR"`, "978"), "Payment", amounts + `Currency: 978 is no text`},
		{payment("EUR", "USD"), "Payment", amounts + "Currency: USD is another, this terminal takes EUR"},
		{payment(`"17"`, "17"), "Payment", `SaleTransactionID.TransactionID: 17 is no text; send "17"`},
		{payment(`"17"`, `"a\u0007"`), "Payment", "SaleTransactionID.TransactionID: character 2 is U+0007"},
		{payment("17", strings.Repeat("é", 141)), "Payment",
			"TransactionID: it has 141 characters; use at most 140"},
		{payment(`"TimeStamp":"x"`, `"TimeStamp":""`), "Payment", "SaleTransactionID.TimeStamp: it is missing"},
		{payment(`{"SaleTransactionID":{"TransactionID":"17","TimeStamp":"x"}}`, "[]"), "Payment",
			"PaymentRequest.SaleData: [] is no object; send an object with SaleTransactionID"},
		{payment("17", strings.Repeat("é", 140)), "Payment", ""},
		{payment("17", `\u0645\u06cc\u200c\u062e\u0648 👩\u200d🍳 ❤\ufe0f\u00a0\u2009x`), "Payment", ""},
	} {
		want := register.MessageFormat
		if c.words == "" {
			want = register.Refusal // above the limit: its form is right
		}
		plain, sealed := d.askBoth(key, `{"SaleToPOIRequest":{`+c.body+`}}`)
		d.wants(plain, c.category, want, c.words)
		d.wants(sealed, c.category, want, c.words)
		valid(t, answers, c.words, []byte(plain))
		for _, answer := range []string{plain, sealed} {
			if got := readReply(t, answer).header; got.MessageType != "Response" || got.MessageClass != "Service" {
				t.Errorf("header %+v", got)
			}
		}
	}
}

// TestOpenedStaysSealed: a message that opened is answered under its key, whatever is in it.
func TestOpenedStaysSealed(t *testing.T) {
	d, key := formDesk(t)
	for name, body := range map[string]string{"empty": "", "no JSON": "hello", "a list": "[]",
		"an answer": `{"SaleToPOIResponse":{}}`, "a key twice": `{"SaleToPOIRequest":{"a":1,"a":2}}`,
		"not UTF-8": "{\"a\":\"\xff\"}", "deep": strings.Repeat("[", 40) + strings.Repeat("]", 40)} {
		_, sealed := d.askBoth(key, body)
		r := readReply(t, sealed) // of the header outside
		if r.category != "Payment" || r.header.ServiceID != "outside" ||
			r.response.ErrorCondition != register.MessageFormat {
			t.Errorf("%s: %s", name, sealed)
		}
	}
	// What has no category that could be answered is rejected by an event, sealed too.
	_, sealed := d.askBoth(key, `{"SaleToPOIRequest":{"MessageHeader":{"MessageClass":"Event",`+
		`"MessageCategory":"Event","MessageType":"Notification","SaleID":"S","POIID":"x"}}}`)
	if !strings.Contains(sealed, `"EventToNotify":"Reject"`) || !strings.Contains(sealed, "SaleToPOIResponse") {
		t.Error(sealed)
	}
}

// TestNamesAreComposed: é is one character, however a register writes it: the message that comes again is
// known, and a logout counts.
func TestNamesAreComposed(t *testing.T) {
	d := newDesk(t)
	composed, decomposed := "Caf\u00e9", "Cafe\u0301"
	c := d.client()
	send := func(sale string, q register.Request) *register.Reply {
		t.Helper()
		c.SaleID = sale
		reply, err := c.Send(t.Context(), q) // which holds the answer's SaleID against what it sent
		if err != nil {
			t.Fatal(err)
		}
		return reply
	}
	answers := make(chan answered, 1)
	go func() {
		one := d.client()
		one.SaleID = decomposed
		reply, err := one.Send(t.Context(), paymentOf("s\u00e9", "17", "1", "EUR"))
		answers <- answered{reply, err}
	}()
	d.smiles(d.running())
	d.is("payment", d.take(answers).Response, register.Success, "")
	d.is("again, written otherwise", send(composed, paymentOf("se\u0301", "17", "1", "EUR")).Payment.Response,
		register.Failure, register.NotAllowed)
	q := statusOf("se\u0301")
	q.TransactionStatus.Reference.SaleID = decomposed
	d.is("status", send(composed, q).TransactionStatus.Response, register.Success, "")
	send(composed, register.Request{Header: register.Header{MessageCategory: register.CategoryLogout,
		ServiceID: "lo"}, Logout: &register.LogoutRequest{}})
	d.is("logged out", send(decomposed, paymentOf("s2", "18", "1", "EUR")).Payment.Response, register.Failure,
		register.LoggedOut)
	if n := d.approvals(); n != 1 {
		t.Errorf("%d approvals", n)
	}
}
