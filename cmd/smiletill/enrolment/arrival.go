package enrolment

import (
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"smiletill/cmd/smiletill/control"
	"smiletill/payment"
	"smiletill/payment/journal"
	"smiletill/vision"
	"smiletill/vision/gallery"
)

// arrivalEvery is how long the frames of one template are fused: three of them fit into the rest before the
// light, its 1.2 s and the smile in it.
const arrivalEvery = 500 * time.Millisecond

// Arrival is a customer of the model before who comes over while paying: frames of the visit become templates
// of the model in force. It is one visit's.
type Arrival struct {
	customer    string
	now, before [][]float32 // by both models, of the same frames
	fused       [2][]float32
	frames      int // in fused
	since       time.Time
}

// See takes a frame of a visit and what the visit made of it. Only frames count that would do for an
// enrolment, of the customer whom the model before has recognised; another one begins anew.
func (a *Arrival) See(t vision.Thresholds, l vision.Look, f vision.Finding, at time.Time) {
	if !f.Before || f.Customer != a.customer {
		*a = Arrival{}
	}
	if !f.Before || !t.Keeps(l) || len(l.Before) == 0 || len(a.now) == gallery.TemplatesMax {
		return
	}
	if a.customer = f.Customer; a.frames == 0 {
		a.fused = [2][]float32{make([]float32, len(l.Embedding)), make([]float32, len(l.Before))}
		a.since = at
	}
	for i, e := range [][]float32{l.Embedding, l.Before} {
		for k, v := range e {
			a.fused[i][k] += v
		}
	}
	// Of one frame there would be one view of the face alone: vision.Alternate.
	if a.frames++; a.frames < 2 || at.Sub(a.since) < arrivalEvery {
		return
	}
	a.frames = 0
	now, before := unit(a.fused[0]), unit(a.fused[1])
	if slices.ContainsFunc(a.now, func(t []float32) bool { return gallery.Alike(t, now) }) {
		return
	}
	a.now, a.before = append(a.now, now), append(a.before, before)
}

// unit brings a sum of embeddings of one face to length 1.
func unit(v []float32) []float32 {
	var square float64
	for _, x := range v {
		square += float64(x) * float64(x)
	}
	for i := range v {
		v[i] /= float32(math.Sqrt(square))
	}
	return v
}

// Proven tells whether a payment proves who came: it was consented to with the PIN, in the light that the
// face answered, by a face like nobody else's, and there are pictures enough. Whether a machine's product
// falls afterwards proves nothing of it.
func (a *Arrival) Proven(p payment.Payment) bool {
	l := p.Evidence.Liveness
	paid := p.State == payment.StateApproved || p.State == payment.StateVending
	return paid && p.PIN && !p.Evidence.Alike && p.Customer == a.customer && a.customer != "" &&
		l.Demand == payment.DemandLight && l.Verdict == payment.VerdictLive && len(a.now) >= gallery.TemplatesMin
}

// CarryOver enrols who came with the model in force, once the journal has it.
func (t *Trail) CarryOver(ctx context.Context, a *Arrival) error {
	err := t.Do(ctx, func(note func(journal.Audit) error) error {
		before := func(c gallery.Change) error { return note(Enrolled(c, payment.Who{})) }
		_, err := t.gallery.CarryOver(a.customer, a.now, a.before, before)
		return err
	})
	if err != nil {
		return fmt.Errorf("carry %s over to the model in force: %w", a.customer, err)
	}
	return nil
}

// Left splits the customers of other models into those who are known by the model before, and those who can't
// pay.
func Left(all []gallery.Stale) (known, lost []gallery.Stale) {
	for _, s := range all {
		if s.Known {
			known = append(known, s)
		} else {
			lost = append(lost, s)
		}
	}
	return known, lost
}

// ComingOver says how many are left under the model before, and how they come over.
func ComingOver(known []gallery.Stale) string {
	return fmt.Sprintf("%s enrolled with the model before (%.8s) and can pay by it until they come over: by a "+
		"payment that asks for the PIN and plays the light, or `smiletill enrol --again ID`",
		control.Were(len(known)), known[0].Model)
}
