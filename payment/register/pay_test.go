package register_test

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"smiletill/payment"
	"smiletill/payment/register"
)

func TestPaymentApproved(t *testing.T) {
	d := newDesk(t)
	q := paymentOf("s1", "order 17", "10.10", "EUR")
	q.Payment.Transaction.Amounts.TipAmount = "1.1"
	r := d.pay(q, d.smiles)
	d.is("payment", r.Response, register.Success, "")
	if string(r.SaleData) != string(q.Payment.SaleData) {
		t.Errorf("SaleData came back as %s", r.SaleData)
	}
	p := r.Result
	if p == nil || p.Amounts.Authorized != "10.10" || p.Amounts.Tip != "1.10" || p.Amounts.Currency != "EUR" {
		t.Fatalf("result %+v", p)
	}
	if p.Instrument.Type != "Mobile" || p.Online || p.Authentication[0] != "UnknownMethod" ||
		p.Acquirer.MerchantID != "demo" || p.Acquirer.AcquirerPOIID != poiID || p.PaymentType != "Normal" {
		t.Errorf("result %+v", p)
	}
	paid, err := d.journal.Find(t.Context(), r.POIData.TransactionID.TransactionID)
	if err != nil || paid.State != payment.StateApproved || paid.Amount.Minor != 1010 ||
		paid.Reference != "order 17" {
		t.Errorf("journal %+v %v", paid, err)
	}
	if at, err := time.Parse(time.RFC3339, r.POIData.TransactionID.TimeStamp); err != nil ||
		at.Sub(paid.OpenedAt).Abs() > time.Second {
		t.Errorf("time stamp %s, opened %v", r.POIData.TransactionID.TimeStamp, paid.OpenedAt)
	}
	if r.POIData.ReconciliationID != "1" || len(r.Receipts) != 2 {
		t.Errorf("%+v", r.POIData)
	}
}

// TestPaymentEnds: each way in which a payment ends without approval, and what the register is told.
func TestPaymentEnds(t *testing.T) {
	for _, c := range []struct {
		name   string
		want   register.Condition
		policy payment.Policy
		act    func(*desk, payment.Payment)
	}{
		{"stranger", register.Refusal, payment.Policy{}, func(d *desk, p payment.Payment) {
			d.seen(p.ID, payment.Unknown{})
		}},
		{"customer cancels", register.Cancelled, payment.Policy{}, func(d *desk, p payment.Payment) {
			d.seen(p.ID, payment.Cancelled{By: payment.ByCustomer})
		}},
		{"operator cancels", register.Cancelled, payment.Policy{}, func(d *desk, p payment.Payment) {
			d.seen(p.ID, payment.Cancelled{By: payment.ByOperator})
		}},
		{"register cancels", register.Aborted, payment.Policy{}, func(d *desk, p payment.Payment) {
			d.seen(p.ID, payment.Cancelled{By: payment.ByRegister})
		}},
		{"camera dies", register.UnavailableDevice, payment.Policy{}, func(d *desk, p payment.Payment) {
			d.seen(p.ID, payment.DeviceFailed{What: "camera"})
		}},
		{"no PIN set", register.Refusal, payment.Policy{Always: true}, func(d *desk, p payment.Payment) {
			d.smilesAs(p, "c-without")
		}},
		{"nobody is sure", register.Refusal, payment.Policy{Liveness: payment.LivenessPolicy{On: true}},
			func(d *desk, p payment.Payment) { d.smilesAs(p, "c-without") }},
		{"wrong PIN", register.WrongPIN, payment.Policy{Always: true}, func(d *desk, p payment.Payment) {
			d.smiles(p)
			_, err := d.engine.EnterPIN(context.Background(), p.ID, "0000")
			if !errors.Is(err, payment.ErrPINLocked) {
				d.t.Error(err)
			}
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			d := newDesk(t, func(d *desk) { d.policy = c.policy })
			r := d.pay(paymentOf("s1", "17", "1", "EUR"), func(p payment.Payment) { c.act(d, p) })
			d.is(c.name, r.Response, register.Failure, c.want)
			if r.Result != nil || d.approvals() != 0 || !strings.Contains(register.Message(r.Response),
				"nothing was charged") {
				t.Errorf("%+v", r)
			}
			s := d.status("s1")
			d.is("status", s.Response, register.Success, "")
			d.is("repeated", s.Repeated.Body.Payment.Response, register.Failure, c.want)
		})
	}
}

