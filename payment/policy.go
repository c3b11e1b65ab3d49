package payment

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// Need is why a face alone is not enough for a payment.
type Need string

// The needs. NeedNone is a payment that a face may approve.
const (
	NeedNone   Need = ""
	NeedAmount Need = "amount"     // the payment is above the limit of one
	NeedCount  Need = "count"      // too many since the customer's last PIN
	NeedSum    Need = "sum"        // too much since the customer's last PIN
	NeedDay    Need = "day"        // too much in 24 hours
	NeedDraw   Need = "random"     // drawn by lot
	NeedEvery  Need = "every_time" // the policy wants it each time
	// NeedLiveness is a consent without a live verdict where one was demanded, or a demand for the PIN.
	NeedLiveness Need = "liveness"
	NeedAlike    Need = "alike" // two customers' faces don't tell them apart
)

// Policy says when a face alone approves a payment, and when the customer's PIN is asked for besides. The
// ideas are EMV's offline limits and the exemptions of PSD2's technical standards (regulation 2018/389,
// article 11: a payment of at most 50 EUR, and 150 EUR or five payments since the last PIN). Amounts are
// minor units of the terminal's currency; 0 is no limit. Limits are inclusive: a payment that reaches one
// is still approved.
type Policy struct {
	Always    bool  // ask for the PIN each time
	AmountMax int64 // of one payment
	CountMax  int   // of payments since the last PIN, this one included
	SumMax    int64 // of payments since the last PIN, this one included
	DayMax    int64 // of the customer's payments in 24 hours, those with a PIN and this one included
	Percent   int   // of the remaining payments, drawn by lot, 0 to 100
	Liveness  LivenessPolicy
}

// ErrPolicy marks a policy that can't be.
var ErrPolicy = errors.New("policy is not valid")

// Check reports limits out of range.
func (l Policy) Check() error {
	if l.AmountMax < 0 || l.CountMax < 0 || l.SumMax < 0 || l.DayMax < 0 || l.Percent < 0 || l.Percent > 100 {
		return fmt.Errorf("%w: limits are 0 or more, percent is 0 to 100", ErrPolicy)
	}
	return l.Liveness.check()
}

// each tells whether no payment does without the PIN.
func (l Policy) each() bool {
	return l.Always || l.Liveness.On && l.Liveness.PassiveMax == 0 && !l.Liveness.Lit()
}

// Text says in words what a face alone pays, in a currency: "a face alone pays at most 50.00 EUR, 5 payments
// and 150.00 EUR since the last PIN".
func (l Policy) Text(currency string) string {
	if l.each() {
		return "a face alone pays nothing: the PIN is asked for each time"
	}
	alive := l.Liveness.text(currency)
	amount := func(minor int64) string { return Amount{Minor: minor, Currency: currency}.String() }
	var limits, last []string
	if l.AmountMax > 0 {
		limits = append(limits, "at most "+amount(l.AmountMax))
	}
	if l.CountMax > 0 {
		last = append(last, fmt.Sprintf("%d payments", l.CountMax))
	}
	if l.SumMax > 0 {
		last = append(last, amount(l.SumMax))
	}
	if len(last) > 0 {
		limits = append(limits, strings.Join(last, " and ")+" since the last PIN")
	}
	if l.DayMax > 0 {
		limits = append(limits, amount(l.DayMax)+" in 24 hours")
	}
	if l.Percent > 0 {
		limits = append(limits, fmt.Sprintf("but for %d %% drawn by lot", l.Percent))
	}
	if len(limits) == 0 {
		return "a face alone pays whatever the terminal takes" + alive
	}
	return "a face alone pays " + strings.Join(limits, ", ") + alive
}

// Endless reports that a face alone may pay again and again: no limit of more than one payment ends it.
func (l Policy) Endless() bool {
	return !l.each() && l.CountMax == 0 && l.SumMax == 0 && l.DayMax == 0
}

// Standing is what a customer paid here before, by the order of the journal and not by the wall clock.
type Standing struct {
	Count int   // payments since the last one with a PIN
	Sum   int64 // of these, minor units; reversals are not taken off
	Day   int64 // of all in the last 24 hours that provably passed, minor units
}

// asks tells whether a customer's history can matter.
func (l Policy) asks() bool { return l.CountMax > 0 || l.SumMax > 0 || l.DayMax > 0 }

// Judge says why a payment needs the PIN, or NeedNone. draw is a random number from 0 to 99.
func (l Policy) Judge(a Amount, s Standing, draw int) Need {
	switch {
	case l.Always:
		return NeedEvery
	case l.AmountMax > 0 && a.Minor > l.AmountMax:
		return NeedAmount
	case l.CountMax > 0 && s.Count+1 > l.CountMax:
		return NeedCount
	case l.SumMax > 0 && over(s.Sum, a.Minor, l.SumMax):
		return NeedSum
	case l.DayMax > 0 && over(s.Day, a.Minor, l.DayMax):
		return NeedDay
	case draw < l.Percent:
		return NeedDraw
	}
	return NeedNone
}

// Left is the most that a customer's face alone may still pay, in minor units, up to a limit: 0 where the PIN
// is asked for in any case.
func (l Policy) Left(limit int64, s Standing) int64 {
	if l.each() || l.CountMax > 0 && s.Count+1 > l.CountMax {
		return 0
	}
	if l.AmountMax > 0 {
		limit = min(limit, l.AmountMax)
	}
	if l.Liveness.On && !l.Liveness.Lit() { // above it the PIN stands in for the light
		limit = min(limit, l.Liveness.PassiveMax)
	}
	if l.SumMax > 0 {
		limit = min(limit, l.SumMax-min(s.Sum, l.SumMax))
	}
	if l.DayMax > 0 {
		limit = min(limit, l.DayMax-min(s.Day, l.DayMax))
	}
	return max(limit, 0)
}

// over reports sum+more > limit; a sum may be as large as an int64, so that the addition could overflow.
func over(sum, more, limit int64) bool { return sum > limit || more > limit-sum }

const (
	// freeTries is how many faces in a row may be refused before the next payment has to wait.
	freeTries = 5
	// firstLock is the wait after the fifth refusal; each further one doubles it, up to longestLock.
	firstLock   = 30 * time.Second
	longestLock = 15 * time.Minute
)

// lockAfter is how long no payment can begin after so many refused faces in a row.
func lockAfter(tries int) time.Duration {
	if tries < freeTries {
		return 0
	}
	wait := firstLock
	for ; tries > freeTries && wait < longestLock; tries-- {
		wait *= 2
	}
	return min(wait, longestLock)
}

// failedTries is what a payment that ended without an approval counts towards the lock: the strangers' faces
// and a verdict that failed, whatever its end, and a PIN that its owner would know. Whoever holds up a photo
// is asked for the PIN and could cancel, and try the next photo, for ever. An undecided verdict counts
// nothing: in a dim shop nobody is locked out, and the photo that is tried there meets the light for
// AfterFailure.
func failedTries(p Payment) int {
	refused := p.State == StateDeclined && (p.Reason == ReasonNotRecognised || p.Reason == ReasonWrongPIN)
	if refused || p.Demand != DemandNone && p.Evidence.Liveness.Verdict == VerdictFailed {
		return max(p.Strangers, 1)
	}
	return p.Strangers
}
