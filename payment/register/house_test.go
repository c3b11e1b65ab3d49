package register_test

import (
	"context"
	"encoding/json"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"smiletill/payment"
	"smiletill/payment/register"
)

func bare(c register.Category) register.Request {
	return register.Request{Header: register.Header{MessageCategory: c, ServiceID: "q1"}}
}

// under gives a message another ServiceID.
func under(service string, q register.Request) register.Request {
	q.Header.ServiceID = service
	return q
}

func diagnosis() register.Request {
	q := bare(register.CategoryDiagnosis)
	q.Diagnosis = &register.DiagnosisRequest{HostDiagnosis: true}
	return q
}

func login() register.Request {
	q := bare(register.CategoryLogin)
	q.Login = &register.LoginRequest{DateTime: "2026-11-20T10:00:00Z", OperatorLanguage: "en",
		SaleSoftware: json.RawMessage(`{"ManufacturerID":"m","ApplicationName":"a","SoftwareVersion":"1",
			"CertificationCode":"c"}`)}
	return q
}

func TestDiagnosis(t *testing.T) {
	d := newDesk(t)
	d.set(register.Health{Reachable: true, Cloud: true, Unreported: 41})
	r := d.say(diagnosis()).Diagnosis
	d.is("diagnosis", r.Response, register.Success, "")
	v, err := url.ParseQuery(r.Response.AdditionalResponse)
	if err != nil || v.Get("firmwareVersion") != "1.2.3" || v.Get("unconfirmedBatchCount") != "41" ||
		v.Get("storeId") != "shop" {
		t.Errorf("%v %v", v, err)
	}
	if r.Status.Global != "OK" || !r.Status.Communication || !r.Status.SecurityOK || len(r.Hosts) != 1 ||
		!r.Hosts[0].Reachable || r.Hosts[0].AcquirerID != "demo" {
		t.Errorf("%+v %+v", r.Status, r.Hosts)
	}
	d.set(register.Health{Reachable: true})
	if r := d.say(diagnosis()).Diagnosis; !r.Status.Communication || r.Hosts[0].Reachable {
		t.Errorf("with a broker alone: %+v %+v", r.Status, r.Hosts)
	}
	if got := d.say(bare(register.CategoryDiagnosis)).Diagnosis; got.Hosts != nil {
		t.Errorf("hosts unasked: %+v", got.Hosts)
	}
	answers := d.start(paymentOf("s1", "17", "1", "EUR"))
	p := d.running()
	if got := d.say(diagnosis()).Diagnosis.Status.Global; got != "Busy" {
		t.Errorf("while a payment runs: %s", got)
	}
	d.smiles(p)
	d.take(answers)
	d.set(register.Health{OutOfOrder: "write: failed\nsync: failed"}) // registers print one line
	if s := register.Message(d.say(diagnosis()).Diagnosis.Response); s != "write: failed; sync: failed" {
		t.Errorf("%q", s)
	}
	d.set(register.Health{OutOfOrder: "the case was opened", Tampered: true})
	r = d.say(diagnosis()).Diagnosis
	if r.Status.Global != "Maintenance" || r.Status.SecurityOK || r.Status.Communication ||
		r.Hosts[0].Reachable ||
		register.Message(r.Response) != "the case was opened" {
		t.Errorf("%+v %+v", r.Status, r.Response)
	}
	d.set(register.Health{})
	d.close()
	if got := d.say(diagnosis()).Diagnosis.Status.Global; got != "Maintenance" {
		t.Errorf("while it starts: %s", got)
	}
}

func (d *desk) set(h register.Health) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.health = h
}

func TestLoginAndLogout(t *testing.T) {
	d := newDesk(t)
	// no login is needed
	d.is("payment", d.pay(paymentOf("s1", "1", "1", "EUR"), d.smiles).Response, register.Success, "")
	r := d.say(login()).Login
	d.is("login", r.Response, register.Success, "")
	if r.System.Software.SoftwareVersion != "1.2.3" || r.System.Status.Global != "OK" ||
		r.System.DateTime == "" {
		t.Errorf("%+v", r.System)
	}
	if got := d.say(diagnosis()).Diagnosis.LoggedIn; !slices.Equal(got, []string{"POS 1 (front)"}) {
		t.Errorf("logged in: %v", got)
	}
	d.is("logout", d.say(bare(register.CategoryLogout)).Logout.Response, register.Success, "")
	d.is("payment", d.say(paymentOf("s2", "2", "1", "EUR")).Payment.Response, register.Failure,
		register.LoggedOut)
	d.is("reversal", d.say(reversalOf("r1", idOf("s1", "1"), "")).Reversal.Response, register.Failure,
		register.LoggedOut)
	other := d.client()
	other.SaleID = "POS 2"
	answers := make(chan answered, 1)
	ctx := t.Context()
	go func() {
		reply, err := other.Send(ctx, paymentOf("s2", "2", "1", "EUR"))
		answers <- answered{reply, err}
	}()
	d.smiles(d.running())
	d.is("another register", d.take(answers).Response, register.Success, "")
	d.reopen()
	d.is("after a restart", d.say(paymentOf("s3", "3", "1", "EUR")).Payment.Response, register.Failure,
		register.LoggedOut)
	d.is("login", d.say(under("q2", login())).Login.Response, register.Success, "")
	d.is("payment", d.pay(paymentOf("s4", "3", "1", "EUR"), d.smiles).Response, register.Success, "")
}

