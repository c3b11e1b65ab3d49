package config

import (
	"fmt"
	"strings"

	"smiletill/payment"
)

// Policy is the section [pin] in minor units of the terminal's currency.
func (c *Config) Policy() (payment.Policy, error) {
	p := payment.Policy{Always: c.PIN.Always, CountMax: c.PIN.CountMax, Percent: c.PIN.Percent}
	for _, l := range []struct {
		name, text string
		minor      *int64
	}{
		{"pin.amount_max", c.PIN.AmountMax, &p.AmountMax},
		{"pin.sum_max", c.PIN.SumMax, &p.SumMax},
		{"pin.day_max", c.PIN.DayMax, &p.DayMax},
	} {
		if strings.Trim(l.text, "0.") == "" {
			continue // no limit
		}
		a, err := payment.ParseDecimal(l.text, c.Terminal.Currency)
		if err != nil {
			return payment.Policy{}, fmt.Errorf("%s: %w", l.name, err)
		}
		*l.minor = a.Minor
	}
	return p, p.Check()
}
