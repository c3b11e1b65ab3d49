package vending

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"time"

	"smiletill/payment"
)

// Engine is the money's side: *payment.Engine.
type Engine interface {
	Begin(ctx context.Context, r payment.Request) (payment.Payment, error)
	Handle(ctx context.Context, id string, e payment.Event) error
	Cancel(ctx context.Context, id string, by payment.By) (payment.Payment, error)
	Ready(ctx context.Context) error
	Status(ctx context.Context) (payment.Status, error)
	Watch() (changes <-chan payment.Status, stop func())
}

// DeskOptions are those of a Desk. Settings, Till and Write are needed.
type DeskOptions struct {
	Settings Settings
	// Till gives the engine that runs, or says why there is none. Another one, after the terminal has opened
	// its files anew, is known by ==.
	Till func() (Engine, error)
	// Payable is nil for a price that this terminal takes; default all.
	Payable func(payment.Amount) error
	// Write sends bytes to the adapter; a port that fails says so by Disconnected.
	Write func([]byte) error
	// OnChange is called after each change of Now.
	OnChange func()
	Rand     io.Reader // for the payments' ids; default crypto/rand
	Log      *slog.Logger
}

// Now is how a desk does, for people.
type Now struct {
	State   State
	Setting string    // that the adapter refused
	Price   string    // of the product under way, "1.20"; "" for none
	Item    string    // its number; "" where the machine names none
	Held    bool      // it is paid for, and the machine has not said yet whether it fell
	Refused error     // why the last choice was refused before a payment began; nil: it wasn't
	At      time.Time // of Refused
	Flag    Flag      // the last thing that a person has to look at
	Flags   int       // how many there were since the start
	Flagged time.Time
}

const (
	// patience is how long a question to the engine may take: a commit on a slow card is done in 10 s.
	patience = 10 * time.Second
	// firstTill is how long a desk waits at the start for the engine, which knows whether a vend is open,
	// before it takes the reader off the bus.
	firstTill = 20 * time.Second
	// lookAgain is how often a desk looks whether the engine is another one, and whether it may serve. Of what
	// becomes of a payment it hears at once.
	lookAgain = time.Second
	// tellAgain is the time between attempts to tell the engine what it could not write down.
	tellAgain = 5 * time.Second
	// shutFor is how long the reader is off the bus after a choice that too many unreported payments refused.
	shutFor = time.Minute
	// flagEvery is how often the same kind of thing to look at is logged. All are counted.
	flagEvery = time.Minute
)

// Desk joins a Reader with the engine: it is the one goroutine in which both are asked. What the engine says
// is looked at again and again, not remembered: what it has in hand and the reader does not know is taken
// back.
type Desk struct {
	o      DeskOptions
	events chan Event
	done   chan struct{} // Run has ended

	// Run's own.
	reader Reader
	served bool
	engine Engine
	stop   func()
	change <-chan payment.Status
	status payment.Status
	cur    *vend                // what the reader has under way
	ends   map[string]end       // how vends ended, of which the engine may not have heard
	looked time.Time            // when look was last due
	shut   time.Time            // no choice is taken before it
	dirty  bool                 // Now has changed, and OnChange was not called
	again  time.Time            // settle tells the engine nothing before it
	said   map[Reason]time.Time // when what is to be looked at was last logged

	mu  sync.Mutex
	now Now
}

// ErrRefused says that a choice was refused because of what the machine asked.
var ErrRefused = errors.New("the machine asked for what can't be sold")

// vend is one that the reader has under way.
type vend struct {
	number  int
	id      string
	granted bool // the engine has it as vending, and the reader knows
}

// end is how a vend ended by the reader.
type end struct {
	event payment.Event
	at    time.Time
}

// NewDesk gives a desk that works while Run does. Settings that Check refuses panic.
func NewDesk(o DeskOptions) *Desk {
	if o.Payable == nil {
		o.Payable = func(payment.Amount) error { return nil }
	}
	if o.OnChange == nil {
		o.OnChange = func() {}
	}
	if o.Rand == nil {
		o.Rand = rand.Reader
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return &Desk{o: o, events: make(chan Event, 64), done: make(chan struct{}), ends: map[string]end{},
		said: map[Reason]time.Time{}}
}

// Tell says what happened at the port: Connected, Disconnected, Received; or Offer and Withdraw. What is of
// one kind comes from one goroutine, in its order. It waits for Run, and for a slow commit; after Run it does
// nothing.
func (d *Desk) Tell(e Event) {
	select {
	case d.events <- e:
	case <-d.done:
	}
}

// Now tells how the desk does.
func (d *Desk) Now() Now {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.now
}

// Run serves the machine until ctx ends, then takes the reader off the bus, unless a vend is open: that one
// is decided after the next start. It can be called once, and may take some seconds to end.
func (d *Desk) Run(ctx context.Context) {
	defer close(d.done)
	defer func() {
		if d.stop != nil {
			d.stop()
		}
	}()
	if !d.begin(ctx) {
		return
	}
	for ctx.Err() == nil {
		if time.Since(d.looked) >= lookAgain {
			d.look(ctx)
		}
		d.hear(ctx)
		d.settle(ctx)
		d.show()
		wait := lookAgain
		if at, ok := d.reader.Deadline(); ok {
			wait = max(min(wait, time.Until(at)), 0)
		}
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
		case e := <-d.events:
			d.feed(ctx, e)
		case d.status = <-d.change:
			d.looked = time.Time{} // and whether it serves may be another matter now
		case <-timer.C:
			d.feed(ctx, Tick{})
		}
		timer.Stop()
	}
	if d.cur == nil || !d.cur.granted {
		d.leave(context.WithoutCancel(ctx))
	}
}

