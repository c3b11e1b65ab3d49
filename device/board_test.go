package device_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"periph.io/x/conn/v3/gpio"

	"smiletill/device"
)

// finder looks lines up as a header does.
func finder(sim *device.SimBoard, none error) func(string) (gpio.PinIO, error) {
	return func(name string) (gpio.PinIO, error) {
		if pin := sim.ByName(name); pin != nil {
			return pin, nil
		}
		return nil, fmt.Errorf("%s: %w", name, none)
	}
}

func TestOpenBoardNamesMissingPins(t *testing.T) {
	sim := device.NewSimBoard(nil)
	p := device.PiPins()
	p.Red, p.Buzzer = "GPIO99", "P1_2"
	none := errors.New("no such line")
	_, err := device.OpenBoard(p, finder(sim, none))
	if !errors.Is(err, none) {
		t.Fatalf("err = %v, want the finder's", err)
	}
	for _, want := range []string{"red lamp: GPIO99", "buzzer: P1_2"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("error does not say %q: %v", want, err)
		}
	}
}

func TestOpenBoardWithoutBuzzerAndLamp(t *testing.T) {
	p := device.PiPins()
	p.Buzzer, p.White = "", ""
	b, err := device.OpenBoard(p, finder(device.NewSimBoard(nil), errors.New("no such line")))
	if err != nil || b.Buzzer != nil || len(b.Lamps) != 3 {
		t.Fatalf("board %v, %v; want three lamps and no buzzer", b, err)
	}
	synctest.Test(t, func(t *testing.T) {
		d := device.New(b, quiet())
		for _, s := range device.Signals() {
			d.Show(s)
			time.Sleep(3 * time.Second)
		}
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
}

func TestSimPinEdges(t *testing.T) {
	for _, c := range []struct {
		edge  gpio.Edge
		drive []gpio.Level
		want  bool
	}{
		{gpio.NoEdge, []gpio.Level{gpio.Low}, false},
		{gpio.BothEdges, nil, false},
		{gpio.BothEdges, []gpio.Level{gpio.High}, false}, // pulled up already: no change
		{gpio.RisingEdge, []gpio.Level{gpio.Low}, false},
		{gpio.RisingEdge, []gpio.Level{gpio.Low, gpio.High}, true},
		{gpio.FallingEdge, []gpio.Level{gpio.Low, gpio.High, gpio.Low}, true},
	} {
		synctest.Test(t, func(t *testing.T) {
			p := device.NewSimPin("GPIO5", nil)
			if err := p.In(gpio.PullUp, c.edge); err != nil {
				t.Fatal(err)
			}
			for _, l := range c.drive {
				p.Drive(l)
			}
			start := time.Now()
			if got := p.WaitForEdge(time.Second); got != c.want {
				t.Errorf("%v after %v: edge %t, want %t", c.edge, c.drive, got, c.want)
			}
			if waited := time.Since(start); !c.want && waited != time.Second {
				t.Errorf("gave up after %v", waited)
			}
			if p.WaitForEdge(0) {
				t.Error("an edge was reported twice")
			}
		})
	}
}

func TestSimPinInSendsWaiterAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := device.NewSimPin("GPIO5", nil)
		_ = p.In(gpio.PullUp, gpio.BothEdges)
		got := make(chan bool, 1)
		go func() { got <- p.WaitForEdge(-1) }()
		synctest.Wait()
		_ = p.In(gpio.PullUp, gpio.BothEdges)
		if <-got {
			t.Error("In was taken for an edge")
		}
	})
}
