package edgetpu

import (
	"context"
	"errors"
	"fmt"
	"time"
)

const (
	// openLimit is for opening a compiled model in this process, after a child has done the same.
	openLimit = 20 * time.Second
	// runLimit is for one run. The largest model takes some milliseconds; longer than a customer waits it
	// must not be.
	runLimit = time.Second
)

// Compiled is a model on the accelerator.
type Compiled interface {
	Runner
	Close() error
}

// worker is the one goroutine that calls the library for a model, so that somebody else can look at the
// clock.
type worker struct {
	net   Compiled      // its memory is ours between runs
	work  chan struct{} // closed: the model is given back
	done  chan error    // with room for an answer that nobody waits for any more
	ended chan struct{}
	timer *time.Timer
	// trial runs that were as the CPU's, that were another network's, and that say nothing
	agreed, differed, undecided int
}

// startWorker opens a model. If that takes too long, or ctx ends, the opening is left to itself.
func startWorker(ctx context.Context, open func() (Compiled, error)) (*worker, error) {
	w := &worker{work: make(chan struct{}, 1), done: make(chan error, 1), ended: make(chan struct{})}
	type opened struct {
		net Compiled
		err error
	}
	first := make(chan opened, 1)
	go func() {
		defer close(w.ended)
		net, err := open()
		first <- opened{net, err}
		if err != nil {
			return
		}
		for range w.work {
			w.done <- net.Run()
		}
		_ = net.Close() // there is nothing that its error would change
	}()
	limit := time.NewTimer(openLimit)
	defer limit.Stop()
	select {
	case o := <-first:
		w.net = o.net
		w.timer = time.NewTimer(runLimit)
		w.timer.Stop()
		return w, o.err
	case <-ctx.Done():
		close(w.work)
		return nil, ctx.Err()
	case <-limit.C:
		close(w.work)
		return nil, &Failure{Verdict: Hung, Said: fmt.Sprintf("opening a model takes more than %v", openLimit)}
	}
}

// run runs the model on what is in its inputs. After an error the worker is not to be used again.
func (w *worker) run() error {
	w.work <- struct{}{}
	w.timer.Reset(runLimit)
	select {
	case err := <-w.done:
		w.timer.Stop()
		return err
	case <-w.timer.C:
		return errors.New("no answer within " + runLimit.String())
	}
}

// stop has the model closed, now or when a call into the library returns.
func (w *worker) stop() { close(w.work) }
