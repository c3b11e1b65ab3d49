package device

import "time"

// Signal is something that the terminal tells the person in front of it.
type Signal string

// The signals.
const (
	Idle       Signal = "idle"         // ready, nothing to do
	LookHere   Signal = "look_here"    // a payment waits: look at the camera
	Recognised Signal = "recognised"   // the customer is known
	Smile      Signal = "smile"        // smile to pay
	Approved   Signal = "approved"     // paid
	Declined   Signal = "declined"     // not paid
	OutOfOrder Signal = "out_of_order" // staff is needed
)

// Signals lists all signals.
func Signals() []Signal {
	return []Signal{Idle, LookHere, Recognised, Smile, Approved, Declined, OutOfOrder}
}

// Lamp names a lamp by its colour.
type Lamp string

// The lamps of a board.
const (
	Green Lamp = "green"
	Amber Lamp = "amber"
	Red   Lamp = "red"
	White Lamp = "white"
)

// Lamps lists all lamps.
func Lamps() []Lamp { return []Lamp{Green, Amber, Red, White} }

// Step is a part of a rhythm: a lamp on or off for a time. For 0 means for as long as the signal is shown.
type Step struct {
	On  bool
	For time.Duration
}

// Note is a part of a tune. Hz 0 is a rest. For is longer than zero.
type Note struct {
	Hz  int
	For time.Duration
}

// Pattern is how a signal looks and sounds. A rhythm begins again at its end, for as long as the signal is
// shown; lamps without one are off. A tune is played once.
type Pattern struct {
	Lamps map[Lamp][]Step
	Tune  []Note
}

// PatternOf gives the pattern of a signal; ok is false for a signal that does not exist.
//
// Rhythms differ even to someone who sees no colours, and none flashes more than three times in a second
// (WCAG 2.2, 2.3.1). Tunes rise for good news and fall for bad; their notes are below 2 kHz, which also a pin
// without PWM can play.
func PatternOf(s Signal) (p Pattern, ok bool) {
	type rhythms = map[Lamp][]Step
	switch s {
	case Idle: // one short flash in the dark: alive
		return Pattern{Lamps: rhythms{White: {on(60), off(2940)}}}, true
	case LookHere: // even
		return Pattern{
			Lamps: rhythms{White: {on(500), off(500)}},
			Tune:  []Note{note(880, 80)},
		}, true
	case Recognised: // two short ones
		return Pattern{
			Lamps: rhythms{Amber: {on(150), off(150), on(150), off(550)}},
			Tune:  []Note{note(660, 80), note(880, 80)},
		}, true
	case Smile: // to and fro
		return Pattern{
			Lamps: rhythms{Amber: {on(400), off(400)}, White: {off(400), on(400)}},
			Tune:  []Note{note(880, 60), note(0, 60), note(880, 60)},
		}, true
	case Approved: // steady
		return Pattern{
			Lamps: rhythms{Green: {on(0)}},
			Tune:  []Note{note(784, 120), note(988, 120), note(1319, 260)},
		}, true
	case Declined: // three long ones
		return Pattern{
			Lamps: rhythms{Red: {on(500), off(200), on(500), off(200), on(500), off(1100)}},
			Tune:  []Note{note(440, 250), note(330, 400)},
		}, true
	case OutOfOrder: // on, with short gaps
		return Pattern{
			Lamps: rhythms{Red: {on(1800), off(200)}, Amber: {on(1800), off(200)}},
			Tune:  []Note{note(220, 150), note(0, 150), note(220, 150), note(0, 150), note(220, 150)},
		}, true
	}
	return Pattern{}, false
}

func on(ms int) Step       { return Step{true, time.Duration(ms) * time.Millisecond} }
func off(ms int) Step      { return Step{false, time.Duration(ms) * time.Millisecond} }
func note(hz, ms int) Note { return Note{hz, time.Duration(ms) * time.Millisecond} }
