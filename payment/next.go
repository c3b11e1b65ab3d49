package payment

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Event is what can happen to a payment. The set is closed.
type Event interface{ event() }

type (
	// Recognised says that a customer stands before the camera. Guidance: it commits nothing.
	Recognised struct{ Customer string }
	// Lost says that nobody stands there any more.
	Lost struct{}
	// Unknown says that whoever stands there is no customer, and had time to make room for one.
	Unknown struct{}
	// Stranger says that one more face was compared with the gallery that is no customer's, another one than
	// those before it. It counts whatever becomes of the payment; the MaxStrangers-th declines it.
	Stranger struct{}
	// Consented says that the recognised customer smiled, and proves it. The engine puts PINAsked in its
	// place where the policy wants more than a face.
	Consented struct{ Evidence Evidence }
	// PINAsked is a consent that the policy takes with the customer's PIN alone, until a moment.
	PINAsked struct {
		Evidence Evidence
		Need     Need
		Until    time.Time
	}
	// PINRefused is a consent that would need a PIN, of a customer who can't give one: ReasonPINLocked,
	// ReasonPINNotSet, or in its place ReasonNotSure with NeedLiveness.
	PINRefused struct {
		Evidence Evidence
		Need     Need
		Reason   Reason
	}
	// Blocked is a consent, or a PIN that was right, of a customer of whom the shop takes no payment.
	Blocked struct{ Evidence Evidence }
	// PINVerified says that the customer entered the right PIN.
	PINVerified struct{ Customer string }
	// PINFailed says that the customer entered a wrong PIN; Locked, that no further try is allowed.
	PINFailed struct{ Locked bool }
	// Dispensed says that the product of a vend fell.
	Dispensed struct{}
	// NotDispensed takes a vend back: ReasonNotDispensed, ReasonNotConfirmed, ReasonCancelledByMachine, or
	// ReasonJournalFailed.
	NotDispensed struct{ Reason Reason }
	// Cancelled stops the payment.
	Cancelled struct{ By By }
	// DeviceFailed says that the terminal can't go on; What names the part ("camera").
	DeviceFailed struct{ What string }
	// JournalFailed ends a payment whose commit failed, once the journal can be written again.
	JournalFailed struct{}
	// Tick says that time has passed; it ends a payment whose deadline is over.
	Tick struct{}
	// Restarted ends a payment that was open when the terminal stopped.
	Restarted struct{}
)

// By is who cancelled.
type By string

// Who can cancel.
const (
	ByCustomer By = "customer"
	ByRegister By = "register"
	ByOperator By = "operator"
	ByMachine  By = "machine" // that sells products
)

func (Recognised) event()    {}
func (Lost) event()          {}
func (Unknown) event()       {}
func (Stranger) event()      {}
func (Consented) event()     {}
func (PINAsked) event()      {}
func (PINRefused) event()    {}
func (Blocked) event()       {}
func (PINVerified) event()   {}
func (PINFailed) event()     {}
func (Dispensed) event()     {}
func (NotDispensed) event()  {}
func (Cancelled) event()     {}
func (DeviceFailed) event()  {}
func (JournalFailed) event() {}
func (Tick) event()          {}
func (Restarted) event()     {}

