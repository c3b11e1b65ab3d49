package terminal

import (
	"context"
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

// greeting is one look for a customer, and the offer that came of it.
type greeting struct {
	*eyes
	visit   *vision.Visit
	offered bool      // somebody was found, and the machine told
	taken   bool      // the machine has heard of the offer
	seen    time.Time // when a customer was seen last
}

// greet looks for a customer until a payment begins or the machine wants none, and makes the offer. Who wants
// the camera for something else has it meanwhile.
func (e *eyes) greet(ctx context.Context) error {
	if e.machine == nil || !e.machine.WantsCustomer() || e.sight.inStep() {
		return nil
	}
	g := greeting{eyes: e}
	g.anew()
	defer g.end()
	for ctx.Err() == nil && (g.offered || e.machine.WantsCustomer()) {
		if e.paying(ctx) {
			return nil
		}
		g.lend(ctx, 0)
		if err := g.frame(ctx); err != nil {
			return err
		}
		idle := e.machine.Idle()
		g.taken = g.taken || g.offered && !idle
		if g.offered && (time.Since(g.seen) > goneAfter || g.taken && idle) {
			return nil
		}
	}
	return nil
}

// end takes the offer back. What was chosen goes on without it.
func (g *greeting) end() {
	if g.offered {
		g.machine.Withdraw()
	}
	g.offered, g.taken = false, false
}

// lend gives the camera to who wants it for something else, if somebody asks within a time. Whoever had an
// offer has none then: nobody sees whether it is still them who stand there.
func (g *greeting) lend(ctx context.Context, long time.Duration) {
	wait := time.NewTimer(long)
	defer wait.Stop()
	select {
	case c := <-g.requests:
		g.end()
		c.done <- g.capture(ctx, c)
	case c := <-g.calibrations:
		g.end()
		c.done <- g.calibrate(ctx, &c.Calibration)
	case <-wait.C:
	case <-ctx.Done():
	}
}

func (g *greeting) anew() { g.visit = g.newVisit(g.parts.gallery.All()) }

// frame looks at the next frame, if there is one.
func (g *greeting) frame(ctx context.Context) error {
	img, at, err := g.nextWithin(ctx, greetEvery)
	if err != nil || img == nil {
		return err
	}
	var found vision.Finding
	err = g.parts.looker.LookFor(g.visit, img, at, func(l vision.Look) { found = g.visit.Observe(l, at) })
	if err != nil {
		return fmt.Errorf("look at a frame: %w", err)
	}
	switch found.Stage {
	case vision.Recognised, vision.Consented:
		g.seen = time.Now()
		if !g.offered {
			g.offered = true
			err = g.offer(ctx, found.Customer)
		}
	case vision.Searching, vision.Unknown, vision.Refused:
	}
	if found.Stage == vision.Consented || found.Stage == vision.Refused { // final
		g.anew()
	}
	if found.Reason == vision.NoFace && !g.offered {
		g.lend(ctx, greetEvery)
	}
	return err
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
