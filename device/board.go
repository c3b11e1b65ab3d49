package device

import (
	"errors"
	"fmt"

	"periph.io/x/conn/v3/gpio"
)

// Board is what an Indicator plays on. Lamps and the buzzer may be missing.
type Board struct {
	Lamps  map[Lamp]gpio.PinOut
	Buzzer gpio.PinOut
	Active bool // the buzzer has a tone of its own: it is only switched on and off
}

// Pins names the lines of a board ("GPIO17"). An empty name is a part that is not fitted.
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

// OpenBoard looks the lines up with find. It does not touch them. The error names every part whose line is
// not found, and has find's hint.
func OpenBoard(p Pins, find func(string) (gpio.PinIO, error)) (Board, error) {
	b := Board{Lamps: map[Lamp]gpio.PinOut{}}
	var missing []error
	look := func(part, name string) gpio.PinOut {
		if name == "" {
			return nil
		}
		pin, err := find(name)
		if err != nil {
			missing = append(missing, fmt.Errorf("open board: %s: %w", part, err))
			return nil
		}
		return pin
	}
	for _, l := range Lamps() {
		if pin := look(string(l)+" lamp", p.lamp(l)); pin != nil {
			b.Lamps[l] = pin
		}
	}
	b.Buzzer = look("buzzer", p.Buzzer)
	if missing != nil {
		return Board{}, errors.Join(missing...)
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
