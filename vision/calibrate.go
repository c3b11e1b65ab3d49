package vision

import (
	"slices"
	"time"
)

const (
	// delayMax is the longest delay of a screen and a camera that is looked for: three frames of a slow camera,
	// two of a slow television.
	delayMax = 400 * time.Millisecond
	// calibrationRounds are the lights that have to agree.
	calibrationRounds = 3
	// calibrationApart is how far they may be apart: cameras with 10 pictures a second tell a delay to 60 ms by
	// one light. With more it is not steady enough to tell an answer from one that is relayed.
	calibrationApart = 70 * time.Millisecond
)

// Calibration measures how late the light of the screen is seen on a face: of the panel, of the camera and of
// what lies between. It serves one goroutine.
type Calibration struct {
	t      Thresholds
	faces  lighting
	delays []time.Duration // of the lights that a face answered
}

// NewCalibration returns one that has seen nothing.
func NewCalibration(t Thresholds) *Calibration { return &Calibration{t: t} }

// See takes a frame that was looked at WithSkin, with the time at which it was taken.
func (c *Calibration) See(l Look, at time.Time) {
	if l.Reason == "" && l.Depth >= Landmarks {
		c.faces.add(&l.Skin, at)
	}
}

// Round holds what was seen against a light that was told to be shown at its times. ok is false where no
// face answered it; match is how well one did, 0..1, and delay how late. It is called when the frames of
// delayMax after the light have been seen.
func (c *Calibration) Round(l Lit) (delay time.Duration, match float32, ok bool) {
	var f fit
	c.faces.since(&f, &l, delayMax)
	if f.n < LightFrames {
		return 0, 0, false
	}
	f.level()
	// A camera with few pictures a second can't tell some delays apart: the middle of those that fit as well.
	const steps = int(delayMax/(lightStep/2)) + 1
	var fits [steps]float64
	best := 0.0
	for k := range fits {
		a := f.against(&l, time.Duration(k)*lightStep/2)
		fits[k] = a.match[wholeFace]
		best = max(best, fits[k])
	}
	first := slices.IndexFunc(fits[:], func(m float64) bool { return m >= best-0.01 })
	last := first
	for last+1 < steps && fits[last+1] >= best-0.01 {
		last++
	}
	delay = time.Duration(first+last) * lightStep / 4
	match = float32(best)
	if ok = match >= c.t.LightMatch; ok {
		c.delays = append(c.delays, delay)
	}
	return delay, match, ok
}

// Delay is what the rounds came to: the middle one, and how far they are apart. ok is false while there are
// too few, or they don't agree.
func (c *Calibration) Delay() (delay, apart time.Duration, ok bool) {
	if len(c.delays) == 0 {
		return 0, 0, false
	}
	// The last ones count: somebody may have turned away in one before.
	sorted := slices.Sorted(slices.Values(c.delays[max(0, len(c.delays)-calibrationRounds):]))
	delay, apart = sorted[len(sorted)/2], sorted[len(sorted)-1]-sorted[0]
	return delay, apart, len(sorted) == calibrationRounds && apart <= calibrationApart
}
