package register_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"smiletill/payment"
	"smiletill/payment/register"
)

func reversalOf(service, paymentID string, amount json.Number) register.Request {
	return register.Request{Header: register.Header{MessageCategory: register.CategoryReversal,
		ServiceID: service},
		Reversal: &register.ReversalRequest{Reason: "CustCancel", Amount: amount,
			Original: register.OriginalTransaction{
				POITransactionID: register.TransactionID{TransactionID: paymentID,
					TimeStamp: "2026-11-20T10:00:00.000Z"}}}}
}

// paid makes a payment and gives its id.
func (d *desk) paid(service, number string) string {
	d.t.Helper()
	r := d.pay(paymentOf(service, "t"+service, number, "EUR"), d.smiles)
	d.is("payment", r.Response, register.Success, "")
	return r.POIData.TransactionID.TransactionID
}

func (d *desk) reversed(paymentID string) int64 {
	d.t.Helper()
	p, err := d.journal.Find(context.Background(), paymentID)
	if err != nil {
		d.t.Fatal(err)
	}
	return p.Reversed
}

func TestReversal(t *testing.T) {
	d := newDesk(t)
	id := d.paid("s1", "10")
	for _, c := range []struct {
		name   string
		q      register.Request
		result register.Result
		want   register.Condition
		back   int64 // in all, afterwards
	}{
		{"a part", reversalOf("r1", id, "2.5"), register.Success, "", 250},
		{"the same message", reversalOf("r1", id, "2.5"), register.Failure, register.NotAllowed, 250},
		{"the same ServiceID, another amount", reversalOf("r1", id, "1"), register.Failure, register.NotAllowed,
			250},
		{"too much", reversalOf("r2", id, "7.51"), register.Failure, register.NotAllowed, 250},
		{"too much, again", reversalOf("r2", id, "7.51"), register.Failure, register.NotAllowed, 250},
		{"nothing", reversalOf("r3", id, "0"), register.Failure, register.MessageFormat, 250},
		{"negative", reversalOf("r4", id, "-1"), register.Failure, register.MessageFormat, 250},
		{"a digit too many", reversalOf("r5", id, "1.005"), register.Failure, register.MessageFormat, 250},
		{"no such payment", reversalOf("r6", "nexo-nothing", ""), register.Failure, register.NotFound, 250},
		{"no id", reversalOf("r7", "", ""), register.Failure, register.NotFound, 250},
		{"not a reason", func() register.Request {
			q := reversalOf("r8", id, "")
			q.Reversal.Reason = "because"
			return q
		}(), register.Failure, register.MessageFormat, 250},
		{"the rest", reversalOf("r9", id, ""), register.Success, "", 1000},
		{"nothing left", reversalOf("r10", id, ""), register.Failure, register.NotAllowed, 1000},
	} {
		r := d.say(c.q).Reversal
		d.is(c.name, r.Response, c.result, c.want)
		if r.Receipts == nil || r.Original == nil {
			t.Errorf("%s: %+v", c.name, r)
		}
		if got := d.reversed(id); got != c.back {
			t.Fatalf("%s: %d given back in all, want %d", c.name, got, c.back)
		}
	}
	s := register.Request{Header: register.Header{MessageCategory: register.CategoryTransactionStatus,
		ServiceID: "x"},
		TransactionStatus: &register.TransactionStatusRequest{Reference: &register.MessageReference{
			MessageCategory: register.CategoryReversal, ServiceID: "r9"}}}
	for _, when := range []string{"at once", "after a restart"} {
		got := d.say(s).TransactionStatus
		d.is(when, got.Response, register.Success, "")
		r := got.Repeated.Body.Reversal
		d.is(when, r.Response, register.Success, "")
		if r.Amount != "7.50" || r.Original.POITransactionID.TransactionID != id || len(r.Receipts) != 0 {
			t.Errorf("%s: %+v", when, r)
		}
		d.reopen()
	}
	s.TransactionStatus.Reference.ServiceID = "r2"
	d.is("the refused one", d.say(s).TransactionStatus.Repeated.Body.Reversal.Response, register.Failure,
		register.NotAllowed)
}

// TestReversalOfOtherPayments: of one that was not paid, and of one that no register began.
func TestReversalOfOtherPayments(t *testing.T) {
	d := newDesk(t)
	r := d.pay(paymentOf("s1", "17", "1", "EUR"), func(p payment.Payment) { d.seen(p.ID, payment.Unknown{}) })
	d.is("declined", r.Response, register.Failure, register.Refusal)
	id := r.POIData.TransactionID.TransactionID
	d.is("reversal", d.say(reversalOf("r1", id, "")).Reversal.Response, register.Failure, register.NotAllowed)
	p, err := d.engine.Begin(t.Context(), payment.Request{ID: "counter-1", Amount: payment.Amount{Minor: 300,
		Currency: "EUR"}})
	if err != nil {
		t.Fatal(err)
	}
	d.smiles(p)
	back := d.say(reversalOf("r2", "counter-1", "1")).Reversal
	d.is("of a payment by hand", back.Response, register.Success, "")
	if back.Amount != "1.00" || len(back.Receipts) != 2 {
		t.Errorf("%+v", back)
	}
}

// TestReversalWithLostRecords: the same message gives back once, even if no record is left.
func TestReversalWithLostRecords(t *testing.T) {
	d := newDesk(t)
	id := d.paid("s1", "10")
	d.is("a part", d.say(reversalOf("r1", id, "2")).Reversal.Response, register.Success, "")
	d.close()
	for _, name := range []string{"register.db", "register.db-wal", "register.db-shm"} {
		if err := os.Remove(filepath.Join(d.dir, name)); err != nil && !errors.Is(err, os.ErrNotExist) {
			t.Fatal(err)
		}
	}
	d.open()
	d.is("again", d.say(reversalOf("r1", id, "2")).Reversal.Response, register.Failure, register.NotAllowed)
	if got := d.reversed(id); got != 200 {
		t.Errorf("%d given back", got)
	}
}

// TestReversalsAtOnce: the same message and different ones from many connections at the same time.
func TestReversalsAtOnce(t *testing.T) {
	d := newDesk(t)
	id := d.paid("s1", "10")
	replies := make(chan *register.Reply)
	errs := make(chan error)
	const n = 24
	for i := range n {
		go func() {
			reply, err := d.client().Send(t.Context(), reversalOf(fmt.Sprintf("r%d", i%6), id, "3"))
			if err != nil {
				errs <- err
				return
			}
			replies <- reply
		}()
	}
	made := 0
	for range n {
		select {
		case err := <-errs:
			t.Fatal(err)
		case r := <-replies:
			if r.Reversal.Response.Result == register.Success {
				made++
			}
		}
	}
	if got := d.reversed(id); made != 3 || got != 900 {
		t.Errorf("%d reversals told, %d given back", made, got)
	}
}
