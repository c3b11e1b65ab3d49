package register_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"smiletill/payment"
	"smiletill/payment/register"
)

func display(service, text string) register.Request {
	q := bare(register.CategoryDisplay)
	q.Header.ServiceID = service
	q.Display = &register.DisplayRequest{Outputs: []register.DisplayOutput{{Device: "CustomerDisplay",
		InfoQualify: "Display", Seconds: 7, Content: register.OutputContent{Format: "Text",
			Text: []register.OutputText{{Text: text, EndOfLine: true}}}}}}
	return q
}

func reconciliation(service string) register.Request {
	q := bare(register.CategoryReconciliation)
	q.Header.ServiceID = service
	q.Reconciliation = &register.ReconciliationRequest{Type: "SaleReconciliation"}
	return q
}

// sameAnswer sends a message and wants the answer that it had before.
func (d *desk) sameAnswer(what string, q register.Request, before *register.Reply) {
	d.t.Helper()
	want, err := json.Marshal(before)
	if err != nil {
		d.t.Fatal(err)
	}
	got, err := json.Marshal(d.say(q))
	if err != nil || string(got) != string(want) {
		d.t.Errorf("%s: %v\n%s, want\n%s", what, err, got, want)
	}
}

// TestRepeatedMessageDoesNothing: every message that changes something and is sent again, at once and after a
// restart, by the register or by somebody who recorded it, has the answer that it had, and changes nothing
// more.
func TestRepeatedMessageDoesNothing(t *testing.T) {
	d := newDesk(t)
	d.paid("s1", "3")
	in, out := under("in", login()), under("out", bare(register.CategoryLogout))
	show, closing := display("show", "two for one"), reconciliation("end")
	first := map[string]*register.Reply{}
	for _, q := range []register.Request{in, out, under("in2", login()), show, closing} {
		first[q.Header.ServiceID] = d.say(q)
	}
	const closed = "Debit 1 3.00"
	if r := first["end"].Reconciliation; written(r) != closed || r.ReconciliationID != "1" {
		t.Fatalf("%+v", r)
	}
	d.paid("s2", "5")
	for _, when := range []string{"at once", "after a restart"} {
		d.sameAnswer("reconciliation "+when, closing, first["end"])
		d.sameAnswer("display "+when, show, first["show"])
		d.sameAnswer("logout "+when, out, first["out"])
		d.sameAnswer("login "+when, in, first["in"])
		if r := d.say(bare(register.CategoryGetTotals)).GetTotals; r.ReconciliationID != "2" ||
			written(r) != "Debit 1 5.00" {
			t.Errorf("%s: the period is %+v", when, r)
		}
		d.mu.Lock()
		shown := slices.Clone(d.shown)
		d.mu.Unlock()
		if len(shown) != 1 {
			t.Errorf("%s: shown %q", when, shown)
		}
		if got := d.say(diagnosis()).Diagnosis.LoggedIn; !slices.Equal(got, []string{"POS 1 (front)"}) {
			t.Errorf("%s: logged in: %v", when, got)
		}
		d.reopen()
	}
	// Another message under used names is neither of the two.
	other := closing
	other.Reconciliation = &register.ReconciliationRequest{Type: "SaleReconciliation", ReconciliationID: "9"}
	d.is("another reconciliation", d.say(other).Reconciliation.Response, register.Failure, register.NotAllowed)
	if r := d.say(display("show", "something else")).Display.Results; r[0].Response.ErrorCondition !=
		register.NotAllowed {
		t.Errorf("another text: %+v", r)
	}
	// A reconciliation that was refused has changed nothing, and may come again.
	answers := d.start(paymentOf("s3", "3", "1", "EUR"))
	p := d.running()
	d.is("in a payment", d.say(reconciliation("end2")).Reconciliation.Response, register.Failure, register.Busy)
	d.sameAnswer("the first, in a payment", closing, first["end"])
	d.seen(p.ID, payment.Cancelled{By: payment.ByCustomer})
	d.take(answers)
	d.is("after it", d.say(reconciliation("end2")).Reconciliation.Response, register.Success, "")
}

// TestAbortIsDoneOnce: an Abort that was recorded and is sent again ends no other payment.
func TestAbortIsDoneOnce(t *testing.T) {
	d := newDesk(t)
	abort := bare(register.CategoryAbort)
	abort.Abort = &register.AbortRequest{Reason: "MerchantAbort", Reference: register.MessageReference{
		MessageCategory: register.CategoryPayment, ServiceID: "s1"}}
	r := d.pay(paymentOf("s1", "1", "1", "EUR"), func(payment.Payment) { d.say(abort) })
	d.is("aborted", r.Response, register.Failure, register.Aborted)
	records := d.tillNow().Records
	if _, known, err := records.Known(t.Context(), register.Header{SaleID: "POS 1 (front)", ServiceID: "q1",
		MessageCategory: register.CategoryAbort}); err != nil || !known {
		t.Errorf("the abort is not noted: %v", err)
	}
	d.is("the next", d.pay(paymentOf("s2", "2", "1", "EUR"), func(p payment.Payment) {
		d.say(abort)
		d.smiles(p)
	}).Response, register.Success, "")
}

