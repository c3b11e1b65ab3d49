package terminal

import (
	"context"
	"image"
	"slices"
	"strings"
	"sync/atomic"

	"smiletill/cmd/smiletill/control"
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

// updateCause names it to the engine and to the screen.
const updateCause = "update"

// updated is told that an update has changed something, and called when parts were opened.
func (t *Terminal) updated() {
	if err := t.updates.Wrong(); err == nil {
		t.front.Cured(updateCause)
	} else {
		t.front.Fault(updateCause, front.Fault{Reason: screen.Updating, What: err.Error(), Do: payment.HintOf(err)})
	}
	if p := t.access.load(); p != nil {
		obey(p.engine, updateCause, func() bool { return t.updates.Wrong() != nil }, t.log)
	}
}

// busy tells whether somebody pays now.
func (a *access) busy(ctx context.Context) bool {
	p := a.load()
	if p == nil {
		return false
	}
	s, err := p.engine.Status(ctx)
	return err == nil && s.Payment.ID != "" && !s.Payment.State.Terminal()
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

// faults are why no payment is taken, an update left out; hung is the part that does not move.
func (t *Terminal) faults(ctx context.Context, hung string, p *parts) (all []control.Fault) {
	if hung != "" {
		all = append(all, control.Fault{Part: control.Itself, Kind: "hangs", What: hung + " does not move"})
	}
	shown := t.front.Faults()
	for cause, f := range shown {
		kind := string(f.Reason)
		if cause == front.PartsCause && f.Reason != screen.NotSetUp {
			kind = f.What // many things are a part that can't be opened
		}
		if cause != updateCause {
			all = append(all, control.Fault{Part: cause, Kind: kind, What: f.What})
		}
	}
	if p != nil && hung == "" {
		s, err := p.engine.Status(ctx)
		if err != nil {
			all = append(all, control.Fault{Part: control.Itself, Kind: "engine", What: err.Error()})
		}
		for _, cause := range s.OutOfOrder {
			if _, told := shown[cause]; !told && cause != updateCause {
				all = append(all, control.Fault{Part: "payments", Kind: cause, What: cause})
			}
		}
	}
	if p == nil && len(all) == 0 {
		all = append(all, control.Fault{Part: control.Itself, Kind: "starts", What: "the terminal is starting"})
	}
	slices.SortFunc(all, func(a, b control.Fault) int { return strings.Compare(a.Part+a.Kind, b.Part+b.Kind) })
	return all
}
