package device

import (
	"errors"
	"fmt"

	"periph.io/x/conn/v3/gpio"
)

// ErrNoPin says that the machine has no pin of the name that was asked for.
var ErrNoPin = errors.New("no such pin")

// Board is what an Indicator plays on. Lamps and the buzzer may be missing.
type Board struct {
	Lamps  map[Lamp]gpio.PinOut
	Buzzer gpio.PinOut
}

// Pins names the pins of a board, as periph does ("GPIO17"). An empty name is a part that is not fitted.
type Pins struct {
	Green, Amber, Red, White, Buzzer string
}

// PiPins is the wiring of the terminal's lamp board on a Raspberry Pi's header. GPIO18 can do PWM in
// hardware.
func PiPins() Pins {
	return Pins{Green: "GPIO17", Amber: "GPIO27", Red: "GPIO22", White: "GPIO23", Buzzer: "GPIO18"}
}

func (p Pins) lamp(l Lamp) string {
	return map[Lamp]string{Green: p.Green, Amber: p.Amber, Red: p.Red, White: p.White}[l]
}

// OpenBoard looks the pins up, with gpioreg.ByName after host.Init, or with SimBoard.ByName. It does not
// touch them. The error names every pin that is missing and is ErrNoPin.
func OpenBoard(p Pins, byName func(string) gpio.PinIO) (Board, error) {
	b := Board{Lamps: map[Lamp]gpio.PinOut{}}
	var missing []error
	find := func(part, name string) gpio.PinOut {
		if name == "" {
			return nil
		}
		pin := byName(name)
		if pin == nil {
			missing = append(missing, fmt.Errorf("open board: %s on %s: %w", part, name, ErrNoPin))
			return nil
		}
		return pin
	}
	for _, l := range Lamps() {
		if pin := find(string(l)+" lamp", p.lamp(l)); pin != nil {
			b.Lamps[l] = pin
		}
	}
	b.Buzzer = find("buzzer", p.Buzzer)
	if missing != nil {
		return Board{}, hinted{errors.Join(missing...), "check the pin names in the configuration, and that " +
			"this user may use GPIO: it must be in the group gpio"}
	}
	return b, nil
}

// hinted is an error with advice for the person at the terminal.
type hinted struct {
	error
	hint string
}

func (e hinted) Unwrap() error { return e.error }

// Hint says what to do about the error.
func (e hinted) Hint() string { return e.hint }
