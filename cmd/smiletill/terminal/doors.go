package terminal

import (
	"context"
	"errors"
	"time"

	"smiletill/cmd/smiletill/control"
	"smiletill/cmd/smiletill/enrolment"
	who "smiletill/cmd/smiletill/people"
	"smiletill/payment"
	"smiletill/vision/gallery"
)

// doors are what the control socket opens onto.
func (t *Terminal) doors() control.Doors {
	return control.Doors{Till: till{t.access}, Back: back{t.access},
		People: t.desk, PINs: pins{t.desk, t.access}, Clerks: t.desk,
		Service:  service{t.access, t.tamper, t.updates, t.register, t.statusNow},
		Register: t.register.server.Own()}
}

// till takes the payments that commands ask for.
type till struct{ access *access }

func (d till) Begin(ctx context.Context, q control.PaymentRequest) (control.Payment, error) {
	p, err := d.access.opened()
	if err != nil {
		return control.Payment{}, err
	}
	amount, err := p.payable(q.Amount, q.Currency)
	if err != nil {
		return control.Payment{}, err
	}
	if q.Digits != "" {
		if err := gallery.CheckDigits(q.Digits); err != nil {
			return control.Payment{}, err
		}
	}
	began, err := p.engine.Begin(ctx, payment.Request{ID: q.ID, Amount: amount, Reference: q.Reference})
	if err == nil && q.Digits != "" { // of one that is refused they would be another payment's
		err = p.numbers.Offer(q.ID, q.Digits)
	}
	return control.Told(began), err
}

func (d till) Wait(ctx context.Context, id string, long time.Duration) (control.Payment, error) {
	p, err := d.access.opened()
	if err != nil {
		return control.Payment{}, err
	}
	waiting, cancel := context.WithTimeout(ctx, long)
	defer cancel()
	ended, err := p.engine.Wait(waiting, id)
	if errors.Is(err, context.DeadlineExceeded) {
		if s, serr := p.engine.Status(ctx); serr == nil && s.Payment.ID == id {
			return control.Told(s.Payment), nil
		}
	}
	return control.Told(ended), err
}

func (d till) Cancel(ctx context.Context, id string, by payment.By) (control.Payment, error) {
	p, err := d.access.opened()
	if err != nil {
		return control.Payment{}, err
	}
	ended, err := p.engine.Cancel(ctx, id, by)
	return control.Told(ended), err
}

// payable is an amount that this terminal takes.
func (p *parts) payable(number, currency string) (payment.Amount, error) {
	a, err := payment.ParseDecimal(number, currency)
	if err != nil {
		return payment.Amount{}, err
	}
	return a, a.Within(p.limit)
}

// back gives payments back, and reports again.
type back struct{ access *access }

func (d back) Reverse(ctx context.Context, q control.ReversalRequest) (control.Reversal, error) {
	done, err := d.access.reverse(ctx, q)
	if err != nil {
		return control.Reversal{}, err
	}
	return control.Reversal{ID: done.ID, PaymentID: done.PaymentID, Amount: done.Amount.Decimal(),
		Currency: done.Amount.Currency, Customer: done.Customer}, nil
}

func (d back) Unpark(ctx context.Context, seq int64) error {
	p, err := d.access.opened()
	if err != nil {
		return err
	}
	return p.journal.Outbox().Unpark(ctx, seq, who.From(ctx))
}

// reverse gives a payment back.
func (a *access) reverse(ctx context.Context, q control.ReversalRequest) (payment.Reversal, error) {
	p, err := a.opened()
	if err != nil {
		return payment.Reversal{}, err
	}
	want := payment.ReversalRequest{ID: q.ID, PaymentID: q.PaymentID, Reference: q.Reference,
		Who: who.From(ctx)}
	if q.Amount != "" {
		paid, err := p.journal.Find(ctx, q.PaymentID)
		if err != nil {
			return payment.Reversal{}, err
		}
		amount, err := payment.ParseDecimal(q.Amount, paid.Amount.Currency)
		if err != nil {
			return payment.Reversal{}, err
		}
		want.Minor = amount.Minor
	}
	return p.engine.Reverse(ctx, want)
}

// pins takes PINs and changes them.
type pins struct {
	*enrolment.Desk
	access *access
}

func (d pins) EnterPIN(ctx context.Context, id, digits string) (control.Payment, error) {
	return d.access.enterPIN(ctx, id, digits)
}

// service is for technicians.
type service struct {
	access *access
	tamper *tamper
	update *updating
	desk   *cashDesk
	status func(context.Context) control.Status
}

func (d service) Status(ctx context.Context) (control.Status, error) { return d.status(ctx), nil }

func (d service) Hold(ctx context.Context, wait time.Duration, say func(string)) error {
	return d.update.Hold(ctx, wait, func(ctx context.Context) bool {
		p := d.access.load()
		return p != nil && p.busy(ctx)
	}, say)
}

func (d service) Reload(ctx context.Context) error {
	d.access.by.Store(new(who.From(ctx)))
	return d.access.reopen(ctx)
}

func (d service) Registers(ctx context.Context) error {
	p := d.access.load()
	if p == nil {
		return nil // whose opening finds it
	}
	return d.desk.trace(ctx, p)
}

func (d service) ResetTamper(ctx context.Context) error { return d.tamper.reset(ctx) }
