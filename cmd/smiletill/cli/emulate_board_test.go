//go:build linux && !notflite

package cli_test

import (
	"context"
	"fmt"
	"strings"
	"syscall"
	"time"

	rig "smiletill/device/bench"
	"smiletill/device/bench/remote"
	"smiletill/device/wiring"
)

// Lines of the board description that the day installs: pi4 with a tamper switch.
const lineCancel, lineTamper = "GPIO6", "GPIO16"

// description is what a technician makes of the board that the program knows.
func description() (string, error) {
	data, err := wiring.Text("pi4")
	if err != nil {
		return "", err
	}
	head, tamper, ok := strings.Cut(string(data), "[tamper]")
	if !ok {
		return "", fmt.Errorf("pi4.toml has no tamper switch")
	}
	// gpio-sim lets a line's own resistor win over the switch outside.
	return head + "[tamper]" + strings.NewReplacer(`line = ""`, `line = "`+lineTamper+`"`, `"up"`, `"none"`).
		Replace(tamper), nil
}

// board makes the chip, with the case closed.
func (d *emulation) board(ctx context.Context) error {
	return d.m.MakeChip(ctx, rig.LabelPi4, rig.PiLines())
}

func (d *emulation) pull(ctx context.Context, line string, high bool) (time.Duration, error) {
	return d.m.Pull(ctx, remote.Line{Label: rig.LabelPi4, Name: line, High: high})
}

// press presses a button that bounces, holds it for a moment and lets go. It gives the time of the first
// touch.
func (d *emulation) press(ctx context.Context, line string) (at time.Duration, err error) {
	for i, high := range []bool{false, true, false, true, false} {
		t, err := d.pull(ctx, line, high)
		if err != nil {
			return 0, err
		}
		if i == 0 {
			at = t
		}
	}
	if err := d.passes(ctx, 150*time.Millisecond); err != nil {
		return 0, err
	}
	_, err = d.pull(ctx, line, true)
	return at, err
}

func (d *emulation) cancels(ctx context.Context) error {
	v, err := d.visit(ctx, "cancelled", "customer_neutral")
	if err != nil {
		return err
	}
	if err := d.lights(ctx, v, lineAmber); err != nil {
		return err
	}
	pressed, err := d.press(ctx, lineCancel)
	if err != nil {
		return err
	}
	if err := d.end(ctx, v, 3, "cancelled: by the customer"); err != nil {
		return err
	}
	red, err := d.lamp(ctx, lineRed, true, pressed)
	if err == nil {
		d.measured("cancel button pressed to red lamp", red-pressed)
	}
	return err
}

func (d *emulation) tampered(ctx context.Context) error {
	opened, err := d.pull(ctx, lineTamper, true)
	if err != nil {
		return err
	}
	red, err := d.lamp(ctx, lineRed, true, opened)
	if err != nil {
		return err
	}
	d.measured("case opened to out of order (red lamp)", red-opened)
	if err := d.alarmTold(ctx, "the case was opened"); err != nil {
		return err
	}
	if r, err := d.till(ctx, "tamper", "reset"); err != nil || r.Code == 0 {
		return fmt.Errorf("the alarm was ended with the case open: %+v %w", r, err)
	}
	if _, err := d.pull(ctx, lineTamper, false); err != nil {
		return err
	}
	if err := d.refused(ctx, "closed again"); err != nil {
		return err
	}
	if err := d.m.Signal(ctx, "terminal", syscall.SIGKILL); err != nil {
		return err
	}
	if _, err := d.m.Await(ctx, "terminal", wholeDay); err != nil {
		return err
	}
	again, err := d.now(ctx)
	if err != nil {
		return err
	}
	if err := d.start(ctx); err != nil {
		return err
	}
	if _, err := d.lamp(ctx, lineRed, true, again); err != nil {
		return fmt.Errorf("started again after the alarm: %w", err)
	}
	if err := d.refused(ctx, "started again"); err != nil {
		return err
	}
	reset, err := d.now(ctx)
	if err != nil {
		return err
	}
	r, err := d.till(ctx, "tamper", "reset")
	if err == nil {
		err = r.Must()
	}
	if err != nil {
		return err
	}
	if _, err := d.ready(ctx, reset); err != nil {
		return err
	}
	v, err := d.visit(ctx, "after-the-alarm", "customer_smile")
	if err == nil {
		err = d.end(ctx, v, 0, "approved")
	}
	if err != nil {
		return err
	}
	return d.acknowledged(ctx, 4)
}

// refused checks that no payment begins.
func (d *emulation) refused(ctx context.Context, when string) error {
	return d.until(ctx, when+": a refusal that names the case", func() (bool, error) {
		r, err := d.till(ctx, "pay", "1.00", "EUR", "--id", "refused")
		if err == nil && (r.Code == 0 || r.Code == 3) {
			err = fmt.Errorf("%s: a payment began: %s", when, r.Stdout)
		}
		return strings.Contains(r.Stderr, "tamper") || strings.Contains(r.Stderr, "case was opened"), err
	})
}
