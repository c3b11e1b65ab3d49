package sim

import (
	"context"
	"errors"
	"math/rand/v2"
	"path"
	"sync"
	"time"

	"smiletill/payment/report"
	"smiletill/payment/report/link"
)

// broker acknowledges whatever it is given, and then delivers it, once, twice, late, out of order or never.
type broker struct {
	mu     sync.Mutex
	r      *rand.Rand
	kind   bool // every message arrives, at once
	down   bool
	links  map[*wire]bool
	heard  []link.Message // of the ack topics, for the attacker to repeat
	copies int
}

// wire is one client's connection.
type wire struct {
	b       *broker
	filters []string
	inbox   chan link.Message
	lost    chan struct{}
	once    sync.Once
}

var errDown = errors.New("the broker is away")

func newBroker(r *rand.Rand) *broker { return &broker{r: r, links: map[*wire]bool{}} }

func (b *broker) dial(_ context.Context, o link.Options) (report.Link, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.down {
		return nil, errDown
	}
	w := &wire{b: b, inbox: make(chan link.Message, max(o.Inbox, 1)), lost: make(chan struct{})}
	b.links[w] = true
	return w, nil
}

func (b *broker) setDown(down bool) {
	b.mu.Lock()
	b.down = down
	links := b.links
	if down {
		b.links = map[*wire]bool{}
	}
	b.mu.Unlock()
	if down {
		for w := range links {
			w.drop()
		}
	}
}

func (b *broker) setKind(kind bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.kind = kind
}

// fates are the delays after which copies of a message arrive; none is a message that was acknowledged and
// lost.
func (b *broker) fates() []time.Duration {
	if b.kind {
		return []time.Duration{0}
	}
	late := time.Duration(b.r.Int64N(int64(40 * time.Second)))
	switch b.r.IntN(6) {
	case 0:
		return nil
	case 1:
		return []time.Duration{0, late}
	case 2:
		return []time.Duration{late}
	}
	return []time.Duration{0}
}

func (b *broker) publish(m link.Message) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if _, channel, err := report.ParseTopic(m.Topic); err == nil && channel == report.ChannelAck {
		b.heard = append(b.heard, m)
	}
	for _, after := range b.fates() {
		if after == 0 {
			b.deliver(m)
			continue
		}
		b.copies++
		time.AfterFunc(after, func() {
			b.mu.Lock()
			defer b.mu.Unlock()
			b.copies--
			b.deliver(m)
		})
	}
}

// deliver hands a message to whoever listens now. The caller holds mu.
func (b *broker) deliver(m link.Message) {
	if b.down {
		return
	}
	for w := range b.links {
		for _, f := range w.filters {
			if matches(f, m.Topic) {
				select {
				case w.inbox <- m:
				default: // its inbox is full
				}
				break
			}
		}
	}
}

// matches is MQTT's rule for the filters that occur here, where + stands for one level.
func matches(filter, topic string) bool {
	pattern := []byte(filter)
	for i, c := range pattern {
		if c == '+' {
			pattern[i] = '*'
		}
	}
	ok, err := path.Match(string(pattern), topic)
	return ok && err == nil
}

func (w *wire) Subscribe(_ context.Context, filter string) error {
	w.b.mu.Lock()
	defer w.b.mu.Unlock()
	w.filters = append(w.filters, filter)
	return w.Err()
}

func (w *wire) Publish(_ context.Context, topic string, retained bool, payload []byte) (link.Receipt, error) {
	if err := w.Err(); err != nil {
		return link.Receipt{}, err
	}
	w.b.publish(link.Message{Topic: topic, Payload: append([]byte(nil), payload...), Retained: retained})
	return link.Receipt{}, nil
}

func (w *wire) Inbox() <-chan link.Message { return w.inbox }
func (w *wire) Lost() <-chan struct{}      { return w.lost }
func (w *wire) Dropped() uint64            { return 0 }

func (w *wire) Err() error {
	select {
	case <-w.lost:
		return errDown
	default:
		return nil
	}
}

func (w *wire) drop() { w.once.Do(func() { close(w.lost) }) }

func (w *wire) Close() {
	w.b.mu.Lock()
	delete(w.b.links, w)
	w.b.mu.Unlock()
	w.drop()
}
