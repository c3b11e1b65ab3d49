package vending

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"time"

	"smiletill/payment"
)

// settle holds what the engine has in hand against what the reader has under way.
func (d *Desk) settle(ctx context.Context) {
	p := d.status.Payment
	c := d.cur
	if c != nil && !c.granted {
		switch {
		case p.ID == c.id && p.State == payment.StateVending:
			c.granted = true
			d.feed(ctx, Granted{c.number})
		case p.ID != c.id || p.State.Terminal():
			d.cur = nil
			d.feed(ctx, Declined{c.number})
		}
		return
	}
	if e, known := d.ends[p.ID]; known && p.State.Terminal() {
		d.unpaid(p, e.event)
		delete(d.ends, p.ID)
	}
	mine := c != nil && c.id == p.ID
	if d.engine == nil || !p.Vend || p.State.Terminal() || mine || time.Now().Before(d.again) {
		return
	}
	d.again = time.Now().Add(tellAgain)
	if p.State != payment.StateVending {
		d.cancel(ctx, p.ID)
		return
	}
	e, known := d.ends[p.ID]
	if !known {
		e = end{payment.NotDispensed{Reason: payment.ReasonNotConfirmed}, time.Now()}
		d.ends[p.ID] = e
		d.flag(Flag{Reason: Unconfirmed,
			Text: "payment " + p.ID + " was open, and the machine knows nothing of it"})
	}
	d.conclude(ctx, p.ID, e.event)
}

// why is a reader's reason in the money's words.
func why(r Reason, mayHaveFallen bool) payment.Reason {
	switch {
	case mayHaveFallen:
		return payment.ReasonNotConfirmed
	case r == NotDispensed:
		return payment.ReasonNotDispensed
	}
	return payment.ReasonCancelledByMachine
}

// open begins the payment of a choice.
func (d *Desk) open(ctx context.Context, a Open) {
	id, err := d.newID()
	if err == nil {
		err = d.o.Payable(a.Price)
	}
	if err == nil && d.engine == nil {
		err = payment.ErrOutOfOrder
	}
	if err == nil {
		d.cur = &vend{number: a.Vend, id: id}
		ctx, cancel := context.WithTimeout(ctx, patience)
		defer cancel()
		_, err = d.engine.Begin(ctx, payment.Request{ID: id, Amount: a.Price, Vend: true, Item: a.Item})
		d.ask(ctx)
	}
	if err == nil {
		return
	}
	d.cur = nil // if it began all the same, settle finds it
	// Known by trying alone: coins meanwhile. A cheaper product may still be sold.
	if errors.Is(err, payment.ErrBacklog) && !errors.Is(err, payment.ErrBacklogAmount) {
		d.shut = time.Now().Add(shutFor)
	}
	d.dirty = true
	d.mu.Lock()
	why := err
	if errors.Is(err, payment.ErrBusy) {
		why = payment.ErrBusy
	}
	d.now.Refused, d.now.At = fmt.Errorf("%s for %v: %w", Product(a.Item), a.Price, why), time.Now()
	d.mu.Unlock()
	d.o.Log.Info("a choice was refused", "item", a.Item, "price", a.Price.String(), "err", err, "hint",
		payment.HintOf(err))
	d.feed(ctx, Declined{a.Vend})
}

// Product is a machine's product in words, by its number.
func Product(item string) string {
	if item == "" {
		return "a product without a number"
	}
	return "product " + item
}

func (d *Desk) newID() (string, error) {
	var b [12]byte
	if _, err := io.ReadFull(d.o.Rand, b[:]); err != nil {
		return "", fmt.Errorf("make a payment's id: %w", err)
	}
	return "vend-" + hex.EncodeToString(b[:]), nil
}

// gone is a choice that the machine took back before its payment was known to be granted.
func (d *Desk) gone(ctx context.Context, a Cancel) {
	if c := d.cur; c != nil && c.number == a.Vend {
		d.cur = nil
		d.ends[c.id] = end{payment.NotDispensed{Reason: payment.ReasonCancelledByMachine}, time.Now()}
		d.cancel(ctx, c.id)
	}
}

// cancel ends a payment that no machine waits for; it may be vending by now.
func (d *Desk) cancel(ctx context.Context, id string) {
	if d.engine == nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	_, err := d.engine.Cancel(ctx, id, payment.ByMachine)
	d.ask(ctx)
	// One that stops has ended it, and leaves a vend to the next start.
	if err != nil && !errors.Is(err, payment.ErrClosed) && !errors.Is(err, payment.ErrVending) &&
		!errors.Is(err, payment.ErrStopped) {
		d.o.Log.Warn("a choice that was taken back is not cancelled yet", "payment", id, "err", err)
	}
}

// ended tells the engine how a vend ended. settle tells it again if it did not hear.
func (d *Desk) ended(ctx context.Context, number int, e payment.Event) {
	c := d.cur
	if c == nil || c.number != number {
		return
	}
	d.cur = nil
	d.ends[c.id] = end{e, time.Now()}
	d.conclude(ctx, c.id, e)
}

// conclude gives the engine the end of a vend.
func (d *Desk) conclude(ctx context.Context, id string, e payment.Event) {
	d.forget()
	if d.engine == nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	err := d.engine.Handle(ctx, id, e)
	d.ask(ctx)
	if err != nil && !errors.Is(err, payment.ErrNotRunning) {
		d.o.Log.Warn("how a vend ended is not written down yet", "payment", id, "err", err)
	}
}

// unpaid tells of a product that fell and is not charged: the alarm of the case was there before its end was
// written down.
func (d *Desk) unpaid(p payment.Payment, e payment.Event) {
	if _, fell := e.(payment.Dispensed); fell && p.State != payment.StateApproved {
		d.flag(Flag{Reason: Unasked,
			Text: "the product of payment " + p.ID + " fell, and it is " + string(p.State)})
	}
}

// forget drops ends that the engine has had the time to hear of: it has one payment in hand at most.
func (d *Desk) forget() {
	for id, e := range d.ends {
		if len(d.ends) > 16 && time.Since(e.at) > time.Hour {
			delete(d.ends, id)
		}
	}
}