// Next gives the payment after an event. It is pure, and every rule of the house about payments is here:
//
//	event          waiting          recognised                    pin                     vending
//	Recognised     recognised       recognised, of that customer  no change               no change
//	Lost           no change        waiting                       no change               no change
//	Unknown        declined         declined                      no change               no change
//	Stranger       counted          counted                       no change               no change
//	Consented      ErrEvidence      approved*, or ErrEvidence     no change               no change
//	PINAsked       ErrEvidence      pin, or ErrEvidence           no change               no change
//	PINRefused     ErrEvidence      declined, or ErrEvidence      no change               no change
//	Blocked        ErrEvidence      declined, or ErrEvidence      declined                no change
//	PINVerified    ErrEvent         ErrEvent                      approved*, of the same  ErrEvent
//	PINFailed      ErrEvent         ErrEvent                      declined if locked      ErrEvent
//	Dispensed      ErrEvent         ErrEvent                      ErrEvent                approved
//	NotDispensed   ErrEvent         ErrEvent                      ErrEvent                voided
//	Cancelled      cancelled        cancelled                     cancelled               ErrVending
//	DeviceFailed   cancelled        cancelled                     cancelled               no change
//	JournalFailed  cancelled        cancelled                     cancelled               no change
//	Tick           expired if late  expired if late               expired if late         no change
//	Restarted      expired          expired                       expired                 no change
//
// *: a vending machine's payment becomes vending. What the machine has in hand, it alone ends: no deadline,
// no part that fails and no restart does.
//
// The customer's events (the first eleven) expire a payment that is past its deadline: nobody is approved
// because a timer was slow. Consented besides wants a verdict that meets the payment's Demand, and a face
// that is like no other customer's; PINAsked and PINRefused don't, since no face is enough there. Whoever
// types a PIN looks away from the camera, so that what it sees counts for nothing then. A payment that has
// ended gives ErrClosed. With an error the payment comes back unchanged.
func Next(p Payment, e Event, now time.Time) (Payment, error) {
	if p.State.Terminal() {
		return p, fmt.Errorf("payment %s: %w: %s", p.ID, ErrClosed, p.State)
	}
	if p.State == StateVending {
		return vended(p, e, now)
	}
	if p.State != StateWaiting && p.State != StateRecognised && p.State != StatePIN {
		return p, fmt.Errorf("payment %s: %w: state %q", p.ID, ErrEvent, p.State)
	}
	late := !p.Deadline.IsZero() && !now.Before(p.Deadline)
	switch e := e.(type) {
	case Cancelled:
		return cancel(p, e.By, now)
	case DeviceFailed:
		p = end(p, StateCancelled, ReasonDeviceFailed, now)
		p.Detail = clean(e.What)
		return p, nil
	case JournalFailed:
		return end(p, StateCancelled, ReasonJournalFailed, now), nil
	case Restarted:
		return end(p, StateExpired, ReasonRestarted, now), nil
	case Tick:
		if late {
			return expire(p, now), nil
		}
		return p, nil
	case Recognised, Lost, Unknown, Stranger, Consented, PINAsked, PINRefused:
		if late {
			return expire(p, now), nil
		}
		if p.State == StatePIN {
			return p, nil
		}
		return seen(p, e, now)
	case PINVerified, PINFailed:
		if late {
			return expire(p, now), nil
		}
		return entered(p, e, now)
	case Blocked:
		if late {
			return expire(p, now), nil
		}
		return block(p, e, now)
	case Dispensed, NotDispensed:
		return p, fmt.Errorf("payment %s: %w: %T: it is not vending", p.ID, ErrEvent, e)
	}
	return p, fmt.Errorf("payment %s: %w: %T", p.ID, ErrEvent, e)
}

// vended applies what happens while the machine has the payment in hand.
func vended(p Payment, e Event, now time.Time) (Payment, error) {
	switch e := e.(type) {
	case Dispensed:
		p.State, p.ClosedAt = StateApproved, now // all that its fact says stays
		return p, nil
	case NotDispensed:
		takes := []Reason{ReasonNotDispensed, ReasonNotConfirmed, ReasonCancelledByMachine, ReasonJournalFailed}
		if !slices.Contains(takes, e.Reason) {
			return p, fmt.Errorf("payment %s: take back: %w: reason %q", p.ID, ErrEvent, e.Reason)
		}
		need := p.Need
		p = end(p, StateVoided, e.Reason, now)
		p.Need = need
		return p, nil
	case Cancelled:
		return p, WithHint(fmt.Errorf("payment %s: cancel: %w", p.ID, ErrVending),
			"the machine says in a moment whether its product fell: ask again then")
	case PINVerified, PINFailed:
		return p, fmt.Errorf("payment %s: PIN: %w: it was not asked for", p.ID, ErrEvent)
	}
	return p, nil
}

// seen applies what the camera saw in time.
func seen(p Payment, e Event, now time.Time) (Payment, error) {
	switch e := e.(type) {
	case Recognised:
		if !ValidID(e.Customer) {
			return p, fmt.Errorf("payment %s: recognised: %w: customer id", p.ID, ErrEvent)
		}
		p.State, p.Customer = StateRecognised, e.Customer
	case Lost:
		p.State, p.Customer = StateWaiting, ""
	case Unknown:
		return end(p, StateDeclined, ReasonNotRecognised, now), nil
	case Stranger:
		if p.Strangers++; p.Strangers >= MaxStrangers {
			return end(p, StateDeclined, ReasonNotRecognised, now), nil
		}
	case Consented:
		why := unsupported(p, e.Evidence, now)
		if why == "" && !e.Evidence.Liveness.meets(p.Demand) {
			why = "its verdict is not the one that was demanded"
		}
		if why == "" && e.Evidence.Alike {
			why = "it may be of another customer, whose face is like it"
		}
		if why != "" {
			return p, noEvidence(p, why)
		}
		return pay(p, e.Evidence, now), nil
	case PINAsked:
		if why := unsupported(p, e.Evidence, now); why != "" {
			return p, noEvidence(p, why)
		}
		if e.Need == "" || !e.Until.After(now) {
			return p, fmt.Errorf("payment %s: ask for the PIN: %w: no need, or no time", p.ID, ErrEvent)
		}
		p.State, p.Evidence, p.Need, p.Deadline = StatePIN, e.Evidence, e.Need, e.Until
	case PINRefused:
		if why := unsupported(p, e.Evidence, now); why != "" {
			return p, noEvidence(p, why)
		}
		missing := ReasonPINNotSet
		if e.Need == NeedLiveness {
			missing = ReasonNotSure
		}
		if e.Need == "" || e.Reason != missing && e.Reason != ReasonPINLocked {
			return p, fmt.Errorf("payment %s: refuse: %w: reason %q", p.ID, ErrEvent, e.Reason)
		}
		p = end(p, StateDeclined, e.Reason, now)
		p.Need, p.Evidence.Liveness = e.Need, consented(p, e.Evidence.Liveness)
	}
	return p, nil
}

