package terminal

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"smiletill/cmd/smiletill/front"
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
	var f register.Follower
	for {
		now, why := c.state()
		if e := f.Next(now); e != "" {
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

// state tells how the terminal does, and why; "" while that can't be said.
func (c *cashDesk) state() (state register.TerminalState, why string) {
	if c.tamper.Raised() {
		return register.CaseOpen, c.tamper.Words()
	}
	p := c.access.load()
	if p == nil {
		if why := c.front.Trouble(); why != "" {
			return register.Broken, why
		}
		return register.Opening, ""
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	s, err := p.engine.Status(ctx)
	switch {
	case err != nil:
		return "", ""
	case slices.Contains(s.OutOfOrder, front.Reopening):
		return register.Opening, ""
	case len(s.OutOfOrder) > 0:
		why = strings.Join(s.OutOfOrder, ", ")
		if more := c.front.Trouble(); more != "" && !strings.Contains(why, more) { // than the name of the part
			why += ": " + more
		}
		return register.Broken, why
	}
	return register.Ready, ""
}
