package config

import (
	"strings"
	"testing"
	"time"

	"smiletill/payment"
)

// TestLiveness: on unless somebody has switched it off, and no payment is judged by pictures alone; what is
// wrong is told with its place and what to write.
func TestLiveness(t *testing.T) {
	const on = "[liveness]\nmode = \"on\"\n"
	shipped := payment.LivenessPolicy{On: true, Light: payment.LightAuto, AfterFailure: 15 * time.Minute}
	for _, c := range []struct {
		text string
		want payment.LivenessPolicy
		says string // of an error
	}{
		{"", shipped, ""},
		{Example, shipped, ""},
		{on, shipped, ""},
		{"[liveness]\nmode = \"off\"\npassive_max = \"10.00\"\nlight = \"on\"", payment.LivenessPolicy{}, ""},
		{on + "passive_max = \"10.00\"\nlight = \"off\"\nafter_failure = \"0s\"",
			payment.LivenessPolicy{On: true, PassiveMax: 1000, Light: payment.LightOff}, ""},
		{on + "passive_max = \"0.05\"\n[terminal]\ncurrency = \"KWD\"",
			payment.LivenessPolicy{On: true, PassiveMax: 50, Light: payment.LightAuto, AfterFailure: 15 * time.Minute},
			""},
		{"[liveness]\nmode = \"maybe\"", payment.LivenessPolicy{},
			`2:8: liveness.mode: "maybe" won't do; write "off" or "on"`},
		{on + "passive_max = 10", payment.LivenessPolicy{},
			`3:15: liveness.passive_max: is a whole number; write it in quotes: passive_max = "10"`},
		{on + "passive_max = \"-1\"", payment.LivenessPolicy{}, `or "0" for the light at each payment`},
		{on + "passive_max = \"10.50\"\n[terminal]\ncurrency = \"JPY\"", payment.LivenessPolicy{},
			"liveness.passive_max: parse amount"},
		{on + "light = \"dim\"", payment.LivenessPolicy{}, `write "off" or "on" or "auto"`},
		{on + "after_failure = \"2h\"", payment.LivenessPolicy{}, "liveness.after_failure: 2h is out of range"},
	} {
		cfg, err := parseConfig("t.toml", []byte(c.text), nil, nil, bareMachine(t))
		if c.says != "" {
			if err == nil || !strings.Contains(err.Error()+"; "+payment.HintOf(err), c.says) {
				t.Errorf("%s: %v; %s\nwant %s", c.text, err, payment.HintOf(err), c.says)
			}
			continue
		}
		if err != nil {
			t.Errorf("%.60s: %v; %s", c.text, err, payment.HintOf(err))
			continue
		}
		if got, err := cfg.Policy(); err != nil || got.Liveness != c.want {
			t.Errorf("%.60s: %+v, %v; want %+v", c.text, got.Liveness, err, c.want)
		}
	}
}
