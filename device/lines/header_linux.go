package lines

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"
	"periph.io/x/conn/v3/driver/driverreg"
	"periph.io/x/conn/v3/gpio"
	"periph.io/x/host/v3/gpioioctl"
)

// Errors that callers tell apart with errors.Is. All carry a Hint.
var (
	ErrNoChip = errors.New("no such GPIO chip")
	ErrNoLine = errors.New("no such GPIO line")
	ErrTaken  = errors.New("GPIO line is in use")
)

// Header is an open chip: the lines of a board.
type Header struct {
	chip  Chip
	lines *gpioioctl.GPIOChip
}

// Open opens the first chip of this machine that has one of the labels. It may be called again after it
// failed: a chip that comes later is found then.
func Open(labels ...string) (*Header, error) {
	chips, failed := Chips()
	for _, label := range labels {
		i := slices.IndexFunc(chips, func(c Chip) bool { return c.Label == label })
		if i < 0 {
			continue
		}
		lines, err := start(chips[i].Path, label)
		if err != nil {
			return nil, fmt.Errorf("open GPIO chip %s: %w", label, err)
		}
		return &Header{chip: chips[i], lines: lines}, nil
	}
	what := fmt.Errorf("find GPIO chip %s: %w", strings.Join(labels, " or "), ErrNoChip)
	if errors.Is(failed, fs.ErrPermission) {
		return nil, hinted{errors.Join(what, failed),
			"let this user use GPIO: add it to the group gpio (usermod -aG gpio USER) and log in again"}
	}
	hint := "there is no /dev/gpiochip* at all: is this the board that the configuration names?"
	if len(chips) > 0 {
		names := make([]string, len(chips))
		for i, c := range chips {
			names[i] = c.Label
		}
		hint = "there are: " + strings.Join(names, ", ") +
			"; name the board with board.kind, or describe it in a file"
	}
	return nil, hinted{errors.Join(what, failed), hint}
}

// start starts periph's driver and finds a chip in it.
func start(path, label string) (*gpioioctl.GPIOChip, error) {
	state, err := driverreg.Init()
	if err != nil {
		return nil, err
	}
	for _, c := range gpioioctl.Chips {
		if c.Path() == path || c.Label() == label {
			return c, nil
		}
	}
	const again = "start smiletill anew: it looks for chips once"
	for _, list := range [][]driverreg.DriverFailure{state.Failed, state.Skipped} {
		for _, f := range list {
			if f.D.String() == "ioctl-gpio" {
				return nil, hinted{fmt.Errorf("its driver did not start: %w", f.Err), again}
			}
		}
	}
	return nil, hinted{fmt.Errorf("%w when its driver started", ErrNoChip), again}
}

// Label is the chip's.
func (h *Header) Label() string { return h.chip.Label }

// Line finds a line by its name ("GPIO17"), or by its number where the kernel has no names ("17"). It is not
// touched until it is used as an input or output; then a line that another program holds gives ErrTaken.
func (h *Header) Line(name string) (gpio.PinIO, error) {
	number := -1
	for _, l := range h.chip.Lines {
		if l.Name == name {
			number = l.Number
		}
	}
	if n, err := strconv.Atoi(name); err == nil && number < 0 && n >= 0 && n < len(h.chip.Lines) {
		number = n
	}
	if number < 0 {
		var named []string
		for _, l := range h.chip.Lines {
			if l.Name != "" {
				named = append(named, l.Name)
			}
		}
		hint := "its lines are: " + strings.Join(named, ", ")
		if len(named) == 0 {
			hint = fmt.Sprintf("its lines have no names: give a number from 0 to %d", len(h.chip.Lines)-1)
		}
		return nil, hinted{fmt.Errorf("find line %s of %s: %w", name, h.chip.Label, ErrNoLine), hint}
	}
	return &pin{PinIO: h.lines.ByNumber(number), node: h.chip.Path, number: number, called: name}, nil
}

// pin makes up for what periph's line leaves: after a request that failed it believes that it has the line.
type pin struct {
	gpio.PinIO
	node   string
	number int
	called string

	mu  sync.Mutex // of the line's state: periph reads it without
	out bool
}

// Out drives the line.
func (p *pin) Out(l gpio.Level) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	err := p.PinIO.Out(l)
	p.out = err == nil
	return p.mend(err)
}

// In makes the line an input.
func (p *pin) In(pull gpio.Pull, edge gpio.Edge) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.out = false
	return p.mend(p.PinIO.In(pull, edge))
}

// mend gives the line back when it could not be used, so that the next call asks the kernel anew, and says
// who has it.
func (p *pin) mend(err error) error {
	if err == nil {
		return nil
	}
	if l, ok := p.PinIO.(*gpioioctl.GPIOLine); ok {
		l.Close()
	}
	// periph's errors have lost their type
	if !errors.Is(err, unix.EBUSY) && !strings.Contains(err.Error(), unix.EBUSY.Error()) {
		return fmt.Errorf("use line %s: %w", p.called, err)
	}
	by := "another program"
	if c, err := describe(p.node); err == nil && p.number < len(c.Lines) && c.Lines[p.number].Consumer != "" {
		by = c.Lines[p.number].Consumer
	}
	return hinted{fmt.Errorf("use line %s: %w by %s", p.called, ErrTaken, by),
		"stop that program, or give the part another line in the board description"}
}

// Read gives the level of an input. periph would make an input of an output by that, so an output reads low.
func (p *pin) Read() gpio.Level {
	p.mu.Lock()
	defer p.mu.Unlock()
	return !gpio.Level(p.out) && p.PinIO.Read()
}

// WaitForEdge waits for an edge of an input; false after the timeout.
func (p *pin) WaitForEdge(timeout time.Duration) bool { return p.PinIO.WaitForEdge(timeout) }

// String is the line's name.
func (p *pin) String() string { return p.called }

// hinted is an error with advice for the person at the terminal.
type hinted struct {
	error
	hint string
}

func (e hinted) Unwrap() error { return e.error }

// Hint says what to do about the error.
func (e hinted) Hint() string { return e.hint }
