package visits

import "fmt"

// Gesture is what somebody does who stands before a terminal. Only Smiles and TalksThenSmiles mean to pay.
type Gesture string

// The gestures. All but the last two begin with the mouth at rest, or in the middle of it.
const (
	Rests           Gesture = "rests"  // still, or with pressed lips and blinks
	Talks           Gesture = "talks"  // 3 to 6 syllables a second: the jaw, round and spread lips
	Yawns           Gesture = "yawns"  // for 2 to 5 s, with lids that close
	Chews           Gesture = "chews"  // 1 to 2 times a second behind shut lips
	Turns           Gesture = "turns"  // the head, up to 25 degrees either way
	Smiles          Gesture = "smiles" // after a while at rest, and goes on smiling
	TalksThenSmiles Gesture = "talks, then smiles"
)

// Gestures are all of them.
func Gestures() []Gesture {
	return []Gesture{Rests, Talks, Yawns, Chews, Turns, Smiles, TalksThenSmiles}
}

// Consents says whether the gesture means to pay.
func (g Gesture) Consents() bool { return g == Smiles || g == TalksThenSmiles }

// gestureFor and yawnFor are how long a gesture is filmed, in seconds.
const gestureFor, yawnFor = 4.5, 7

// Scenario is one visit of somebody who makes the gesture, its moments and strengths from the seed.
func (g Gesture) Scenario(portrait string, seed uint64) Scenario {
	r := rng(seed*0x9e3779b9 + uint64(len(g)))
	p := Pose{X: r.between(290, 350), Y: r.between(190, 230), Face: r.between(160, 185),
		Yaw: r.between(-5, 5), Pitch: r.between(-4, 4), Roll: r.between(-4, 4)}
	w := walk{r: &r, keys: []Key{{0, p}}}
	w.hold(r.between(0.2, 1.5))
	long := float64(gestureFor)
	switch g {
	case Rests:
		for w.at() < gestureFor {
			w.to(r.between(0.2, 0.8), func(p *Pose) { p.Round = r.between(0, 0.35) })
			w.hold(r.between(0.3, 1))
		}
	case Talks:
		w.talk(gestureFor)
	case Yawns:
		for long = yawnFor; w.at() < long-3; {
			w.yawn()
		}
	case Chews:
		w.chew(gestureFor)
	case Turns:
		w.turn(gestureFor)
	case Smiles:
		w.hold(0.7)
		w.smile()
	case TalksThenSmiles:
		w.talk(2.5)
		w.to(0.15, func(p *Pose) { p.shut() })
		w.smile()
	}
	v := Visitor{Portrait: portrait, Keys: w.keys}
	for t := r.between(0.3, 2); t < long; t += r.between(1.5, 4) {
		v.Blinks = append(v.Blinks, t)
	}
	return Scenario{Name: fmt.Sprintf("%s %d", g, seed), Seconds: long, Seed: seed, Visitors: []Visitor{v},
		Light: Light{Gain: r.between(0.75, 1.1), Warm: r.between(-0.05, 0.05), Side: r.between(-0.2, 0.2),
			Drift: 0.03, Noise: r.between(1, 3)}}
}

// shut ends what the mouth says.
func (p *Pose) shut() { p.Jaw, p.Part, p.Slide, p.Round, p.Spread, p.Blink = 0, 0, 0, 0, 0, 0 }

// walk makes keys one after the other.
type walk struct {
	r    *rng
	keys []Key
}

func (w *walk) at() float64 { return w.keys[len(w.keys)-1].At }

// to goes on to another pose, which is there after some seconds.
func (w *walk) to(seconds float64, change func(*Pose)) {
	k := w.keys[len(w.keys)-1]
	k.At += seconds
	change(&k.Pose)
	w.keys = append(w.keys, k)
}

func (w *walk) hold(seconds float64) { w.to(seconds, func(*Pose) {}) }

// talk says syllables until a time. A jaw opens by 5 to 15 mm for a vowel, and lips meet between words; the
// outer corners of the eyes are some 90 mm apart.
func (w *walk) talk(until float64) {
	r := w.r
	teeth, loud := r.between(0, 1), r.between(0.6, 1.2)
	for w.at() < until {
		long := r.between(1.0/6, 1.0/3)
		round, wide := 0.0, 0.0
		switch kind := r.between(0, 3); {
		case kind < 1:
			round = r.between(0.4, 1)
		case kind < 2:
			wide = r.between(0.4, 1)
		}
		w.to(long/2, func(p *Pose) {
			p.Jaw, p.Part, p.Teeth = loud*r.between(0.04, 0.17), r.between(0.7, 1), teeth
			p.Round, p.Spread = round, wide
		})
		rest := r.between(0, 0.4)
		w.to(long/2, func(p *Pose) { p.Jaw *= rest; p.Round *= rest; p.Spread *= rest })
		if r.between(0, 8) < 1 { // between sentences
			w.to(0.1, func(p *Pose) { p.shut() })
			w.hold(r.between(0.2, 0.6))
		}
	}
}

func (w *walk) yawn() {
	r := w.r
	long, wide, lids := r.between(2, 5), r.between(0.28, 0.5), r.between(0.4, 1)
	w.to(long*r.between(0.35, 0.5), func(p *Pose) {
		p.Jaw, p.Part, p.Teeth, p.Blink, p.Round = wide, 0.95, r.between(0, 0.6), lids, r.between(0, 0.3)
		p.Pitch -= r.between(0, 6)
	})
	w.hold(long * r.between(0.15, 0.3))
	w.to(long*r.between(0.2, 0.35), func(p *Pose) { p.shut() })
	w.hold(r.between(0.5, 1.5))
}

func (w *walk) chew(until float64) {
	r := w.r
	side, beat := r.between(-0.05, 0.05), r.between(1, 2)
	for w.at() < until {
		down := r.between(0.04, 0.1)
		w.to(0.5/beat, func(p *Pose) {
			p.Jaw, p.Part, p.Slide, p.Round = down, r.between(0, 0.15), side, r.between(0, 0.4)
		})
		w.to(0.5/beat, func(p *Pose) { p.Jaw, p.Slide, p.Spread = 0.01, -side/2, r.between(0, 0.3) })
	}
}

func (w *walk) turn(until float64) {
	r := w.r
	for w.at() < until {
		yaw, pitch := r.between(-25, 25), r.between(-10, 10)
		w.to(r.between(0.4, 1.2), func(p *Pose) { p.Yaw, p.Pitch = yaw, pitch })
		w.hold(r.between(0, 0.6))
	}
}

func (w *walk) smile() {
	r := w.r
	much := r.between(0.6, 1.1)
	w.to(r.between(0.3, 0.8), func(p *Pose) { p.shut(); p.Smile = much })
	w.hold(gestureFor)
}
