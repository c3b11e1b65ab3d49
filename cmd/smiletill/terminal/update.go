package terminal

import (
	"context"
	"image"
	"sync/atomic"

	"smiletill/cmd/smiletill/front"
	"smiletill/cmd/smiletill/update"
	"smiletill/device/screen"
	"smiletill/payment"
	"smiletill/vision"
)

// updating has everybody obey an update: no payment is taken while one is installed or tried.
type updating struct {
	*update.Keeper
	looked atomic.Uint64 // frames that the networks looked at
}

// updated is told that an update has changed something, and called when parts were opened.
func (t *Terminal) updated() {
	if err := t.updates.Wrong(); err == nil {
		t.front.Cured(update.Cause)
	} else {
		t.front.Fault(update.Cause,
			front.Fault{Reason: screen.Updating, What: err.Error(), Do: payment.HintOf(err)})
	}
	if p := t.access.load(); p != nil {
		obey(p.engine, update.Cause, func() bool { return t.updates.Wrong() != nil }, t.log)
	}
}

// busy tells whether somebody pays now; an engine that does not answer counts.
func (p *parts) busy(ctx context.Context) bool {
	s, err := p.engine.Status(ctx)
	return err != nil || s.Payment.ID != "" && !s.Payment.State.Terminal()
}

// tryLook looks at one picture in a slot that is only tried, where nobody pays: what is seen is forgotten.
func (e *eyes) tryLook(img image.Image, err error) {
	if err != nil || !e.updates.Trying() || e.updates.looked.Load() > 0 {
		return
	}
	if err := e.parts.looker.Look(img, vision.Embed, func(vision.Look) {}); err != nil {
		e.log.Error("look at a picture", "err", err)
		return
	}
	e.updates.looked.Add(1)
}
