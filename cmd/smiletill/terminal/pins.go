package terminal

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"smiletill/cmd/smiletill/control"
	"smiletill/device/screen"
	"smiletill/payment"
	"smiletill/payment/pin"
	"smiletill/vision/gallery"
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

func (k keypad) Cancel(ctx context.Context, asked string) error {
	p, err := k.access.opened()
	if err != nil {
		return err
	}
	_, err = p.engine.Cancel(ctx, asked, payment.ByCustomer)
	return err
}

// setPIN gives an enrolled customer a PIN, or takes it away (""), also of one whose record can't be read;
// before is told the new one's mark, or "", and of nothing that is not done.
func setPIN(
	ctx context.Context, g *gallery.Gallery, s *pin.Store, id, digits string, before func(mark string) error,
) error {
	have, err := s.Customers(ctx)
	if err != nil {
		return err
	}
	known := slices.ContainsFunc(g.List(), func(c gallery.Customer) bool { return c.ID == id }) ||
		slices.ContainsFunc(g.Stale(), func(c gallery.Stale) bool { return c.ID == id })
	switch {
	case digits == "" && have[id]:
		if err := before(""); err != nil {
			return err
		}
		return s.Remove(ctx, id)
	case !known:
		return payment.WithHintf(
			fmt.Errorf("%w: %s", gallery.ErrUnknownCustomer, id),
			"`smiletill customers list` lists them",
		)
	case digits == "": // there is none
		return nil
	}
	return s.SetAfter(ctx, id, digits, before)
}

// setClerkPIN gives the clerk a PIN, or takes it away (""); before is as setPIN's.
func setClerkPIN(ctx context.Context, s *pin.Store, digits string, before func(mark string) error) error {
	if digits == "" {
		if errors.Is(s.Clerk().Ready(ctx), payment.ErrPINNotSet) {
			return nil
		}
		if err := before(""); err != nil {
			return err
		}
		return s.Clerk().Remove(ctx)
	}
	return s.Clerk().SetAfter(ctx, digits, before)
}
