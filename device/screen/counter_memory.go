package screen

import (
	"context"
	"errors"
	"maps"
	"sync"
	"time"
)

// followedFor is how long a payment counts as followed after a page asked for it last: longer than an open
// page ever pauses, shorter than a clerk needs to open a browser that has crashed and to type the PIN.
const followedFor = 5 * time.Second

// followers knows which payments open pages show right now: their ends are nobody else's. The zero value is
// ready.
type followers struct {
	mu   sync.Mutex
	seen map[string]time.Time // when a page asked for a payment last
}

func (f *followers) note(id string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	maps.DeleteFunc(f.seen, func(_ string, at time.Time) bool { return time.Since(at) >= followedFor })
	const most = 64 // a page follows one, and few pages are unlocked
	if f.seen == nil {
		f.seen = map[string]time.Time{}
	}
	if _, known := f.seen[id]; known || len(f.seen) < most {
		f.seen[id] = time.Now()
	}
}

func (f *followers) has(id string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	at, known := f.seen[id]
	return known && time.Since(at) < followedFor
}

// tellUnconfirmed adds the end of the latest payment that no page has confirmed, to a page that was just
// opened or unlocked. What another page follows is left to that one; what still runs is told when it has
// ended.
func (s *Server) tellUnconfirmed(ctx context.Context, m *deskMessage, own string) {
	all, err := s.opt.Counter.Unconfirmed(ctx)
	if err != nil {
		s.log.Warn("screen: it can't be told which payments nobody has confirmed", "err", err)
		m.More = true // the page asks again
		return
	}
	for _, p := range all {
		switch {
		case p.ID == own:
		case !p.State.result() || s.followers.has(p.ID):
			m.More = true
		case m.Unconfirmed == nil:
			m.Unconfirmed = s.payment(p)
		}
	}
}

// pay begins a payment that is remembered first: from then on its end is told to somebody.
func (s *Server) pay(ctx context.Context, q payEntry) (any, error) {
	if err := s.opt.Counter.Remember(ctx, q.ID); err != nil {
		return nil, err
	}
	s.followers.note(q.ID)
	p, err := s.opt.Counter.Begin(ctx, q.ID, q.Amount)
	if err != nil {
		return nil, s.forgetRefused(ctx, q.ID, err)
	}
	return s.payment(p), nil
}

// reversalMessage is what a page asked to give back, and was not heard to learn how it went.
type reversalMessage struct {
	ID       string `json:"id"`
	Payment  string `json:"payment"`
	Amount   string `json:"amount"`
	Currency string `json:"currency"`
	Reason   string `json:"reason,omitempty"`
}

// tellReversal adds the latest of these: asked again under its id it is given back once.
func (s *Server) tellReversal(ctx context.Context, m *deskMessage) {
	all, err := s.opt.Counter.Reversals(ctx)
	if err != nil {
		s.log.Warn("screen: it can't be told which reversals nobody has confirmed", "err", err)
		m.More = true
		return
	}
	if len(all) > 0 {
		one := reversalMessage(all[0])
		m.Reversal = &one
	}
}

// reverse gives money back that is remembered first, until a page has heard how it went.
func (s *Server) reverse(ctx context.Context, q reverseEntry) (any, error) {
	r := CounterReversal{ID: q.ID, Payment: q.Payment, Amount: q.Amount, Reason: q.Reason}
	if err := s.opt.Counter.RememberReversal(ctx, r); err != nil {
		return nil, err
	}
	err := s.opt.Counter.Reverse(ctx, r)
	return nothing{}, s.forgetRefused(ctx, q.ID, err)
}

// forgetRefused forgets what the terminal has refused for good; err is what it said, and is given on.
func (s *Server) forgetRefused(ctx context.Context, id string, err error) error {
	var told *CounterError
	if errors.As(err, &told) && !told.Open {
		if err := s.opt.Counter.Confirm(ctx, id); err != nil {
			s.log.Warn("screen: what was refused is still remembered", "err", err)
		}
	}
	return err
}

func (s *Server) confirm(ctx context.Context, q struct {
	ID string `json:"id"`
}) (any, error) {
	return nothing{}, s.opt.Counter.Confirm(ctx, q.ID)
}
