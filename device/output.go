package device

import (
	"time"

	"periph.io/x/conn/v3/gpio"
	"periph.io/x/conn/v3/physic"
)

// output is a pin with its last known level.
type output struct {
	name  string
	pin   gpio.PinOut
	level gpio.Level
	known bool
	tell  func(name string, err error)
}

func (o *output) forget() { o.known = false }

// set drives the pin where it isn't there already; a pin that failed is tried again each time.
func (o *output) set(l gpio.Level) {
	if o.known && o.level == l {
		return
	}
	err := o.pin.Out(l)
	o.level, o.known = l, err == nil
	o.tell(o.name, err)
}

// bangMax is the highest tone in hertz that toggling the pin from here plays in tune (measured on gpioioctl).
const bangMax = 2000

// buzzer plays a tune: by the pin's PWM; without that by toggling the pin; and a tone above bangMax by
// switching the pin on, which a buzzer with an oscillator of its own makes a sound of.
type buzzer struct {
	output
	noPWM bool // PWM was tried and refused
	own   bool // it has a tone of its own
	tune  []Note
	end   time.Time     // of tune[0], if sounding
	half  time.Duration // half a period while toggling, else 0
	flip  time.Time     // the next toggle
	begun bool          // tune[0] is sounding
}

// play begins a tune, from nothing.
func (b *buzzer) play(tune []Note, now time.Time) {
	b.silence()
	b.tune, b.end, b.begun = tune, now, false
}

// step goes on with the tune and says when it wants to be called again.
func (b *buzzer) step(now time.Time) (due time.Time, ok bool) {
	if b.begun && !now.Before(b.end) {
		b.silence()
		b.tune, b.begun = b.tune[1:], false
	}
	if len(b.tune) == 0 {
		return time.Time{}, false
	}
	if !b.begun {
		b.begun = true
		if now.Sub(b.end) > b.tune[0].For {
			b.end = now
		}
		b.sound(b.tune[0].Hz, b.end)
		b.end = b.end.Add(b.tune[0].For)
	}
	if b.half == 0 {
		return b.end, true
	}
	if !now.Before(b.flip) {
		b.set(!b.level)
		b.flip = b.flip.Add(b.half)
		if now.After(b.flip) { // late by more than a toggle: don't hurry after it
			b.flip = now.Add(b.half)
		}
	}
	if b.flip.Before(b.end) {
		return b.flip, true
	}
	return b.end, true
}

// sound begins a tone at the time start.
func (b *buzzer) sound(hz int, start time.Time) {
	if hz == 0 {
		return
	}
	if b.own {
		b.set(gpio.High)
		return
	}
	if !b.noPWM {
		err := b.pin.PWM(gpio.DutyHalf, physic.Frequency(hz)*physic.Hertz)
		if err == nil {
			b.forget()
			return
		}
		b.noPWM = true // not a fault: most boards can't
	}
	if hz > bangMax {
		b.set(gpio.High)
		return
	}
	b.half = time.Second / time.Duration(2*hz)
	b.flip = start
}

func (b *buzzer) silence() {
	b.half = 0
	b.set(gpio.Low)
}

// ActiveLow makes an output of a line whose part is on when the line is low: what switches the part off, at
// the start, at the end and after a crash, makes the line high.
func ActiveLow(pin gpio.PinOut) gpio.PinOut { return activeLow{pin} }

type activeLow struct{ gpio.PinOut }

// Out drives the line: High is on, and low.
func (p activeLow) Out(l gpio.Level) error { return p.PinOut.Out(!l) }

// PWM has the line low for the duty.
func (p activeLow) PWM(duty gpio.Duty, f physic.Frequency) error {
	return p.PinOut.PWM(gpio.DutyMax-duty, f)
}
