package payment

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// desk is what the engine's goroutine owns; nothing of it is shared.
type desk struct {
	engine   *Engine
	ctx      context.Context
	run      *running // nil when idle
	last     Payment  // the running one, or the last that ended
	doubt    string   // id of the payment whose commit failed, until the journal has told its truth
	held     Payment  // that payment as a machine has it in hand, with what the journal's row does not keep
	decided  Payment  // its end, if the machine has said it: it is committed later
	sick     error    // why the journal can't be written, nil when it can
	causes   []string
	tries    int       // faces that were refused in a row
	locked   time.Time // no payment begins before it
	failure  time.Time // when a consent last was without the live verdict that it wanted; zero: never
	deadline *time.Timer
	probe    *time.Timer
}

// running is an open payment. payment is the desk's until done is closed, then anyone may read it and err.
type running struct {
	payment Payment
	err     error
	done    chan struct{}
}

func newDesk(ctx context.Context, e *Engine) *desk {
	d := &desk{engine: e, ctx: ctx, deadline: time.NewTimer(time.Hour), probe: time.NewTimer(time.Hour)}
	d.deadline.Stop()
	d.probe.Stop()
	d.tries = e.options.FailedTries
	d.locked = time.Now().Add(lockAfter(d.tries)) // a restart shortens no wait
	d.failure = e.options.LivenessFailed
	if p := e.options.Vending; p.State == StateVending {
		d.run = &running{payment: p, done: make(chan struct{})}
		d.show(p)
	}
	return d
}

func (d *desk) close() {
	if d.run != nil {
		if err := d.handle(Restarted{}); err != nil {
			d.engine.options.Log.Error("stop: payment left to recovery", "err", err)
		}
	}
	if r := d.run; r != nil { // vending: it goes on after the next start
		d.run, r.err = nil, ErrStopped
		close(r.done)
	}
	d.deadline.Stop()
	d.probe.Stop()
}

func (d *desk) begin(r Request) (Payment, error) {
	now := time.Now()
	p, err := Open(r, now, d.engine.options.Timeout)
	if err != nil {
		return Payment{}, err
	}
	known, err := d.find(r.ID)
	switch {
	case err == nil && !known.payment.Same(r):
		hint := "take a new id for a new payment; an id stands for one amount and reference for ever"
		return Payment{}, WithHint(fmt.Errorf("begin payment %s: %w", r.ID, ErrConflict), hint)
	case err == nil:
		return known.payment, nil
	case !errors.Is(err, ErrNotFound):
		return Payment{}, err
	}
	if err := d.ready(now); err != nil {
		return Payment{}, fmt.Errorf("begin payment %s: %w", r.ID, err)
	}
	p.TimeTrusted, p.Demand = d.engine.options.TimeTrusted(), d.demands(p.Amount, now)
	switch err := d.engine.journal.Commit(d.ctx, p); {
	case errors.Is(err, ErrBacklog), errors.Is(err, ErrConflict), errors.Is(err, ErrUnsure):
		return Payment{}, fmt.Errorf("begin payment %s: %w", r.ID, err)
	case err != nil:
		d.doubt = p.ID
		return Payment{}, d.fail(p.ID, err)
	}
	// The customer's time begins when the commit is done, not when it was asked for.
	p.Deadline = time.Now().Add(d.engine.options.Timeout)
	d.run = &running{payment: p, done: make(chan struct{})}
	d.deadline.Reset(d.engine.options.Timeout)
	d.show(p)
	return p, nil
}

// ready is nil when a new payment may begin.
func (d *desk) ready(now time.Time) error {
	if d.run != nil {
		return &BusyError{Running: d.run.payment.ID, vending: d.run.payment.State == StateVending}
	}
	if err := d.alarm(); err != nil {
		return err
	}
	return Join(d.outOfOrder(), d.lockedOut(now))
}

// find gives the running payment, or one that has ended from the journal.
func (d *desk) find(id string) (*running, error) {
	if d.run != nil && d.run.payment.ID == id {
		return d.run, nil
	}
	p, err := d.engine.journal.Find(d.ctx, id)
	switch {
	case errors.Is(err, ErrNotFound) && d.doubt == id && id != "":
		return nil, d.unsettled(id, d.sick)
	case errors.Is(err, ErrNotFound):
		hint := "ask for an id that this terminal was given"
		return nil, WithHint(fmt.Errorf("find payment %s: %w", id, ErrNotFound), hint)
	case errors.Is(err, ErrUnsure):
		return nil, err
	case err != nil:
		return nil, d.fail(id, err)
	case !p.State.Terminal():
		return nil, d.unsettled(id, d.sick)
	}
	done := make(chan struct{})
	close(done)
	return &running{payment: p, done: done}, nil
}

