package cloud

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"smiletill/payment/cloud/fleet"
	"smiletill/payment/report"
	"smiletill/payment/report/link"
	"smiletill/payment/report/signature"
)

const (
	filter = "v1/+/+/+/payment"
	// The retained births and wills of the terminals, for the page.
	statusFilter = "v1/+/+/+/status"
	maxBatch     = 64  // events a transaction: one fsync for what waits together
	inbox        = 256 // messages that wait for a transaction; what does not fit, a terminal sends again
)

// ErrOptions marks Options that cannot work.
var ErrOptions = errors.New("bad receiver settings")

// Alarm is what a person should look at.
type Alarm struct {
	Event Event
	Why   Verdict // Rewound, Renamed, Borrowed, Contradiction, Forged or UnknownTerminal
}

// Options of a Receiver. Broker, File, Key, Log and Rand must be given.
type Options struct {
	Broker   string // see link.Options
	ClientID string // default smiletill-cloud
	Username string
	Password link.Secret
	TLS      *tls.Config
	Files    link.Files     // read at each connection, in place of Password and TLS
	ALPN     string         // see link.Options
	Once     bool           // see link.Options
	File     string         // of its SQLite database; made if absent
	Key      *signature.Key // signs the acknowledgements
	OnEvent  func(Event)    // after the commit, before the ack; duplicates too; must not wait; may be nil
	OnAudit  func(Event)    // the same, of events about terminals
	OnAlarm  func(Alarm)    // must not wait; may be nil
	// Money writes an amount of minor units for people; nil leaves it in minor units: a receiver need not know
	// every currency's decimals to be right about it.
	Money func(minor int64, currency string) string
	// Waiting lists the terminals that show a code, for the page; nil: none can be claimed here.
	Waiting  func() []fleet.Waiting
	Log      *slog.Logger
	Rand     *rand.Rand    // for jitter; Run's own from then on
	MinDelay time.Duration // between connections; default 500 ms
	MaxDelay time.Duration // default 1 min
	// Dial connects; nil: link.Dial.
	Dial func(ctx context.Context, o link.Options) (report.Link, error)
}

// Receiver stores and acknowledges.
type Receiver struct {
	o     Options
	store *store
	fleet *fleet.Fleet
	ready chan struct{}
	once  sync.Once

	mu    sync.Mutex
	pages []chan struct{} // streams of pages, the longest first; closed to end one
}

// Open opens or makes the database. It does not connect.
func Open(ctx context.Context, o Options) (*Receiver, error) {
	if o.Key == nil || o.Log == nil || o.Rand == nil || o.File == "" {
		return nil, fmt.Errorf("open receiver: %w: file, key, log and rand must be given", ErrOptions)
	}
	if o.Dial == nil {
		o.Dial = func(ctx context.Context, o link.Options) (report.Link, error) {
			l, err := link.Dial(ctx, o)
			if err != nil {
				return nil, err // and no typed nil
			}
			return l, nil
		}
	}
	if o.ClientID == "" {
		o.ClientID = "smiletill-cloud"
	}
	if o.OnEvent == nil {
		o.OnEvent = func(Event) {}
	}
	if o.OnAudit == nil {
		o.OnAudit = func(Event) {}
	}
	if o.OnAlarm == nil {
		o.OnAlarm = func(Alarm) {}
	}
	if o.Money == nil {
		o.Money = func(minor int64, currency string) string { return fmt.Sprintf("%d %s minor", minor, currency) }
	}
	if o.MinDelay <= 0 {
		o.MinDelay = 500 * time.Millisecond
	}
	if o.MaxDelay <= 0 {
		o.MaxDelay = time.Minute
	}
	o.MaxDelay = max(o.MinDelay, o.MaxDelay)
	if err := o.link().Check(); err != nil {
		return nil, err
	}
	s, err := openStore(ctx, o.File)
	if err != nil {
		return nil, err
	}
	return &Receiver{o: o, store: s, fleet: fleet.On(s.db), ready: make(chan struct{})}, nil
}

func (o Options) link() link.Options {
	return link.Options{
		Broker: o.Broker, ClientID: o.ClientID, Username: o.Username, Password: o.Password, TLS: o.TLS,
		Files: o.Files, ALPN: o.ALPN, Once: o.Once, Inbox: inbox,
	}
}

// Ready is closed when the receiver is subscribed for the first time.
func (r *Receiver) Ready() <-chan struct{} { return r.ready }

// Count is the number of payments' events committed, duplicates not counted.
func (r *Receiver) Count(ctx context.Context) (int, error) { return r.store.count(ctx) }

// Events gives up to limit committed events of payments after the first skip, in the order of their
// commitment.
func (r *Receiver) Events(ctx context.Context, skip, limit int) ([]Event, error) {
	return r.store.list(ctx, skip, limit)
}

// Audits gives up to limit committed events about terminals, the latest first: who may pay or which
// register is let in was changed.
func (r *Receiver) Audits(ctx context.Context, limit int) ([]Event, error) {
	return r.store.audits(ctx, limit)
}

// Close closes the database, after Run.
func (r *Receiver) Close() error {
	if err := r.store.db.Close(); err != nil {
		return fmt.Errorf("close event store: %w", err)
	}
	return nil
}

