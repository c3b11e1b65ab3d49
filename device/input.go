package device

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"periph.io/x/conn/v3/gpio"
)

// Input is a button or a switch on a line.
type Input struct {
	Name      string // as people call it: "cancel button"
	Pin       gpio.PinIO
	ActiveLow bool      // low means pressed, as of a button that closes to ground
	Pull      gpio.Pull // the line's own resistor; PullNoChange leaves it to one outside
}

const (
	// settle is how long a contact must rest before its new level counts. Of 18 kinds of switches, most bounced
	// for less than 10 ms (J. Ganssle, A Guide to Debouncing, 2008).
	settle = 20 * time.Millisecond
	// chatter is how long a contact may go on changing before its level counts anyhow.
	chatter = 200 * time.Millisecond
	// glance is the pause between two looks at a line without an edge: an edge that was lost costs no more.
	glance = 250 * time.Millisecond
	// again is the pause before a line that can't be used is tried again.
	again = time.Second
)

// Watch tells what the input is, at first and whenever it changes for longer than a bounce, until ctx ends.
// The first level is told as well. failed is told that the line can't be used, once for each reason, and nil
// when it works; a line that fails is tried again.
func (i Input) Watch(ctx context.Context, active func(bool), failed func(error)) {
	told := ""
	tell := func(err error) {
		text := ""
		if err != nil {
			err = fmt.Errorf("watch the %s: %w", i.Name, err)
			text = err.Error()
		}
		if text != told {
			told = text
			failed(err)
		}
	}
	for ctx.Err() == nil {
		if err := i.Pin.In(i.Pull, gpio.BothEdges); err != nil {
			tell(err)
			pause(ctx, again)
			continue
		}
		tell(nil)
		i.follow(ctx, active)
	}
}

func (i Input) follow(ctx context.Context, active func(bool)) {
	is := i.read()
	active(is)
	for ctx.Err() == nil {
		begun := time.Now()
		edge := i.Pin.WaitForEdge(glance)
		if !edge && time.Since(begun) < glance/2 {
			pause(ctx, glance) // the line is gone, or its waiting broken: looking goes on at the same pace
		}
		if !edge && i.read() == is {
			continue
		}
		for noisy := time.Now(); i.Pin.WaitForEdge(settle) && time.Since(noisy) < chatter; {
		}
		if now := i.read(); now != is {
			is = now
			active(is)
		}
	}
}

func (i Input) read() bool { return bool(i.Pin.Read()) != i.ActiveLow }

// pause sleeps, unless ctx ends before.
func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

// Presses calls press for each time that a button goes down, until ctx ends. A button that is down at first
// has to be let go before it counts, and one that is held for longer than heldMax is told to the log: it may
// be stuck.
func (i Input) Presses(ctx context.Context, log *slog.Logger, press func(), failed func(error)) {
	first := true
	var stuck *time.Timer
	i.Watch(ctx, func(down bool) {
		if stuck != nil {
			stuck.Stop()
		}
		if down {
			stuck = time.AfterFunc(heldMax, func() {
				log.Warn("a button is held down or stuck", "button", i.Name, "for", heldMax.String())
			})
		}
		if down && !first {
			press()
		}
		first = false
	}, failed)
	if stuck != nil {
		stuck.Stop()
	}
}

// heldMax is how long a person may lean on a button.
const heldMax = 20 * time.Second
