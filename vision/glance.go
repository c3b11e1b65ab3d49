package vision

import (
	"image"
	"math"
	"time"
)

const (
	// glanceFor is for how long after a frame in which the customer was compared with the gallery, alone and at
	// rest, frames are only glanced at. So a visit is at no time less sure who is there, and whether somebody
	// has joined, than before a camera with 10 pictures a second, where each is looked at in full; and a slot of
	// the mouth at rest has one such frame.
	glanceFor = slot
	// glanceRise is how far a smile has come, 0..1 of what is wanted, when no frame is glanced at any more: its
	// frames count, and so the customer is compared in each.
	glanceRise = 0.5
	// glanceMove is how far the eyes may come from one frame to the next, and glanceGrow how much farther or
	// less far apart they may be, as shares of their span: a head that sways, at 15 frames a second. What
	// moves more is looked at in full.
	glanceMove = 0.1
	glanceGrow = 0.05
)

// held is the face that was in the last frame, where the next one is glanced at. What the detector and the
// mesh made of it is moved along with the mesh's own eyes.
type held struct {
	visit *Visit // that it was looked at for; nil when there is no such face
	face  face
	eyes  Eyes
	w, h  int // of the frame
}

// follow moves the face to where its eyes are now, unless they are farther off than a face moves.
func (h *held) follow(now Eyes) bool {
	was, dx, dy := h.eyes, now.X-h.eyes.X, now.Y-h.eyes.Y
	grown := now.Span / was.Span
	if !(math.Hypot(float64(dx), float64(dy)) <= glanceMove*float64(was.Span)) ||
		!(grown >= 1-glanceGrow && grown <= 1+glanceGrow) {
		return false
	}
	move := func(x, y *float32) {
		*x = now.X + float32((*x-was.X)*grown) // rounded here: see affine.snapped
		*y = now.Y + float32((*y-was.Y)*grown)
	}
	d := &h.face
	move(&d.x0, &d.y0)
	move(&d.x1, &d.y1)
	for k := range d.keys {
		move(&d.keys[k][0], &d.keys[k][1])
	}
	d.snap()
	h.eyes = now
	return true
}

// LookFor examines one frame as far as the visit needs, without the poster that the visit has found out; the
// Look is for its Observe, and at is the time of the frame that Observe will be given. Errors are those of
// Look.
//
// While a customer who was recognised stands there at rest, most frames are glanced at: the mesh alone looks
// where the face was. A glance proves nothing and counts for nothing. It ends as soon as anything happens,
// and the same frame is looked at in full then; and so is a frame in each glanceFor, whatever happens.
func (p *Pipeline) LookFor(v *Visit, img image.Image, at time.Time) (Look, error) {
	if p.held.visit == v && v.rests(at) {
		if l, ok, err := p.glance(v, img); ok || err != nil {
			return l, err
		}
	}
	l, err := p.look(img, v.Depth(), v.ask())
	p.held.visit = v
	return l, err
}

// glance looks at the face that is held. ok is false when it is not sure that nothing has happened.
func (p *Pipeline) glance(v *Visit, img image.Image) (l Look, ok bool, err error) {
	if err := p.frame.set(img); err != nil {
		return Look{}, false, err
	}
	if w, h := p.frame.size(); w != p.held.w || h != p.held.h {
		return Look{}, false, nil
	}
	if err := p.measure(&p.held.face, &l); err != nil {
		return Look{}, false, err
	}
	if l.Reason != "" || !v.idle(&l) || !p.held.follow(l.Eyes) {
		return Look{}, false, nil
	}
	l.Faces, l.Score, l.Box, l.Glance = 1, p.held.face.score, p.frame.bounds(&p.held.face), true
	return l, true, nil
}

// rests says whether the next frame, taken at that time, may be glanced at: the customer was compared a
// moment ago, is alone, does not smile and is not being lit, and no frame is judged by itself.
func (v *Visit) rests(at time.Time) bool {
	since := at.Sub(v.checked)
	return v.finding.Stage == Recognised && !v.checked.IsZero() && since >= 0 && since < glanceFor &&
		v.consent.smiling == 0 && v.consent.risen < glanceRise && v.posters.poster.seen == 0 &&
		v.live.demand != DemandPassive && v.live.wished.IsZero() && v.live.smiled.IsZero()
}

// idle says whether a glance shows the mouth at rest, seen from the front. Before the rest is known every
// mouth is.
func (v *Visit) idle(l *Look) bool {
	if !v.t.Tells(l) {
		return false
	}
	base, ok := v.consent.rest.baseline(&v.t)
	return !ok || (l.Smile-v.consent.own.base(base, &v.t))/v.consent.own.wanted(&v.t) < glanceRise
}
