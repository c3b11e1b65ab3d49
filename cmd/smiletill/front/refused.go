package front

import (
	"errors"
	"time"

	"smiletill/device/screen"
	"smiletill/payment"
)

// refusal is what a vending machine's customer chose and can't have, while nothing is to be paid.
type refusal struct {
	why   screen.Reason
	until time.Time
}

// Refused shows that a choice at a vending machine was refused, for as long as a result.
func (f *Front) Refused(err error) {
	why := screen.NotForSale
	switch {
	case errors.Is(err, payment.ErrAboveLimit):
		why = screen.AboveLimit
	case errors.Is(err, payment.ErrBusy):
		return // the other customer's payment stays on the screen
	case errors.Is(err, payment.ErrOutOfOrder), errors.Is(err, payment.ErrJournal):
		return // which it shows already
	}
	f.mu.Lock()
	f.refuse = refusal{why, time.Now().Add(resultFor)}
	f.mu.Unlock()
	f.Wake()
}
