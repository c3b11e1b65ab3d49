package vision

import (
	"slices"
	"time"
)

// Smiler is a Matcher that knows how customers smile: the customer's own face at rest and how far the own
// smile rises above it, both as Look.Smile. ok is false for a customer of whom it is not known.
type Smiler interface {
	Smile(customer string) (rest, rise float32, ok bool)
}

// own is a customer's own smile; rise is 0 where it is not known.
type own struct{ rest, rise float32 }

// ownOf asks the Matcher. What makes no sense counts as not known.
func ownOf(m Matcher, customer string) own {
	s, ok := m.(Smiler)
	if !ok {
		return own{}
	}
	rest, rise, ok := s.Smile(customer)
	if !ok || !(rise > 0 && rise < 2) || !(rest > -2 && rest < 4) {
		return own{}
	}
	return own{rest, rise}
}

// wanted is the rise that is a smile of this customer: a share of the own one, within bounds.
func (o own) wanted(t *Thresholds) float32 {
	if o.rise == 0 {
		return t.SmileRise
	}
	return min(max(t.SmileShare*o.rise, t.SmileLeast), t.SmileMost)
}

// base is the rest that a smile rises above: that of the visit, but not far below the customer's own, which
// one who pouts or speaks while the visit's is taken would make too low.
func (o own) base(seen float32, t *Thresholds) float32 {
	if o.rise == 0 {
		return seen
	}
	return max(seen, o.rest-t.RestSlack)
}

// Trying measures a person's own smile at an enrolment: first Rest is given frames of the face at rest, then
// Smile frames until it has seen enough or nobody waits any longer.
type Trying struct {
	t    Thresholds
	face Embedding // whose smile it is; nil: anybody's
	rest []float32
	last []timed // that may be one smile: not older than SmileFor
	top  float32 // the highest level that was held
}

type timed struct {
	value float32
	at    time.Time
}

// restFrames is how many frames at rest an own rest is taken of, at least.
const restFrames = 5

// NewTrying returns one that has seen nothing.
func NewTrying(t Thresholds) *Trying { return &Trying{t: t, top: -1} }

// Face says whose smile it is, by a template: frames that don't show that face count for nothing.
func (y *Trying) Face(template []float32) { y.face = slices.Clone(template) }

// tells says whether a frame can be rest or smile of this person.
func (y *Trying) tells(l *Look) bool {
	return l.Reason == "" && y.t.Tells(l) && (y.face == nil || cosine(l.Embedding, y.face) >= y.t.Verify)
}

// Rest takes a frame of the face at rest.
func (y *Trying) Rest(l Look) {
	if y.tells(&l) {
		y.rest = append(y.rest, l.Smile)
	}
}

// Smile takes a frame of somebody who was asked to smile, and says how much of what a visit wants has been
// held so far, 1 and more when it was enough.
func (y *Trying) Smile(l Look, at time.Time) float32 {
	if !y.tells(&l) || l.Lips > y.t.LipsShut && l.Smile < y.low()+y.t.LeastRise(l.Lips) {
		y.last = nil
	} else {
		y.last = append(y.last, timed{l.Smile, at})
	}
	// What was held is the least of a stretch of frames as long as a smile has to last.
	for i := len(y.last) - y.t.SmileFrames; i >= 0; i-- {
		if at.Sub(y.last[i].at) >= y.t.SmileFor {
			least := y.last[i].value
			for _, f := range y.last[i:] {
				least = min(least, f.value)
			}
			y.last, y.top = y.last[i+1:], max(y.top, least)
			break
		}
	}
	_, rise, _ := y.Result()
	return max(rise, 0) / y.t.SmileRise
}

// low is the rest: low, since some smile as soon as they are looked at.
func (y *Trying) low() float32 {
	if len(y.rest) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(y.rest))
	return sorted[len(sorted)/5]
}

// Result is the rest and how far the smile rose above it; ok is false while that would not do at the till.
func (y *Trying) Result() (rest, rise float32, ok bool) {
	if len(y.rest) < restFrames {
		return 0, 0, false
	}
	rest = y.low()
	rise = y.top - rest
	return rest, rise, rise >= y.t.SmileLeast && y.top >= y.t.SmileMin
}
