package wiring

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

// Board is a board description: which line of which chip each part is on.
type Board struct {
	Name   string
	Models []string
	Chips  []string
	Lamps  struct {
		Green, Amber, Red, White string
		// ActiveLow lists the lamps that light when their line is low; true is all of them.
		ActiveLow any `toml:"active_low"`
	}
	Buzzer struct {
		Line, Kind, PWM string
		ActiveLow       bool `toml:"active_low"` // it sounds when its line is low
	}
	Buttons struct {
		Confirm, Cancel string
		ActiveLow       *bool `toml:"active_low"` // nil and true: they close to ground, else to the supply
	}
	Tamper struct{ Line, Pull string }
}

// Kinds are the descriptions that the program brings, by the words for board.kind.
func Kinds() []string {
	var kinds []string
	entries, _ := boardFiles.ReadDir("boards") // it is built in
	for _, e := range entries {
		kinds = append(kinds, strings.TrimSuffix(e.Name(), ".toml"))
	}
	return kinds
}

// Find reads the description that a kind names: one of Kinds, "auto" (and "pi", its old name) for
// the machine's own, or the path of a file. root is the root of the file system.
func Find(kind string, root fs.FS) (Board, error) {
	switch {
	case kind == "auto" || kind == "pi":
		return own(root)
	case slices.Contains(Kinds(), kind):
		return builtin(kind)
	}
	data, err := os.ReadFile(kind)
	if err != nil {
		return Board{}, withHint(fmt.Errorf("read the board description: %w", err),
			"set board.kind to its path, or to one of auto, %s, simulated, none", strings.Join(Kinds(), ", "))
	}
	w, err := parse(data)
	if err != nil {
		return Board{}, withHint(fmt.Errorf("read the board description %s: %w", kind, err),
			"`smiletill board show pi4` prints one to begin with")
	}
	return w, nil
}

// Text is a description that the program brings, as TOML.
func Text(kind string) ([]byte, error) { return boardFiles.ReadFile("boards/" + kind + ".toml") }

func builtin(kind string) (Board, error) {
	data, err := Text(kind)
	if err != nil {
		return Board{}, err
	}
	return parse(data)
}

// own is the description of the machine that this is.
func own(root fs.FS) (Board, error) {
	hint := "name the board with board.kind: one of " + strings.Join(Kinds(), ", ") +
		", a file of your own, \"none\" for a machine without lamps and buttons, or \"simulated\""
	model, err := fs.ReadFile(root, "proc/device-tree/model")
	if err != nil {
		return Board{}, withHint(
			errors.New("find out which board this is: it has no /proc/device-tree/model"), "%s", hint)
	}
	is := strings.TrimRight(string(model), "\x00\n")
	for _, kind := range Kinds() {
		w, err := builtin(kind)
		if err != nil {
			return Board{}, err
		}
		for _, m := range w.Models {
			if strings.HasPrefix(is, m) {
				return w, nil
			}
		}
	}
	return Board{}, withHint(
		fmt.Errorf("find out which board this is: nothing is known of a %q", is), "%s", hint)
}

