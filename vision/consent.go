package vision

import (
	"math"
	"slices"
	"time"
)

const (
	// slot is the time whose frames make one value of the mouth at rest: a tenth of a second, less what a
	// frame of a camera with 10 a second may come early.
	slot = 90 * time.Millisecond
	// window is how many of them are remembered: 2.4 s at rest follow one who arrived smiling and relaxed.
	window = 24
	// restOf: the baseline is the highest of the lowest two fifths. Of the lowest fifth it would be that of the
	// rounded lips of one who talks, and the mouth at rest a smile (TestGestures).
	restOf = 0.4
	// stepMax is the most that a smile lasts by one frame more: what a camera with 5 a second gives; and it is
	// no more than twice the gap before. What a mouth did while the camera stalled nobody has seen.
	stepMax = 200 * time.Millisecond
)

// consent is the smile of the recognised customer against the same person's own rest.
type consent struct {
	rest    resting
	own     own           // the customer's, from the enrolment
	sum     []float32     // embeddings of the frames that smile
	smiling int           // their number
	frames  int           // all frames since the smile began
	held    time.Time     // the last that smiles
	lasted  time.Duration // how long the smile has been seen
	slipped bool          // there were others since
	last    time.Time     // the last frame of all
	gap     time.Duration // between it and the one before
	risen   float32       // how far the smile has come in the last frame, 0..1 of what is wanted
	level   float32       // the same without bounds, from the side and with lips apart too; NaN without a rest
}

func (c *consent) reset() {
	c.rest.seen, c.own = 0, own{}
	c.last, c.gap = time.Time{}, 0
	c.interrupt()
}

// interrupt ends a smile.
func (c *consent) interrupt() {
	clear(c.sum)
	c.smiling, c.frames, c.slipped, c.risen = 0, 0, false, 0
	c.held, c.lasted = time.Time{}, 0
}

// pause takes a frame without a smile. For gap it may be a slip of the mesh, which a slow camera would not
// have seen; longer ends the smile.
func (c *consent) pause(at time.Time, gap time.Duration) {
	if c.smiling == 0 {
		return
	}
	c.frames++
	c.slipped = true
	if at.Sub(c.held) > gap {
		c.interrupt()
	}
}

// Tells says whether a frame can be rest or smile: not while the customer speaks or yawns, nor from the side.
func (t *Thresholds) Tells(l *Look) bool {
	return l.Lips < t.LipsMax && l.Pose.Yaw >= -t.SmileYawMax && l.Pose.Yaw <= t.SmileYawMax
}

// LeastRise is the least rise of Look.Smile that is a smile of anybody whose lips are so far apart, in eye
// spans. An open mouth lifts corners and cheeks by itself; who smiles and shows the teeth lifts them by more.
func (t *Thresholds) LeastRise(lips float32) float32 {
	return t.SmileLeast + t.LipsRise*max(lips-t.LipsShut, 0)
}

// see takes a frame of the customer and says whether the smile has lasted: for SmileFor, in SmileFrames at
// least, and in two of three of all frames since it began.
func (c *consent) see(l *Look, at time.Time, t *Thresholds) bool {
	most := min(stepMax, 2*c.gap)
	if !c.last.IsZero() {
		c.gap = at.Sub(c.last)
	}
	c.last = at
	tells := t.Tells(l)
	if tells {
		c.rest.add(l.Smile, at)
	}
	base, ok := c.rest.baseline(t)
	rise := l.Smile - c.own.base(base, t)
	if c.level = rise / c.own.wanted(t); !ok {
		c.level = float32(math.NaN())
	}
	if !tells || !ok {
		c.risen = 0
		c.pause(at, t.SmileGap)
		return false
	}
	risen := rise / max(c.own.wanted(t), t.LeastRise(l.Lips))
	if l.Smile < t.SmileMin {
		risen = min(risen, 0.9)
	}
	if !(risen >= 1) {
		c.pause(at, t.SmileGap)
		c.risen = max(risen, 0)
		return false
	}
	if c.slipped && at.Sub(c.held) > t.SmileGap {
		c.interrupt()
	}
	if !fuse(&c.sum, l.Embedding) {
		return false
	}
	if c.smiling == 0 {
		c.held = at
	}
	c.lasted += min(at.Sub(c.held), most)
	c.smiling, c.frames, c.held, c.slipped, c.risen = c.smiling+1, c.frames+1, at, false, 1
	return c.smiling >= t.SmileFrames && c.lasted >= t.SmileFor && 3*c.smiling >= 2*c.frames
}

// resting remembers the mouth of the last seconds from the front, with lips that are not wide apart: a mean
// for each slot.
type resting struct {
	mean   [window]float32 // ring
	sorted [window]float32
	frames int       // in the last slot
	since  time.Time // its first
	seen   int       // slots so far
}

func (r *resting) add(mouth float32, at time.Time) {
	if r.seen == 0 || at.Sub(r.since) >= slot {
		r.since, r.frames = at, 0
		r.seen++
	}
	r.frames++
	m := &r.mean[(r.seen-1)%window]
	if r.frames == 1 {
		*m = 0
	}
	*m += (mouth - *m) / float32(r.frames)
}

// baseline is the mouth of the customer at rest: low among the last seconds since the recognition, so that
// it follows one who arrives smiling and then relaxes, but not the lowest, so that a twitch or a slip of
// the mesh does not make it.
func (r *resting) baseline(t *Thresholds) (float32, bool) {
	n := min(r.seen, window)
	if n < t.RestSlots {
		return 0, false
	}
	copy(r.sorted[:n], r.mean[:n])
	return RestOf(r.sorted[:n], t.RestSlots), true
}

// RestOf is the baseline of values of Look.Smile, of which there must be slots at least; it sorts them.
func RestOf(mouths []float32, slots int) float32 {
	slices.Sort(mouths)
	return mouths[max(slots, int(restOf*float64(len(mouths))))-1]
}