func (d *desk) tillNow() *register.Till {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.till
}

// TestSaleIDBelongsToItsKey: a register can't speak as another that has used its name, whatever it says,
// until that one is paired no more.
func TestSaleIDBelongsToItsKey(t *testing.T) {
	d := newDesk(t)
	first, second, plain := d.client(), d.client(), d.client()
	first.Key, second.Key = d.pair("correct horse"), d.pairAs("back-key", "battery staple")
	say := func(c *register.Client, q register.Request) *register.Reply {
		t.Helper()
		reply, err := c.Send(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		return reply
	}
	// Before anybody has used the name it is nobody's, also after a message without a key.
	d.is("plain", say(plain, under("p1", login())).Login.Response, register.Success, "")
	d.is("the first", say(first, under("f1", login())).Login.Response, register.Success, "")
	for name, c := range map[string]*register.Client{"another key": second, "no key": plain} {
		for i, q := range []register.Request{bare(register.CategoryLogout), login(), reconciliation(""),
			display("", "PAID"), paymentOf("", "1", "1", "EUR"), reversalOf("", "x", "")} {
			text, err := json.Marshal(say(c, under(fmt.Sprintf("%.5s%d", name, i), q)))
			if err != nil || !strings.Contains(string(text), `"NotAllowed"`) ||
				!strings.Contains(string(text), "another+register") {
				t.Errorf("%s, %s: %v %s", name, q.Header.MessageCategory, err, text)
			}
		}
	}
	if got := d.say(diagnosis()).Diagnosis.LoggedIn; !slices.Equal(got, []string{"POS 1 (front)"}) {
		t.Errorf("logged in: %v", got)
	}
	// Nor can it end the other's payment, under whatever name of its own.
	answers := make(chan answered, 1)
	ctx := t.Context()
	go func() {
		reply, err := first.Send(ctx, paymentOf("s1", "17", "4.20", "EUR"))
		answers <- answered{reply, err}
	}()
	p := d.running()
	abort := bare(register.CategoryAbort)
	abort.Abort = &register.AbortRequest{Reason: "MerchantAbort", Reference: register.MessageReference{
		MessageCategory: register.CategoryPayment, ServiceID: "s1", SaleID: first.SaleID}}
	for _, sale := range []string{first.SaleID, "POS 2"} {
		second.SaleID = sale
		say(second, abort)
	}
	d.smiles(p)
	d.is("the payment", d.take(answers).Response, register.Success, "")
	// Nor ask what became of it; who took it can.
	status := bare(register.CategoryTransactionStatus)
	status.TransactionStatus = &register.TransactionStatusRequest{Reference: &register.MessageReference{
		MessageCategory: register.CategoryPayment, ServiceID: "s1", SaleID: first.SaleID}}
	for _, sale := range []string{first.SaleID, "POS 2"} {
		second.SaleID = sale
		a := say(second, status).TransactionStatus
		if a.Response.ErrorCondition != register.NotAllowed || a.Repeated != nil {
			t.Errorf("another register, as %s, is told of the payment: %+v", sale, a)
		}
	}
	d.is("who took it", say(first, status).TransactionStatus.Response, register.Success, "")
	// Keys that can't be read are not keys that were taken away: nothing is anybody else's by that.
	d.mu.Lock()
	d.unread = errors.New("input/output error")
	d.mu.Unlock()
	plain.SaleID = first.SaleID
	d.is("while the keys can't be read", say(plain, under("u1", login())).Login.Response, register.Failure,
		register.UnavailableService)
	d.mu.Lock()
	d.unread = nil
	d.mu.Unlock()
	// A new version of the key is the same register; whoever is unpaired owns nothing.
	second.SaleID = first.SaleID
	first.Key = d.pair("a newer horse")
	d.is("a newer key", say(first, under("f2", login())).Login.Response, register.Success, "")
	d.reopen()
	d.is("after a restart", say(second, under("b1", login())).Login.Response, register.Failure,
		register.NotAllowed)
	d.mu.Lock()
	d.pairings, _ = d.pairings.Unpair("front-key", 0)
	d.mu.Unlock()
	d.is("of one who is gone", say(second, under("b2", login())).Login.Response, register.Success, "")
}

// pairAs lets a register in under another key.
func (d *desk) pairAs(id, passphrase string) *register.Key {
	d.t.Helper()
	d.mu.Lock()
	defer d.mu.Unlock()
	all, key, err := d.pairings.Pair(id, id, passphrase, time.Now())
	if err != nil {
		d.t.Fatal(err)
	}
	d.pairings = all
	return key
}

// TestPlainDoorIsShut: on a terminal on which nobody has switched it on, another user's program on this
// machine can neither give back nor write on the customer's page; the terminal's own user can, by a socket.
func TestPlainDoorIsShut(t *testing.T) {
	d := newDesk(t, func(d *desk) { d.sealedOnly = true })
	p, err := d.engine.Begin(t.Context(), payment.Request{ID: "counter-1", Amount: payment.Amount{Minor: 5000,
		Currency: "EUR"}})
	if err != nil {
		t.Fatal(err)
	}
	d.smiles(p)
	for _, q := range []register.Request{reversalOf("r1", "counter-1", ""), display("d1", "PAID 12.00 EUR"),
		paymentOf("s1", "1", "1", "EUR"), diagnosis()} {
		_, err := d.client().Send(t.Context(), q)
		if !errors.Is(err, register.ErrRejected) || !strings.Contains(err.Error(), "register.plain") ||
			!strings.Contains(err.Error(), "register pair") {
			t.Errorf("%s: %v", q.Header.MessageCategory, err)
		}
	}
	if back := d.reversed("counter-1"); back != 0 || len(d.shown) != 0 {
		t.Errorf("given back %d, shown %q", back, d.shown)
	}
	own := httptest.NewServer(d.server.Own())
	t.Cleanup(own.Close)
	c := d.client()
	c.URL, c.HTTP = own.URL+"/nexo", http.DefaultClient
	reply, err := c.Send(t.Context(), reversalOf("r1", "counter-1", "1"))
	if err != nil {
		t.Fatal(err)
	}
	d.is("by the socket", reply.Reversal.Response, register.Success, "")
}

// TestRefusalsCostLittle: what is refused is noted without what came with it, and the file stays small
// whoever sends how much.
func TestRefusalsCostLittle(t *testing.T) {
	d := newDesk(t)
	paid := d.paid("s1", "1")
	c := d.client()
	c.HTTP = keptAlive()
	saleData := func(transaction string) json.RawMessage {
		return json.RawMessage(`{"SaleTransactionID":{"TransactionID":"` + transaction +
			`","TimeStamp":"x"},"Items":"` + strings.Repeat("x", 120_000) + `"}`)
	}
	large := func(service string) register.Request {
		q := paymentOf(service, service, "1", "EUR")
		q.Payment.SaleData = saleData(service)
		return q
	}
	say := func(q register.Request) *register.Reply {
		t.Helper()
		reply, err := c.Send(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		return reply
	}
	camera := func(gone bool) {
		t.Helper()
		if err := d.engine.SetOutOfOrder(t.Context(), "camera", gone); err != nil {
			t.Fatal(err)
		}
	}
	camera(true)
	for i := range 25 {
		d.is("without a camera", say(large(fmt.Sprintf("big%d", i))).Payment.Response, register.Failure,
			register.UnavailableDevice)
	}
	camera(false)
	for i := range 15 {
		q := reversalOf(fmt.Sprintf("back%d", i), paid, "1.01") // more than was paid
		q.Reversal.SaleData = saleData("x")
		d.is("too much", say(q).Reversal.Response, register.Failure, register.NotAllowed)
	}
	d.close() // what is in the WAL is moved into the file
	info, err := os.Stat(filepath.Join(d.dir, "register.db"))
	if err != nil || info.Size() > 400<<10 {
		t.Errorf("40 refused messages of 120 kB each: the file has %d kB, %v", info.Size()>>10, err)
	}
	d.open()
	// They are known all the same: who has recorded one can't have it begin something now.
	d.is("one of them again", d.say(large("big7")).Payment.Response, register.Failure, register.NotAllowed)
	d.is("its status", d.status("big7").Repeated.Body.Payment.Response, register.Failure,
		register.UnavailableDevice)
}

// TestRecordsMakeRoom: when there is no room the oldest refusals go first, then what moved no money, and last
// the oldest payments; and what is counted is what is there.
func TestRecordsMakeRoom(t *testing.T) {
	passed := func(context.Context) (time.Duration, error) { return time.Hour, nil }
	path := filepath.Join(t.TempDir(), "register.db")
	r, err := register.OpenRecords(t.Context(), path, passed)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	r.SetRoom(6, 1<<20)
	add := func(service string, c register.Category, change func(*register.Record)) {
		t.Helper()
		rec := register.Record{Header: register.Header{SaleID: "S", ServiceID: service, MessageCategory: c},
			ID: service}
		if change != nil {
			change(&rec)
		}
		if _, known, err := r.Begin(t.Context(), rec); err != nil || known {
			t.Fatal(known, err)
		}
	}
	left := func() (all []string) {
		t.Helper()
		for _, s := range []string{"p1", "p2", "p3", "p4", "p5", "p6", "p7", "d1", "no1", "no2"} {
			for _, c := range []register.Category{register.CategoryPayment, register.CategoryDisplay} {
				if _, known, err := r.Known(t.Context(), register.Header{SaleID: "S", ServiceID: s,
					MessageCategory: c}); err != nil {
					t.Fatal(err)
				} else if known {
					all = append(all, s)
				}
			}
		}
		return all
	}
	refused := func(rec *register.Record) { rec.Refused = &register.Response{Result: register.Failure} }
	add("p1", register.CategoryPayment, nil)
	add("d1", register.CategoryDisplay, nil)
	add("no1", register.CategoryPayment, refused)
	add("no2", register.CategoryPayment, refused)
	add("p2", register.CategoryPayment, nil)
	add("p3", register.CategoryPayment, nil)
	for _, c := range []struct{ add, left string }{
		{"p4", "p1 p2 p3 p4 d1 no2"}, {"p5", "p1 p2 p3 p4 p5 d1"}, {"p6", "p1 p2 p3 p4 p5 p6"},
		{"p7", "p2 p3 p4 p5 p6 p7"},
	} {
		add(c.add, register.CategoryPayment, nil)
		if got := strings.Join(left(), " "); got != c.left {
			t.Errorf("after %s there are %s, want %s", c.add, got, c.left)
		}
	}
	if rows, bytes := r.Held(t); rows != 6 || bytes < 6*200 || bytes > 6*1000 {
		t.Errorf("%d records of %d bytes are counted", rows, bytes)
	}
	r.SetRoom(100, 50_000)
	big := func(rec *register.Record) { rec.SaleData = json.RawMessage(`"` + strings.Repeat("ü", 10_000) + `"`) }
	for i := range 5 {
		add(fmt.Sprintf("big%d", i), register.CategoryPayment, big)
	}
	if rows, bytes := r.Held(t); bytes > 50_000 || rows < 2 {
		t.Errorf("%d records of %d bytes are left of 50,000", rows, bytes)
	}
}

// TestLongestUnusedSaleIDGoes: any number of registers may log in. Of one key's the last 256 are remembered,
// and nobody can make another's be forgotten.
func TestLongestUnusedSaleIDGoes(t *testing.T) {
	passed := func(context.Context) (time.Duration, error) { return time.Hour, nil }
	r, err := register.OpenRecords(t.Context(), filepath.Join(t.TempDir(), "register.db"), passed)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	login := func(key, sale, service string) {
		t.Helper()
		_, known, err := r.Begin(t.Context(), register.Record{Key: key, Session: register.LoggedIn,
			Header: register.Header{SaleID: sale, ServiceID: service, MessageCategory: register.CategoryLogin}})
		if err != nil || known {
			t.Fatal(known, err)
		}
	}
	login("front-key", "front", "1")
	for i := range 300 {
		login("back-key", fmt.Sprintf("back %d", i), "1")
		if i == 200 {
			login("back-key", "back 0", "2") // used again
		}
	}
	all, err := r.LoggedIn(t.Context())
	if err != nil || len(all) != 257 {
		t.Fatalf("%d are logged in, %v", len(all), err)
	}
	for sale, want := range map[string]bool{"front": true, "back 0": true, "back 299": true, "back 1": false,
		"back 44": false, "back 45": true} {
		if slices.Contains(all, sale) != want {
			t.Errorf("%s is remembered: %v", sale, !want)
		}
	}
}

// TestOlderRecordsAreKept: a file of the program before is added to, and that program could open it again.
func TestOlderRecordsAreKept(t *testing.T) {
	d := newDesk(t)
	d.is("payment", d.pay(paymentOf("s1", "17", "1", "EUR"), d.smiles).Response, register.Success, "")
	d.close()
	register.AsBefore(t, filepath.Join(d.dir, "register.db"))
	d.open()
	d.is("the same again", d.say(paymentOf("s1", "17", "1", "EUR")).Payment.Response, register.Failure,
		register.NotAllowed)
	d.is("login", d.say(login()).Login.Response, register.Success, "")
	if v := register.Version(t, filepath.Join(d.dir, "register.db")); v != 1 {
		t.Errorf("the file is of version %d", v)
	}
}
