package config

import (
	"strings"
	"time"

	"smiletill/payment"
)

// LivenessConfig says what is wanted of the pictures besides a face that smiles; see payment.LivenessPolicy.
// Mode is "off" or "on", PassiveMax a decimal in the terminal's currency ("0" is no payment), Light "off",
// "on" or "auto".
type LivenessConfig struct {
	Mode, PassiveMax, Light string
	AfterFailure            time.Duration
}

// Passive reports whether some payments are judged by their pictures alone.
func (l LivenessConfig) Passive() bool {
	return l.Mode == livenessOn && strings.Trim(l.PassiveMax, "0.") != ""
}

const (
	livenessOff = "off"
	livenessOn  = "on"
)

// defaultLiveness has every face answer the light: what pictures show by themselves stops neither bent photos
// nor films (vision/attacks/README.md).
func defaultLiveness() LivenessConfig {
	return LivenessConfig{Mode: livenessOn, PassiveMax: "0", Light: string(payment.LightAuto),
		AfterFailure: 15 * time.Minute}
}

func (c *Config) livenessOptions() []option {
	l := &c.Liveness
	return []option{
		{"liveness.mode", &l.Mode, "make sure that it is a person who pays, not a photo: off or on",
			oneOf(livenessOff, livenessOn)},
		{"liveness.passive_max", &l.PassiveMax, "largest payment without the screen's light; 0: none",
			matches(decimal, `an amount in quotes, like "10.00", or "0" for the light at each payment`)},
		{"liveness.light", &l.Light, "the screen's light that a face has to answer: off (the PIN), on or auto",
			oneOf(string(payment.LightOff), string(payment.LightOn), string(payment.LightAuto))},
		// The journal looks for failures in the latest 1,000 payments, more than an hour has.
		{"liveness.after_failure", &l.AfterFailure, "how long no payment does without the light after a failure",
			within(0, time.Hour)},
	}
}
