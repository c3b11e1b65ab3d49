package terminal

import (
	"context"
	"errors"

	"smiletill/cmd/smiletill/control"
	"smiletill/device/screen"
	"smiletill/payment"
)

// enterPIN takes the PIN of a running payment. A wrong one that may be tried again is an answer, not an
// error.
func (a *access) enterPIN(ctx context.Context, id, digits string) (control.Payment, error) {
	p, err := a.opened()
	if err != nil {
		return control.Payment{}, err
	}
	entered, err := p.engine.EnterPIN(ctx, id, digits)
	answer := control.Told(entered)
	switch {
	case err == nil:
	case entered.State.Terminal() && errors.Is(err, payment.ErrPINLocked):
		err = nil // the payment's own end says so
	case errors.Is(err, payment.ErrPINWrong) && entered.ID != "":
		answer.PINWrong, err = !entered.State.Terminal(), nil
	}
	return answer, err
}

// keypad is the customer's page, as far as it is typed on.
type keypad struct{ access *access }

func (k keypad) EnterPIN(ctx context.Context, asked, digits string) error {
	p, err := k.access.enterPIN(ctx, asked, digits)
	if err == nil && p.PINWrong {
		return screen.ErrWrongPIN
	}
	return err
}

func (k keypad) EnterNumber(_ context.Context, asked, digits string) error {
	p, err := k.access.opened()
	if err != nil {
		return err
	}
	return p.numbers.Type(asked, digits)
}

func (k keypad) Cancel(ctx context.Context, asked string) error {
	p, err := k.access.opened()
	if err != nil {
		return err
	}
	_, err = p.engine.Cancel(ctx, asked, payment.ByCustomer)
	return err
}
