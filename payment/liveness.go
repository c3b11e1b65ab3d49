package payment

import (
	"fmt"
	"time"
)

// Demand is what a payment wants of the pictures besides a customer's face that smiles: that a person stands
// there, and no picture of one.
type Demand string

// The demands, from the weakest to the strongest.
const (
	DemandNone    Demand = ""        // liveness is off
	DemandPassive Demand = "passive" // what the pictures show by themselves
	DemandLight   Demand = "light"   // that the face answers the screen's light
	DemandPIN     Demand = "pin"     // no picture is enough: the PIN
)

// Verdict is what was found. There are no scores in this package: none is shown, logged or reported, so that
// nobody can learn from them how to do better.
type Verdict string

// The verdicts.
const (
	VerdictNone      Verdict = ""          // nobody judged; counts as undecided
	VerdictLive      Verdict = "live"      // a person
	VerdictUndecided Verdict = "undecided" // the pictures don't tell: too dark, too bright, too few
	VerdictFailed    Verdict = "failed"    // no person
)

// Liveness is a verdict on the frames of a consent: the same frames as those of the smile.
type Liveness struct {
	Demand  Demand  // that the verdict answers
	Verdict Verdict //
	Frames  int     // that were judged, at least 1
	Screen  string  // with DemandLight: "" a page that confirmed its colours, "simulated" for tests and demos
}

// meets tells whether a verdict approves a payment of this demand without a PIN: live, by frames, and of the
// same demand or a stronger one.
func (l Liveness) meets(asked Demand) bool {
	live := l.Verdict == VerdictLive && l.Frames >= 1
	switch asked {
	case DemandNone:
		return true
	case DemandPassive:
		return live && (l.Demand == DemandPassive || l.Demand == DemandLight)
	case DemandLight:
		return live && l.Demand == DemandLight
	case DemandPIN:
	}
	return false
}

// lacking tells whether a consent wants the PIN in place of a verdict: there is none that is live, or no
// picture is enough. One that is live and answers another demand is no reason to ask: it is no evidence.
func (l Liveness) lacking(asked Demand) bool {
	return asked == DemandPIN || asked != DemandNone && l.Verdict != VerdictLive
}

// fails tells whether a verdict makes the next payments stricter: it failed, or was to be given and is not
// live. Where the PIN is wanted anyway nobody has to judge.
func (l Liveness) fails(asked Demand) bool {
	return asked != DemandNone &&
		(l.Verdict == VerdictFailed || asked != DemandPIN && l.Verdict != VerdictLive)
}

// Light says whether the screen may show the colours that a face has to answer.
type Light string

// When the light is used. Whether a room is too bright for it is measured by whoever shows it, which plays
// none then where it is auto: the verdict is undecided, and leads to the PIN.
const (
	LightOff  Light = "off" // the PIN in its place
	LightOn   Light = "on"
	LightAuto Light = "auto"
)

// LivenessPolicy says what a payment wants of the pictures. The zero value wants nothing.
type LivenessPolicy struct {
	On           bool
	PassiveMax   int64 // minor units up to which, inclusive, passive is enough; 0: for no payment
	Light        Light // the zero value is off
	AfterFailure time.Duration
	// AfterFailure is for how long no payment is passive, however small, after a verdict that was to be live and
	// is not: whoever failed with one photo tries the next. 0: a failure changes nothing.
}

// check reports values out of range.
func (l LivenessPolicy) check() error {
	switch {
	case l.PassiveMax < 0 || l.AfterFailure < 0:
		return fmt.Errorf("%w: liveness: limits are 0 or more", ErrPolicy)
	case l.Light != "" && l.Light != LightOff && l.Light != LightOn && l.Light != LightAuto:
		return fmt.Errorf("%w: liveness: light is off, on or auto", ErrPolicy)
	}
	return nil
}

// Lit tells whether the light is used.
func (l LivenessPolicy) Lit() bool { return l.Light == LightOn || l.Light == LightAuto }

// Demands gives what a payment wants. sinceFailure is how long ago a consent was last without the live
// verdict that it wanted, by time that provably passed; negative: there was none.
func (l LivenessPolicy) Demands(a Amount, sinceFailure time.Duration) Demand {
	failed := sinceFailure >= 0 && sinceFailure < l.AfterFailure
	switch {
	case !l.On:
		return DemandNone
	case a.Minor <= l.PassiveMax && !failed:
		return DemandPassive
	case l.Lit():
		return DemandLight
	}
	return DemandPIN
}

// text says in words, to follow what a face alone pays; "" if nothing is wanted.
func (l LivenessPolicy) text(currency string) string {
	const says = "; that it is a person is told "
	above := "by the screen's light"
	if !l.Lit() {
		above = "by the PIN"
	}
	switch {
	case !l.On:
		return ""
	case l.PassiveMax == 0:
		return says + above
	}
	limit := Amount{Minor: l.PassiveMax, Currency: currency}
	return says + fmt.Sprintf("by the pictures up to %s, above it %s", limit, above)
}
