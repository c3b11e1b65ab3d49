package attacks

import "math"

// expression is what a face does: 0 at rest, 1 for a smile of full strength, shut eyes; jaw in distances of
// the eyes' corners.
type expression struct {
	mouth, cheeks, lids, jaw float64
	skew                     float64 // how much stronger one side smiles, -0.4 to 0.4
}

// pace is how an expression comes.
type pace int

const (
	eased   pace = iota // S-shaped, as muscles do
	even                // at one speed, as a simple program does
	stepped             // within one frame
)

// timeline is what somebody, or a program that bends a photo, does over a visit. Times are seconds of the
// visit.
type timeline struct {
	smileAt  float64 // without being asked before
	delay    float64 // from being asked to the first movement: 0.25 to 0.9 s
	last     float64 // from there to the full smile: 0.3 to 0.7 s (Schmidt 2006: onset of spontaneous smiles)
	pace     pace
	mouth    float64 // strengths
	cheeks   float64
	lids     float64 // how far the eyes narrow in the smile
	late     float64 // seconds that the cheeks come after the mouth
	skew     float64
	blinks   []float64
	talkFrom float64
	talkTo   float64
	syllable float64 // seconds
	turnAt   float64 // of a turn of the head, and its size; 0 for none
	turn     float64
}

func (l *timeline) rise(t float64) float64 {
	t = (t - l.smileAt) / l.last
	switch l.pace {
	case even:
		return math.Min(math.Max(t, 0), 1)
	case stepped:
		if t < 0 {
			return 0
		}
		return 1
	case eased:
	}
	return smooth(t)
}

func (l *timeline) at(t float64) expression {
	k := l.rise(t)
	e := expression{mouth: l.mouth * k, skew: l.skew, lids: l.lids * k}
	e.cheeks = l.cheeks * l.rise(t-l.late)
	for _, b := range l.blinks { // lids take 0.1 s to close, stay shut for 0.1 s, and open again
		e.lids = math.Max(e.lids, 1-smooth((math.Abs(t-b)-0.05)/0.1))
	}
	if t > l.talkFrom && t < l.talkTo {
		e.jaw = 0.09 * math.Pow(math.Sin(math.Pi*(t-l.talkFrom)/l.syllable), 2)
		e.mouth += 0.15 * math.Sin(2.3*(t-l.talkFrom)/l.syllable)
	}
	return e
}

// newTimeline is that of a living person's smile.
func newTimeline(d *dice) timeline {
	l := timeline{smileAt: d.between(2.0, 2.8), delay: d.between(0.25, 0.9), last: d.between(0.3, 0.7),
		mouth: d.between(1, 1.6), late: d.between(-0.02, 0.06), skew: d.between(-0.25, 0.25)}
	l.cheeks, l.lids = l.mouth*d.between(0.75, 1.15), d.between(0.08, 0.32)
	for t := d.between(0.3, 3); t < 9; t += d.between(1.8, 4.5) {
		l.blinks = append(l.blinks, t)
	}
	if d.chance(0.25) {
		l.talkFrom, l.syllable = d.between(0.2, 0.8), d.between(0.16, 0.26)
		l.talkTo = l.talkFrom + l.syllable*math.Floor(d.between(3, 7))
	}
	if d.chance(0.35) {
		l.turnAt, l.turn = d.between(0.4, 1.4), d.between(5, 14)*math.Pi/180
		if d.chance(0.5) {
			l.turn = -l.turn
		}
	}
	return l
}

// turned is the turn of the head at t: there and back within 1.2 s.
func (l *timeline) turned(t float64) float64 {
	x := (t - l.turnAt) / 1.2
	if l.turn == 0 || x <= 0 || x >= 1 {
		return 0
	}
	return l.turn * math.Pow(math.Sin(math.Pi*x), 2)
}

// sway is the movement of somebody who stands, or of a hand that holds something: slow swings and a tremor,
// which is at 6 to 11 Hz (Elble 1990).
type sway struct {
	base  pose
	waves [6][4]wave // of x, y, z, yaw, pitch, roll
}

type wave struct{ amp, freq, phase float64 }

// newSway draws movement: slow is the deviation in metres, turn in radians, tremor in metres.
func newSway(d *dice, base pose, slow, turn, tremor float64) sway {
	s := sway{base: base}
	for i := range s.waves {
		amp := slow
		if i >= 3 {
			amp = turn
		}
		for k := range s.waves[i] {
			w := wave{amp * d.between(0.3, 0.9), d.between(0.15, 0.9), d.between(0, 2*math.Pi)}
			if k == 3 {
				w.amp, w.freq = tremor*d.between(0.3, 1), d.between(6, 11)
				if i >= 3 {
					w.amp *= 4 // radians for metres: a hand of 25 cm
				}
			}
			s.waves[i][k] = w
		}
	}
	return s
}

func (s *sway) at(t float64) pose {
	var v [6]float64
	for i := range s.waves {
		for _, w := range s.waves[i] {
			v[i] += w.amp * math.Sin(2*math.Pi*w.freq*t+w.phase)
		}
	}
	p := s.base
	p.at = p.at.plus(vec{v[0], v[1], v[2]})
	p.yaw, p.pitch, p.roll = p.yaw+v[3], p.pitch+v[4], p.roll+v[5]
	return p
}