func TestPaymentTimesOut(t *testing.T) {
	d := newDesk(t)
	r := d.pay(paymentOf("s1", "17", "1", "EUR"), func(payment.Payment) {
		d.reopen() // as the power goes: what was open is expired
	})
	d.is("restarted", r.Response, register.Failure, register.UnavailableDevice)
}

func TestPaymentWithPIN(t *testing.T) {
	d := newDesk(t, func(d *desk) { d.policy = payment.Policy{Always: true} })
	r := d.pay(paymentOf("s1", "17", "1", "EUR"), func(p payment.Payment) {
		d.smiles(p)
		if _, err := d.engine.EnterPIN(context.Background(), p.ID, rightPIN); err != nil {
			t.Error(err)
		}
	})
	d.is("payment", r.Response, register.Success, "")
	if r.Result.Authentication[0] != "OfflinePIN" {
		t.Errorf("%+v", r.Result)
	}
}

// TestPaymentRefused: what is refused before anything begins; the journal has nothing of it.
func TestPaymentRefused(t *testing.T) {
	change := func(f func(*register.Request)) register.Request {
		q := paymentOf("s1", "17", "1", "EUR")
		f(&q)
		return q
	}
	amounts := func(f func(*register.AmountsReq)) register.Request {
		return change(func(q *register.Request) { f(&q.Payment.Transaction.Amounts) })
	}
	outOfOrder := func(d *desk) {
		if err := d.engine.SetOutOfOrder(context.Background(), "camera", true); err != nil {
			d.t.Fatal(err)
		}
	}
	for _, c := range []struct {
		name  string
		q     register.Request
		setup func(*desk)
		want  register.Condition
	}{
		{"above the limit", paymentOf("s1", "17", "50.01", "EUR"), nil, register.Refusal},
		{"another currency", paymentOf("s1", "17", "5", "USD"), nil, register.MessageFormat},
		{"no currency", paymentOf("s1", "17", "5", "EURO"), nil, register.MessageFormat},
		{"nothing", paymentOf("s1", "17", "0", "EUR"), nil, register.MessageFormat},
		{"negative", paymentOf("s1", "17", "-1", "EUR"), nil, register.MessageFormat},
		{"a digit too many", paymentOf("s1", "17", "1.001", "EUR"), nil, register.MessageFormat},
		{"huge", paymentOf("s1", "17", "1e400", "EUR"), nil, register.MessageFormat},
		{"no amount", amounts(func(a *register.AmountsReq) { a.RequestedAmount = "" }), nil,
			register.MessageFormat},
		{"tip above the total", amounts(func(a *register.AmountsReq) { a.TipAmount = "2" }), nil,
			register.MessageFormat},
		{"cash back", amounts(func(a *register.AmountsReq) { a.CashBackAmount = "1" }), nil,
			register.MessageFormat},
		{"no transaction", change(func(q *register.Request) {
			q.Payment.SaleData = json.RawMessage(`{"SaleTransactionID":{"TransactionID":"","TimeStamp":"x"}}`)
		}), nil, register.MessageFormat},
		{"transaction of control characters", change(func(q *register.Request) {
			q.Payment.SaleData = json.RawMessage(`{"SaleTransactionID":{"TransactionID":"a\u0007","TimeStamp":"x"}}`)
		}), nil, register.MessageFormat},
		{"refund", change(func(q *register.Request) {
			q.Payment.Data = &register.PaymentData{PaymentType: "Refund"}
		}), nil, register.PaymentRestriction},
		{"out of order", paymentOf("s1", "17", "1", "EUR"), outOfOrder, register.UnavailableDevice},
		{"starting", paymentOf("s1", "17", "1", "EUR"), func(d *desk) { d.close() }, register.UnavailableDevice},
		{"too much unreported", paymentOf("s1", "17", "20", "EUR"), nil, register.UnreachableHost},
		{"too many strangers", paymentOf("s1", "17", "1", "EUR"), func(d *desk) {
			for i := range 5 {
				id := "x" + string(rune('a'+i))
				_, err := d.engine.Begin(context.Background(), payment.Request{ID: id,
					Amount: payment.Amount{Minor: 1, Currency: "EUR"}})
				if err != nil {
					d.t.Fatal(err)
				}
				d.seen(id, payment.Unknown{})
			}
		}, register.Refusal},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			d := newDesk(t, func(d *desk) {
				if c.want == register.UnreachableHost {
					d.owed = 1500
				}
			})
			if c.setup != nil {
				c.setup(d)
			}
			r := d.say(c.q).Payment
			d.is(c.name, r.Response, register.Failure, c.want)
			if r.Receipts == nil {
				t.Error("PaymentReceipt is null")
			}
			if _, err := d.journalOf().Find(context.Background(), idOf("s1", "17")); !errors.Is(err,
				payment.ErrNotFound) {
				t.Errorf("the journal says %v", err)
			}
		})
	}
}