func (d *desk) cancel(id string, by By) (Payment, error) {
	r, err := d.find(id)
	if err != nil {
		return Payment{}, err
	}
	if r != d.run {
		return r.payment, fmt.Errorf("cancel payment %s: %w: %s", id, ErrClosed, r.payment.State)
	}
	if err := d.handle(Cancelled{By: by}); err != nil {
		return Payment{}, err
	}
	return r.payment, nil
}

func (d *desk) tick() {
	if d.run == nil {
		return
	}
	if err := d.handle(Tick{}); err != nil {
		d.engine.options.Log.Error("expire payment", "err", err)
	}
	if d.run != nil && !d.run.payment.Deadline.IsZero() { // a timer that fired early
		d.deadline.Reset(time.Until(d.run.payment.Deadline))
	}
}

// handle applies an event to the running payment: Next, commit, and only then an effect.
func (d *desk) handle(ev Event) error {
	r := d.run
	c, consent := ev.(Consented)
	if consent {
		var err error
		if ev, err = d.judge(r.payment, c); err != nil {
			return err
		}
	}
	p, err := Next(r.payment, ev, time.Now())
	if err == nil {
		p, err = d.alarmed(r.payment, p)
	}
	switch {
	case err != nil:
		return err
	case p == r.payment:
		return nil
	}
	if consent {
		d.heard(p)
	}
	if p.State == StateVending {
		return d.vend(p)
	}
	if !p.State.Terminal() {
		if p.Deadline != r.payment.Deadline {
			d.deadline.Reset(time.Until(p.Deadline))
		}
		r.payment = p
		d.show(p)
		return nil
	}
	p.TimeTrusted = d.engine.options.TimeTrusted()
	d.run = nil
	d.deadline.Stop()
	defer close(r.done)
	err = d.engine.journal.Commit(d.ctx, p)
	if err == nil || p.State != StateApproved { // faces were refused, also where that can't be written down
		d.count(p)
	}
	if err != nil {
		d.doubt = p.ID
		if r.payment.State == StateVending {
			d.held, d.decided = r.payment, p
		}
		r.err = d.fail(p.ID, err)
		return r.err
	}
	r.payment = p
	d.show(p)
	return nil
}

// alarmed holds what a payment would become against the alarm of the case, which may have been raised this
// moment, before whoever raised it has come round to telling the engine: no money moves. A vend is taken
// back, whatever came over the machine's wires: they are in the open case.
func (d *desk) alarmed(before, after Payment) (Payment, error) {
	if after.State == before.State || after.State != StateApproved && after.State != StateVending {
		return after, nil
	}
	why := d.engine.options.Alarm()
	switch {
	case why == nil:
		return after, nil
	case before.State == StateVending:
		return Next(before, NotDispensed{ReasonNotConfirmed}, time.Now())
	}
	return Next(before, DeviceFailed{What: why.Error()}, time.Now())
}

// vend commits that a machine has the running payment in hand. One that can't be written was not begun, and
// whoever asked for it hears so before the machine does.
func (d *desk) vend(p Payment) error {
	r := d.run
	d.deadline.Stop()
	p.TimeTrusted = d.engine.options.TimeTrusted()
	if err := d.engine.journal.Commit(d.ctx, p); err != nil {
		defer close(r.done)
		d.run, d.doubt, d.held = nil, p.ID, p
		r.err = d.fail(p.ID, err)
		return r.err
	}
	r.payment = p
	d.show(p)
	return nil
}

func (d *desk) setOutOfOrder(cause string, on bool) error {
	if cause == "" {
		return fmt.Errorf("set out of order: %w: no cause", ErrEvent)
	}
	was := slices.Index(d.causes, cause)
	switch {
	case on && was < 0:
		d.causes = append(d.causes, cause)
	case !on && was >= 0:
		d.causes = slices.Delete(d.causes, was, was+1)
	default:
		return nil
	}
	var err error
	if on && d.run != nil {
		err = d.handle(DeviceFailed{What: cause})
	}
	d.show(d.last)
	return err
}

