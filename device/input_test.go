package device_test

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"periph.io/x/conn/v3/gpio"

	"smiletill/device"
)

// touch is a level of the line for a time.
type touch struct {
	level gpio.Level
	for_  time.Duration
}

const (
	ms   = time.Millisecond
	up   = gpio.High
	down = gpio.Low
)

// TestPresses plays contacts on the line of a button that closes to ground.
func TestPresses(t *testing.T) {
	for _, c := range []struct {
		name  string
		first gpio.Level
		play  []touch
		want  int
	}{
		{"nothing", up, nil, 0},
		{"a clean press", up, []touch{{down, 100 * ms}, {up, 100 * ms}}, 1},
		{"a press that bounces", up, []touch{
			{down, ms}, {up, ms}, {down, 2 * ms}, {up, 3 * ms}, {down, 100 * ms},
			{up, ms}, {down, 2 * ms}, {up, 100 * ms},
		}, 1},
		{"three presses", up, []touch{
			{down, 80 * ms}, {up, 80 * ms}, {down, 80 * ms}, {up, 80 * ms}, {down, 80 * ms}, {up, 80 * ms},
		}, 3},
		{"a spark of a millisecond", up, []touch{{down, ms}, {up, 100 * ms}}, 0},
		{"a spark at the moment of a glance", up, []touch{{up, 250 * ms}, {down, ms}, {up, 100 * ms}}, 0},
		{"held for a minute", up, []touch{{down, time.Minute}, {up, 100 * ms}}, 1},
		{"down from the beginning, let go, pressed", down, []touch{{up, 100 * ms}, {down, 100 * ms}}, 1},
		{"down from the beginning and stuck", down, []touch{{down, time.Hour}}, 0},
		{"chatters for a second, then rests up", up, append(chattering(500), touch{up, 300 * ms}), 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				pin := device.NewSimPin("GPIO6", nil)
				in := device.Input{Name: "cancel button", Pin: startsAt{pin, c.first}, ActiveLow: true, Pull: gpio.PullUp}
				ctx, stop := context.WithCancel(t.Context())
				presses := 0
				ended := make(chan struct{})
				go func() {
					in.Presses(ctx, slog.New(slog.DiscardHandler), func() { presses++ }, func(err error) {
						if err != nil {
							t.Error(err)
						}
					})
					close(ended)
				}()
				time.Sleep(time.Second)
				for _, p := range c.play {
					pin.Drive(p.level)
					time.Sleep(p.for_)
				}
				time.Sleep(time.Second)
				stop()
				<-ended
				if c.name == "chatters for a second, then rests up" {
					if presses > 3 { // once every 200 ms at most, whatever the contact does
						t.Errorf("%d presses", presses)
					}
				} else if presses != c.want {
					t.Errorf("%d presses, want %d", presses, c.want)
				}
			})
		})
	}
}

func chattering(times int) []touch {
	var all []touch
	for i := range times {
		all = append(all, touch{gpio.Level(i%2 == 0), ms})
	}
	return all
}

// startsAt is a line that something holds at a level from the beginning.
type startsAt struct {
	*device.SimPin
	level gpio.Level
}

func (p startsAt) In(pull gpio.Pull, edge gpio.Edge) error {
	err := p.SimPin.In(pull, edge)
	p.Drive(p.level)
	return err
}

// TestWatchTriesAgain has a line that another program gives back after a while.
func TestWatchTriesAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		taken := errors.New("in use by another program")
		pin := &takenPin{SimPin: device.NewSimPin("GPIO16", nil), err: taken}
		ctx, stop := context.WithCancel(t.Context())
		var said []string
		var levels []bool
		ended := make(chan struct{})
		go func() {
			device.Input{Name: "tamper switch", Pin: pin, Pull: gpio.PullUp}.Watch(ctx,
				func(open bool) { levels = append(levels, open) },
				func(err error) {
					if err != nil {
						said = append(said, err.Error())
					} else {
						said = append(said, "well")
					}
				})
			close(ended)
		}()
		time.Sleep(5 * time.Second)
		pin.free.Store(true)
		time.Sleep(2 * time.Second)
		pin.Drive(gpio.Low)
		time.Sleep(time.Second)
		stop()
		<-ended
		if len(said) != 2 || !strings.Contains(said[0], "tamper switch") || said[1] != "well" {
			t.Errorf("said %q: want the fault once, then that it is well", said)
		}
		if !slices.Equal(levels, []bool{true, false}) {
			t.Errorf("levels %v", levels)
		}
	})
}

type takenPin struct {
	*device.SimPin
	err  error
	free atomic.Bool
}

func (p *takenPin) In(pull gpio.Pull, edge gpio.Edge) error {
	if !p.free.Load() {
		return p.err
	}
	return p.SimPin.In(pull, edge)
}
