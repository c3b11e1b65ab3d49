package payment

import (
	"fmt"
	"strings"
	"time"
	"unicode"
)

// Event is what can happen to a payment. The set is closed.
type Event interface{ event() }

type (
	// Recognised says that a customer stands before the camera. Guidance: it commits nothing.
	Recognised struct{ Customer string }
	// Lost says that nobody stands there any more.
	Lost struct{}
	// Unknown says that whoever stands there is no customer.
	Unknown struct{}
	// Consented says that the recognised customer smiled, and proves it.
	Consented struct{ Evidence Evidence }
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
)

func (Recognised) event()    {}
func (Lost) event()          {}
func (Unknown) event()       {}
func (Consented) event()     {}
func (Cancelled) event()     {}
func (DeviceFailed) event()  {}
func (JournalFailed) event() {}
func (Tick) event()          {}
func (Restarted) event()     {}

// Next gives the payment after an event. It is pure, and every rule of the house about payments is here:
//
//	event          waiting                 recognised
//	Recognised     recognised              recognised, of the customer of the event
//	Lost           no change               waiting
//	Unknown        declined                declined
//	Consented      ErrEvidence             approved if the evidence holds, else ErrEvidence
//	Cancelled      cancelled               cancelled
//	DeviceFailed   cancelled               cancelled
//	JournalFailed  cancelled               cancelled
//	Tick           expired if late         expired if late
//	Restarted      expired                 expired
//
// The camera's events (the first four) expire a payment that is past its deadline: nobody is approved
// because a timer was slow. A payment that has ended gives ErrClosed. With an error the payment comes back
// unchanged.
func Next(p Payment, e Event, now time.Time) (Payment, error) {
	if p.State.Terminal() {
		return p, fmt.Errorf("payment %s: %w: %s", p.ID, ErrClosed, p.State)
	}
	if p.State != StateWaiting && p.State != StateRecognised {
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
	case Recognised, Lost, Unknown, Consented:
		if late {
			return expire(p, now), nil
		}
		return seen(p, e, now)
	}
	return p, fmt.Errorf("payment %s: %w: %T", p.ID, ErrEvent, e)
}

// seen applies what the camera saw in time.
func seen(p Payment, e Event, now time.Time) (Payment, error) {
	switch e := e.(type) {
	case Recognised:
		if !validName(e.Customer) {
			return p, fmt.Errorf("payment %s: recognised: %w: customer id", p.ID, ErrEvent)
		}
		p.State, p.Customer = StateRecognised, e.Customer
	case Lost:
		p.State, p.Customer = StateWaiting, ""
	case Unknown:
		return end(p, StateDeclined, ReasonNotRecognised, now), nil
	case Consented:
		if why := unsupported(p, e.Evidence, now); why != "" {
			return p, fmt.Errorf("payment %s: consent: %w: %s", p.ID, ErrEvidence, why)
		}
		customer := p.Customer
		p = end(p, StateApproved, "", now)
		p.Customer, p.Evidence = customer, e.Evidence
	}
	return p, nil
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
	default:
		return p, fmt.Errorf("payment %s: cancel: %w: by %q", p.ID, ErrEvent, by)
	}
	return end(p, StateCancelled, reason, now), nil
}

func expire(p Payment, now time.Time) Payment {
	if p.State == StateRecognised {
		return end(p, StateExpired, ReasonNoSmile, now)
	}
	return end(p, StateExpired, ReasonTimeout, now)
}

// end closes a payment. Who stood there is forgotten: only an approval names its customer.
func end(p Payment, s State, r Reason, now time.Time) Payment {
	p.State, p.Reason, p.ClosedAt, p.Customer = s, r, now, ""
	return p
}

// clean makes a device's words fit for a record: printable, and at most maxDetail bytes.
func clean(s string) string {
	s = strings.Map(func(c rune) rune {
		if !unicode.IsPrint(c) || c == unicode.ReplacementChar {
			return ' '
		}
		return c
	}, s)
	for len(s) > maxDetail {
		s = s[:len(s)-1]
	}
	return strings.ToValidUTF8(s, "")
}
