package config

import (
	"testing"

	"smiletill/payment"
)

// TestShippedLimits: a terminal on which nobody has set anything asks for the PIN where the European rules
// do, and one of another currency after as many of its smallest units; what somebody has set is left alone.
func TestShippedLimits(t *testing.T) {
	shipped := payment.Policy{AmountMax: 5000, CountMax: 5, SumMax: 15000}
	for _, c := range []struct {
		text      string
		want      payment.Policy
		amountMax string
		sumOrigin string
	}{
		{"", shipped, "50.00", "default"},
		{Example, shipped, "50.00", ""},
		{"[terminal]\ncurrency = \"GBP\"", shipped, "50.00", "default, in GBP"},
		{"[terminal]\ncurrency = \"JPY\"", shipped, "5000", "default, in JPY"},
		{"[terminal]\ncurrency = \"KWD\"", shipped, "5.000", "default, in KWD"},
		{"[terminal]\ncurrency = \"CLF\"", shipped, "0.500", "default, in CLF"},
		{"[terminal]\ncurrency = \"JPY\"\n[pin]\nsum_max = \"9000\"\ncount_max = 0",
			payment.Policy{AmountMax: 5000, SumMax: 9000}, "5000", ""},
		{"[pin]\namount_max = \"0\"\ncount_max = 0\nsum_max = \"0\"", payment.Policy{}, "50.00", ""},
	} {
		cfg, err := loadConfig(writeConfig(t, c.text), nil, nil, bareMachine(t))
		if err != nil {
			t.Errorf("%.60s: %v; %s", c.text, err, payment.HintOf(err))
			continue
		}
		got, err := cfg.Policy()
		got.Liveness = payment.LivenessPolicy{} // see TestLiveness
		if err != nil || got != c.want {
			t.Errorf("%.60s: %+v %v, want %+v", c.text, got, err, c.want)
		}
		if cfg.Payment.AmountMax != c.amountMax {
			t.Errorf("%.60s: payment.amount_max is %s, want %s", c.text, cfg.Payment.AmountMax, c.amountMax)
		}
		if got := cfg.Origin("pin.sum_max"); c.sumOrigin != "" && got != c.sumOrigin {
			t.Errorf("%.60s: origin of pin.sum_max is %q, want %q", c.text, got, c.sumOrigin)
		}
	}
}
