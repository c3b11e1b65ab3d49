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

// passes waits until so much of the guest's time has passed.
func (d *emulation) passes(ctx context.Context, t time.Duration) error {
	from, err := d.now(ctx)
	if err != nil {
		return err
	}
	return d.until(ctx, fmt.Sprintf("%v pass", t), func() (bool, error) {
		now, err := d.now(ctx)
		return now-from >= t, err
	})
}

// changed tells whether a line has changed to a level after a time, and gives the kernel's time of it.
func (d *emulation) changed(
	ctx context.Context, line string, high bool, after time.Duration,
) (yes bool, at time.Duration, err error) {
	changes, err := d.m.Changes(ctx)
	for _, c := range changes {
		if c.Line == line && c.High == high && c.At > after {
			return true, c.At, err
		}
	}
	return false, 0, err
}

// lamp waits for a change of a line to a level after a time, and gives the kernel's time of it.
func (d *emulation) lamp(
	ctx context.Context, line string, high bool, after time.Duration,
) (at time.Duration, err error) {
	err = d.until(ctx, fmt.Sprintf("%s becomes %v", line, high), func() (so bool, err error) {
		so, at, err = d.changed(ctx, line, high, after)
		return so, err
	})
	return at, err
}

// signals checks that the lamps were first lit in an order after a time, that no other lamp was, and that the
// buzzer has sounded and falls silent when its tune has ended.
func (d *emulation) signals(ctx context.Context, after time.Duration, want ...string) error {
	const tune = 50 // questions in 5 s, more than the longest tune on an emulated processor
	for asked := 0; ; asked++ {
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
		case asked == tune:
			return fmt.Errorf("the buzzer has not sounded, or does not fall silent: last %+v at %v", buzzer, now)
		}
		time.Sleep(100 * time.Millisecond)
	}
}
