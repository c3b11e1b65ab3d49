package payment

import (
	"context"
	"fmt"
)

// heed is a question that the engine has not come round to yet. err is for whoever waits for done.
type heed struct {
	done chan struct{}
	err  error
}

// Between has something done between two payments: none begins before it is done. do must not ask the engine.
// Errors: *BusyError while a payment runs, of which nothing is done then; ctx's, and do's.
func (e *Engine) Between(ctx context.Context, do func() error) error {
	_, err := ask(ctx, e, func(d *desk) (struct{}, error) {
		if d.run != nil {
			return struct{}{}, &BusyError{Running: d.run.payment.ID, vending: d.run.payment.State == StateVending}
		}
		return struct{}{}, do()
	})
	return err
}

// Heed has the engine ask whether a cause stands, and adds or removes it as SetOutOfOrder does. Call it after
// each change, with the same stands for a cause: it is called in the engine's goroutine, so that the engine
// never learns what is not so any more, and must wait neither for that nor for the caller. When ctx ends
// first, the engine asks all the same as soon as it comes round. Errors: ctx's, and SetOutOfOrder's.
func (e *Engine) Heed(ctx context.Context, cause string, stands func() bool) error {
	e.mu.Lock()
	h, waits := e.heeds[cause]
	if !waits { // else what waits will see this change too
		h = &heed{done: make(chan struct{})}
		e.heeds[cause] = h
		go func() {
			_, h.err = ask(context.Background(), e, func(d *desk) (struct{}, error) {
				e.mu.Lock()
				delete(e.heeds, cause) // a change from now on may come too late for this one
				e.mu.Unlock()
				return struct{}{}, d.setOutOfOrder(cause, stands())
			})
			close(h.done)
		}()
	}
	e.mu.Unlock()
	select {
	case <-h.done:
		return h.err
	case <-ctx.Done():
		return fmt.Errorf("have the engine heed %s: %w", cause, ctx.Err())
	}
}
