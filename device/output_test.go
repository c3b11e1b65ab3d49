package device

import (
	"errors"
	"testing"
	"time"

	"periph.io/x/conn/v3/gpio"
	"periph.io/x/conn/v3/physic"
)

type noPWM struct{ *SimPin }

func (noPWM) PWM(gpio.Duty, physic.Frequency) error { return errors.New("not implemented") }

// A tone that can't be toggled in tune switches the pin on, for the note's time.
func TestHighToneWithoutPWMIsPlainOn(t *testing.T) {
	p := noPWM{NewSimPin("GPIO18", nil)}
	b := buzzer{output: output{name: "buzzer", pin: p, tell: func(_ string, err error) {
		if err != nil {
			t.Error(err)
		}
	}}}
	start := time.Now()
	b.play([]Note{note(4000, 100)}, start)
	if due, ok := b.step(start); !ok || due.Sub(start) != 100*time.Millisecond || p.Read() != gpio.High {
		t.Fatalf("due %v %t, level %v; want one 100 ms of High", due.Sub(start), ok, p.Read())
	}
	if _, ok := b.step(start.Add(100 * time.Millisecond)); ok || p.Read() != gpio.Low {
		t.Errorf("the note goes on: level %v", p.Read())
	}
}

// A program that was stopped for a minute goes on with the rhythm; it does not hurry through what it missed.
func TestLateStepsAreSkipped(t *testing.T) {
	changes := 0
	p := NewSimPin("GPIO17", func(gpio.Level, int) { changes++ })
	start := time.Now()
	out := &output{name: "green lamp", pin: p, tell: func(string, error) {}}
	tr := track{out: out, steps: []Step{on(100), off(100)}, at: -1, due: start}
	tr.step(start)
	late := start.Add(time.Minute)
	due, _ := tr.step(late)
	if changes != 2 || due.Sub(late) != 100*time.Millisecond {
		t.Errorf("%d changes, next in %v; want 2, 100ms", changes, due.Sub(late))
	}
}
