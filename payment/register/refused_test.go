package register_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"smiletill/payment"
	"smiletill/payment/register"
)

// TestRefusedStaysRefused: a Payment or a Reversal that was refused, for whatever has changed since, moves no
// money when it is sent again; what was noted holds over a start of the whole terminal too.
func TestRefusedStaysRefused(t *testing.T) {
	out := under("out", bare(register.CategoryLogout))
	pay := paymentOf("no", "no", "1", "EUR")
	var full atomic.Bool
	for _, c := range []struct {
		name          string
		refuse, allow func(d *desk)
		want          register.Condition
		noted         bool // on the disk, so that the next process knows it
	}{
		{"logged out", func(d *desk) { d.say(out) }, func(d *desk) { d.say(under("in", login())) },
			register.LoggedOut, true},
		{"parts closed", func(d *desk) { d.close() }, func(d *desk) { d.open() },
			register.UnavailableDevice, false},
		{"disk full", func(*desk) { full.Store(true) }, func(*desk) { full.Store(false) },
			register.UnavailableService, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := newDesk(t, func(d *desk) {
				d.clock = func(context.Context) (time.Duration, error) {
					if full.Load() {
						return 0, errors.New("disk full")
					}
					return time.Hour, nil
				}
			})
			paid := d.paid("s1", "2")
			back := reversalOf("back", paid, "1")
			c.refuse(d)
			d.is("payment", d.say(pay).Payment.Response, register.Failure, c.want)
			d.is("reversal", d.say(back).Reversal.Response, register.Failure, c.want)
			c.allow(d)
			d.is("payment again", d.say(pay).Payment.Response, register.Failure, register.NotAllowed)
			d.is("reversal again", d.say(back).Reversal.Response, register.Failure, register.NotAllowed)
			d.is("its status", d.status("no").Repeated.Body.Payment.Response, register.Failure, c.want)
			if c.noted {
				d.reopen()
				d.serve() // a server that remembers nothing
				d.is("payment after a start", d.say(pay).Payment.Response, register.Failure, register.NotAllowed)
				d.is("reversal after a start", d.say(back).Reversal.Response, register.Failure, register.NotAllowed)
			}
			if r := d.say(reversalOf("rest", paid, "")).Reversal; r.Amount != "2.00" {
				t.Errorf("left to give back: %q (%s), want 2.00", r.Amount, register.Message(r.Response))
			}
			if n := d.approvals(); n != 1 {
				t.Errorf("%d payments, want 1", n)
			}
		})
	}
}

// TestRefusedBeforeItCould: a reversal of a payment that there was not yet, and a payment above the limit of
// that day, begin nothing later.
func TestRefusedBeforeItCould(t *testing.T) {
	d := newDesk(t)
	back := reversalOf("back", idOf("s1", "ts1"), "1")
	d.is("no such payment", d.say(back).Reversal.Response, register.Failure, register.NotFound)
	large := paymentOf("large", "large", "51", "EUR")
	d.is("above the limit", d.say(large).Payment.Response, register.Failure, register.Refusal)
	d.limit.Minor = 10_000
	d.reopen()
	d.serve()
	d.paid("s1", "2")
	d.is("above the limit, again", d.say(large).Payment.Response, register.Failure, register.NotAllowed)
	d.is("no such payment, again", d.say(back).Reversal.Response, register.Failure, register.NotAllowed)
	d.is("its status", d.status("large").Repeated.Body.Payment.Response, register.Failure, register.Refusal)
}

// TestNeverOpenedStaysSo: a register that was told that its payment could not be opened is charged nothing by
// the same message, after a start of the terminal neither.
func TestNeverOpenedStaysSo(t *testing.T) {
	disk := &failing{opening: true}
	d := newDesk(t,
		func(d *desk) { d.wrap = func(j payment.Journal) payment.Journal { disk.Journal = j; return disk } })
	disk.on.Store(true)
	answers := d.start(paymentOf("no", "no", "1", "EUR"))
	d.eventually("the payment is not opened", func() bool { return disk.failed.Load() > 0 })
	disk.on.Store(false)
	d.is("payment", d.take(answers).Response, register.Failure, register.UnavailableService)
	d.is("at once", d.say(paymentOf("no", "no", "1", "EUR")).Payment.Response, register.Failure,
		register.NotAllowed)
	d.reopen()
	d.serve() // a server that remembers nothing
	d.is("after a start", d.say(paymentOf("no", "no", "1", "EUR")).Payment.Response, register.Failure,
		register.NotAllowed)
	d.is("its status", d.status("no").Repeated.Body.Payment.Response, register.Failure,
		register.UnavailableService)
}

// TestRefusedWhatWasPaid: a message that was paid, and whose record is lost, is refused when it comes again;
// it is told as paid all the same.
func TestRefusedWhatWasPaid(t *testing.T) {
	d := newDesk(t)
	paid := d.paid("s1", "2")
	back := reversalOf("back", paid, "1")
	d.is("reversal", d.say(back).Reversal.Response, register.Success, "")
	d.forget()
	d.say(under("out", bare(register.CategoryLogout)))
	for range 2 {
		d.is("payment again", d.say(paymentOf("s1", "ts1", "2", "EUR")).Payment.Response, register.Failure,
			register.LoggedOut)
		d.is("reversal again", d.say(back).Reversal.Response, register.Failure, register.LoggedOut)
	}
	d.is("its status", d.status("s1").Repeated.Body.Payment.Response, register.Success, "")
	q := statusOf("back")
	q.TransactionStatus.Reference.MessageCategory = register.CategoryReversal
	d.is("the reversal's", d.say(q).TransactionStatus.Repeated.Body.Reversal.Response, register.Success, "")
}

// TestRefusedRoom: what could not be noted takes no more than its room, and the newest is remembered.
func TestRefusedRoom(t *testing.T) {
	d := newDesk(t)
	if oldest, newest, n := register.Crowd(d.server, register.RefusedMax+10); oldest || !newest ||
		n != register.RefusedMax {
		t.Errorf("oldest known %v, newest %v, %d remembered", oldest, newest, n)
	}
}

// TestNullGivesNothingBack: null as the amount of a Reversal is a mistake, and not all that is left.
func TestNullGivesNothingBack(t *testing.T) {
	d := newDesk(t)
	paid := d.paid("s1", "2")
	_, answer := d.raw(`{"SaleToPOIRequest":{"MessageHeader":{"ProtocolVersion":"3.0",` +
		`"MessageClass":"Service","MessageCategory":"Reversal","MessageType":"Request",` +
		`"SaleID":"POS 1 (front)","ServiceID":"r1","POIID":"` + poiID + `"},` +
		`"ReversalRequest":{"OriginalPOITransaction":{"POITransactionID":{"TransactionID":"` + paid +
		`","TimeStamp":"x"}},"ReversalReason":"CustCancel","ReversedAmount": null}}}`)
	d.is("null", readReply(t, answer).response, register.Failure, register.MessageFormat)
	if n := d.reversed(paid); n != 0 {
		t.Errorf("%d given back", n)
	}
}