// journalOf is the journal, opened again if the till was closed.
func (d *desk) journalOf() register.Journal {
	d.mu.Lock()
	closed := d.till == nil
	d.mu.Unlock()
	if closed {
		d.open()
	}
	return d.journal
}

func TestBusy(t *testing.T) {
	d := newDesk(t)
	first := d.start(paymentOf("s1", "17", "1", "EUR"))
	p := d.running()
	// the very same message again
	again := d.say(paymentOf("s1", "17", "1", "EUR")).Payment
	d.is("the same message", again.Response, register.Failure, register.Busy)
	other := d.say(paymentOf("s2", "18", "2", "EUR")).Payment
	d.is("another message", other.Response, register.Failure, register.Busy)
	if !strings.Contains(other.Response.AdditionalResponse, "serviceId=s1") {
		t.Errorf("the running ServiceID is not named: %s", other.Response.AdditionalResponse)
	}
	d.smiles(p)
	d.is("the first", d.take(first).Response, register.Success, "")
	d.is("the refused one", d.status("s2").Repeated.Body.Payment.Response, register.Failure, register.Busy)
	d.is("the refused one again", d.say(paymentOf("s2", "18", "2", "EUR")).Payment.Response, register.Failure,
		register.NotAllowed)
	if n := d.approvals(); n != 1 {
		t.Errorf("%d approvals", n)
	}
}

// TestRepeatedMessageNeverChargesTwice: after the end, with another content, after a restart, and when the
// file of records is lost.
func TestRepeatedMessageNeverChargesTwice(t *testing.T) {
	d := newDesk(t)
	d.is("payment", d.pay(paymentOf("s1", "17", "1", "EUR"), d.smiles).Response, register.Success, "")
	check := func(what string) {
		t.Helper()
		for _, q := range []register.Request{paymentOf("s1", "17", "1", "EUR"), paymentOf("s1", "17", "2", "EUR"),
			paymentOf("s1", "18", "1", "EUR")} {
			d.is(what, d.say(q).Payment.Response, register.Failure, register.NotAllowed)
		}
		if n := d.approvals(); n != 1 {
			t.Fatalf("%s: %d approvals", what, n)
		}
		s := d.status("s1")
		d.is(what+": status", s.Response, register.Success, "")
		d.is(what+": repeated", s.Repeated.Body.Payment.Response, register.Success, "")
	}
	check("at once")
	d.reopen()
	check("after a restart")
	d.close()
	for _, name := range []string{"register.db", "register.db-wal", "register.db-shm"} {
		if err := os.Remove(filepath.Join(d.dir, name)); err != nil && !errors.Is(err, os.ErrNotExist) {
			t.Fatal(err)
		}
	}
	d.open()
	// The very message is known by its payment's id in the journal, and noted again by that.
	d.is("records lost", d.say(paymentOf("s1", "17", "1", "EUR")).Payment.Response, register.Failure,
		register.NotAllowed)
	check("records lost")
}

