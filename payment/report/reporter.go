package report

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"smiletill/payment/report/link"
)

// ErrRunning is what a second Run of one Reporter returns.
var ErrRunning = errors.New("reporter runs already")

// A broker can lose what leads back to a client and keep the connection: when a client returns while its last
// connection is still being torn down, mochi 2.7.9 can strike the new one from its list. Rows go out,
// confirmed, and no acknowledgement returns. A new connection heals that. If it does not, the cloud is the
// one who is silent, and connections are replaced ever more rarely: after 5 sendings of a row, 10, 20, 40,
// then 80.
const (
	leastPatience = 5
	mostPatience  = 80
)

// Reporter delivers the rows of one outbox. See the package's invariants.
type Reporter struct {
	o             Options
	pace          link.Backoff
	running       atomic.Bool
	wake          <-chan struct{}
	droppedBefore uint64    // by connections that are gone
	patience      int       // sendings of one row before a connection without acknowledgements is replaced
	silent        bool      // the cloud has not been heard since silentTries sendings
	refusedAt     time.Time // when a refused acknowledgement was last logged
	said          string    // what is wrong, as the status message has it
	saidAt        time.Time // when that was told last
	looked        time.Time // when the certificates were looked at last
	watch         watch
	clash         bool // State.Problem is that of a takeover

	mu    sync.Mutex
	state State
}

// New checks the options; it does not connect. Its errors carry a Hint where an operator can help.
func New(o Options) (*Reporter, error) {
	o = o.withDefaults()
	if err := o.check(); err != nil {
		return nil, err
	}
	return &Reporter{
		o:        o,
		pace:     link.Backoff{First: o.MinDelay, Most: o.MaxDelay, Rand: o.Rand},
		wake:     o.Wake,
		patience: leastPatience,
		state:    State{Since: time.Now()},
	}, nil
}

// Run connects, delivers, and connects again, until ctx ends; then it says farewell and returns nil. No
// failure of the network, the broker or the cloud ends it. It runs once.
func (r *Reporter) Run(ctx context.Context) error {
	if !r.running.CompareAndSwap(false, true) {
		return ErrRunning
	}
	for attempt := 0; ctx.Err() == nil; attempt++ {
		start, closed := time.Now(), r.State().Counts.Closed
		err := r.connection(ctx)
		r.setConnected(false, r.State().Session)
		if ctx.Err() != nil {
			break
		}
		r.update(func(s *State) { s.Counts.Lost++ })
		r.trouble(err)
		if r.State().Counts.Closed > closed || time.Since(start) > r.o.MaxDelay {
			attempt = 0 // that was a connection, not a refusal
		}
		wait := r.pace.Delay(attempt)
		r.o.Log.Warn("payment reports are waiting", "err", err, "again_in", wait.Round(time.Millisecond))
		if !link.Sleep(ctx, wait) {
			break
		}
	}
	return nil
}

// status is the message of the status topic.
type status struct {
	Status  string `json:"status"` // online or offline
	Session string `json:"session"`
	Version string `json:"version,omitempty"`
	Alarm   string `json:"alarm,omitempty"` // what is wrong and needs a person; see Options.Trouble
	Plain   bool   `json:"plain,omitempty"` // the broker takes no will and keeps no message
}

// connection lives through one connection, from its CONNECT to its end. Its error is nil only when ctx ended.
func (r *Reporter) connection(ctx context.Context) error {
	nonce := make([]byte, 16)
	if _, err := io.ReadFull(r.o.Nonces, nonce); err != nil {
		return fmt.Errorf("make a session id: %w", err)
	}
	session := hex.EncodeToString(nonce)
	offline, err := json.Marshal(status{Status: "offline", Session: session})
	if err != nil {
		return fmt.Errorf("encode status: %w", err)
	}
	topic := r.o.Address.Topic(ChannelStatus)
	if v, ok := r.o.Verifier.(Renewer); ok {
		v.Renew()
	}
	r.looked = time.Time{}
	r.said = r.wrong() // the certificates too, if they are why nothing connects
	l, err := r.o.Dial(ctx, r.o.link(&link.Will{Topic: topic, Payload: offline}))
	if err != nil {
		return err
	}
	defer l.Close()
	// Subscribed before anything is published: no acknowledgement can come too early.
	if err := l.Subscribe(ctx, r.o.Address.Topic(ChannelAck)); err != nil {
		return err
	}
	if err := l.Subscribe(ctx, topic); err != nil {
		// A broker's rules may keep it from us; then only a second terminal goes unseen.
		r.o.Log.Warn("the broker does not let the terminal read its own status: a second device of its name "+
			"would not be noticed", "err", err)
	}
	r.watch.own(session)
	r.update(func(s *State) { s.Plain = plain(l) })
	if err := r.birth(ctx, l, session); err != nil {
		if ctx.Err() != nil {
			r.farewell(l, topic, session) // the birth may be on its way, and a clean end discards the will
		}
		return err
	}
	r.setConnected(true, session)
	r.o.Log.Info("reporting payments", "broker", r.o.Broker, "source", r.o.Address.Source(), "session", session)
	err = r.drain(ctx, l, session)
	r.watch.ended()
	r.droppedBefore += l.Dropped()
	if ctx.Err() != nil {
		r.farewell(l, topic, session)
		return nil
	}
	return err
}

