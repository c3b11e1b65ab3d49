package payment

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"
)

// noPINs stands where no customer has a PIN.
type noPINs struct{}

func (noPINs) Ready(context.Context, string) error       { return ErrPINNotSet }
func (noPINs) Try(context.Context, string, string) error { return ErrPINNotSet }

// judge holds a consent against the policy: it stays what it is, or becomes a question for the PIN, or a
// refusal.
func (d *desk) judge(p Payment, c Consented) (Event, error) {
	o := d.engine.options
	if p.State == StateRecognised {
		switch blocked, err := o.Blocked(d.ctx, p.Customer); {
		case err != nil:
			return nil, fmt.Errorf("payment %s: look whether the customer is blocked: %w", p.ID, err)
		case blocked:
			return Blocked(c), nil
		}
	}
	if p.State != StateRecognised || o.Policy == (Policy{}) && !c.Evidence.Alike {
		return c, nil
	}
	var s Standing
	var err error
	if o.Policy.asks() {
		if s, err = d.engine.journal.Standing(d.ctx, p.Customer, p.Amount.Currency); err != nil {
			return nil, d.fail(p.ID, err)
		}
	}
	draw, err := drawLot(o.Rand)
	if err != nil {
		return nil, fmt.Errorf("payment %s: draw by lot: %w", p.ID, err)
	}
	// A limit's need comes first: who holds up a photo above it learns nothing of the verdict.
	need := o.Policy.Judge(p.Amount, s, draw)
	if need == NeedNone && c.Evidence.Liveness.lacking(p.Demand) {
		need = NeedLiveness
	}
	if need == NeedNone && c.Evidence.Alike {
		need = NeedAlike
	}
	if need == NeedNone {
		return c, nil
	}
	switch err := o.PINs.Ready(d.ctx, p.Customer); {
	case err == nil:
		return PINAsked{Evidence: c.Evidence, Need: need, Until: time.Now().Add(o.PINTimeout)}, nil
	case errors.Is(err, ErrPINNotSet) && need == NeedLiveness:
		return PINRefused{Evidence: c.Evidence, Need: need, Reason: ReasonNotSure}, nil
	case errors.Is(err, ErrPINNotSet):
		return PINRefused{Evidence: c.Evidence, Need: need, Reason: ReasonPINNotSet}, nil
	case errors.Is(err, ErrPINLocked):
		return PINRefused{Evidence: c.Evidence, Need: need, Reason: ReasonPINLocked}, nil
	default:
		return nil, fmt.Errorf("payment %s: look for the customer's PIN: %w", p.ID, err)
	}
}

// drawLot gives 0 to 99. Of the 256 values of a byte the last 56 are drawn again, so that all are equal.
func drawLot(r io.Reader) (int, error) {
	var b [1]byte
	for {
		if _, err := io.ReadFull(r, b[:]); err != nil {
			return 0, err
		}
		if b[0] < 200 {
			return int(b[0] % 100), nil
		}
	}
}

// asksPIN gives the running payment if it waits for the PIN.
func (d *desk) asksPIN(id string) (Payment, error) {
	switch {
	case d.run == nil || d.run.payment.ID != id:
		return Payment{}, fmt.Errorf("payment %s: %w", id, ErrNotRunning)
	case d.run.payment.State != StatePIN:
		err := fmt.Errorf("payment %s: PIN: %w: it was not asked for", id, ErrEvent)
		return Payment{}, WithHint(err, "wait until the terminal asks for the PIN")
	}
	return d.run.payment, nil
}

// demands gives what a payment that is opened wants of the pictures.
func (d *desk) demands(a Amount, now time.Time) Demand {
	since := time.Duration(-1)
	if !d.failure.IsZero() {
		since = max(now.Sub(d.failure), 0)
	}
	return d.engine.options.Policy.Liveness.Demands(a, since)
}

// heard notes the verdict of a consent that was taken, with the PIN or without: the next payments are
// stricter after one that fails.
func (d *desk) heard(p Payment) {
	taken := []State{StatePIN, StateVending, StateApproved, StateDeclined}
	if slices.Contains(taken, p.State) && p.Evidence.Liveness.fails(p.Demand) {
		d.failure = time.Now()
	}
}

// count keeps the number of refused faces in a row, and locks the terminal after too many.
func (d *desk) count(p Payment) {
	if p.State == StateApproved {
		d.tries, d.locked = 0, time.Time{}
		return
	}
	if n := failedTries(p); n > 0 {
		d.tries += n
		if wait := lockAfter(d.tries); wait > 0 {
			d.locked = time.Now().Add(wait)
			d.engine.options.Log.Warn("faces were refused again and again: payments wait", "refused", d.tries,
				"for", wait.String())
		}
	}
}

// lockedOut is nil when a payment may begin.
func (d *desk) lockedOut(now time.Time) error {
	wait := d.locked.Sub(now)
	if wait <= 0 {
		return nil
	}
	wait = (wait + time.Second - 1).Truncate(time.Second)
	return WithHint(fmt.Errorf("%w: %d", ErrLocked, d.tries),
		fmt.Sprintf("wait %v, or take another way to pay", wait))
}

// reverse commits a reversal. It needs the journal alone: a terminal without a camera gives money back too.
// Only an alarm stops it: whoever opens the case may want the till's money as well as what customers owe.
func (d *desk) reverse(q ReversalRequest) (Reversal, error) {
	if err := q.check(); err != nil {
		return Reversal{}, err
	}
	known, err := d.engine.journal.FindReversal(d.ctx, q.ID)
	switch {
	case err == nil && known.Same(q):
		return known, nil
	case err == nil:
		return Reversal{}, WithHint(fmt.Errorf("reversal %s: %w", q.ID, ErrConflict),
			"take a new id for a new reversal; an id stands for one payment and amount for ever")
	case !errors.Is(err, ErrNotFound):
		return Reversal{}, d.fail(q.PaymentID, err)
	}
	if err := d.alarm(); err != nil {
		return Reversal{}, fmt.Errorf("reverse payment %s: %w", q.PaymentID, err)
	}
	r, err := d.find(q.PaymentID)
	if err != nil {
		return Reversal{}, err
	}
	reversal, err := OpenReversal(q, r.payment, time.Now())
	if err != nil {
		return Reversal{}, err
	}
	reversal.TimeTrusted = d.engine.options.TimeTrusted()
	err = d.engine.journal.Reverse(d.ctx, reversal)
	switch {
	case err == nil:
	case errors.Is(err, ErrConflict), errors.Is(err, ErrTooMuch), errors.Is(err, ErrNotApproved),
		errors.Is(err, ErrNotFound), errors.Is(err, ErrUnsure):
		return Reversal{}, err
	default:
		return Reversal{}, d.fail(q.PaymentID, err)
	}
	if d.run == nil && d.last.ID == q.PaymentID {
		d.last.Reversed += reversal.Amount.Minor
	}
	return reversal, nil
}