// fail puts the terminal out of order because the journal failed, and says so about payment id.
func (d *desk) fail(id string, err error) error {
	if d.sick == nil { // callers who ask again and again must not put the attempt off
		d.probe.Reset(d.engine.options.ProbeEvery)
	}
	d.sick = err
	d.engine.options.Log.Error("journal failed, out of order", "payment", id, "err", err)
	if d.run != nil {
		// Reading failed while a payment runs: it can't be approved any more either.
		if err := d.handle(JournalFailed{}); err != nil {
			d.engine.options.Log.Error("end payment", "err", err)
		}
	}
	d.show(d.last)
	return d.unsettled(id, err)
}

func (d *desk) unsettled(id string, cause error) error {
	err := fmt.Errorf("payment %s: %w", id, ErrJournal)
	if cause == nil {
		return WithHint(err, "restart the terminal: recovery ends payments that were left open")
	}
	err = fmt.Errorf("%w: %w", err, cause)
	if HintOf(cause) != "" {
		return err
	}
	return WithHint(err, "the terminal tries to write again by itself; ask for this payment then")
}

// settle tries to write again and, when that works, learns what became of the payment whose commit failed.
func (d *desk) settle() {
	if err := d.trySettle(); err != nil {
		d.sick = err
		d.probe.Reset(d.engine.options.ProbeEvery)
		d.show(d.last)
		return
	}
	d.sick, d.doubt, d.held, d.decided = nil, "", Payment{}, Payment{}
	d.engine.options.Log.Info("journal works again")
	d.show(d.last)
}

func (d *desk) trySettle() error {
	if err := d.engine.journal.Probe(d.ctx); err != nil {
		return err
	}
	if d.doubt == "" {
		return nil
	}
	p, err := d.engine.journal.Find(d.ctx, d.doubt)
	if errors.Is(err, ErrNotFound) {
		d.last = Payment{} // it never opened
		return nil
	}
	if err != nil {
		return err
	}
	if !p.State.Terminal() {
		if p, err = d.settled(p); err != nil {
			return err
		}
		p.TimeTrusted = d.engine.options.TimeTrusted()
		if err := d.engine.journal.Commit(d.ctx, p); err != nil {
			return err
		}
	}
	// What was refused in it was counted when its end could not be written, unless it was an approval then.
	taken := d.held.ID == p.ID && (d.decided.ID == "" || d.decided.State == StateApproved)
	if p.State == StateApproved || taken {
		d.count(p)
	}
	d.last = p
	d.engine.options.Log.Info("payment settled from the journal", "payment", p.ID, "state", string(p.State))
	return nil
}

// settled is what becomes of a payment that the journal still has open, after a commit that failed: what its
// machine had said, unless the alarm was raised since. A vend that no machine was told of is taken back.
func (d *desk) settled(open Payment) (Payment, error) {
	if open.State == StateVending && d.held.ID == open.ID {
		open = d.held
	}
	switch {
	case d.decided.ID == open.ID:
		return d.alarmed(open, d.decided)
	case open.State == StateVending:
		return Next(open, NotDispensed{ReasonJournalFailed}, time.Now())
	}
	return Next(open, JournalFailed{}, time.Now())
}

// alarm is nil when money may move.
func (d *desk) alarm() error {
	why := d.engine.options.Alarm()
	if why == nil {
		return nil
	}
	return fmt.Errorf("%w: %w: %w", ErrOutOfOrder, ErrAlarm, why)
}

// outOfOrder is nil when the terminal is in order.
func (d *desk) outOfOrder() error {
	switch {
	case d.sick != nil:
		return fmt.Errorf("%w: %w", ErrOutOfOrder, d.sick)
	case len(d.causes) > 0:
		err := fmt.Errorf("%w: %s", ErrOutOfOrder, strings.Join(d.causes, ", "))
		return WithHint(err, "see to the part named; the terminal goes on by itself when it works again")
	}
	return nil
}

func (d *desk) status() Status {
	s := Status{Payment: d.last, OutOfOrder: slices.Clone(d.causes)}
	if d.sick != nil {
		s.OutOfOrder = append(s.OutOfOrder, d.sick.Error())
	}
	return s
}

func (d *desk) show(p Payment) {
	d.last = p
	d.engine.publish(d.status())
}
