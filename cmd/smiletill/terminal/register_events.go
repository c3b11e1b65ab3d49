package terminal

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"smiletill/payment/register"
)

// watch tells the configured receiver what happens to the terminal, until ctx ends.
func (c *cashDesk) watch(ctx context.Context) {
	if c.notifier == nil {
		return
	}
	sending, stop := context.WithCancel(context.WithoutCancel(ctx))
	var sent sync.WaitGroup
	sent.Go(func() { c.notifier.Run(sending) })
	defer sent.Wait()
	defer stop() // when the last event is queued: what is queued goes out then
	var f follower
	for {
		now, why := c.state()
		if e := f.next(now); e != "" {
			c.notifier.Notify(e, why)
		}
		select {
		case <-ctx.Done():
			c.notifier.Notify(register.EventShutdown, "")
			return
		case <-time.After(deskWatch):
		}
	}
}

// deskWatch is how often the terminal's state is looked at for events.
const deskWatch = 250 * time.Millisecond

// deskState names how the terminal does, for events.
type deskState string

const (
	deskReady   deskState = "ready"
	deskOpening deskState = "opening" // its files are being opened
	deskBroken  deskState = "broken"
	deskOpen    deskState = "open" // its case was
)

// state tells how the terminal does, and why; "" while that can't be said.
func (c *cashDesk) state() (state deskState, why string) {
	if c.tamper.raised() {
		return deskOpen, c.tamper.words()
	}
	p := c.access.load()
	if p == nil {
		if why := c.front.trouble(); why != "" {
			return deskBroken, why
		}
		return deskOpening, ""
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	s, err := p.engine.Status(ctx)
	switch {
	case err != nil:
		return "", ""
	case slices.Contains(s.OutOfOrder, reopening):
		return deskOpening, ""
	case len(s.OutOfOrder) > 0:
		why = strings.Join(s.OutOfOrder, ", ")
		if more := c.front.trouble(); more != "" && !strings.Contains(why, more) { // than the name of the part
			why += ": " + more
		}
		return deskBroken, why
	}
	return deskReady, ""
}

// follower turns states into events.
type follower struct {
	was   deskState
	ready bool // it was ready once
}

// next is what a state is told as, or "".
func (f *follower) next(now deskState) register.Event {
	if now == f.was || now == "" {
		return ""
	}
	f.was = now
	switch now {
	case deskOpen:
		return register.EventSecurityAlarm
	case deskBroken:
		return register.EventOutOfOrder
	case deskOpening:
		if f.ready {
			return register.EventBeginMaintenance
		}
	case deskReady:
		if f.ready {
			return register.EventEndMaintenance
		}
		f.ready = true
		return register.EventInitialised
	}
	return ""
}
