package terminal

import (
	"context"
	"time"

	"smiletill/payment"
	"smiletill/payment/journal"
	"smiletill/payment/vending"
)

// engine gives the one that runs, to a vending machine.
func (a *access) engine() (vending.Engine, error) {
	p, err := a.opened()
	if err != nil {
		return nil, err
	}
	return p.engine, nil
}

// payable is nil for a price that this terminal takes.
func (a *access) payable(price payment.Amount) error {
	p, err := a.opened()
	if err != nil {
		return err
	}
	return price.Within(p.limit)
}

// openVend gives the payment that a vending machine had in hand when the terminal stopped. Where no machine
// is served any more nobody would ever decide it: it is taken back.
func (p *parts) openVend(ctx context.Context, served bool) (payment.Payment, error) {
	vend, open, err := p.journal.Vending(ctx)
	if err != nil || !open || served {
		return vend, err
	}
	p.log.Warn("a product was being given out when the terminal stopped, and no machine is served any more: "+
		"it is not charged", "payment", vend.ID)
	vend, err = payment.Next(vend, payment.NotDispensed{Reason: payment.ReasonNotConfirmed}, time.Now())
	if err != nil {
		return payment.Payment{}, err
	}
	vend.TimeTrusted = journal.ClockSet()
	return payment.Payment{}, p.journal.Commit(ctx, vend)
}
