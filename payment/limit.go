package payment

import (
	"errors"
	"fmt"
	"time"
)

// ErrAboveLimit is why an amount is not taken that is larger than a terminal's largest.
var ErrAboveLimit = errors.New("is above this terminal's limit")

// Within holds an amount against a terminal's currency and its largest amount. An error wraps ErrAboveLimit,
// or says which currency is taken.
func (a Amount) Within(limit Amount) error {
	switch {
	case a.Currency != limit.Currency:
		return WithHintf(fmt.Errorf("amount %s: this terminal takes %s", a, limit.Currency),
			"ask for %s, or change terminal.currency", limit.Currency)
	case a.Minor > limit.Minor:
		return WithHint(fmt.Errorf("amount %s %w of %s", a, ErrAboveLimit, limit),
			"take it another way, or raise payment.amount_max")
	}
	return nil
}

// MinKeep is how long payments are kept at least: a caller who asks again with an id of the last 90 days
// gets the stored result.
const MinKeep = 90 * 24 * time.Hour