func TestAnotherTerminal(t *testing.T) {
	d := newDesk(t)
	c := d.client()
	c.POIID = "smiletill-2"
	pay, reverse := paymentOf("s1", "1", "1", "EUR"), reversalOf("s1", "x", "")
	show := bare(register.CategoryDisplay)
	show.Display = &register.DisplayRequest{Outputs: []register.DisplayOutput{{Device: "CustomerDisplay"}}}
	reconcile := bare(register.CategoryReconciliation)
	reconcile.Reconciliation = &register.ReconciliationRequest{Type: "SaleReconciliation"}
	for _, q := range []register.Request{pay, reverse, diagnosis(), login(), bare(register.CategoryLogout),
		bare(register.CategoryGetTotals), reconcile, show} {
		reply, err := c.Send(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		text, err := json.Marshal(reply)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(text), `"NotAllowed"`) || !strings.Contains(string(text), "smiletill-2") {
			t.Errorf("%s: %s", q.Header.MessageCategory, text)
		}
	}
}

func TestTotalsAndReconciliation(t *testing.T) {
	d := newDesk(t)
	total := func(name string) *register.TotalsResponse {
		t.Helper()
		r := d.say(bare(register.CategoryGetTotals)).GetTotals
		d.is(name, r.Response, register.Success, "")
		return r
	}
	if r := total("empty"); len(r.Totals) != 0 || r.ReconciliationID != "1" {
		t.Errorf("%+v", r)
	}
	first := d.paid("s1", "10.10")
	d.paid("s2", "0.90")
	d.is("part back", d.say(reversalOf("r1", first, "2.50")).Reversal.Response, register.Success, "")
	d.pay(paymentOf("s3", "3", "7", "EUR"), func(p payment.Payment) { d.seen(p.ID, payment.Unknown{}) })
	d.pay(paymentOf("s4", "4", "5", "EUR"), func(p payment.Payment) {
		d.seen(p.ID, payment.Cancelled{By: payment.ByCustomer})
	})
	const want = "Debit 2 11.00, Declined 1 7.00, Failed 1 5.00, ReverseDebit 1 2.50"
	if got := written(total("a day")); got != want {
		t.Errorf("%s, want %s", got, want)
	}
	reconcile := func(kind, id string) *register.TotalsResponse {
		t.Helper()
		q := bare(register.CategoryReconciliation)
		q.Reconciliation = &register.ReconciliationRequest{Type: kind, ReconciliationID: id}
		return d.say(q).Reconciliation
	}
	d.is("before any", reconcile("PreviousReconciliation", "").Response, register.Failure, register.NotFound)
	answers := d.start(paymentOf("s5", "5", "1", "EUR"))
	p := d.running()
	d.is("while a payment runs", reconcile("SaleReconciliation", "").Response, register.Failure, register.Busy)
	d.seen(p.ID, payment.Cancelled{By: payment.ByRegister})
	d.take(answers)
	r := reconcile("SaleReconciliation", "")
	d.is("reconciliation", r.Response, register.Success, "")
	const closed = "Debit 2 11.00, Declined 1 7.00, Failed 2 6.00, ReverseDebit 1 2.50"
	if got := written(r); got != closed || r.ReconciliationID != "1" || r.Type != "SaleReconciliation" {
		t.Errorf("%s, %+v", got, r)
	}
	d.reopen()
	if r := total("the next period"); len(r.Totals) != 0 || r.ReconciliationID != "2" {
		t.Errorf("%+v", r)
	}
	d.paid("s6", "3")
	if got := written(total("the next period")); got != "Debit 1 3.00" {
		t.Error(got)
	}
	for _, id := range []string{"", "1"} {
		if got := written(reconcile("PreviousReconciliation", id)); got != closed {
			t.Errorf("previous %q: %s", id, got)
		}
	}
	d.is("not yet closed", reconcile("PreviousReconciliation", "2").Response, register.Failure,
		register.NotFound)
	d.is("no number", reconcile("PreviousReconciliation", "x").Response, register.Failure,
		register.MessageFormat)
	d.is("an acquirer's", reconcile("AcquirerReconciliation", "").Response, register.Failure,
		register.NotAllowed)
	q := bare(register.CategoryGetTotals)
	q.GetTotals = &register.GetTotalsRequest{Details: []string{"SaleID"}}
	partly := d.say(q).GetTotals
	d.is("details", partly.Response, register.Partial, "")
	if got := written(partly); got != "Debit 1 3.00" {
		t.Error(got)
	}
	q.GetTotals = &register.GetTotalsRequest{Filter: json.RawMessage(`{"SaleID":"POS 1"}`)}
	d.is("of one register", d.say(q).GetTotals.Response, register.Failure, register.NotAllowed)
	q.GetTotals = &register.GetTotalsRequest{Filter: json.RawMessage(`{"POIID":"` + poiID + `"}`)}
	d.is("of this terminal", d.say(q).GetTotals.Response, register.Success, "")
}

