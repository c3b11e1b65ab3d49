package vision

import (
	"image"
	"time"
)

// track is where the eyes of a face have been since it came.
type track struct {
	box      image.Rectangle // the face in the last frame
	seen     int             // frames
	came, at time.Time       // the first and the last of them
	each     reach           // of the eyes in every frame
	means    reach           // of their mean in each while

	sum    Eyes // of the while that has not ended
	frames int
	since  time.Time
}

const (
	// stillFor and stillFrames are how long and in how many frames a face does not move before that is said.
	stillFor    = 1200 * time.Millisecond
	stillFrames = 6
	// stillSlot is a while: two frames of a camera with 10 a second, less what one may come early. Its mean
	// keeps a person's sway and leaves less of a camera's noise.
	stillSlot = 190 * time.Millisecond
	// stillMove is how far the means of a printed face's eyes may wander, in eye spans: the mesh's own unrest on
	// a camera's noise. Measured at 640x480 and 10 frames a second, in 9 s of noise (3 of 255), JPEG and light
	// that changes by 6 %: a poster whose face has 100 pixels or more 0.007 to 0.016, 0.020 where it is cut by
	// the edge, 0.018 with 80 pixels; a bent portrait that sways 0.057 in 2.4 s. By the detector's own eyes
	// posters have 0.014 to 0.13, which tells nothing.
	stillMove = 0.025
	// stillEach is how far they may be apart in single frames, so that a face that shakes has moved too: the
	// same posters 0.010 to 0.026, with noise of 4 to 0.030; the portrait 0.065.
	stillEach = 2 * stillMove
)

// watch follows a face by its eyes.
func (t *track) watch(s sight, at time.Time) {
	if s.eyes.Span <= 0 {
		return
	}
	if t.seen == 0 {
		t.came, t.since = at, at
	}
	if at.Sub(t.since) >= stillSlot && t.frames > 0 {
		t.means.add(t.sum, float32(t.frames))
		t.sum, t.frames, t.since = Eyes{}, 0, at
	}
	t.sum = Eyes{t.sum.X + s.eyes.X, t.sum.Y + s.eyes.Y, t.sum.Span + s.eyes.Span}
	t.frames++
	t.each.add(s.eyes, 1)
	t.seen++
	t.box, t.at = s.box, at
}

// still says that the face has not moved at all since it came, that long ago. Whoever stands sways by
// centimetres.
func (t *track) still(long time.Duration) bool {
	return t.seen >= stillFrames && t.at.Sub(t.came) >= long && !t.moved()
}

// moved says that the face is none that hangs there.
func (t *track) moved() bool { return t.means.beyond(stillMove) || t.each.beyond(stillEach) }

// fresh says that the face was there a moment ago.
func (t *track) fresh(now time.Time) bool {
	gap := now.Sub(t.at)
	return t.seen > 0 && gap >= 0 && gap <= pairGap
}

// reach is how far eyes have come around.
type reach struct {
	low, high Eyes // the least and the most of each
	known     bool
}

// add takes the mean of n eyes from their sum.
func (r *reach) add(sum Eyes, n float32) {
	e := Eyes{sum.X / n, sum.Y / n, sum.Span / n}
	if !r.known {
		r.low, r.high, r.known = e, e, true
	}
	r.low = Eyes{min(r.low.X, e.X), min(r.low.Y, e.Y), min(r.low.Span, e.Span)}
	r.high = Eyes{max(r.high.X, e.X), max(r.high.Y, e.Y), max(r.high.Span, e.Span)}
}

// beyond says whether they were farther apart than a share of their span.
func (r *reach) beyond(share float32) bool {
	return r.known && !(max(r.high.X-r.low.X, r.high.Y-r.low.Y) <= share*r.low.Span)
}
