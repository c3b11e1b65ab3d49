package terminal

import (
	"context"
	"errors"
	"fmt"
	"time"

	"smiletill/payment"
	"smiletill/vision"
)

// A machine that wants the customer before the choice has somebody looked for while nothing is to be paid:
// in this mode alone. Who is found is offered what a face, or the PIN, may still pay; the smile comes with
// the choice, in a visit of its own, by whoever smiles then.

const (
	// greetEvery is the time between looks while nobody is there: a third of a processor's time is saved.
	greetEvery = 300 * time.Millisecond
	// goneAfter is how long nobody may be seen before the offer is taken back.
	goneAfter = 3 * time.Second
)

// greet looks for a customer until a payment begins or the machine wants none, and makes the offer.
func (e *eyes) greet(ctx context.Context) error {
	if e.machine == nil || !e.machine.WantsCustomer() || e.sight.inStep() {
		return nil
	}
	v := vision.NewVisit(e.parts.gallery, e.parts.looker.Thresholds())
	offered, taken := "", false // taken: the machine has heard of the offer
	var seen time.Time
	for e.machine.WantsCustomer() || offered != "" {
		e.pulse.beat()
		if e.paying(ctx) {
			return nil // the choice was made; what it is of goes on without this
		}
		wait, cancel := context.WithTimeout(ctx, time.Second)
		f, err := e.parts.frames.Take(wait)
		cancel()
		switch {
		case ctx.Err() != nil:
			return nil
		case errors.Is(err, context.DeadlineExceeded):
		case err != nil:
			return fmt.Errorf("camera: %w", err)
		default:
			img, err := e.decode(f)
			if err != nil {
				break
			}
			var found vision.Finding
			at := f.Seen()
			err = e.parts.looker.LookFor(v, img, at, func(l vision.Look) { found = v.Observe(l, at) })
			if err != nil {
				return fmt.Errorf("look at a frame: %w", err)
			}
			if found.Stage == vision.Recognised || found.Stage == vision.Consented {
				seen = time.Now()
				if offered == "" {
					if offered, err = found.Customer, e.offer(ctx, found.Customer); err != nil {
						return err
					}
				}
			}
			if found.Stage == vision.Consented || found.Stage == vision.Refused { // final: look anew
				v = vision.NewVisit(e.parts.gallery, e.parts.looker.Thresholds())
			}
			if found.Reason == vision.NoFace && offered == "" {
				e.pause(ctx)
			}
		}
		idle := e.machine.Idle()
		taken = taken || offered != "" && !idle
		if offered != "" && (time.Since(seen) > goneAfter || taken && idle) {
			e.machine.Withdraw()
			return nil
		}
	}
	return nil
}

// pause lets a moment pass in which nobody is looked at.
func (e *eyes) pause(ctx context.Context) {
	select {
	case <-ctx.Done():
	case <-time.After(greetEvery):
	}
}

// paying tells whether a payment is open.
func (e *eyes) paying(ctx context.Context) bool {
	s, err := e.parts.engine.Status(ctx)
	return err != nil || s.Payment.ID != "" && !s.Payment.State.Terminal() || len(s.OutOfOrder) > 0
}

// offer tells the machine what a customer may still spend: with a PIN as much as the terminal takes.
func (e *eyes) offer(ctx context.Context, customer string) error {
	p := e.parts
	funds := p.limit
	if p.pins.Ready(ctx, customer) != nil {
		s, err := p.journal.Standing(ctx, customer, funds.Currency)
		if err != nil {
			return err
		}
		funds.Minor = p.policy.Left(funds.Minor, s)
	}
	if funds.Minor == 0 {
		return nil
	}
	e.log.Info("a customer stands at the machine", "may_spend", funds.String())
	e.machine.Offer(funds)
	return nil
}

// looksAt tells whether a payment needs somebody to look: what a machine has in hand does not.
func looksAt(p payment.Payment) bool {
	return p.ID != "" && !p.State.Terminal() && p.State != payment.StateVending
}