func written(r *register.TotalsResponse) string {
	var parts []string
	for _, t := range r.Totals {
		for _, p := range t.Payments {
			text, _ := json.Marshal(p.Count)
			parts = append(parts, p.Type+" "+string(text)+" "+p.Amount.String())
		}
	}
	slices.Sort(parts)
	return strings.Join(parts, ", ")
}

func TestDisplay(t *testing.T) {
	d := newDesk(t)
	text := func(lines ...string) register.OutputContent {
		c := register.OutputContent{Format: "Text"}
		for _, l := range lines {
			c.Text = append(c.Text, register.OutputText{Text: l, EndOfLine: true})
		}
		return c
	}
	q := bare(register.CategoryDisplay)
	q.Display = &register.DisplayRequest{Outputs: []register.DisplayOutput{
		{Device: "CustomerDisplay", InfoQualify: "Display", Content: text("Coffee 2.50", "Cake 3.00"), Seconds: 7},
		{Device: "CashierDisplay", InfoQualify: "Status", Content: text("hello")},
		{Device: "CustomerDisplay", InfoQualify: "Display", Content: register.OutputContent{Format: "XHTML"}},
		{Device: "CustomerDisplay", InfoQualify: "Display", Content: text("a\u0007")},
		{Device: "CustomerDisplay", InfoQualify: "Display", Content: text(strings.Repeat("x", 61))},
		{Device: "CustomerDisplay", InfoQualify: "Display", Content: text("1", "2", "3", "4", "5")},
		{Device: "CustomerDisplay", InfoQualify: "Display", Content: text("", "")},
	}}
	r := d.say(q).Display
	want := []register.Condition{"", register.DeviceOut, register.MessageFormat, register.MessageFormat,
		register.MessageFormat, register.MessageFormat, register.MessageFormat}
	if len(r.Results) != len(want) {
		t.Fatalf("%d results", len(r.Results))
	}
	for i, one := range r.Results {
		result := register.Failure
		if want[i] == "" {
			result = register.Success
		}
		d.is(one.Device, one.Response, result, want[i])
		if one.Device != q.Display.Outputs[i].Device || one.InfoQualify != q.Display.Outputs[i].InfoQualify {
			t.Errorf("result %d is of %s", i, one.Device)
		}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if !slices.Equal(d.shown, []string{"Coffee 2.50|Cake 3.00 for 7s"}) {
		t.Errorf("shown: %v", d.shown)
	}
}

// slow is a journal on a machine that has other things to do.
type slow struct{ payment.Journal }

func (s slow) Find(ctx context.Context, id string) (payment.Payment, error) {
	time.Sleep(50 * time.Millisecond)
	return s.Journal.Find(ctx, id)
}

// TestStatusOnABusyMachine: a payment that has ended is told, not a register sent away to ask again.
func TestStatusOnABusyMachine(t *testing.T) {
	d := newDesk(t, func(d *desk) { d.wrap = func(j payment.Journal) payment.Journal { return slow{j} } })
	d.paid("s1", "1")
	d.is("what has ended", d.status("s1").Response, register.Success, "")
}

// TestStatusOfNothing: what was never asked for, and without a reference the register's latest message.
func TestStatusOfNothing(t *testing.T) {
	d := newDesk(t)
	d.is("unknown", d.status("s1").Response, register.Failure, register.NotFound)
	d.paid("s1", "1")
	d.paid("s2", "2")
	q := bare(register.CategoryTransactionStatus)
	q.TransactionStatus = &register.TransactionStatusRequest{Reprint: true,
		Documents: []string{"CustomerReceipt"}}
	r := d.say(q).TransactionStatus
	d.is("the latest", r.Response, register.Success, "")
	if r.Reference.ServiceID != "s2" {
		t.Errorf("%+v", r.Reference)
	}
	receipts := r.Repeated.Body.Payment.Receipts
	if len(receipts) != 1 || receipts[0].Document != "CustomerReceipt" ||
		!strings.Contains(register.Render(receipts[0], 32), "COPY") {
		t.Errorf("%+v", receipts)
	}
	q.TransactionStatus.Reprint = false
	if r := d.say(q).TransactionStatus.Repeated.Body.Payment.Receipts; r == nil || len(r) != 0 {
		t.Errorf("receipts unasked: %v", r)
	}
	d.close()
	d.is("while it starts", d.status("s1").Response, register.Failure, register.UnavailableService)
	c := d.client()
	c.SaleID = "POS 2"
	d.open()
	reply, err := c.Send(context.Background(), q)
	if err != nil {
		t.Fatal(err)
	}
	d.is("another register", reply.TransactionStatus.Response, register.Failure, register.NotFound)
}