// TestRecordsAreKept: a message is known for three days of time that passed, not of a clock that was set, and
// no longer.
func TestRecordsAreKept(t *testing.T) {
	var passed atomic.Int64
	d := newDesk(t, func(d *desk) {
		d.clock = func(context.Context) (time.Duration, error) { return time.Duration(passed.Load()), nil }
	})
	d.is("payment", d.pay(paymentOf("s1", "17", "1", "EUR"), d.smiles).Response, register.Success, "")
	passed.Store(int64(register.KeepRecords))
	d.is("after 72 h", d.say(paymentOf("s1", "99", "1", "EUR")).Payment.Response, register.Failure,
		register.NotAllowed)
	passed.Store(int64(register.KeepRecords + time.Millisecond))
	d.is("the very message, later", d.say(paymentOf("s1", "17", "1", "EUR")).Payment.Response, register.Failure,
		register.NotAllowed)
	passed.Store(int64(2*register.KeepRecords + time.Second))
	d.is("a ServiceID used anew", d.pay(paymentOf("s1", "99", "1", "EUR"), d.smiles).Response, register.Success,
		"")
	if n := d.approvals(); n != 2 {
		t.Errorf("%d approvals", n)
	}
	// A journal that began anew has a clock that did too: records stay known by it.
	passed.Store(0)
	d.reopen()
	d.is("with a new clock", d.say(paymentOf("s1", "99", "1", "EUR")).Payment.Response, register.Failure,
		register.NotAllowed)
	passed.Store(int64(register.KeepRecords + time.Second))
	d.is("and go in their time", d.pay(paymentOf("s1", "100", "1", "EUR"), d.smiles).Response, register.Success,
		"")
}

// TestKilledBeforeThePayment: the message was noted, and the terminal killed before it opened the payment.
// Nothing is known of it, and the register may send it again.
func TestKilledBeforeThePayment(t *testing.T) {
	d := newDesk(t)
	sale := json.RawMessage(paymentOf("s1", "17", "1", "EUR").Payment.SaleData)
	first := d.pay(paymentOf("s1", "17", "1", "EUR"), func(p payment.Payment) {
		d.seen(p.ID, payment.Cancelled{By: payment.ByOperator})
	})
	d.is("payment", first.Response, register.Failure, register.Cancelled)
	rec, err := d.till.Records.Find(t.Context(), register.MessageReference{ServiceID: "s1"})
	if err != nil || string(rec.SaleData) != string(sale) {
		t.Fatal(rec, err)
	}
	// The same note for a message whose payment never came.
	rec.Header.ServiceID, rec.ID = "s2", idOf("s2", "18")
	q := paymentOf("s2", "18", "1", "EUR")
	rec.SaleData, rec.Digest = q.Payment.SaleData, register.DigestOf("1.00 EUR", rec.ID, "0")
	if _, known, err := d.till.Records.Begin(t.Context(), rec); known || err != nil {
		t.Fatal(known, err)
	}
	d.reopen()
	var s register.Response
	d.eventually("an end of looking for it", func() bool { // a busy engine is asked again
		s = d.status("s2").Response
		return s.ErrorCondition != register.InProgress
	})
	d.is("status", s, register.Failure, register.NotFound)
	d.is("with another amount", d.say(paymentOf("s2", "18", "2", "EUR")).Payment.Response, register.Failure,
		register.NotAllowed)
	d.is("again", d.pay(q, d.smiles).Response, register.Success, "")
	d.is("and again", d.say(q).Payment.Response, register.Failure, register.NotAllowed)
	if n := d.approvals(); n != 1 {
		t.Errorf("%d approvals", n)
	}
}