// birth says that the terminal is there, and what is wrong with it.
func (r *Reporter) birth(ctx context.Context, l Link, session string) error {
	online, err := json.Marshal(
		status{Status: "online", Session: session, Version: r.o.Version, Alarm: r.said, Plain: plain(l)})
	if err != nil {
		return fmt.Errorf("encode status: %w", err)
	}
	r.saidAt = time.Now()
	_, err = l.Publish(ctx, r.o.Address.Topic(ChannelStatus), true, online)
	return err
}

// farewell says what the will would have, and what is wrong, which may be why the terminal goes: a clean
// DISCONNECT makes the broker discard the will.
func (r *Reporter) farewell(l Link, topic, session string) {
	offline, err := json.Marshal(status{Status: "offline", Session: session, Alarm: r.wrong()})
	if err != nil {
		return // of strings alone: it can't be
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	receipt, err := l.Publish(ctx, topic, true, offline)
	if err != nil {
		return // the link is gone: the broker publishes the will
	}
	_ = receipt.Wait(ctx) // best effort: the status is advice for people, no payment depends on it
}

// lanes are what flies on one connection: payments, and beside them audit facts.
type lanes struct {
	payments, audits *window
	from, beside     *source
}

func (r *Reporter) lanes() *lanes {
	pace := link.Backoff{First: r.o.AckTimeout, Most: max(r.o.MaxDelay, r.o.AckTimeout), Rand: r.o.Rand}
	slow := pace
	slow.Most = max(auditMaxDelay, r.o.AckTimeout)
	l := &lanes{payments: newWindow(r.o.Window, pace), audits: newWindow(auditWindow, slow),
		from: &source{outbox: r.o.Outbox, more: true}, beside: &source{outbox: r.o.Audits}}
	l.audits.audit, l.beside.more = true, r.o.Audits != nil
	return l
}

// woken has both outboxes looked at.
func (l *lanes) woken() { l.from.more, l.beside.more = true, l.beside.outbox != nil }

// window gives the one in which a row flies.
func (l *lanes) window(id string) *window {
	if l.audits.find(id) != nil || l.audits.wasClosed(id) {
		return l.audits
	}
	return l.payments
}

// fly takes rows from both outboxes and publishes what is due.
func (r *Reporter) fly(ctx context.Context, l Link, on *lanes) error {
	r.fill(ctx, on.payments, on.from)
	if err := r.send(ctx, l, on.payments); err != nil {
		return err
	}
	r.fill(ctx, on.audits, on.beside)
	return r.send(ctx, l, on.audits)
}

// drain moves rows from the outboxes to the broker and acknowledgements back, until the link or ctx ends.
func (r *Reporter) drain(ctx context.Context, l Link, session string) error {
	on := r.lanes()
	timer := time.NewTimer(0)
	defer timer.Stop()
	trouble := time.NewTicker(r.o.TroubleEvery)
	defer trouble.Stop()
	for {
		if err := r.fly(ctx, l, on); err != nil {
			return err
		}
		r.look(on.payments, on.from.more, l.Dropped())
		timer.Reset(min(r.untilNext(on.payments, on.from), r.untilNext(on.audits, on.beside)))
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-l.Lost():
			return l.Err()
		case m := <-l.Inbox():
			r.take(ctx, on, m)
			for range len(l.Inbox()) { // what waits already: one look at the outbox serves all of it
				r.take(ctx, on, <-l.Inbox())
			}
		case _, ok := <-r.wake:
			on.woken()
			if !ok {
				r.wake = nil
			}
		case <-trouble.C:
			if v, ok := r.o.Verifier.(Renewer); ok {
				v.Renew()
			}
			now := r.wrong()
			// Who keeps no message must be told again: whoever comes later has not heard it.
			if now != r.said || plain(l) && time.Since(r.saidAt) >= r.o.MaxDelay {
				r.said = now
				if err := r.birth(ctx, l, session); err != nil {
					return err
				}
			}
		case <-timer.C:
			on.from.polled(time.Now(), r.o.Poll)
			on.beside.polled(time.Now(), r.o.Poll)
		}
	}
}

// send publishes what is due. It may wait for a slow network, and nothing but this goroutine waits with it.
func (r *Reporter) send(ctx context.Context, l Link, w *window) error {
	topic := r.o.Address.Topic(ChannelPayment)
	for _, f := range w.due(time.Now()) {
		if f.tries >= r.patience && !w.audit {
			r.patience = min(2*r.patience, mostPatience)
			return r.silence(f)
		}
		if f.answer != nil && !f.answer.Answered() {
			return &link.Trouble{Op: "publish to " + topic, What: "the broker does not answer what it is sent",
				Advice: "if it lasts, restart the broker or call its operator; payments go on and are kept"}
		}
		receipt, err := l.Publish(ctx, topic, false, f.payload)
		if err != nil {
			return err
		}
		again := f.tries > 0
		w.sent(f, receipt, time.Now())
		r.update(func(s *State) {
			s.Counts.Published++
			if again {
				s.Counts.Resent++
			}
		})
	}
	return nil
}
