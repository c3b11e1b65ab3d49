package payment

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Journal is where facts become true. Commit must return nil only when the payment is on stable storage,
// and must refuse an opening with ErrBacklog (too many undelivered approvals) or ErrConflict (the id is
// taken); any other error puts the engine out of order until Probe succeeds. Find gives what is stored, or
// ErrNotFound. Probe makes a write of the size of a commit. Standing is what a customer paid before, in one
// currency. Reverse commits a reversal, or refuses with ErrConflict (the id is taken), ErrNotFound,
// ErrNotApproved, ErrTooMuch or ErrUnsure; FindReversal gives what is stored, or ErrNotFound. Commit and Find
// say ErrUnsure of a payment whose outcome was lost with a damaged journal.
type Journal interface {
	Commit(ctx context.Context, p Payment) error
	Find(ctx context.Context, id string) (Payment, error)
	Probe(ctx context.Context) error
	Standing(ctx context.Context, customer, currency string) (Standing, error)
	Reverse(ctx context.Context, r Reversal) error
	FindReversal(ctx context.Context, id string) (Reversal, error)
}

// PINs checks customers' PINs and counts the wrong ones, over restarts too.
type PINs interface {
	// Ready is nil if the customer has a PIN that may be tried, else ErrPINNotSet or ErrPINLocked.
	Ready(ctx context.Context, customer string) error
	// Try is nil if it is the customer's PIN, else ErrPINWrong, or ErrPINLocked when no further try is
	// allowed. It may take a good part of a second.
	Try(ctx context.Context, customer, pin string) error
}

// Why the engine refuses, or can't say. Errors from its methods wrap these and carry a Hint.
var (
	ErrBusy       = errors.New("another payment is running")
	ErrConflict   = errors.New("payment id was used for another amount or reference")
	ErrOutOfOrder = errors.New("terminal is out of order")
	ErrBacklog    = errors.New("too many payments wait to be reported")

	// ErrBacklogAmount is an ErrBacklog of this amount: a smaller one may still be taken.
	ErrBacklogAmount = errors.New("with this one it would be more")

	ErrNotFound   = errors.New("no such payment")
	ErrUnsure     = errors.New("outcome was lost with a damaged journal")
	ErrNotRunning = errors.New("payment is not running")
	ErrJournal    = errors.New("journal failed, outcome of the payment not known yet")
	ErrStopped    = errors.New("engine has stopped")
	ErrAlarm      = errors.New("no money moves while the alarm stands")
	ErrLocked     = errors.New("too many faces in a row were refused")
	ErrPINNotSet  = errors.New("customer has no PIN")
	ErrPINLocked  = errors.New("PIN is locked after too many wrong ones")
	ErrPINWrong   = errors.New("PIN is wrong")
)

// BusyError is ErrBusy with the payment that runs.
type BusyError struct {
	Running string
	vending bool // a machine has it in hand
}

func (e *BusyError) Error() string { return ErrBusy.Error() + ": " + e.Running }

// Unwrap gives ErrBusy.
func (e *BusyError) Unwrap() error { return ErrBusy }

// Hint says what to do next.
func (e *BusyError) Hint() string {
	if e.vending {
		return "wait until the vending machine has said whether its product fell"
	}
	return "wait for payment " + e.Running + " to end, or cancel it"
}

// Options of an Engine. Zero values are replaced by the defaults named.
type Options struct {
	Timeout    time.Duration // from opening to expiry; default 60 s
	PINTimeout time.Duration // from asking for the PIN to expiry; default 60 s
	Policy     Policy        // when a PIN is asked for; default never
	PINs       PINs          // default none: where the policy wants a PIN, the payment is declined
	// Blocked tells whether the shop takes no payment of a customer. Default: of nobody.
	Blocked     func(ctx context.Context, customer string) (bool, error)
	Rand        io.Reader // for what is drawn by lot; default crypto/rand
	FailedTries int       // faces that were refused in a row before the start
	Vending     Payment   // that a vending machine still had in hand at the start; default none
	// LivenessFailed is when a consent last was without the live verdict that it wanted, before the start: by
	// time that provably passed, with a monotonic reading (time.Now().Add). Default never.
	LivenessFailed time.Time
	ProbeEvery     time.Duration // between attempts to write when the journal has failed; default 5 s
	TimeTrusted    func() bool   // tells whether the wall clock is known to be right; default never
	// Alarm is asked right before money would move either way, and says why none may, with a hint of what to do;
	// nil: it may. Default never.
	Alarm func() error
	Log   *slog.Logger // default none
}

