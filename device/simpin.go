package device

import (
	"sync"
	"time"

	"periph.io/x/conn/v3/gpio"
	"periph.io/x/conn/v3/physic"
)

// SimPin is a gpio.PinIO without hardware. Its outputs tell an observer; Drive plays what hangs on an input.
type SimPin struct {
	name    string
	observe func(l gpio.Level, hz int)

	mu    sync.Mutex
	out   bool
	level gpio.Level
	hz    int
	pull  gpio.Pull
	edge  gpio.Edge
	edges chan struct{} // an edge has come; closed when In is called again
}

// NewSimPin makes a pin that is a low output. observe may be nil; it is told of changes only.
func NewSimPin(name string, observe func(l gpio.Level, hz int)) *SimPin {
	if observe == nil {
		observe = func(gpio.Level, int) {}
	}
	return &SimPin{name: name, observe: observe, out: true, edges: make(chan struct{}, 1)}
}

// String is the pin's name.
func (p *SimPin) String() string { return p.name }

// Name is the pin's name.
func (p *SimPin) Name() string { return p.name }

// Number is -1: the pin is no line of a chip.
func (p *SimPin) Number() int { return -1 }

// Function says what the pin is now, as periph spells it.
func (p *SimPin) Function() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.out && p.hz != 0:
		return "PWM"
	case p.out:
		return "Out/" + p.level.String()
	}
	return "In/" + p.level.String()
}

// Halt does nothing.
func (p *SimPin) Halt() error { return nil }

// State is the level and, while PWM plays a tone, its frequency in hertz.
func (p *SimPin) State() (gpio.Level, int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.level, p.hz
}

// Out makes the pin an output of the level.
func (p *SimPin) Out(l gpio.Level) error {
	p.drive(l, 0)
	return nil
}

// PWM makes the pin an output of the frequency; a duty of nothing or all is a plain level.
func (p *SimPin) PWM(duty gpio.Duty, f physic.Frequency) error {
	switch {
	case duty <= 0:
		p.drive(gpio.Low, 0)
	case duty >= gpio.DutyMax:
		p.drive(gpio.High, 0)
	default:
		p.drive(gpio.High, int(f/physic.Hertz))
	}
	return nil
}

func (p *SimPin) drive(l gpio.Level, hz int) {
	p.mu.Lock()
	changed := p.level != l || p.hz != hz
	p.out, p.level, p.hz = true, l, hz
	p.mu.Unlock()
	if changed {
		p.observe(l, hz)
	}
}

// In makes the pin an input. Without a Drive its level is that of the pull resistor.
func (p *SimPin) In(pull gpio.Pull, edge gpio.Edge) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	close(p.edges) // who waits for an edge is sent away, as PinIn asks
	p.edges = make(chan struct{}, 1)
	p.out, p.hz, p.edge = false, 0, edge
	if pull != gpio.PullNoChange {
		p.pull = pull
		p.level = pull == gpio.PullUp
	}
	return nil
}

// Drive sets the level of an input, like a pressed button does. It does nothing to an output.
func (p *SimPin) Drive(l gpio.Level) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.out || p.level == l {
		return
	}
	p.level = l
	if p.edge == gpio.BothEdges || p.edge == gpio.RisingEdge && l == gpio.High ||
		p.edge == gpio.FallingEdge && l == gpio.Low {
		select {
		case p.edges <- struct{}{}:
		default: // an edge is waiting already
		}
	}
}

// Read is the pin's level.
func (p *SimPin) Read() gpio.Level {
	l, _ := p.State()
	return l
}

// WaitForEdge waits for the kind of edge that In asked for; several before the call count as one. It gives up
// after the timeout (negative: never) or when In is called.
func (p *SimPin) WaitForEdge(timeout time.Duration) bool {
	p.mu.Lock()
	edges := p.edges
	p.mu.Unlock()
	var late <-chan time.Time
	if timeout >= 0 {
		t := time.NewTimer(timeout)
		defer t.Stop()
		late = t.C
	}
	select {
	case _, ok := <-edges:
		return ok
	case <-late:
		return false
	}
}

// Pull is the resistor that In chose.
func (p *SimPin) Pull() gpio.Pull {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.pull
}

// DefaultPull is the resistor after a reset: none.
func (p *SimPin) DefaultPull() gpio.Pull { return gpio.Float }
