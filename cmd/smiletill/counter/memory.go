package counter

import (
	"context"
	"errors"
	"slices"

	"smiletill/device/screen"
	unread "smiletill/payment/counter"
)

// Remember notes a payment before it begins, unless it has ended: a browser may send a request twice.
func (c Desk) Remember(ctx context.Context, id string) error {
	running := []screen.State{screen.LookHere, screen.Smile, screen.EnterPIN, screen.Vending}
	switch p, err := c.Payment(ctx, id); {
	case err == nil && !slices.Contains(running, p.State):
		return nil
	case err != nil && !errors.Is(err, screen.ErrCounterUnknown):
		var told *screen.CounterError
		if errors.As(err, &told) {
			told.Open = false // nothing was begun
		}
		return err
	}
	return c.note(unread.Entry{ID: id})
}

// RememberReversal notes what is to be given back before it is.
func (c Desk) RememberReversal(_ context.Context, r screen.CounterReversal) error {
	return c.note(unread.Entry{ID: r.ID, Payment: r.Payment, Amount: r.Amount, Reason: r.Reason})
}

// note refuses what can't be written down.
func (c Desk) note(e unread.Entry) error {
	if err := c.Memory.Add(e); err != nil {
		return &screen.CounterError{Why: screen.RefusedJournal, What: err.Error(),
			Do: "free the disk if it is full; a damaged file is to be put away"}
	}
	return nil
}

// Confirm forgets a payment whose end was read, or a reversal whose outcome was heard.
func (c Desk) Confirm(_ context.Context, id string) error { return c.Memory.Forget(id) }

// Unconfirmed tells those whose end no page has confirmed.
func (c Desk) Unconfirmed(ctx context.Context) (all []screen.CounterPayment, err error) {
	err = c.remembered(ctx, func(e unread.Entry, p screen.CounterPayment) {
		if e.Payment == "" {
			all = append(all, p)
		}
	})
	return all, err
}

// Reversals tells those whose outcome no page has heard.
func (c Desk) Reversals(ctx context.Context) (all []screen.CounterReversal, err error) {
	err = c.remembered(ctx, func(e unread.Entry, p screen.CounterPayment) {
		if e.Payment != "" {
			all = append(all, screen.CounterReversal{ID: e.ID, Payment: e.Payment, Amount: e.Amount,
				Currency: p.Currency, Reason: e.Reason})
		}
	})
	return all, err
}

// remembered calls use with each and the payment that it is about, the latest first. A payment that never
// began has no end.
func (c Desk) remembered(ctx context.Context, use func(unread.Entry, screen.CounterPayment)) error {
	all, err := c.Memory.All()
	if err != nil {
		return err
	}
	for _, e := range all {
		p, err := c.Payment(ctx, e.About())
		switch {
		case errors.Is(err, screen.ErrCounterUnknown):
		case err != nil:
			return err
		default:
			use(e, p)
		}
	}
	return nil
}
