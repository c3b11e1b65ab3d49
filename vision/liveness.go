package vision

import "time"

// Demand is what a payment asks of whoever smiles, besides the smile.
type Demand string

// The demands, each more than the one before.
const (
	DemandNone    Demand = ""        // a smile is enough
	DemandPassive Demand = "passive" // the pictures as they are must not look like an artefact's
	DemandLight   Demand = "light"   // the face must answer the screen's colours
)

// Verdict is what was found of a demand, in the frames of the smile.
type Verdict string

// The verdicts. What is undecided is never live.
const (
	VerdictNone      Verdict = ""          // nothing was asked for
	VerdictLive      Verdict = "live"      // a face that is there, as far as this can tell
	VerdictUndecided Verdict = "undecided" // too little to tell
	VerdictFailed    Verdict = "failed"    // not what a face does
)

const (
	// lightWait is how long a light may take from the moment it was wished for to its report: the page has to
	// hear of it, play it for 1.2 s and say so.
	lightWait = 4 * time.Second
	// smileAfter is how long after a light the smile may be complete: it is the smile in that light.
	smileAfter = time.Second
	// lightsMax is how many lights a visit plays: a smile that breaks off is begun anew, but not for ever.
	lightsMax = 3
	// lightsNear is up to how many there are for a face whose whole answer correlates by lightNear or more: of
	// the living in up to 250 lx those that stay undecided do (0.83 to 0.99), of films and bent photos on a
	// screen a third, whose foreheads do not answer (choosing seeds of vision/attacks from 400).
	lightsNear = 2
	lightNear  = 0.8
	// lightBegin is how far the smile has come when the light begins, 0..1 of what is wanted.
	lightBegin = 0.5
	// passiveFrames is how many frames the passive network judges, at least.
	passiveFrames = 6
	// passiveShare of PassiveMin is enough for a picture of a visit, and one of passiveOften such pictures for
	// the visit: with a half of it and one of ten 3 of 60 living smiles fail, so none does. Of 69 attacks that
	// smile 2 more pass so, and 16 fewer by what is behind them (choosing seeds of vision/attacks from 2000).
	passiveShare = 0.2
	passiveOften = 20
)

// liveness judges the demand of a visit.
type liveness struct {
	demand   Demand
	lighting lighting
	wished   time.Time // when a light was wished for; zero: none is
	lights   int       // that were wished for in this visit
	lit      *Lit      // the one that was played
	dark     bool      // none can be
	smiled   time.Time // when the smile was complete
	judged   int       // frames with Passive
	alive    int       // those of them that look like a face's
	rise     rise
	behind   behind
}

// Ask sets what the visit demands, before its first frame.
func (v *Visit) Ask(d Demand) { v.live.demand = d }

// Lit tells the visit that the light which Finding.Light wished for was played, and when. The slices stay
// the visit's.
func (v *Visit) Lit(l Lit) {
	if !v.live.wished.IsZero() {
		v.live.lit = &l
	}
}

// Dark tells the visit that no light can be played, or that the one wished for was not: what demands one
// stays undecided.
func (v *Visit) Dark() { v.live.dark = true }

// forget drops what was seen of a face that has gone.
func (s *liveness) forget() {
	s.lighting.reset()
	s.wished, s.lit, s.smiled = time.Time{}, nil, time.Time{}
	s.judged, s.alive, s.rise = 0, 0, rise{}
	s.behind.forget()
}

// depth is what the next Look must compute for the demand.
func (s *liveness) depth() Depth {
	switch s.demand {
	case DemandLight:
		return WithSkin | WithBehind
	case DemandPassive:
		return WithPassive | WithBehind
	case DemandNone:
	}
	return 0
}