// Status is what the terminal shows: the running payment or the last one that ended (zero before the
// first), and why it is out of order (empty when it isn't).
type Status struct {
	Payment    Payment
	OutOfOrder []string
}

// Engine owns the running payment. All methods may be called from any goroutine; all decisions are made in
// Run's.
type Engine struct {
	journal  Journal
	options  Options
	commands chan func(*desk) // unbuffered: whoever asks waits, so nothing queues up
	started  atomic.Bool
	stopped  chan struct{}

	mu       sync.Mutex // guards what follows
	latest   Status
	watchers []chan Status
	heeds    map[string]*heed // by cause
}

// NewEngine gives an engine that works while Run does.
func NewEngine(j Journal, o Options) *Engine {
	if o.Timeout <= 0 {
		o.Timeout = time.Minute
	}
	if o.PINTimeout <= 0 {
		o.PINTimeout = time.Minute
	}
	if o.Rand == nil {
		o.Rand = rand.Reader
	}
	if o.PINs == nil {
		o.PINs = noPINs{}
	}
	if o.Blocked == nil {
		o.Blocked = func(context.Context, string) (bool, error) { return false, nil }
	}
	if o.ProbeEvery <= 0 {
		o.ProbeEvery = 5 * time.Second
	}
	if o.TimeTrusted == nil {
		o.TimeTrusted = func() bool { return false }
	}
	if o.Alarm == nil {
		o.Alarm = func() error { return nil }
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return &Engine{journal: j, options: o, commands: make(chan func(*desk)), stopped: make(chan struct{}),
		heeds: map[string]*heed{}}
}

// Run works until ctx ends, then ends a running payment as restarted. It can be called once.
func (e *Engine) Run(ctx context.Context) error {
	if e.started.Swap(true) {
		return errors.New("run engine: was started before")
	}
	defer close(e.stopped)
	// A commit is not given up half way because the terminal is being switched off.
	d := newDesk(context.WithoutCancel(ctx), e)
	defer d.close()
	for {
		select {
		case <-ctx.Done():
			return nil
		case work := <-e.commands:
			work(d)
		case <-d.deadline.C:
			d.tick()
		case <-d.probe.C:
			d.settle()
		}
	}
}

// Begin opens a payment, or gives the stored result or the running payment of the same request again.
// Errors: ErrRequest or an amount's; ErrConflict (id known, other content); *BusyError; ErrOutOfOrder, which
// may be an ErrAlarm; ErrBacklog; ErrLocked; ErrJournal (nothing was approved; Wait tells later what became
// of it). A payment that began goes on when ctx ends.
func (e *Engine) Begin(ctx context.Context, r Request) (Payment, error) {
	return ask(ctx, e, func(d *desk) (Payment, error) { return d.begin(r) })
}

// Ready is nil when a payment that is new could begin now, as far as that is known without the journal: the
// errors are those of Begin.
func (e *Engine) Ready(ctx context.Context) error {
	_, err := ask(ctx, e, func(d *desk) (struct{}, error) { return struct{}{}, d.ready(time.Now()) })
	return err
}

// Handle applies what happened to the running payment id. Errors: ErrNotRunning (a late frame of an earlier
// payment), ErrEvidence, ErrEvent, ErrJournal. It returns after the commit, if there is one.
func (e *Engine) Handle(ctx context.Context, id string, ev Event) error {
	_, err := ask(ctx, e, func(d *desk) (struct{}, error) {
		if d.run == nil || d.run.payment.ID != id {
			return struct{}{}, fmt.Errorf("payment %s: %w", id, ErrNotRunning)
		}
		return struct{}{}, d.handle(ev)
	})
	return err
}

// Cancel stops a running payment. For one that has ended it gives the result with ErrClosed; nothing changes.
func (e *Engine) Cancel(ctx context.Context, id string, by By) (Payment, error) {
	return ask(ctx, e, func(d *desk) (Payment, error) { return d.cancel(id, by) })
}

// Wait gives the payment in its terminal state, as soon as it is in one. Errors: ErrNotFound, ErrJournal,
// or ctx's.
func (e *Engine) Wait(ctx context.Context, id string) (Payment, error) {
	r, err := ask(ctx, e, func(d *desk) (*running, error) { return d.find(id) })
	if err != nil {
		return Payment{}, err
	}
	select {
	case <-r.done:
		return r.payment, r.err
	case <-ctx.Done():
		return Payment{}, fmt.Errorf("wait for payment %s: %w", id, ctx.Err())
	}
}

// EnterPIN gives the PIN that a running payment asks for, and the payment after it. Errors: ErrNotRunning;
// ErrEvent (it asks for none); ErrPINWrong (it may be tried again); ErrPINLocked (the payment is declined).
func (e *Engine) EnterPIN(ctx context.Context, id, pin string) (Payment, error) {
	asks := func(d *desk) (Payment, error) { return d.asksPIN(id) }
	p, err := ask(ctx, e, asks)
	if err != nil {
		return Payment{}, err
	}
	// Not in the engine's goroutine: a PIN's hash is slow on purpose, and a cancellation must not wait for
	// it.
	tried := e.options.PINs.Try(ctx, p.Customer, pin)
	var ev Event
	switch {
	case tried == nil:
		blocked, err := e.options.Blocked(ctx, p.Customer) // since the PIN was asked for
		if err != nil {
			return Payment{}, fmt.Errorf("payment %s: look whether the customer is blocked: %w", id, err)
		}
		if ev = (PINVerified{Customer: p.Customer}); blocked {
			ev = Blocked{}
		}
	case errors.Is(tried, ErrPINLocked):
		ev = PINFailed{Locked: true}
	case errors.Is(tried, ErrPINWrong):
		ev = PINFailed{}
	default:
		return Payment{}, fmt.Errorf("payment %s: %w", id, tried)
	}
	p, err = ask(ctx, e, func(d *desk) (Payment, error) {
		if d.run == nil || d.run.payment.ID != id {
			return Payment{}, fmt.Errorf("payment %s: %w", id, ErrNotRunning)
		}
		r := d.run
		err := d.handle(ev)
		return r.payment, err
	})
	return p, Join(tried, err)
}

// Reverse gives an approved payment back, in whole or in part, or gives the stored reversal of the same
// request again. Errors: ErrRequest; ErrConflict (id known, other content); ErrNotFound; ErrNotApproved;
// ErrTooMuch; ErrUnsure; ErrAlarm (in ErrOutOfOrder); ErrJournal: ask again with the same id, it is never
// given back twice.
func (e *Engine) Reverse(ctx context.Context, q ReversalRequest) (Reversal, error) {
	return ask(ctx, e, func(d *desk) (Reversal, error) { return d.reverse(q) })
}

// SetOutOfOrder adds or removes a cause ("camera: no frames") why the terminal can't take payments. Adding
// one cancels a running payment. The terminal is in order again when no cause is left. When ctx ends before
// the engine has come round, nothing changes: see Heed.
func (e *Engine) SetOutOfOrder(ctx context.Context, cause string, on bool) error {
	_, err := ask(ctx, e, func(d *desk) (struct{}, error) { return struct{}{}, d.setOutOfOrder(cause, on) })
	return err
}

// Status asks the engine's goroutine where things stand. An answer in time proves that the engine works: a
// watchdog may be fed by it.
func (e *Engine) Status(ctx context.Context) (Status, error) {
	return ask(ctx, e, func(d *desk) (Status, error) { return d.status(), nil })
}

// Watch gives the status now and after each change: of what was committed, and of who is recognised. A
// watcher that is slow misses what came between: the channel holds the newest only, and never blocks the
// engine. Call stop when done; the channel is not closed.
func (e *Engine) Watch() (changes <-chan Status, stop func()) {
	c := make(chan Status, 1)
	e.mu.Lock()
	defer e.mu.Unlock()
	c <- e.latest
	e.watchers = append(e.watchers, c)
	return c, func() {
		e.mu.Lock()
		defer e.mu.Unlock()
		e.watchers = slices.DeleteFunc(e.watchers, func(w chan Status) bool { return w == c })
	}
}

// publish is called by the engine's goroutine alone, after the commit of what it shows.
func (e *Engine) publish(s Status) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.latest = s
	for _, w := range e.watchers {
		select {
		case <-w: // what nobody took is out of date
		default:
		}
		w <- s // has room: only the holder of mu sends
	}
}

// ask runs work in the engine's goroutine. When ctx ends after the work was taken, it is done all the same.
func ask[T any](ctx context.Context, e *Engine, work func(*desk) (T, error)) (T, error) {
	type answer struct {
		value T
		err   error
	}
	reply := make(chan answer, 1)
	var none T
	select {
	case e.commands <- func(d *desk) {
		value, err := work(d)
		reply <- answer{value, err}
	}:
	case <-ctx.Done():
		return none, fmt.Errorf("ask engine: %w", ctx.Err())
	case <-e.stopped:
		return none, ErrStopped
	}
	// Work that was taken is always answered: Run looks at nothing else before it is done.
	select {
	case a := <-reply:
		return a.value, a.err
	case <-ctx.Done():
		return none, fmt.Errorf("ask engine: %w", ctx.Err())
	}
}