// block declines a payment of a customer who is blocked: who did not consent is told nothing.
func block(p Payment, e Blocked, now time.Time) (Payment, error) {
	if p.State == StatePIN {
		return end(p, StateDeclined, ReasonBlocked, now), nil
	}
	if why := unsupported(p, e.Evidence, now); why != "" {
		return p, noEvidence(p, why)
	}
	p = end(p, StateDeclined, ReasonBlocked, now)
	p.Evidence.Liveness = consented(p, e.Evidence.Liveness)
	return p, nil
}

// entered applies what the customer typed in time.
func entered(p Payment, e Event, now time.Time) (Payment, error) {
	if p.State != StatePIN {
		return p, fmt.Errorf("payment %s: PIN: %w: it was not asked for", p.ID, ErrEvent)
	}
	switch e := e.(type) {
	case PINVerified:
		if e.Customer != p.Customer {
			return p, fmt.Errorf("payment %s: PIN: %w: it is of another customer", p.ID, ErrEvent)
		}
		need := p.Need
		p = pay(p, p.Evidence, now)
		p.Need, p.PIN = need, true
	case PINFailed:
		if e.Locked {
			need := p.Need
			p = end(p, StateDeclined, ReasonWrongPIN, now)
			p.Need = need
		}
	}
	return p, nil
}

// pay makes a consent an approval, or a vend.
func pay(p Payment, e Evidence, now time.Time) Payment {
	customer := p.Customer
	if p.Vend {
		p = end(p, StateVending, "", time.Time{})
		p.VendedAt, p.Deadline = now, time.Time{}
	} else {
		p = end(p, StateApproved, "", now)
	}
	p.Customer, p.Evidence = customer, e
	return p
}

func noEvidence(p Payment, why string) error {
	return fmt.Errorf("payment %s: consent: %w: %s", p.ID, ErrEvidence, why)
}

// unsupported says why the evidence does not allow an approval at this time, or "".
func unsupported(p Payment, e Evidence, now time.Time) string {
	switch {
	case p.State != StateRecognised:
		return "no customer is recognised"
	case p.Deadline.IsZero():
		return "payment is not running"
	case e.Customer != p.Customer:
		return "it is of another customer"
	case e.MatchFrames < 1 || e.SmileFrames < 1:
		return "it needs a frame that matches and a frame that smiles"
	case e.SmileFrames > e.MatchFrames:
		return "more smiles than matches"
	case e.Since.Before(p.OpenedAt):
		return "it began before the payment was opened"
	case e.At.Before(e.Since):
		return "it ends before it begins"
	case e.At.After(now):
		return "it is from the future"
	case now.Sub(e.At) > MaxEvidenceAge:
		return "it is too old"
	}
	return ""
}

func cancel(p Payment, by By, now time.Time) (Payment, error) {
	var reason Reason
	switch by {
	case ByCustomer:
		reason = ReasonCancelledByCustomer
	case ByRegister:
		reason = ReasonCancelledByRegister
	case ByOperator:
		reason = ReasonCancelledByOperator
	case ByMachine:
		reason = ReasonCancelledByMachine
	default:
		return p, fmt.Errorf("payment %s: cancel: %w: by %q", p.ID, ErrEvent, by)
	}
	return end(p, StateCancelled, reason, now), nil
}

func expire(p Payment, now time.Time) Payment {
	switch p.State {
	case StateRecognised:
		return end(p, StateExpired, ReasonNoSmile, now)
	case StatePIN:
		return end(p, StateExpired, ReasonNoPIN, now)
	case StateWaiting, StateVending, StateApproved, StateDeclined, StateCancelled, StateExpired, StateVoided:
	}
	return end(p, StateExpired, ReasonTimeout, now)
}

// end closes a payment. Who stood there is forgotten: only an approval names its customer. The verdict on
// whoever it was stays: it counts, whatever the end.
func end(p Payment, s State, r Reason, now time.Time) Payment {
	l := p.Evidence.Liveness
	if p.State == StatePIN {
		l = consented(p, l)
	}
	p.State, p.Reason, p.ClosedAt, p.Customer = s, r, now, ""
	p.Evidence, p.Need, p.PIN = Evidence{Liveness: l}, "", false
	return p
}

// consented is what is kept of a consent's verdict: of one that nobody judged, that there was one, or its
// fact would not say so and the next start would not know.
func consented(p Payment, l Liveness) Liveness {
	if l == (Liveness{}) {
		l.Demand = p.Demand
	}
	return l
}

// clean makes a device's words fit for a record: printable, and at most maxDetail bytes.
func clean(s string) string {
	s = strings.Map(func(c rune) rune {
		if BadRune(c) != "" {
			return ' '
		}
		return c
	}, s)
	for len(s) > maxDetail {
		s = s[:len(s)-1]
	}
	return strings.ToValidUTF8(s, "")
}
