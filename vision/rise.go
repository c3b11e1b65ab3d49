package vision

import (
	"math"
	"time"
)

const (
	// riseLow is how far a smile has come, 0..1 of what is wanted, below which nothing of it shows.
	riseLow = 0.25
	// riseStep is the share of the mouth's whole way that no smile makes from one picture to the next. A smile
	// takes 0.3 to 0.7 s with an S-shaped speed, which is at most 0.48 of the way in 100 ms and 0.68 in 150; two
	// photos in turn make all of it at once.
	riseStep = 0.75
	// riseBlind is how far apart pictures say nothing of the way between them.
	riseBlind = 150 * time.Millisecond
)

// rise is how the mouth came to the smile. What answers the light is not judged by it.
type rise struct {
	from, at, top float32 // Look.Smile over the rest, in what is wanted: the last low one, the last, the highest
	last          time.Time
	step          float32       // the largest from one picture to the next
	gap           time.Duration // between these two
	seen, high    bool          // a picture that shows nothing of the smile, and one since that shows all of it
	hidden        bool          // there were pictures since that did not show the face well
}

// see takes how far the mouth is above the rest, in what is wanted; NaN when that is not known.
func (r *rise) see(level float32, at time.Time) {
	switch {
	case math.IsNaN(float64(level)):
		return
	case level <= riseLow:
		*r = rise{from: level, at: level, top: level, last: at, seen: true}
		return
	}
	if d := level - r.at; d > r.step {
		r.step, r.gap = d, at.Sub(r.last)
	}
	r.at, r.last, r.top, r.high = level, at, max(r.top, level), r.high || level >= 1
}

// miss takes a picture that does not show the face well.
func (r *rise) miss() { r.hidden = true }

// blind says whether nothing but the camera's own rate kept the way from being seen.
func (r *rise) blind() bool { return r.seen && r.high && !r.hidden && r.verdict() == VerdictUndecided }

// verdict is what the way to the smile says of itself: failed where the mouth jumped, undecided where it may
// have, while nobody saw it.
func (r *rise) verdict() Verdict {
	switch {
	case !r.seen || !r.high:
		return VerdictUndecided
	case r.step < riseStep*(r.top-r.from):
		return VerdictLive
	case r.gap <= riseBlind:
		return VerdictFailed
	}
	return VerdictUndecided
}