// Run receives until ctx ends, connecting again as often as needed, and returns nil then. Another error is
// the database's: a receiver that cannot commit must not go on taking events as if it could.
func (r *Receiver) Run(ctx context.Context) error {
	pace := link.Backoff{First: r.o.MinDelay, Most: r.o.MaxDelay, Rand: r.o.Rand}
	for attempt := 0; ; attempt++ {
		start := time.Now()
		err := r.connection(ctx)
		var broken *storeError
		switch {
		case ctx.Err() != nil:
			return nil
		case errors.As(err, &broken):
			return err
		case time.Since(start) > r.o.MaxDelay:
			attempt = 0
		}
		wait := pace.Delay(attempt)
		r.o.Log.Warn("receiver is not connected", "err", err, "again_in", wait.Round(time.Millisecond))
		if !link.Sleep(ctx, wait) {
			return nil
		}
	}
}

// storeError tells the database's failures from the network's.
type storeError struct{ err error }

func (e *storeError) Error() string { return "commit events: " + e.err.Error() }
func (e *storeError) Unwrap() error { return e.err }

func (r *Receiver) connection(ctx context.Context) error {
	if e := r.o.Files.Ending(time.Now()); e != nil {
		r.o.Log.Warn(e.What, "hint", e.Advice)
	}
	l, err := r.o.Dial(ctx, r.o.link())
	if err != nil {
		return err
	}
	defer l.Close()
	for _, f := range []string{filter, statusFilter} {
		if err := l.Subscribe(ctx, f); err != nil {
			return err
		}
	}
	r.once.Do(func() { close(r.ready) })
	greeted := greetings{}
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-l.Lost():
			return l.Err()
		case m := <-l.Inbox():
			batch := r.decode(ctx, l, greeted, nil, m)
			for range min(len(l.Inbox()), maxBatch-1) {
				batch = r.decode(ctx, l, greeted, batch, <-l.Inbox())
			}
			if err := r.receive(ctx, l, batch); err != nil {
				return err
			}
		}
	}
}

func (r *Receiver) decode(
	ctx context.Context, l report.Link, greeted greetings, batch []Event, m link.Message,
) []Event {
	if a, channel, err := report.ParseTopic(m.Topic); err == nil && channel == report.ChannelStatus {
		r.noteStatus(ctx, a, m.Payload)
		r.greet(ctx, l, greeted, a, m.Payload)
		return batch
	}
	e, err := Decode(m.Topic, m.Payload)
	if err != nil {
		r.o.Log.Warn("message is not a payment event; it is ignored", "bytes", len(m.Payload), "err", err)
		return batch
	}
	e.Received = time.Now()
	return append(batch, e)
}

// receive commits, then acknowledges.
func (r *Receiver) receive(ctx context.Context, l report.Link, batch []Event) error {
	if len(batch) == 0 {
		return nil
	}
	verdicts, err := r.store.commit(ctx, batch)
	if err != nil {
		return &storeError{err}
	}
	for i, e := range batch {
		about := slog.Group("event", "source", e.Source, "id", e.ID, "seq", e.Seq, "hash", e.Hash)
		switch v := verdicts[i]; v {
		case Stored, Duplicate:
			e.Duplicate = v == Duplicate
			r.tell(e)
			err = r.acknowledge(ctx, l, e, "")
		case Rewound:
			r.o.Log.Error(
				"two events have one place in a terminal's journal: an older copy of it was put back; both count",
				about,
				"hint",
				"compare `smiletill journal list` there with what is stored here",
			)
			r.o.OnAlarm(Alarm{e, v})
			r.tell(e)
			// The other one first: by it the terminal learns that its journal is not the one that was acknowledged.
			err = errors.Join(r.remind(ctx, l, e), r.acknowledge(ctx, l, e, ""))
		case Renamed:
			r.o.Log.Error("an event was committed before under another name of this terminal; it counts once", about,
				"hint", "rename a terminal only when `smiletill status` there says that all is acknowledged")
			r.o.OnAlarm(Alarm{e, v})
			err = r.acknowledge(ctx, l, e, "")
		case Borrowed:
			r.o.Log.Error("another terminal, with another key, has reported an event with this id; both count", about,
				"hint", "look whether data were copied from one terminal to another")
			r.o.OnAlarm(Alarm{e, v})
			r.tell(e)
			err = r.acknowledge(ctx, l, e, "")
		case Contradiction:
			r.o.Log.Error("an event contradicts the one committed before; it is refused", about)
			r.o.OnAlarm(Alarm{e, v})
			err = r.acknowledge(ctx, l, e, "another event with this id was committed before")
		case Forged:
			r.o.Log.Error("an event is not signed by its terminal; it is not acknowledged", about)
			r.o.OnAlarm(Alarm{e, v})
		case UnknownTerminal:
			r.o.Log.Error("an event of a terminal whose key is not known; it is not acknowledged", about,
				"hint", "give the cloud the terminal's key: smiletill cloud trust")
			r.o.OnAlarm(Alarm{e, v})
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// tell hands an event on.
func (r *Receiver) tell(e Event) {
	if e.OfTerminal() {
		r.o.OnAudit(e)
		return
	}
	r.o.OnEvent(e)
}

// acknowledge tells the terminal that the event is committed or, with a reason, that it never will be.
func (r *Receiver) acknowledge(ctx context.Context, l report.Link, e Event, refused string) error {
	ack := report.Ack{ID: e.ID, Hash: e.Hash, Seq: e.Seq, Refused: refused}
	var err error
	if ack.Sig, err = signature.Sign(r.o.Key, ack.Signed(e.Source)); err != nil {
		return fmt.Errorf("sign the acknowledgement of %s: %w", e.ID, err)
	}
	payload, err := json.Marshal(ack)
	if err != nil {
		return fmt.Errorf("encode acknowledgement of %s: %w", e.ID, err)
	}
	_, err = l.Publish(ctx, e.Address.Topic(report.ChannelAck), false, payload)
	return err
}
