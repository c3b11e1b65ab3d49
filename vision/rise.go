package vision

import "time"

const (
	// riseLow is how far a smile has come, 0..1 of what is wanted, below which nothing of it shows.
	riseLow = 0.25
	// riseJump is the time in which no mouth gets from there to a smile: a smile takes 0.3 to 0.7 s, and what
	// is wanted of a broad one a quarter of that. Two photos in turn take one picture: 29 to 50 ms at 20 to 30
	// a second (choosing seeds of vision/attacks from 700).
	riseJump = 55 * time.Millisecond
)

// rise is how the mouth came to the smile. What answers the light is not judged by it: quick smiles, and
// those after a blurred picture, jump too (7 of 135 living smiles of judging seeds 48 to 247).
type rise struct {
	low     time.Time // the last frame that shows nothing of the smile
	between bool      // a frame since shows some of it
	high    time.Time // the first since that shows all of it
}

// see takes how far the smile has come in a frame.
func (r *rise) see(risen float32, at time.Time) {
	switch {
	case risen <= riseLow:
		*r = rise{low: at}
	case !r.high.IsZero():
	case risen >= 1:
		r.high = at
	default:
		r.between = true
	}
}

// verdict is what the way to the smile says of itself: failed where the mouth jumped, undecided where no
// frame shows it on its way.
func (r *rise) verdict() Verdict {
	switch {
	case r.low.IsZero() || r.high.IsZero():
	case r.between:
		return VerdictLive
	case r.high.Sub(r.low) <= riseJump:
		return VerdictFailed
	}
	return VerdictUndecided
}
