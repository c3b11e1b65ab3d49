package main

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"slices"
	"strings"

	"github.com/pelletier/go-toml/v2"
	"periph.io/x/conn/v3/gpio"

	"smiletill/device"
	"smiletill/device/lines"
)

//go:embed boards/*.toml
var boardFiles embed.FS

// wiring is a board description: which line of which chip each part is on.
type wiring struct {
	Name   string
	Models []string
	Chips  []string
	Lamps  struct{ Green, Amber, Red, White string }
	Buzzer struct {
		Line, Kind, PWM string
	}
	Buttons struct{ Confirm, Cancel string }
	Tamper  struct{ Line, Pull string }
}

// boardKinds are the descriptions that the program brings, by the words for board.kind.
func boardKinds() []string { return []string{"pi3", "pi4", "pi5", "zero2w"} }

// findWiring reads the description that a kind names: one of boardKinds, "auto" (and "pi", its old name) for
// the machine's own, or the path of a file. root is the root of the file system.
func findWiring(kind string, root fs.FS) (wiring, error) {
	switch {
	case kind == "auto" || kind == "pi":
		return ownWiring(root)
	case slices.Contains(boardKinds(), kind):
		return builtinWiring(kind)
	}
	data, err := os.ReadFile(kind)
	if err != nil {
		return wiring{}, withHint(fmt.Errorf("read the board description: %w", err),
			"set board.kind to its path, or to one of auto, %s, simulated, none", strings.Join(boardKinds(), ", "))
	}
	w, err := parseWiring(data)
	if err != nil {
		return wiring{}, withHint(fmt.Errorf("read the board description %s: %w", kind, err),
			"`smiletill board show pi4` prints one to begin with")
	}
	return w, nil
}

func builtinWiring(kind string) (wiring, error) {
	data, err := boardFiles.ReadFile("boards/" + kind + ".toml")
	if err != nil {
		return wiring{}, err
	}
	return parseWiring(data)
}

// ownWiring is the description of the machine that this is.
func ownWiring(root fs.FS) (wiring, error) {
	hint := "name the board with board.kind: one of " + strings.Join(boardKinds(), ", ") +
		", or a file of your own"
	model, err := fs.ReadFile(root, "proc/device-tree/model")
	if err != nil {
		return wiring{}, withHint(
			errors.New("find out which board this is: it has no /proc/device-tree/model"), "%s", hint)
	}
	is := strings.TrimRight(string(model), "\x00\n")
	for _, kind := range boardKinds() {
		w, err := builtinWiring(kind)
		if err != nil {
			return wiring{}, err
		}
		for _, m := range w.Models {
			if strings.HasPrefix(is, m) {
				return w, nil
			}
		}
	}
	return wiring{}, withHint(
		fmt.Errorf("find out which board this is: nothing is known of a %q", is), "%s", hint)
}

func parseWiring(data []byte) (wiring, error) {
	var w wiring
	d := toml.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(&w); err != nil {
		var at *toml.DecodeError
		var unknown *toml.StrictMissingError
		if errors.As(err, &unknown) && len(unknown.Errors) > 0 {
			row, _ := unknown.Errors[0].Position()
			key := strings.Join(unknown.Errors[0].Key(), ".")
			return w, fmt.Errorf("line %d: nothing is called %s", row, key)
		}
		if errors.As(err, &at) {
			row, _ := at.Position()
			return w, fmt.Errorf("line %d: %w", row, err)
		}
		return w, err
	}
	return w, w.check()
}

// parts are the lines in use, with what hangs on each.
func (w wiring) parts() []struct{ part, line string } {
	return []struct{ part, line string }{
		{"green lamp", w.Lamps.Green}, {"amber lamp", w.Lamps.Amber}, {"red lamp", w.Lamps.Red},
		{"white lamp", w.Lamps.White}, {"buzzer", w.Buzzer.Line}, {"confirm button", w.Buttons.Confirm},
		{"cancel button", w.Buttons.Cancel}, {"tamper switch", w.Tamper.Line},
	}
}

func (w wiring) check() error {
	if len(w.Chips) == 0 {
		return errors.New("chips names no GPIO chip")
	}
	on := map[string]string{}
	for _, p := range w.parts() {
		if p.line == "" {
			continue
		}
		if other := on[p.line]; other != "" {
			return fmt.Errorf("%s is given to the %s and to the %s", p.line, other, p.part)
		}
		on[p.line] = p.part
	}
	if kinds := []string{"", "auto", "pwm", "tone", "active"}; !slices.Contains(kinds, w.Buzzer.Kind) {
		return fmt.Errorf("buzzer.kind is %q, not auto, pwm, tone or active", w.Buzzer.Kind)
	}
	if p := w.Tamper.Pull; p != "" && p != "up" && p != "none" {
		return fmt.Errorf("tamper.pull is %q, not up or none", p)
	}
	return nil
}

func (w wiring) pins() device.Pins {
	return device.Pins{Green: w.Lamps.Green, Amber: w.Lamps.Amber, Red: w.Lamps.Red, White: w.Lamps.White,
		Buzzer: w.Buzzer.Line}
}

// openBoard is a board's parts, ready to use.
type openBoard struct {
	label   string
	lamps   device.Board
	confirm *device.Input // nil: not fitted
	cancel  *device.Input
	tamper  *device.Input
}

// open finds all lines of the description. root is the root of the file system.
func (w wiring) open(root string, log *slog.Logger) (*openBoard, error) {
	h, err := lines.Open(w.Chips...)
	if err != nil {
		return nil, err
	}
	b := &openBoard{label: h.Label()}
	pins := w.pins()
	var pwm gpio.PinOut
	if w.Buzzer.PWM != "" && (w.Buzzer.Kind == "pwm" || w.Buzzer.Kind == "auto") {
		p, err := lines.OpenPWM(root, w.Buzzer.PWM)
		switch {
		case err == nil:
			pwm, pins.Buzzer = p, "" // the line is the PWM's now
		case w.Buzzer.Kind == "pwm":
			return nil, err
		default:
			log.Info("the buzzer's tones are made by toggling its line", "why", err, "hint", hintOf(err))
		}
	}
	if b.lamps, err = device.OpenBoard(pins, h.Line); err != nil {
		return nil, err
	}
	if pwm != nil {
		b.lamps.Buzzer = pwm
	}
	b.lamps.Active = w.Buzzer.Kind == "active"
	for _, in := range []struct {
		name, line string
		to         **device.Input
		low        bool
	}{
		{"confirm button", w.Buttons.Confirm, &b.confirm, true},
		{"cancel button", w.Buttons.Cancel, &b.cancel, true},
		{"tamper switch", w.Tamper.Line, &b.tamper, false},
	} {
		if in.line == "" {
			continue
		}
		pin, err := h.Line(in.line)
		if err != nil {
			return nil, fmt.Errorf("open board: %s: %w", in.name, err)
		}
		*in.to = &device.Input{Name: in.name, Pin: pin, ActiveLow: in.low, Pull: gpio.PullUp}
		if in.to == &b.tamper && w.Tamper.Pull == "none" {
			(*in.to).Pull = gpio.PullNoChange
		}
	}
	return b, nil
}