// TestConnectionCut: the register's connection dies while the payment runs; the payment goes on, and its
// result is there to be asked for, after a restart too.
func TestConnectionCut(t *testing.T) {
	d := newDesk(t)
	ctx, cut := context.WithCancel(t.Context())
	gone := make(chan error, 1)
	go func() {
		_, err := d.client().Send(ctx, paymentOf("s1", "17", "1", "EUR"))
		gone <- err
	}()
	p := d.running()
	cut()
	if err := <-gone; !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	d.is("while it runs", d.status("s1").Response, register.Failure, register.InProgress)
	d.smiles(p)
	for _, when := range []string{"at once", "after a restart"} {
		s := d.status("s1")
		d.is(when, s.Response, register.Success, "")
		got := s.Repeated
		d.is(when, got.Body.Payment.Response, register.Success, "")
		if got.Header.ServiceID != "s1" || got.Header.MessageType != "Response" ||
			got.Body.Payment.Result.Amounts.Authorized != "1.00" || len(got.Body.Payment.Receipts) != 2 {
			t.Errorf("%s: %+v", when, got)
		}
		d.reopen()
	}
}

func TestAbort(t *testing.T) {
	d := newDesk(t)
	abort := func(service string) {
		t.Helper()
		code,
			body := d.raw(`{"SaleToPOIRequest":{"MessageHeader":{"MessageClass":"Service","MessageCategory":"Abort",
			"MessageType":"Request","SaleID":"POS 1 (front)","ServiceID":"ab1","POIID":"` + poiID + `"},
			"AbortRequest":{"AbortReason":"MerchantAbort","MessageReference":{"MessageCategory":"Payment",
			"ServiceID":"` + service + `","SaleID":"POS 1 (front)"}}}}`)
		if code != 200 || body != "" {
			t.Errorf("abort: %d %q", code, body)
		}
	}
	abort("nothing")
	r := d.pay(paymentOf("s1", "17", "1", "EUR"), func(payment.Payment) {
		abort("s9") // another one's
		abort("s1")
	})
	d.is("payment", r.Response, register.Failure, register.Aborted)
	d.is("another", d.pay(paymentOf("s2", "18", "1", "EUR"), d.smiles).Response, register.Success, "")
	abort("s2")
	d.is("after its end", d.status("s2").Repeated.Body.Payment.Response, register.Success, "")
}

// failing is a journal whose disk fails while it is told to, where payments end or, if opening, where they
// begin.
type failing struct {
	payment.Journal
	on      atomic.Bool
	opening bool
	failed  atomic.Int64 // commits
}

func (f *failing) Commit(ctx context.Context, p payment.Payment) error {
	if f.on.Load() && p.State.Terminal() != f.opening {
		f.failed.Add(1)
		return errors.New("input/output error")
	}
	return f.Journal.Commit(ctx, p)
}

func (f *failing) Probe(ctx context.Context) error {
	if f.on.Load() {
		return errors.New("input/output error")
	}
	return f.Journal.Probe(ctx)
}

// TestUnknownOutcome: the end of a payment can't be written. The register is told neither yes nor no, until
// it is known.
func TestUnknownOutcome(t *testing.T) {
	disk := &failing{}
	d := newDesk(t,
		func(d *desk) { d.wrap = func(j payment.Journal) payment.Journal { disk.Journal = j; return disk } })
	answers := d.start(paymentOf("s1", "17", "1", "EUR"))
	p := d.running()
	disk.on.Store(true)
	d.seen(p.ID, payment.Recognised{Customer: customer})
	now := time.Now()
	err := d.engine.Handle(t.Context(), p.ID, payment.Consented{Evidence: payment.Evidence{Customer: customer,
		MatchFrames: 2, SmileFrames: 1, Since: now, At: now}})
	if !errors.Is(err, payment.ErrJournal) {
		t.Fatal(err)
	}
	d.is("status", d.status("s1").Response, register.Failure, register.InProgress)
	select {
	case a := <-answers:
		t.Fatalf("an outcome was told: %+v", a.reply)
	case <-time.After(300 * time.Millisecond):
	}
	disk.on.Store(false)
	d.is("when the disk works again", d.take(answers).Response, register.Failure, register.UnavailableDevice)
	if n := d.approvals(); n != 0 {
		t.Errorf("%d approvals", n)
	}
}
