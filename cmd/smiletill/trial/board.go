package trial

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"periph.io/x/conn/v3/gpio"

	"smiletill/cmd/smiletill/columns"
	"smiletill/cmd/smiletill/config"
	"smiletill/device"
	"smiletill/device/lines"
	"smiletill/device/wiring"
	"smiletill/payment"
)

// ListBoard prints chips and parts. What is missing is in the table; only a board that nothing is known of is
// an error.
func ListBoard(w io.Writer, kind string) error {
	chips, chipErr := lines.Chips()
	table := columns.New(w)
	if len(chips) > 0 {
		fmt.Fprintln(table, "CHIP\tLABEL\tLINES\tIN USE")
	}
	for _, c := range chips {
		used := 0
		for _, l := range c.Lines {
			if l.Used {
				used++
			}
		}
		fmt.Fprintf(table, "%s\t%s\t%d\t%d\n", c.Path, c.Label, len(c.Lines), used)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	if len(chips) == 0 {
		fmt.Fprintln(w, "this machine has no GPIO chip that can be opened")
	}
	if chipErr != nil {
		fmt.Fprintln(w, chipErr)
	}
	if kind == "simulated" || kind == "none" {
		fmt.Fprintf(w, "\nboard.kind is %q: no line of these is used\n", kind)
		return nil
	}
	d, err := wiring.Find(kind, os.DirFS("/"))
	if err != nil && isAuto(kind) { // the lines above are what somebody begins a description with
		fmt.Fprintf(w, "\n%v: %s\n", err, payment.HintOf(err))
		return nil
	}
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "\n%s (chip %s)\n", d.Name, strings.Join(d.Chips, " or "))
	table = columns.New(w)
	fmt.Fprintln(table, "PART\tLINE\tNOW")
	for _, p := range d.Lines() {
		if p.Name != "" {
			fmt.Fprintf(table, "%s\t%s\t%s\n", p.Part, p.Name, lineNow(chips, d.Chips, p.Name))
		}
	}
	return table.Flush()
}

// isAuto tells whether the board is to be found out.
func isAuto(kind string) bool { return kind == "auto" || kind == "pi" }

// lineNow says in words whether a line can be used.
func lineNow(chips []lines.Chip, labels []string, name string) string {
	for _, c := range chips {
		if !slices.Contains(labels, c.Label) {
			continue
		}
		for _, l := range c.Lines {
			switch {
			case l.Name != name && fmt.Sprint(l.Number) != name:
			case l.Used && l.Consumer != "":
				return "in use by " + l.Consumer
			case l.Used:
				return "in use"
			default:
				return "free"
			}
		}
		return "no such line"
	}
	return "no such chip"
}

// openConfigured opens the board of the configuration, for a command.
func openConfigured(cfg config.Config) (*wiring.Parts, error) {
	if cfg.Board.Kind == "simulated" || cfg.Board.Kind == "none" {
		return nil, payment.WithHintf(fmt.Errorf("board.kind is %q: there is nothing to switch", cfg.Board.Kind),
			"name the board: --board-kind auto, or one of %s", strings.Join(wiring.Kinds(), ", "))
	}
	w, err := wiring.Find(cfg.Board.Kind, os.DirFS("/"))
	if err != nil {
		return nil, err
	}
	return w.Open("/", config.Logger(cfg.Log, os.Stderr))
}

// TestBoard blinks and sounds what the board has, and prints what its inputs do for a while.
func TestBoard(ctx context.Context, out io.Writer, cfg config.Config, watch time.Duration) (err error) {
	b, err := openConfigured(cfg)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, dark(b)) }()
	if err := dark(b); err != nil {
		return err
	}
	for _, l := range device.Lamps() {
		pin := b.Lamps.Lamps[l]
		if pin == nil {
			fmt.Fprintf(out, "%s lamp: not fitted\n", l)
			continue
		}
		fmt.Fprintf(out, "%s lamp: blinks three times\n", l)
		if err := blink(ctx, pin); err != nil {
			return err
		}
	}
	if b.Lamps.Buzzer != nil {
		fmt.Fprintln(out, "buzzer: the tune of a payment")
		d := device.New(
			device.Board{Buzzer: b.Lamps.Buzzer, Active: b.Lamps.Active},
			config.Logger(cfg.Log, os.Stderr),
		)
		d.Show(device.Approved)
		rest(ctx, time.Second)
		if err := d.Close(); err != nil {
			return err
		}
	}
	return watchInputs(ctx, out, b, watch)
}

func blink(ctx context.Context, pin gpio.PinOut) error {
	for range 3 {
		for _, level := range []gpio.Level{gpio.High, gpio.Low} {
			if err := pin.Out(level); err != nil {
				return err
			}
			rest(ctx, 200*time.Millisecond)
		}
	}
	return ctx.Err()
}

func rest(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// watchInputs prints what buttons and switch do.
func watchInputs(ctx context.Context, out io.Writer, b *wiring.Parts, watch time.Duration) error {
	ctx, stop := context.WithTimeout(ctx, watch)
	defer stop()
	said := make(chan string)
	ended := make(chan struct{})
	running := 0
	for _, in := range []struct {
		*device.Input
		on, off string
	}{
		{b.Confirm, "pressed", "not pressed"}, {b.Cancel, "pressed", "not pressed"}, {b.Tamper, "OPEN", "closed"},
	} {
		if in.Input == nil {
			continue
		}
		say := func(text string) {
			select {
			case said <- in.Name + ": " + text:
			case <-ctx.Done():
			}
		}
		running++
		go func() {
			defer func() { ended <- struct{}{} }()
			words := map[bool]string{true: in.on, false: in.off}
			in.Watch(ctx, func(active bool) { say(words[active]) }, func(err error) {
				if err != nil {
					say(err.Error())
				}
			})
		}()
	}
	if running > 0 {
		fmt.Fprintf(out, "now press the buttons, for %v\n", watch)
	}
	for running > 0 {
		select {
		case text := <-said:
			fmt.Fprintln(out, text)
		case <-ended:
			running--
		}
	}
	return nil
}

// dark switches everything off.
func dark(b *wiring.Parts) error {
	var all []error
	for _, l := range device.Lamps() {
		if pin := b.Lamps.Lamps[l]; pin != nil {
			all = append(all, pin.Out(gpio.Low))
		}
	}
	if b.Lamps.Buzzer != nil {
		all = append(all, b.Lamps.Buzzer.Out(gpio.Low))
	}
	return errors.Join(all...)
}

// MakeSafe switches everything off after a terminal that could not do it itself. Without a board there is
// nothing to do.
func MakeSafe(cfg config.Config) error {
	if cfg.Board.Kind == "simulated" || cfg.Board.Kind == "none" {
		return nil
	}
	if _, err := wiring.Find(cfg.Board.Kind, os.DirFS("/")); err != nil && isAuto(cfg.Board.Kind) {
		return nil // a machine without lamps that are known
	}
	b, err := openConfigured(cfg)
	if err != nil {
		return err
	}
	return dark(b)
}
