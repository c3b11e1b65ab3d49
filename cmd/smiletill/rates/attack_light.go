package rates

import (
	"math/rand/v2"
	"time"

	"smiletill/cmd/smiletill/light"
	"smiletill/vision"
	"smiletill/vision/attacks"
)

const (
	// pageLate is the time from wishing for a light to its first colour: the page is told, and draws.
	pageLate = 60 * time.Millisecond
	// delayOff is how far a terminal's calibration of its screen may be off, either way.
	delayOff  = 15 * time.Millisecond
	lightSlot = 200 * time.Millisecond
)

// attackScreen is the terminal's screen in a simulated visit.
type attackScreen struct {
	random  *rand.ChaCha8
	delay   time.Duration // of the screen, as it was calibrated
	start   time.Duration
	colours []vision.Colour // of the code that plays; empty: the page
}

func newAttackScreen(number int) *attackScreen {
	seed := [32]byte{byte(number), byte(number >> 8), byte(number >> 16), 1}
	return &attackScreen{random: rand.NewChaCha8(seed)}
}

// shows is what the screen is told to show at a time, on the whole: a page with words on it.
func (s *attackScreen) shows(at time.Duration) attacks.Colour {
	c := light.Besides()
	if i := int((at - s.start) / lightSlot); at >= s.start && i < len(s.colours) {
		c = s.colours[i]
	}
	for k := range c {
		c[k] *= light.Fills
	}
	return attacks.Colour(c)
}

// follow begins the light that a visit wishes for, and tells the visit when it has been played.
func (s *attackScreen) follow(v *vision.Visit, wished bool, at time.Duration, start time.Time) error {
	switch {
	case wished && len(s.colours) == 0:
		return s.begin(at + pageLate)
	case len(s.colours) > 0 && at >= s.start+vision.CodeLength*lightSlot:
		l := vision.Lit{Page: light.Besides(), Colours: s.colours}
		for i := range s.colours {
			l.At = append(l.At, start.Add(s.start+s.delay+time.Duration(i)*lightSlot))
		}
		l.Until = l.At[0].Add(vision.CodeLength * lightSlot)
		s.colours = nil
		v.Lit(l)
	}
	return nil
}

func (s *attackScreen) begin(at time.Duration) error {
	palette := light.Palette()
	code, err := vision.DrawCode(palette, light.Besides(), s.random)
	if err != nil {
		return err
	}
	s.start = at
	for _, n := range code {
		s.colours = append(s.colours, palette[n])
	}
	return nil
}

// calibrate measures the screen's delay, as far as that goes.
func (s *attackScreen) calibrate(t attacks.Truth) {
	off := rand.New(s.random).Int64N(int64(2*delayOff)) - int64(delayOff)
	s.delay = t.Latency + time.Duration(off)
}
