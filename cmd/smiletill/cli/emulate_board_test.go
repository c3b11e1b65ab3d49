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
	time.Sleep(150 * time.Millisecond)
	_, err = d.pull(ctx, line, true)
	return at, err
}

func (d *emulation) cancels(ctx context.Context) error {
	now, err := d.now(ctx)
	if err != nil {
		return err
	}
	done := d.visit(ctx, "cancelled", "customer_neutral")
	if _, err := d.lamp(ctx, lineAmber, true, now); err != nil {
		return err
	}
	pressed, err := d.press(ctx, lineCancel)
	if err != nil {
		return err
	}
	if err := d.end(ctx, done, 3, "cancelled: by the customer"); err != nil {
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
	if _, err := d.m.Await(ctx, "terminal", 20*time.Second); err != nil {
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
	if err := d.end(ctx, d.visit(ctx, "after-the-alarm", "customer_smile"), 0, "approved"); err != nil {
		return err
	}
	return d.acknowledged(ctx, 3)
}

// refused checks that no payment begins.
func (d *emulation) refused(ctx context.Context, when string) error {
	for end := time.Now().Add(patience); ; time.Sleep(200 * time.Millisecond) {
		r, err := d.till(ctx, "pay", "1.00", "EUR", "--id", "refused")
		switch {
		case err != nil:
			return err
		case r.Code == 0 || r.Code == 3:
			return fmt.Errorf("%s: a payment began: %s", when, r.Stdout)
		case strings.Contains(r.Stderr, "tamper") || strings.Contains(r.Stderr, "case was opened"):
			return nil
		case time.Now().After(end):
			return fmt.Errorf("%s: the refusal does not name the case: %s", when, r.Stderr)
		}
	}
}