// hear takes what the adapter has said while the engine was asked: no yes is said to a choice that was taken
// back.
func (d *Desk) hear(ctx context.Context) {
	for range cap(d.events) {
		select {
		case e := <-d.events:
			d.feed(ctx, e)
		default:
			return
		}
	}
}

// leave takes the reader off the bus: what is asked for is refused first, and the adapter has its time to say
// that it has heard.
func (d *Desk) leave(ctx context.Context) {
	d.feed(ctx, Serve{})
	end := time.NewTimer(2 * Answer)
	defer end.Stop()
	for d.reader.State() == Busy {
		wait := Answer
		if at, ok := d.reader.Deadline(); ok {
			wait = max(time.Until(at), 0)
		}
		timer := time.NewTimer(wait)
		select {
		case e := <-d.events:
			d.feed(ctx, e)
		case <-timer.C:
			d.feed(ctx, Tick{})
		case <-end.C:
			d.send("C,0")
			timer.Stop()
			return
		}
		timer.Stop()
	}
}

// begin waits for the engine, which knows whether a vend is open, and makes the reader. False: ctx has ended.
func (d *Desk) begin(ctx context.Context) bool {
	end := time.NewTimer(firstTill)
	defer end.Stop()
	tick := time.NewTicker(lookAgain)
	defer tick.Stop()
	for waiting := true; waiting; {
		if d.renew(ctx) {
			break
		}
		select {
		case <-ctx.Done():
			return false
		case <-end.C:
			waiting = false
		case <-tick.C:
		}
	}
	p := d.status.Payment
	open := p.Vend && p.State == payment.StateVending
	if open {
		d.cur = &vend{id: p.ID, granted: true}
		d.o.Log.Warn("a product was being given out when the terminal stopped: the machine decides", "payment",
			p.ID)
	}
	d.reader = New(d.o.Settings, open, time.Now())
	return true
}

// renew follows the engine that runs; false: there is none.
func (d *Desk) renew(ctx context.Context) bool {
	e, err := d.o.Till()
	if err != nil {
		e = nil
	}
	if e == d.engine {
		return e != nil
	}
	if d.stop != nil {
		d.stop()
	}
	d.engine, d.stop, d.change, d.status = e, nil, nil, payment.Status{}
	if e == nil {
		return false
	}
	d.change, d.stop = e.Watch()
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	d.ask(ctx)
	return true
}

// ask learns where the engine stands. What it published would do, but for the moment in which it is replaced
// by something newer. An engine that doesn't answer is where it was.
func (d *Desk) ask(ctx context.Context) {
	s, err := d.engine.Status(ctx)
	if err == nil {
		d.status = s
	}
}

// look learns whether the terminal takes payments.
func (d *Desk) look(ctx context.Context) {
	d.looked = time.Now()
	on := false
	if d.renew(ctx) {
		ctx, cancel := context.WithTimeout(ctx, patience)
		defer cancel()
		err := d.engine.Ready(ctx)
		on = (err == nil || errors.Is(err, payment.ErrBusy)) && !time.Now().Before(d.shut)
		d.ask(ctx)
	}
	if on != d.served {
		d.served = on
		d.feed(ctx, Serve{on})
	}
}

// feed gives the reader an event, and does what comes of it.
func (d *Desk) feed(ctx context.Context, e Event) {
	var acts []Act
	d.reader, acts = d.reader.Next(e, time.Now())
	for i, a := range acts {
		switch a := a.(type) {
		case Send:
			d.send(a.Line)
		case Open:
			d.open(ctx, a)
		case Commit: // the engine commits a vend with its consent
			d.feed(ctx, Committed(a))
		case Cancel:
			d.gone(ctx, a)
		case Approve:
			d.ended(ctx, a.Vend, payment.Dispensed{})
		case Void:
			told := false
			for _, next := range acts[i+1:] {
				f, flag := next.(Flag)
				told = told || flag && f.Vend == a.Vend
			}
			d.ended(ctx, a.Vend, payment.NotDispensed{Reason: why(a.Reason, told)})
		case Flag:
			d.flag(a)
		case Ended:
		}
	}
}

func (d *Desk) send(line string) {
	if err := d.o.Write([]byte(line + "\n")); err != nil {
		d.o.Log.Warn("a line did not reach the vending machine's adapter", "err", err)
	}
}

func (d *Desk) flag(f Flag) {
	now := time.Now()
	d.dirty = true
	d.mu.Lock()
	if f.Reason == BadPrice || f.Reason == OverFunds || f.Reason == WrongMode {
		d.now.Refused, d.now.At = fmt.Errorf("%w: %s", ErrRefused, f.Text), now
	}
	d.now.Flag, d.now.Flagged = f, now
	d.now.Flags++
	d.mu.Unlock()
	if time.Since(d.said[f.Reason]) < flagEvery { // a loose plug fills no disk
		return
	}
	d.said[f.Reason] = time.Now()
	d.o.Log.Warn("look at the vending machine", "what", string(f.Reason), "text", f.Text)
}

// show keeps what people are told.
func (d *Desk) show() {
	d.mu.Lock()
	before := d.now
	d.now.State, d.now.Setting = d.reader.State(), d.reader.Setting()
	d.now.Price, d.now.Item = "", ""
	d.now.Held = false
	if p := d.status.Payment; d.cur != nil && p.ID == d.cur.id {
		d.now.Price, d.now.Item, d.now.Held = p.Amount.Decimal(), p.Item, d.cur.granted
	}
	changed := before != d.now || d.dirty
	d.mu.Unlock()
	d.dirty = false
	if changed {
		d.o.OnChange()
	}
}
