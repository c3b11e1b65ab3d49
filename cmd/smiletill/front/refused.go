package front

import (
	"errors"
	"time"

	"smiletill/device/screen"
	"smiletill/payment"
	"smiletill/payment/vending"
)

// refusal is what a vending machine's customer chose and can't have, while nothing is to be paid.
type refusal struct {
	why   screen.Reason
	until time.Time
}

// Refused shows that a choice at a vending machine was refused, for as long as a result.
func (f *Front) Refused(err error) {
	var why screen.Reason
	switch {
	case errors.Is(err, payment.ErrAboveLimit):
		why = screen.AboveLimit
	case errors.Is(err, payment.ErrBacklog):
		why = screen.BacklogFull
	case errors.Is(err, vending.ErrRefused):
		why = screen.NotForSale
	default: // somebody else's payment, or what is out of order, is on the screen already
		return
	}
	f.mu.Lock()
	f.refuse = refusal{why, time.Now().Add(resultFor)}
	f.mu.Unlock()
	f.Wake()
}