// see takes a frame of the recognised customer; risen is how far the smile has come, level the same without
// bounds, NaN when it is not known.
func (s *liveness) see(l *Look, risen, level float32, at time.Time, t *Thresholds) {
	if l.Passive.Done {
		s.judged++
		if l.Passive.Live >= passiveShare*t.PassiveMin {
			s.alive++
		}
	}
	if s.smiled.IsZero() { // a smile that lasts becomes the rest
		s.rise.see(level, at)
	}
	if s.wished.IsZero() { // what is behind answers the light too
		s.behind.see(&l.Behind, at)
	}
	if s.demand != DemandLight {
		return
	}
	s.lighting.add(&l.Skin, at)
	if s.wished.IsZero() && risen >= lightBegin {
		s.wished = at
		s.lights++
	}
}

// miss takes a frame that shows nothing of the face.
func (s *liveness) miss(at time.Time) {
	s.lighting.miss(at)
	s.rise.miss()
}

// wishes reports whether a light is to be played, or is being.
func (s *liveness) wishes() bool {
	return !s.wished.IsZero() && s.lit == nil && !s.dark && s.lights <= lightsMax
}

// verdict is what is found of a smile that is complete; ok is false while that has to wait for the light.
func (s *liveness) verdict(t *Thresholds, at time.Time) (v Verdict, frames int, ok bool) {
	switch s.demand {
	case DemandPassive:
		return s.byPassive()
	case DemandLight:
		return s.byLight(t, at)
	case DemandNone:
	}
	return VerdictNone, 0, true
}

func (s *liveness) byPassive() (Verdict, int, bool) {
	switch {
	case s.judged < passiveFrames:
		return VerdictUndecided, s.judged, true
	case s.alive*passiveOften < s.judged:
		return VerdictFailed, s.judged, true
	}
	v := s.rise.verdict()
	switch {
	case v == VerdictLive && s.behind.follows():
		v = VerdictUndecided
	case s.rise.blind() && s.behind.stands(): // no photo in a hand
		v = VerdictLive
	}
	return v, s.judged, true
}

func (s *liveness) byLight(t *Thresholds, at time.Time) (Verdict, int, bool) {
	if s.dark || s.lights > lightsMax || s.lit == nil && at.Sub(s.wished) > lightWait {
		return VerdictUndecided, 0, true
	}
	if s.lit == nil || at.Before(s.lit.Until.Add(lightAfter)) {
		return "", 0, false
	}
	a := s.lighting.answerTo(s.lit)
	v := a.verdict(t)
	// Nothing was learnt, or not enough of a face that nearly answers: once more, the smile is known.
	near := v == VerdictUndecided && !a.late && float32(a.match[wholeFace]) >= lightNear
	if s.lights < lightsMax && a.frames < LightFrames || s.lights < lightsNear && near {
		s.wished, s.lit, s.lights = at, nil, s.lights+1
		return "", 0, false
	}
	if v == VerdictLive && s.behind.follows() {
		v = VerdictUndecided
	}
	return v, a.frames, true
}

// verdict judges an answer: the whole face has to answer, the forehead and the cheeks with it, and the lower
// face more than they by what a relief makes it.
func (a *answer) verdict(t *Thresholds) Verdict {
	lean := float32(a.lean())
	switch {
	case a.frames < LightFrames:
		return VerdictUndecided
	case float32(a.match[wholeFace]) < t.LightFail:
		return VerdictFailed
	case a.late:
	case float32(a.match[wholeFace]) >= t.LightMatch && float32(a.match[forehead3]) >= t.LightForehead &&
		float32(a.match[bothCheeks]) >= t.LightCheeks && lean >= t.LightLeanMin && lean <= t.LightLeanMax:
		return VerdictLive
	}
	return VerdictUndecided
}

// late drops a light in which the smile was not complete, and a wish that nobody has met: the next smile
// begins another.
func (s *liveness) late(at time.Time) {
	unmet := s.lit == nil && !s.wished.IsZero() && at.Sub(s.wished) > lightWait
	if s.smiled.IsZero() && (unmet || s.lit != nil && at.After(s.lit.Until.Add(smileAfter))) {
		s.again()
	}
}

// again has the next frame that smiles begin another light.
func (s *liveness) again() { s.wished, s.lit = time.Time{}, nil }
