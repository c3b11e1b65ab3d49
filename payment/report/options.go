package report

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	mathrand "math/rand/v2"
	"time"

	"smiletill/payment/report/link"
)

// Defaults and bounds of Options.
const (
	defaultWindow     = 16               // rows of some 1 KiB; each ends in two fsyncs, which are slower
	maxWindow         = 256              // far below MQTT's 65,535 packet ids
	auditWindow       = 4                // audit facts are few; a cloud that doesn't know them gets no more
	auditMaxDelay     = time.Hour        // between sendings of one: a cloud that doesn't know them logs each
	defaultAckTimeout = 10 * time.Second // a slow mobile link and a cloud that is busy
	defaultMaxDelay   = time.Minute
	defaultMinDelay   = 500 * time.Millisecond
	defaultPoll       = 30 * time.Second
)

// ErrOptions marks Options that cannot work.
var ErrOptions = errors.New("bad reporter settings")

// Outbox is what the reporter needs of a journal. Both methods may be slow; neither may hold up a payment.
type Outbox interface {
	// Pending gives up to limit rows that are not closed, with a seq above after, by rising seq.
	Pending(ctx context.Context, after int64, limit int) ([]Row, error)
	// Close marks the row as delivered, if all three are the row's; otherwise it changes nothing and returns
	// an error.
	Close(ctx context.Context, id, hash string, seq int64) error
	// Park takes a row out of the queue that can't be delivered, and keeps it for a person to look at.
	Park(ctx context.Context, seq int64, why string) error
}

// Ledger tells what the journal holds, acknowledged or not.
type Ledger interface {
	// Holds tells whether it holds a fact that the cloud has acknowledged.
	Holds(ctx context.Context, id, hash string, seq int64) (bool, error)
}

// Link is a connection to the broker; see link.Link.
type Link interface {
	Subscribe(ctx context.Context, filter string) error
	Publish(ctx context.Context, topic string, retained bool, payload []byte) (link.Receipt, error)
	Inbox() <-chan link.Message
	Lost() <-chan struct{}
	Err() error
	Dropped() uint64
	Close()
}

// Alarm is a contradiction that a person should look at: the cloud acknowledged a row's id with another hash
// or seq, or refuses the row.
type Alarm struct {
	Row Row
	Ack Ack
}

// Options of a Reporter. Outbox, Signer, Verifier, Log and Rand must be given.
type Options struct {
	Broker   string // see link.Options
	Address  Address
	Username string
	Password link.Secret
	TLS      *tls.Config // see link.TLSFiles
	Files    link.Files  // read at each connection, in place of Password and TLS
	ALPN     string      // see link.Options
	Once     bool        // see link.Options
	Version  string      // of the terminal's software, for its birth message

	Outbox Outbox
	// Audits has the audit facts; nil: there are none. They are sent beside the payments, in a window of their
	// own: a cloud that doesn't know them, and acknowledges none, holds no payment up.
	Audits   Outbox
	Wake     <-chan struct{} // a value says that a row was added; nil: Poll alone finds it
	Signer   EventSigner
	Verifier AckVerifier
	// Trouble says what is wrong with the terminal and needs a person ("" if nothing), for its status message,
	// which is retained: the cloud knows it whenever there is a connection. It must not wait; may be nil.
	Trouble func() string
	OnAlarm func(Alarm) // called on Run's goroutine, once a row and connection; must not wait; may be nil
	// Ledger is asked about an acknowledgement of no row in flight; nil: nobody is.
	Ledger Ledger
	// OnHeld is told an acknowledgement, signed by the cloud, of a fact that the Ledger holds and that is not
	// on its way, on Run's goroutine; it must not wait. At each connection it is that of the latest fact that
	// the cloud has.
	OnHeld func(Ack)
	// OnBehind is told an acknowledgement, signed by the cloud, of a fact that the Ledger does not hold, on
	// Run's goroutine: an older copy of the journal was put back, or it was lost. It must not wait; may be nil.
	OnBehind func(Ack)
	// OnTakeover is told each session of another device under this terminal's name, on Run's goroutine; it must
	// not wait; may be nil.
	OnTakeover func(session string)
	Log        *slog.Logger
	Rand       *mathrand.Rand // for jitter; Run's own from then on
	Nonces     io.Reader      // for session ids; nil: crypto/rand
	// Dial connects; nil: link.Dial.
	Dial func(ctx context.Context, o link.Options) (Link, error)

	Window     int           // rows in flight, 1 to 256; default 16
	AckTimeout time.Duration // before a row is sent again the first time; default 10 s
	MinDelay   time.Duration // after the first failed connection; default 500 ms
	MaxDelay   time.Duration // between attempts to connect or to send a row; default 1 min
	Poll       time.Duration // between looks at an idle outbox; default 30 s

	TroubleEvery time.Duration // between looks at Trouble; default 1 s
}

func (o Options) withDefaults() Options {
	if o.Window == 0 {
		o.Window = defaultWindow
	}
	for _, d := range []struct {
		value    *time.Duration
		fallback time.Duration
	}{
		{&o.AckTimeout, defaultAckTimeout}, {&o.MinDelay, defaultMinDelay},
		{&o.MaxDelay, defaultMaxDelay}, {&o.Poll, defaultPoll}, {&o.TroubleEvery, time.Second},
	} {
		if *d.value <= 0 {
			*d.value = d.fallback
		}
	}
	o.MaxDelay = max(o.MaxDelay, o.MinDelay)
	if o.Dial == nil {
		o.Dial = func(ctx context.Context, o link.Options) (Link, error) {
			l, err := link.Dial(ctx, o)
			if err != nil {
				return nil, err // and no typed nil
			}
			return l, nil
		}
	}
	if o.Nonces == nil {
		o.Nonces = rand.Reader
	}
	if o.Trouble == nil {
		o.Trouble = func() string { return "" }
	}
	if o.OnAlarm == nil {
		o.OnAlarm = func(Alarm) {}
	}
	if o.OnHeld == nil {
		o.OnHeld = func(Ack) {}
	}
	if o.OnBehind == nil {
		o.OnBehind = func(Ack) {}
	}
	if o.OnTakeover == nil {
		o.OnTakeover = func(string) {}
	}
	return o
}

func (o Options) check() error {
	if err := o.Address.Check(); err != nil {
		return fmt.Errorf("check reporter: %w", err)
	}
	switch {
	case o.Outbox == nil, o.Signer == nil, o.Verifier == nil, o.Log == nil, o.Rand == nil:
		return fmt.Errorf("check reporter: %w: outbox, signer, verifier, log and rand must be given", ErrOptions)
	case o.Window < 1 || o.Window > maxWindow:
		return fmt.Errorf("check reporter: %w: window %d is not 1 to %d", ErrOptions, o.Window, maxWindow)
	}
	return o.link(nil).Check()
}

func (o Options) link(w *link.Will) link.Options {
	return link.Options{
		Broker: o.Broker, ClientID: o.Address.ClientID(), Username: o.Username, Password: o.Password, TLS: o.TLS,
		Files: o.Files, ALPN: o.ALPN, Once: o.Once, Will: w, Inbox: 4 * o.Window,
	}
}
