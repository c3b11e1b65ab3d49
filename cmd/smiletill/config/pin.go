package config

import (
	"fmt"
	"strings"

	"smiletill/payment"
)

// adaptAmounts writes the amounts that nobody chose in the terminal's currency: as many of its smallest units
// as of the euro's. That is never much more than 50 and 150 EUR, and of some currencies far less.
func (c *Config) adaptAmounts() {
	if c.Terminal.Currency == Default().Terminal.Currency {
		return
	}
	for name, text := range map[string]*string{"payment.amount_max": &c.Payment.AmountMax,
		"pin.amount_max": &c.PIN.AmountMax, "pin.sum_max": &c.PIN.SumMax} {
		if _, chosen := c.origins[name]; chosen {
			continue
		}
		a, err := payment.ParseDecimal(*text, Default().Terminal.Currency)
		if err != nil {
			continue // no limit
		}
		a.Currency = c.Terminal.Currency
		if a.Check() == nil { // else the currency is complained about
			*text = shortened(a.Decimal())
			c.origins[name] = "default, in " + a.Currency
		}
	}
}

// shortened cuts zeros off the end of more decimals than an option takes.
func shortened(number string) string {
	whole, fraction, _ := strings.Cut(number, ".")
	for len(fraction) > decimalsMax && strings.HasSuffix(fraction, "0") {
		fraction = fraction[:len(fraction)-1]
	}
	if fraction == "" {
		return whole
	}
	return whole + "." + fraction
}

// decimalsMax is how many decimals an amount of the configuration has at most.
const decimalsMax = 3

// Policy is the sections [pin] and [liveness] in minor units of the terminal's currency.
func (c *Config) Policy() (payment.Policy, error) {
	p := payment.Policy{Always: c.PIN.Always, CountMax: c.PIN.CountMax, Percent: c.PIN.Percent}
	if c.Liveness.Mode == livenessOn {
		p.Liveness = payment.LivenessPolicy{On: true, Light: payment.Light(c.Liveness.Light),
			AfterFailure: c.Liveness.AfterFailure}
	}
	for _, l := range []struct {
		name, text string
		minor      *int64
	}{
		{"pin.amount_max", c.PIN.AmountMax, &p.AmountMax},
		{"pin.sum_max", c.PIN.SumMax, &p.SumMax},
		{"pin.day_max", c.PIN.DayMax, &p.DayMax},
		{"liveness.passive_max", c.Liveness.PassiveMax, &p.Liveness.PassiveMax},
	} {
		if strings.Trim(l.text, "0.") == "" || l.minor == &p.Liveness.PassiveMax && !p.Liveness.On {
			continue // no limit, or none that counts
		}
		a, err := payment.ParseDecimal(l.text, c.Terminal.Currency)
		if err != nil {
			return payment.Policy{}, fmt.Errorf("%s: %w", l.name, err)
		}
		*l.minor = a.Minor
	}
	return p, p.Check()
}
