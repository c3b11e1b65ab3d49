package device

import (
	"time"

	"periph.io/x/conn/v3/gpio"
)

// Transition is a change of an output pin of a SimBoard.
type Transition struct {
	Pin   string     // "GPIO17"
	Part  string     // what hangs on it: a Lamp's name, or "buzzer"
	Level gpio.Level // High also while a tone is played by PWM
	Hz    int        // the tone, 0 when it is a plain level
	At    time.Time
}

// SimBoard is a lamp board that is not there: every change goes to an observer, for the screen and the log.
type SimBoard struct {
	pins map[string]*SimPin
}

// NewSimBoard wires a simulated board like PiPins. observe may be nil; it is called in the goroutine that
// changes a pin, after the change, with no lock held.
func NewSimBoard(observe func(Transition)) *SimBoard {
	b := &SimBoard{pins: map[string]*SimPin{}}
	p := PiPins()
	add := func(part, name string) {
		b.pins[name] = NewSimPin(name, func(l gpio.Level, hz int) {
			if observe != nil {
				observe(Transition{Pin: name, Part: part, Level: l, Hz: hz, At: time.Now()})
			}
		})
	}
	for _, l := range Lamps() {
		add(string(l), p.lamp(l))
	}
	add("buzzer", p.Buzzer)
	return b
}

// ByName finds a pin, for OpenBoard; it is nil when there is none of that name.
func (b *SimBoard) ByName(name string) gpio.PinIO {
	if p := b.pins[name]; p != nil {
		return p
	}
	return nil
}

// Board is the simulated board for New.
func (b *SimBoard) Board() Board {
	p := PiPins()
	out := Board{Lamps: map[Lamp]gpio.PinOut{}, Buzzer: b.pins[p.Buzzer]}
	for _, l := range Lamps() {
		out.Lamps[l] = b.pins[p.lamp(l)]
	}
	return out
}

// State says which lamps are on and what tone the buzzer plays (hertz, 0: none). The map is the caller's.
func (b *SimBoard) State() (lamps map[string]bool, buzzerHz int) {
	p := PiPins()
	lamps = map[string]bool{}
	for _, l := range Lamps() {
		level, _ := b.pins[p.lamp(l)].State()
		lamps[string(l)] = bool(level)
	}
	_, hz := b.pins[p.Buzzer].State()
	return lamps, hz
}
