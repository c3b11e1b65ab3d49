package link

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"
)

// qos is at least once: the receiver of every message removes duplicates by its id.
const qos = 1

// closeGrace bounds the wait for what should come at once: the DISCONNECT packet to leave, the reason of a
// failure to arrive.
const closeGrace = 250 * time.Millisecond

// ErrClosed is in the errors of Publish and Subscribe after Close.
var ErrClosed = errors.New("link closed")

// Message is one application message as it arrived.
type Message struct {
	Topic    string
	Payload  []byte // the receiver's own
	Retained bool
}

// Will is the retained QoS 1 message that the broker publishes when the connection ends without a DISCONNECT.
type Will struct {
	Topic   string
	Payload []byte
}

// Receipt follows one publication as far as the broker. The zero Receipt is of one that was answered.
type Receipt struct{ token mqtt.Token }

// Answered tells whether the broker sent a PUBACK, or the connection ended. It serves to notice a broker that
// is stuck. It is not a proof of delivery: the library also completes it when the link drops.
func (r Receipt) Answered() bool {
	if r.token == nil {
		return true
	}
	select {
	case <-r.token.Done():
		return true
	default:
		return false
	}
}

// Wait blocks until the broker answers, the connection ends or ctx does. Like Answered it proves nothing to
// be stored.
func (r Receipt) Wait(ctx context.Context) error {
	if r.token == nil {
		return nil
	}
	select {
	case <-r.token.Done():
		return r.token.Error()
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Link is one open connection. Its methods are safe for concurrent use.
type Link struct {
	client     mqtt.Client
	broker     string
	timeout    time.Duration
	atMostOnce bool // subscribe with QoS 0
	plain      bool // the broker takes neither a will nor retained messages
	inbox      chan Message
	dropped    atomic.Uint64

	lost   chan struct{} // closed by the first lose
	once   sync.Once
	reason error // set before lost is closed
}

// Dial connects and waits for the broker's CONNACK, for at most Options.Timeout. Its errors carry a Hint.
//
// A broker that keeps no messages ends a connection with a retained will at once, without a word: so one that
// is ended in this way is tried once more without, for as long again. See Plain.
func Dial(ctx context.Context, o Options) (*Link, error) {
	o = o.withDefaults()
	target, err := o.check()
	if err != nil {
		return nil, err
	}
	if o, err = o.Files.apply(o); err != nil {
		return nil, err
	}
	l, err := dialOnce(ctx, o, target)
	if o.Will == nil || !errors.Is(err, errUnanswered) || ctx.Err() != nil {
		return l, err
	}
	o.Will = nil
	if plain, again := dialOnce(ctx, o, target); again == nil {
		plain.plain = true
		return plain, nil
	}
	return nil, err
}

// errUnanswered says that the broker ended the connection in place of an answer to CONNECT.
var errUnanswered = errors.New("no answer to CONNECT")

func dialOnce(ctx context.Context, o Options, target target) (*Link, error) {
	l := &Link{
		broker:     o.Broker,
		timeout:    o.Timeout,
		atMostOnce: o.Once,
		inbox:      make(chan Message, o.Inbox),
		lost:       make(chan struct{}),
	}
	d := &dialer{ctx: ctx, timeout: o.Timeout, target: target, tls: o.TLS, alpn: o.ALPN}
	l.client = mqtt.NewClient(l.clientOptions(o, d))
	token := l.client.Connect()
	token.Wait() // bounded: dialing and handshakes have deadlines, and the end of ctx closes the connection
	if !d.settle() && ctx.Err() != nil {
		l.client.Disconnect(0)
		return nil, ctx.Err()
	}
	if err := token.Error(); err != nil {
		err = d.cause(err)
		if d.head() == "" && cutOff(err) && !errors.Is(err, errHandshake) {
			err = fmt.Errorf("%w: %w", errUnanswered, err)
		}
		at := door{o.Broker, target, o.ALPN, d.head()}
		if at.head == "" && errors.Is(err, os.ErrDeadlineExceeded) {
			at.head = d.askWeb()
		}
		return nil, explain(at, err)
	}
	return l, nil
}

func (l *Link) clientOptions(o Options, d *dialer) *mqtt.ClientOptions {
	c := mqtt.NewClientOptions().
		AddBroker(o.Broker).
		SetClientID(o.ClientID).
		SetUsername(o.Username).
		SetPassword(string(o.Password)).
		SetProtocolVersion(4).
		SetCleanSession(true).
		SetAutoReconnect(false).
		SetConnectRetry(false).
		SetOrderMatters(true).
		SetConnectTimeout(o.Timeout).
		SetWriteTimeout(o.Timeout).
		SetPingTimeout(o.Timeout).
		SetKeepAlive(o.KeepAlive).
		SetCustomOpenConnectionFn(d.open).
		SetDefaultPublishHandler(l.receive).
		SetConnectionLostHandler(func(_ mqtt.Client, err error) {
			l.lose(door{broker: o.Broker, head: d.head()}, d.cause(err))
		})
	if o.Will != nil {
		c.SetBinaryWill(o.Will.Topic, o.Will.Payload, qos, true)
	}
	return c
}

// receive runs on the library's goroutine, which must never wait.
func (l *Link) receive(_ mqtt.Client, m mqtt.Message) {
	select {
	case l.inbox <- Message{Topic: m.Topic(), Payload: m.Payload(), Retained: m.Retained()}:
	default:
		l.dropped.Add(1)
	}
}

func (l *Link) lose(at door, err error) {
	l.once.Do(func() {
		l.reason = explain(at, fmt.Errorf("connection lost: %w", err))
		close(l.lost)
	})
}

// Inbox gives what arrives on the subscribed topics. It is never closed; wait for Lost beside it.
func (l *Link) Inbox() <-chan Message { return l.inbox }

// Lost is closed when the connection ends without Close; Err says why.
func (l *Link) Lost() <-chan struct{} { return l.lost }

// Err is why the connection was lost, with a Hint; nil while it is not.
func (l *Link) Err() error {
	select {
	case <-l.lost:
		return l.reason
	default:
		return nil
	}
}

// Plain tells whether the broker takes neither a will nor retained messages: nobody learns of the
// connection's end, nor who comes later what was said before.
func (l *Link) Plain() bool { return l.plain }

// Dropped counts the messages that found the inbox full.
func (l *Link) Dropped() uint64 { return l.dropped.Load() }

// Subscribe asks for filter at QoS 1, or 0 with Options.Once, and waits for the SUBACK. A broker that refuses
// (0x80) is an error with a Hint; the library itself calls a refused subscription a success.
func (l *Link) Subscribe(ctx context.Context, filter string) error {
	ctx, cancel := context.WithTimeout(ctx, l.timeout)
	defer cancel()
	level := byte(qos)
	if l.atMostOnce {
		level = 0
	}
	token, err := hand(ctx, l, func() mqtt.Token { return l.client.Subscribe(filter, level, nil) })
	if err == nil {
		err = Receipt{token}.Wait(ctx)
	}
	if err != nil {
		return l.why(fmt.Errorf("subscribe to %s: %w", filter, err))
	}
	answer, ok := token.(*mqtt.SubscribeToken)
	if !ok {
		return fmt.Errorf("subscribe to %s: unexpected token of the client library", filter)
	}
	if granted, ok := answer.Result()[filter]; !ok || granted > 2 {
		return &Trouble{Op: "subscribe to " + filter, What: "the broker refuses the subscription",
			Advice: "let this client read that topic in the broker's access rules"}
	}
	return nil
}

// Publish hands a message to the connection at QoS 1. While the network takes no bytes it waits, until ctx or
// the link ends.
func (l *Link) Publish(ctx context.Context, topic string, retained bool, payload []byte) (Receipt, error) {
	retained = retained && !l.plain
	token, err := hand(ctx, l, func() mqtt.Token { return l.client.Publish(topic, qos, retained, payload) })
	if err != nil {
		return Receipt{}, l.why(fmt.Errorf("publish to %s: %w", topic, err))
	}
	return Receipt{token}, nil
}

// hand gives the library a packet. When the link drops at the same moment the library's own call waits for a
// goroutine that is gone, as long as its write timeout; that wait is left to a goroutine of its own.
func hand(ctx context.Context, l *Link, call func() mqtt.Token) (mqtt.Token, error) {
	out := make(chan mqtt.Token, 1)
	go func() { out <- call() }()
	select {
	case token := <-out:
		select {
		case <-token.Done():
			return token, token.Error()
		default:
			return token, nil
		}
	case <-l.lost:
		return nil, l.reason
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// why prefers the reason for which the connection ended, which may come a moment after the failure that it
// caused.
func (l *Link) why(err error) error {
	if errors.Is(err, context.Canceled) {
		return err
	}
	if errors.Is(err, mqtt.ErrNotConnected) {
		err = errors.Join(ErrClosed, err)
	}
	select {
	case <-l.lost:
		return l.reason
	case <-time.After(closeGrace):
		return explain(door{broker: l.broker}, err)
	}
}

// Close sends DISCONNECT, so that the broker discards the will, and drops the connection. A second Close does
// nothing.
func (l *Link) Close() {
	grace := closeGrace
	if l.Err() != nil {
		grace = 0 // nobody is there to say goodbye to
	}
	l.client.Disconnect(uint(grace / time.Millisecond))
}
