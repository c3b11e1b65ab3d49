package witness

import (
	"context"
	"errors"
	"maps"
	"sync"
	"time"
)

// countEvery is how often what is done is counted: 24 a day, of the 27 that leave ten years to a TPM which
// keeps 100,000 counts, as many do.
const countEvery = time.Hour

// What may be counted at once, and after how long one of it is back: a terminal that is started again and
// again, whatever for, must not wear its TPM out.
const (
	allowedAtOnce = 12
	allowedAgain  = 30 * time.Minute
)

// closingMax is how long an end waits for a TPM that is busy.
const closingMax = 3 * time.Second

// counter counts in the background.
type counter struct {
	end    chan struct{} // closed: to count once more, and end
	cancel context.CancelFunc
	done   chan struct{}
	disk   sync.Mutex // held while the disk is written for a count, and to cancel
}

// Begin has the machine count from now on, in the background: the terminal works. What has opened and failed
// before counts nothing.
func (w *Witness) Begin() {
	if w.counter == nil || w.counts != nil {
		return
	}
	ctx, cancel := context.WithCancel(context.Background())
	w.counts = &counter{end: make(chan struct{}), cancel: cancel, done: make(chan struct{})}
	go w.keepCounting(ctx, w.counts)
}

func (w *Witness) keepCounting(ctx context.Context, c *counter) {
	defer close(c.done)
	w.tally(ctx, c)
	hourly := time.NewTicker(countEvery)
	defer hourly.Stop()
	for {
		select {
		case <-hourly.C:
			w.tally(ctx, c)
		case <-c.end:
			w.tally(ctx, c)
			return
		}
	}
}

// end has what was done counted, and ends the counting. A TPM that is busy is given up: once it returns
// nothing is begun any more, of what the next one that opens this disk could read half.
func (w *Witness) end() {
	c := w.counts
	if c == nil {
		return
	}
	w.counts = nil
	close(c.end)
	select {
	case <-c.done:
	case <-time.After(closingMax):
		w.log.Warn("the TPM is busy: what was done last is counted at the next start")
	}
	c.disk.Lock()
	defer c.disk.Unlock()
	c.cancel()
}

// tally has the machine count what was done since the last count. That it fails is told in the log alone: it
// must not stop a till whose TPM is worn out or full, and the next one counts.
func (w *Witness) tally(ctx context.Context, c *counter) {
	if err := w.count(ctx, c); err != nil && !errors.Is(err, context.Canceled) {
		w.log.Warn("the TPM does not count what is done: it is tried again; until then an older disk is found by "+
			"the cloud alone", "err", err)
	}
}

// count has the machine count, if anything was done since it last has. What it will have counted is on the
// disk before: a power cut between the two leaves the disk further than the counter, which is no finding.
// Nothing but a count waits meanwhile.
func (w *Witness) count(ctx context.Context, c *counter) error {
	n, there, err := w.counter.Counter(ctx)
	if err != nil {
		return err
	}
	w.mu.Lock()
	g := generation{Count: n + 1, Marks: maps.Clone(w.marks)}
	w.mu.Unlock()
	last := w.machine.last
	if there && last.Count == n && maps.Equal(last.Marks, g.Marks) {
		return nil
	}
	var allowed bool
	if g.Spent, g.Since, allowed = allowance(last.Spent, last.Since, time.Now()); !allowed {
		w.machine.last.Spent, w.machine.last.Since = g.Spent, g.Since // a clock that was wrong is no more
		w.log.Info("the terminal was started often of late: what is done is counted later, to spare the TPM")
		return nil
	}
	if !there { // where it begins, nobody knows
		g.Count, g.Begun = 0, true
	}
	if err := w.keepCounted(ctx, c, g); err != nil {
		return err
	}
	if n, err = w.counter.Next(ctx); err != nil || n == g.Count {
		return err
	}
	g.Count, g.Begun = n, false
	return w.keepCounted(ctx, c, g)
}

// keepCounted writes down what is counted, unless that was given up.
func (w *Witness) keepCounted(ctx context.Context, c *counter, g generation) error {
	c.disk.Lock()
	defer c.disk.Unlock()
	err := ctx.Err()
	if err == nil {
		err = w.keepGeneration(g)
	}
	if err == nil {
		w.machine.last, w.machine.known = g, true
	}
	return err
}

// allowance tells whether one more may be counted, and what is spent and since when then. It survives a
// restart; a clock that was put back gives nothing back.
func allowance(spent int, since int64, now time.Time) (int, int64, bool) {
	again := int64(allowedAgain / time.Second)
	back := max(0, now.Unix()-since) / again
	switch {
	case back >= int64(spent):
		spent, since = 0, now.Unix()
	default:
		spent -= int(back)
		since = min(since+back*again, now.Unix())
	}
	if spent >= allowedAtOnce {
		return spent, since, false
	}
	return spent + 1, since, true
}