func parse(data []byte) (Board, error) {
	var w Board
	if bytes.HasPrefix(data, []byte("\xff\xfe")) || bytes.HasPrefix(data, []byte("\xfe\xff")) {
		return w, errors.New("it is written in UTF-16: save the file as UTF-8")
	}
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf")) // some editors' mark of UTF-8
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

// Line is a line by its name on the chip, "" where the part is not fitted, and what hangs on it.
type Line struct{ Part, Name string }

// Lines are the lines of all parts.
func (w Board) Lines() []Line {
	return []Line{
		{"green lamp", w.Lamps.Green}, {"amber lamp", w.Lamps.Amber}, {"red lamp", w.Lamps.Red},
		{"white lamp", w.Lamps.White}, {"buzzer", w.Buzzer.Line}, {"confirm button", w.Buttons.Confirm},
		{"cancel button", w.Buttons.Cancel}, {"tamper switch", w.Tamper.Line},
	}
}

func (w Board) check() error {
	if len(w.Chips) == 0 {
		return errors.New("chips names no GPIO chip")
	}
	on := map[string]string{}
	for _, p := range w.Lines() {
		if p.Name == "" {
			continue
		}
		if other := on[p.Name]; other != "" {
			return fmt.Errorf("%s is given to the %s and to the %s", p.Name, other, p.Part)
		}
		on[p.Name] = p.Part
	}
	if kinds := []string{"", "auto", "pwm", "tone", "active"}; !slices.Contains(kinds, w.Buzzer.Kind) {
		return fmt.Errorf("buzzer.kind is %q, not auto, pwm, tone or active", w.Buzzer.Kind)
	}
	if w.Buzzer.ActiveLow && w.Buzzer.Kind == "pwm" {
		return errors.New("buzzer.active_low does not go with kind pwm, whose line is low between tones: " +
			"write kind tone or active")
	}
	if _, err := w.lowLamps(); err != nil {
		return err
	}
	if p := w.Tamper.Pull; p != "" && p != "up" && p != "none" {
		return fmt.Errorf("tamper.pull is %q, not up or none", p)
	}
	return nil
}

// lowLamps are the lamps that light when their line is low.
func (w Board) lowLamps() ([]device.Lamp, error) {
	var low []device.Lamp
	switch v := w.Lamps.ActiveLow.(type) {
	case nil:
		return nil, nil
	case bool:
		if v {
			low = device.Lamps()
		}
		return low, nil
	case []any:
		for _, one := range v {
			name, _ := one.(string)
			if !slices.Contains(device.Lamps(), device.Lamp(name)) {
				return nil, fmt.Errorf("lamps.active_low names %v, which is no lamp: green, amber, red, white are", one)
			}
			low = append(low, device.Lamp(name))
		}
		return low, nil
	}
	return nil, errors.New(`lamps.active_low is neither a list of lamps, like ["green", "red"], nor true`)
}

// polarise turns the outputs around whose part is on when its line is low.
func (w Board) polarise(b *device.Board) error {
	low, err := w.lowLamps()
	if err != nil {
		return err
	}
	for _, l := range low {
		if pin := b.Lamps[l]; pin != nil {
			b.Lamps[l] = device.ActiveLow(pin)
		}
	}
	if w.Buzzer.ActiveLow && b.Buzzer != nil {
		b.Buzzer = device.ActiveLow(b.Buzzer)
	}
	return nil
}

func (w Board) pins() device.Pins {
	return device.Pins{Green: w.Lamps.Green, Amber: w.Lamps.Amber, Red: w.Lamps.Red, White: w.Lamps.White,
		Buzzer: w.Buzzer.Line}
}

// Parts is a board's parts, ready to use.
type Parts struct {
	Label   string
	Lamps   device.Board
	Confirm *device.Input // nil: not fitted
	Cancel  *device.Input
	Tamper  *device.Input
}

// Open finds all lines of the description. root is the root of the file system.
func (w Board) Open(root string, log *slog.Logger) (*Parts, error) {
	h, err := lines.Open(w.Chips...)
	if err != nil {
		return nil, err
	}
	b := &Parts{Label: h.Label()}
	pins := w.pins()
	var pwm gpio.PinOut
	if w.Buzzer.PWM != "" && !w.Buzzer.ActiveLow && (w.Buzzer.Kind == "pwm" || w.Buzzer.Kind == "auto") {
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
	if b.Lamps, err = device.OpenBoard(pins, h.Line); err != nil {
		return nil, err
	}
	if err := w.polarise(&b.Lamps); err != nil {
		return nil, err
	}
	if pwm != nil {
		b.Lamps.Buzzer = pwm
	}
	b.Lamps.Active = w.Buzzer.Kind == "active"
	for _, in := range w.inputs(b) {
		if in.line == "" {
			continue
		}
		if in.Pin, err = h.Line(in.line); err != nil {
			return nil, fmt.Errorf("open board: %s: %w", in.Name, err)
		}
		*in.to = &in.Input
	}
	return b, nil
}

// input is a part to listen to, the line it is on, and where it goes.
type input struct {
	device.Input
	line string
	to   **device.Input
}

// inputs are all that a board may have, their lines not looked for yet.
func (w Board) inputs(b *Parts) []input {
	low, pull := true, gpio.PullUp
	if p := w.Buttons.ActiveLow; p != nil && !*p {
		low, pull = false, gpio.PullDown
	}
	tamper := gpio.PullUp
	if w.Tamper.Pull == "none" {
		tamper = gpio.PullNoChange
	}
	return []input{
		{device.Input{Name: "confirm button", ActiveLow: low, Pull: pull}, w.Buttons.Confirm, &b.Confirm},
		{device.Input{Name: "cancel button", ActiveLow: low, Pull: pull}, w.Buttons.Cancel, &b.Cancel},
		{device.Input{Name: "tamper switch", Pull: tamper}, w.Tamper.Line, &b.Tamper},
	}
}
