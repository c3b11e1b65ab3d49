//go:build linux && !notflite

package cli_test

import (
	"context"
	"fmt"
	"slices"
	"time"

	"smiletill/device/bench/remote"
)

// now is the time on the guest's monotonic clock, which the trace uses.
func (d *emulation) now(ctx context.Context) (time.Duration, error) {
	h, err := d.m.Hello(ctx)
	return h.Up, err
}

// lamp waits for a change of a line to a level after a time, and gives the kernel's time of it.
func (d *emulation) lamp(
	ctx context.Context, line string, high bool, after time.Duration,
) (time.Duration, error) {
	for end := time.Now().Add(patience); ; time.Sleep(50 * time.Millisecond) {
		changes, err := d.m.Changes(ctx)
		if err != nil {
			return 0, err
		}
		for _, c := range changes {
			if c.Line == line && c.High == high && c.At > after {
				return c.At, nil
			}
		}
		if time.Now().After(end) {
			return 0, fmt.Errorf("%s did not become %v within %v", line, high, patience)
		}
	}
}

// signals checks that the lamps were first lit in an order after a time, that no other lamp was, and that the
// buzzer has sounded and falls silent when its tune has ended.
func (d *emulation) signals(ctx context.Context, after time.Duration, want ...string) error {
	const tune = 5 * time.Second // more than the longest, on an emulated processor
	for end := time.Now().Add(tune); ; time.Sleep(100 * time.Millisecond) {
		changes, err := d.m.Changes(ctx)
		if err != nil {
			return err
		}
		now, err := d.now(ctx)
		if err != nil {
			return err
		}
		var lit []string
		var buzzer remote.Change
		for _, c := range changes {
			switch {
			case c.At < after:
			case c.Line == lineBuzzer:
				buzzer = c
			case c.High && !slices.Contains(lit, c.Line):
				lit = append(lit, c.Line)
			}
		}
		quiet := buzzer.At != 0 && !buzzer.High && now-buzzer.At > 200*time.Millisecond // a rest has 150
		switch {
		case !slices.Equal(lit, want):
			return fmt.Errorf("lamps were lit in the order %v, want %v", lit, want)
		case quiet:
			return nil
		case time.Now().After(end):
			return fmt.Errorf("the buzzer has not sounded, or does not fall silent: last %+v at %v", buzzer, now)
		}
	}
}
