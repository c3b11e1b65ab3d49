package sim

import (
	"context"
	"math/rand/v2"
	"time"

	"smiletill/payment"
)

// passiveMax is the largest payment of the days that wants no light, afterFailure how long none does without
// it after a failure.
const (
	passiveMax   = 200
	afterFailure = 15 * time.Minute
)

// livelyOf gives every third day liveness, and every other of these no light. The days of kept seeds have
// none: they stay what they were when they found something.
func livelyOf(seed uint64) payment.LivenessPolicy {
	if seed%3 != 2 {
		return payment.LivenessPolicy{}
	}
	l := payment.LivenessPolicy{On: true, PassiveMax: passiveMax, Light: payment.LightOn,
		AfterFailure: afterFailure}
	if seed/3%2 == 1 {
		l.Light = payment.LightOff
	}
	return l
}

// failedBefore is the glue of cmd/smiletill: what the journal knows of failures at a start.
func (d *day) failedBefore() (at time.Time) {
	ago, failed, err := d.life.journal.LivenessFailed(context.Background())
	d.must(err)
	if failed {
		at = time.Now().Add(-ago)
	}
	return at
}

// verdict is what the camera finds of who stands there: mostly what was demanded, and that it is a person.
func (d *day) verdict(asked payment.Demand) payment.Liveness {
	if asked == payment.DemandNone {
		return payment.Liveness{}
	}
	l := payment.Liveness{Demand: asked, Verdict: payment.VerdictLive, Frames: 1 + d.looks.IntN(20)}
	switch n := d.looks.IntN(100); {
	case n < 5:
		l.Verdict = payment.VerdictFailed
	case n < 10:
		l.Verdict = payment.VerdictUndecided
	case n < 14:
		l = payment.Liveness{} // nobody judged
	case n < 26:
		l.Demand = payment.DemandPassive // of a visit that wanted less
	case n < 30:
		l.Demand = payment.DemandLight
	case n < 34:
		l.Frames = 0
	}
	return l
}

// wants is the rule of demands, written once more: the least that a payment may ask for.
func (d *day) wants(p payment.Payment) payment.Demand {
	if !d.lively.On {
		return ""
	}
	strict := p.Amount.Minor > passiveMax
	for _, at := range d.failures {
		ago := p.OpenedAt.Sub(at)
		strict = strict || ago > 0 && ago < afterFailure
	}
	switch {
	case !strict:
		return "passive"
	case d.lively.Light == "on":
		return "light"
	}
	return "pin"
}

// twinsOf gives some of the days customers whose faces are alike; none of the kept seeds' days.
func twinsOf(seed uint64) *rand.Rand {
	if seed%5 != 1 {
		return nil
	}
	return rand.New(rand.NewPCG(seed, 10))
}

// judged is the rule of verdicts, written once more, of a consent that is good otherwise.
func (d *day) judged(p payment.Payment, e payment.Evidence) {
	l := e.Liveness
	v, live := d.faces[p.ID], l.Verdict == "live" && l.Frames > 0
	want := d.wants(p)
	met := want == "" || live && want != "pin" && (l.Demand == "light" || l.Demand == want)
	v.sure = v.sure || met && !e.Alike
	v.unsure = v.unsure || p.Demand == "pin" || p.Demand != "" && l.Verdict != "live"
}

// alarming tells whether the payments after a consent must be stricter.
func alarming(asked payment.Demand, l payment.Liveness) bool {
	return l.Verdict == "failed" || (asked == "passive" || asked == "light") && l.Verdict != "live"
}
