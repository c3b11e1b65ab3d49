package terminal

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"smiletill/cmd/smiletill/front"
	"smiletill/payment"
)

// access leads everybody to the parts that are open at the moment.
type access struct {
	why func() string // in words, while there are none
	do  func() string // what to do about it, or ""

	// restart says that nothing is tried until somebody starts the terminal again.
	restart bool

	at    atomic.Pointer[parts] // nil while something can't be opened
	mu    sync.Mutex
	count uint64 // guarded by mu: how often new parts were asked for

	by atomic.Pointer[payment.Who] // who asked for the parts that are opened next; nil: nobody
}

// errReopen ends parts that are to be opened anew.
var errReopen = errors.New("to be opened anew")

// load gives the parts, or nil.
func (a *access) load() *parts { return a.at.Load() }

// opened gives the parts, or says why there are none.
func (a *access) opened() (*parts, error) {
	if p := a.at.Load(); p != nil {
		return p, nil
	}
	err := fmt.Errorf("%w: %s", payment.ErrOutOfOrder, a.why())
	do := a.do()
	if do == "" {
		do = "mend what is named"
	}
	do = strings.TrimRight(do, ".")
	if a.restart {
		return nil, payment.WithHint(err, do)
	}
	return nil, payment.WithHintf(err, "%s; the terminal tries again every %v", do, retryOpen)
}

// asked is how often new parts were asked for. Parts that are being opened meanwhile may have read what is
// not true any more: these are not shown to anybody.
func (a *access) asked() uint64 {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.count
}

// ask gives the parts that are to be closed; nil: those that are being opened will be opened again.
func (a *access) ask() *parts {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.count++
	return a.at.Load()
}

// show lets everybody use the parts, unless others were asked for since.
func (a *access) show(p *parts, asked uint64) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.count != asked {
		return false
	}
	a.at.Store(p)
	return true
}

// hide takes the parts from everybody: they are closed.
func (a *access) hide() { a.at.Store(nil) }

// reopen closes the parts between two payments; the terminal opens them again, with the models that are
// installed then and the faces that may be read then. It returns when they are closed, and ErrBusy while a
// payment runs.
func (a *access) reopen(ctx context.Context) error {
	p := a.ask()
	if p == nil {
		return nil
	}
	s, err := p.engine.Status(ctx)
	if err != nil {
		return err
	}
	if s.Payment.ID != "" && !s.Payment.State.Terminal() {
		return payment.WithHintf(fmt.Errorf("open the models anew: %w: %s", payment.ErrBusy, s.Payment.ID),
			"wait for the payment to end")
	}
	// A payment that slips in before this is cancelled, not lost.
	if err := p.engine.SetOutOfOrder(ctx, front.Reopening, true); err != nil {
		return err
	}
	p.stop(errReopen)
	for a.at.Load() == p {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(10 * time.Millisecond):
		}
	}
	return nil
}

// obey has the engine take no payment while a cause stands. It waits two seconds at most: an engine that is
// busy for longer, in a slow commit, asks when it comes round.
func obey(e *payment.Engine, cause string, stands func() bool, log *slog.Logger) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	err := e.Heed(ctx, cause, stands)
	// A payment that can't be ended on this disk says so itself.
	if err != nil && !errors.Is(err, payment.ErrStopped) && !errors.Is(err, payment.ErrJournal) {
		log.Warn("the engine learns late of what has changed", "of", cause, "err", err)
	}
}
