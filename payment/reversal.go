package payment

import (
	"errors"
	"fmt"
	"time"
)

// Why a reversal is refused.
var (
	ErrNotApproved = errors.New("payment was not approved")
	ErrTooMuch     = errors.New("more than is left of the payment")
)

// ReversalRequest asks to give an approved payment back, in whole or in part.
type ReversalRequest struct {
	ID        string // chosen by the caller, as a payment's; reversals and payments may use the same names
	PaymentID string
	Minor     int64  // minor units of the payment's currency; 0 is all that is left
	Reference string // the caller's own words, as a payment's
	Who       Who    // asks; the same request is the same whoever repeats it
}

// Reversal is money of an approved payment that was given back. It never changes.
type Reversal struct {
	ID        string
	PaymentID string
	Amount    Amount
	Whole     bool // asked for as all that is left
	Reference string
	Customer  string // pseudonymous; who gets it back
	At        time.Time
	// TimeTrusted tells whether the clock was known to be right.
	TimeTrusted bool
	// Who asked for it: its fact says so. What is read from the table of reversals leaves it out.
	Who Who
}

// OpenReversal gives the reversal of a request for a payment as it stands. Errors wrap ErrRequest,
// ErrNotApproved or ErrTooMuch.
func OpenReversal(q ReversalRequest, p Payment, now time.Time) (Reversal, error) {
	if err := q.check(); err != nil {
		return Reversal{}, err
	}
	fail := func(err error, hint string) (Reversal, error) {
		return Reversal{}, WithHint(fmt.Errorf("reverse payment %s: %w", p.ID, err), hint)
	}
	left := p.Amount.Minor - p.Reversed
	minor := q.Minor
	if minor == 0 {
		minor = left
	}
	switch {
	case p.State == StateVending:
		return fail(fmt.Errorf("%w: it is %s", ErrNotApproved, p.State),
			"wait until the machine has said whether its product fell")
	case p.State != StateApproved:
		return fail(
			fmt.Errorf("%w: it is %s", ErrNotApproved, p.State),
			"nothing was charged, so nothing is given back",
		)
	case left <= 0:
		return fail(fmt.Errorf("%w: all of it was given back", ErrTooMuch), "nothing is left to give back")
	case minor > left:
		rest := Amount{Minor: left, Currency: p.Amount.Currency}
		return fail(fmt.Errorf("%w: %s", ErrTooMuch, rest), "give back at most "+rest.String())
	}
	return Reversal{
		ID: q.ID, PaymentID: p.ID, Amount: Amount{Minor: minor, Currency: p.Amount.Currency}, Whole: q.Minor == 0,
		Reference: q.Reference, Customer: p.Customer, At: now, Who: q.Who,
	}, nil
}

func (q ReversalRequest) check() error {
	switch {
	case !ValidID(q.ID):
		return badReversal("id", "use 1 to 64 letters, digits, points, underscores, colons or hyphens")
	case !ValidID(q.PaymentID):
		return badReversal("payment id", "name the payment by the id that it was begun with")
	case q.Minor < 0 || q.Minor > MaxMinor:
		return badReversal("amount", "give back a positive amount, at most what was paid")
	}
	if err := CheckText(q.Reference, ReferenceMax); err != nil {
		return fmt.Errorf("reverse payment: reference: %w: %w", ErrRequest, err)
	}
	return nil
}

// Same reports whether the reversal is the one the request asks for.
func (r Reversal) Same(q ReversalRequest) bool {
	return r.ID == q.ID && r.PaymentID == q.PaymentID && r.Reference == q.Reference &&
		r.Whole == (q.Minor == 0) && (r.Whole || r.Amount.Minor == q.Minor)
}

func badReversal(field, hint string) error {
	return WithHint(fmt.Errorf("reverse payment: %s: %w", field, ErrRequest), hint)
}
