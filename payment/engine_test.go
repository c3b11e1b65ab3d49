package payment

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// ledger is a Journal in memory that can fail and be slow. The engine on the real journal is tested beside
// that.
type ledger struct {
	mu      sync.Mutex
	stored  map[string]Payment
	commits []Payment
	fail    error // of every write, until it is nil
	torn    bool  // a write that fails has happened all the same
	unread  error // of every read
	full    bool
	slow    time.Duration

	standing  Standing
	reversals map[string]Reversal
}

func (l *ledger) Standing(context.Context, string, string) (Standing, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.standing, l.unread
}

func (l *ledger) Reverse(_ context.Context, r Reversal) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.fail != nil {
		return l.fail
	}
	p := l.stored[r.PaymentID]
	p.Reversed += r.Amount.Minor
	l.stored[r.PaymentID] = p
	if l.reversals == nil {
		l.reversals = map[string]Reversal{}
	}
	l.reversals[r.ID] = r
	return nil
}

func (l *ledger) FindReversal(_ context.Context, id string) (Reversal, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if r, known := l.reversals[id]; known {
		return r, nil
	}
	return Reversal{}, ErrNotFound
}

var errDisk = WithHint(errors.New("journal: disk is full"), "free some space")

func (l *ledger) Commit(_ context.Context, p Payment) error {
	time.Sleep(l.slow)
	l.mu.Lock()
	defer l.mu.Unlock()
	before, known := l.stored[p.ID]
	switch {
	case p.State == StateWaiting && l.full:
		return ErrBacklog
	case p.State == StateWaiting && known:
		return ErrConflict
	case before.State.Terminal():
		return ErrClosed
	case p.State == StateRecognised, p.State == StatePIN:
		return errors.New("recognised is no fact")
	}
	if l.fail == nil || l.torn {
		p.Deadline = time.Time{}
		l.stored[p.ID] = p
		l.commits = append(l.commits, p)
	}
	return l.fail
}

func (l *ledger) Find(_ context.Context, id string) (Payment, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.unread != nil {
		return Payment{}, l.unread
	}
	p, known := l.stored[id]
	if !known {
		return Payment{}, ErrNotFound
	}
	return p, nil
}

func (l *ledger) Probe(context.Context) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.fail
}

func (l *ledger) set(fail error, torn bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.fail, l.torn = fail, torn
}

// bench is an engine in a bubble of time, with shorthands that fail the test.
type bench struct {
	*testing.T
	*Engine
	l    *ledger
	stop context.CancelFunc
	ran  chan error
}

func inBubble(t *testing.T, work func(b *bench)) {
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		l := &ledger{stored: map[string]Payment{}}
		b := &bench{T: t, l: l, Engine: NewEngine(l, Options{}), stop: stop, ran: make(chan error, 1)}
		go func() { b.ran <- b.Engine.Run(ctx) }()
		work(b)
		stop()
		if err := <-b.ran; err != nil {
			t.Error(err)
		}
	})
}

func euro(id string) Request {
	return Request{ID: id, Amount: Amount{150, "EUR"}, Reference: "order 1"}
}

func (b *bench) begin(id string) {
	b.Helper()
	if p, err := b.Begin(b.Context(), euro(id)); err != nil || p.State != StateWaiting {
		b.Fatalf("begin %s: %v, %v", id, p.State, err)
	}
}

func (b *bench) do(id string, e Event) {
	b.Helper()
	if err := b.Handle(b.Context(), id, e); err != nil {
		b.Fatal(err)
	}
}

func (b *bench) consent(id string) error {
	b.do(id, Recognised{"c1"})
	since := time.Now()
	time.Sleep(time.Second)
	return b.Handle(b.Context(), id, Consented{Evidence{
		Customer: "c1", MatchFrames: 20, SmileFrames: 5, Since: since, At: time.Now(),
	}})
}

func (b *bench) want(id string, s State, r Reason) {
	b.Helper()
	p, err := b.Wait(b.Context(), id)
	if err != nil || p.State != s || p.Reason != r {
		b.Fatalf("payment %s: %s %q, %v; want %s %q", id, p.State, p.Reason, err, s, r)
	}
	if stored := b.l.stored[id]; stored.State != s {
		b.Fatalf("payment %s: told %s, journalled %s", id, s, stored.State)
	}
}

func (b *bench) wantErr(err, want error) {
	b.Helper()
	if !errors.Is(err, want) {
		b.Fatalf("error %v, want %v", err, want)
	}
}

func TestEngineApproves(t *testing.T) {
	inBubble(t, func(b *bench) {
		b.begin("a")
		if err := b.consent("a"); err != nil {
			t.Fatal(err)
		}
		b.want("a", StateApproved, "")
		if len(b.l.commits) != 2 {
			t.Errorf("%d commits; recognised must not commit", len(b.l.commits))
		}
		again, err := b.Begin(b.Context(), euro("a"))
		if err != nil || again.State != StateApproved || len(b.l.commits) != 2 {
			t.Errorf("the same request again: %s, %v, %d commits", again.State, err, len(b.l.commits))
		}
		b.wantErr(b.Handle(b.Context(), "a", Unknown{}), ErrNotRunning)
		p, err := b.Cancel(b.Context(), "a", ByRegister)
		if b.wantErr(err, ErrClosed); p.State != StateApproved {
			t.Errorf("cancel after approval gives %s", p.State)
		}
	})
}

func TestEngineRefuses(t *testing.T) {
	inBubble(t, func(b *bench) {
		_, err := b.Begin(b.Context(), Request{ID: "a b", Amount: Amount{1, "EUR"}})
		b.wantErr(err, ErrRequest)
		_, err = b.Wait(b.Context(), "a")
		b.wantErr(err, ErrNotFound)
		_, err = b.Cancel(b.Context(), "a", ByRegister)
		b.wantErr(err, ErrNotFound)
		b.wantErr(b.Handle(b.Context(), "a", Tick{}), ErrNotRunning)
		b.l.full = true
		_, err = b.Begin(b.Context(), euro("a"))
		b.wantErr(err, ErrBacklog)
		b.l.full = false

		b.begin("a")
		again, err := b.Begin(b.Context(), euro("a"))
		if err != nil || again.State != StateWaiting {
			t.Errorf("the running request again: %s, %v", again.State, err)
		}
		other := euro("a")
		other.Amount.Minor++
		_, err = b.Begin(b.Context(), other)
		b.wantErr(err, ErrConflict)
		_, err = b.Begin(b.Context(), euro("b"))
		var busy *BusyError
		if b.wantErr(err, ErrBusy); !errors.As(err, &busy) || busy.Running != "a" || busy.Hint() == "" {
			t.Errorf("busy with %+v", busy)
		}
		_, err = b.Cancel(b.Context(), "a", "nobody")
		b.wantErr(err, ErrEvent)
		if p, err := b.Cancel(b.Context(), "a", ByCustomer); err != nil || p.State != StateCancelled {
			t.Errorf("cancel: %s, %v", p.State, err)
		}
		b.want("a", StateCancelled, ReasonCancelledByCustomer)
		_, err = b.Begin(b.Context(), other)
		b.wantErr(err, ErrConflict)
		if err := b.Engine.Run(b.Context()); err == nil {
			t.Error("ran twice")
		}
	})
}

func TestEngineExpires(t *testing.T) {
	inBubble(t, func(b *bench) {
		began := time.Now()
		b.begin("a")
		b.want("a", StateExpired, ReasonTimeout)
		if took := time.Since(began); took != time.Minute {
			t.Errorf("expired after %v", took)
		}
		b.begin("b")
		b.do("b", Recognised{"c1"})
		b.want("b", StateExpired, ReasonNoSmile)
		b.l.slow = 7 * time.Second // the customer's minute begins after a slow commit
		began = time.Now()
		b.begin("c")
		b.l.slow = 0
		b.want("c", StateExpired, ReasonTimeout)
		if took := time.Since(began); took != time.Minute+7*time.Second {
			t.Errorf("expired after %v", took)
		}
	})
}

func TestEngineLateFramesOfAnEarlierPayment(t *testing.T) {
	inBubble(t, func(b *bench) {
		b.begin("a")
		b.do("a", Recognised{"c1"})
		old := Evidence{Customer: "c1", MatchFrames: 9, SmileFrames: 9, Since: time.Now(), At: time.Now()}
		if _, err := b.Cancel(b.Context(), "a", ByRegister); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Millisecond)
		b.begin("b")
		b.wantErr(b.Handle(b.Context(), "a", Consented{old}), ErrNotRunning)
		b.do("b", Recognised{"c1"})
		b.wantErr(b.Handle(b.Context(), "b", Consented{old}), ErrEvidence)
		if err := b.consent("b"); err != nil {
			t.Error(err)
		}
		b.want("b", StateApproved, "")
	})
}

func TestEngineOutOfOrder(t *testing.T) {
	inBubble(t, func(b *bench) {
		b.begin("a")
		ctx := b.Context()
		b.wantErr(b.SetOutOfOrder(ctx, "", true), ErrEvent)
		for _, cause := range []string{"camera: no frames", "models", "models"} {
			if err := b.SetOutOfOrder(ctx, cause, true); err != nil {
				t.Fatal(err)
			}
		}
		b.want("a", StateCancelled, ReasonDeviceFailed)
		if b.l.stored["a"].Detail != "camera: no frames" {
			t.Errorf("detail %q", b.l.stored["a"].Detail)
		}
		_, err := b.Begin(ctx, euro("b"))
		if b.wantErr(err, ErrOutOfOrder); !strings.Contains(err.Error(), "camera: no frames, models") {
			t.Errorf("causes are missing: %v", err)
		}
		if p, err := b.Begin(ctx, euro("a")); err != nil || p.State != StateCancelled {
			t.Errorf("a stored result is given out of order too: %s, %v", p.State, err)
		}
		for i, cause := range []string{"camera: no frames", "models", "models"} {
			if err := b.SetOutOfOrder(ctx, cause, false); err != nil {
				t.Fatal(err)
			}
			if s, err := b.Status(ctx); err != nil || len(s.OutOfOrder) != max(0, 1-i) {
				t.Errorf("%d: %v, %v", i, s.OutOfOrder, err)
			}
		}
		b.begin("b")
	})
}

// TestEngineJournalFails fails the commit of the opening and of the end, once lost and once written all the
// same.
func TestEngineJournalFails(t *testing.T) {
	for _, c := range []struct {
		name    string
		opening bool // the commit that fails
		torn    bool
		state   State // after settling, empty for none
		reason  Reason
	}{
		{"opening lost", true, false, "", ""},
		{"opening written", true, true, StateCancelled, ReasonJournalFailed},
		{"approval lost", false, false, StateCancelled, ReasonJournalFailed},
		{"approval written", false, true, StateApproved, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			inBubble(t, func(b *bench) {
				var err error
				if c.opening {
					b.l.set(errDisk, c.torn)
					_, err = b.Begin(b.Context(), euro("a"))
				} else {
					b.begin("a")
					b.l.set(errDisk, c.torn)
					err = b.consent("a")
				}
				b.l.set(errDisk, false)
				var h interface{ Hint() string }
				if b.wantErr(err, ErrJournal); !errors.As(err, &h) || h.Hint() != "free some space" {
					t.Errorf("hint of %v", err)
				}
				s, err := b.Status(b.Context())
				if err != nil || len(s.OutOfOrder) != 1 || s.OutOfOrder[0] != errDisk.Error() {
					t.Errorf("status %+v, %v", s, err)
				}
				if s.Payment.State.Terminal() {
					t.Errorf("the terminal shows %s, which it doesn't know", s.Payment.State)
				}
				time.Sleep(11 * time.Second) // two probes fail
				_, err = b.Begin(b.Context(), euro("b"))
				b.wantErr(err, ErrOutOfOrder)
				if _, err = b.Begin(b.Context(), euro("a")); err == nil && !c.torn {
					t.Error("the doubtful payment was begun again")
				}
				b.l.set(nil, false)
				time.Sleep(5 * time.Second)
				if c.state == "" {
					_, err = b.Wait(b.Context(), "a")
					b.wantErr(err, ErrNotFound)
				} else {
					b.want("a", c.state, c.reason)
				}
				b.begin("b")
			})
		})
	}
}

func TestEngineWaitersLearnOfAFailingCommit(t *testing.T) {
	inBubble(t, func(b *bench) {
		b.begin("a")
		waited := make(chan error, 1)
		go func() {
			_, err := b.Wait(b.Context(), "a")
			waited <- err
		}()
		synctest.Wait()
		b.l.set(errDisk, false)
		time.Sleep(time.Minute) // it expires, and the expiry can't be written
		b.wantErr(<-waited, ErrJournal)
		b.l.set(nil, false)
	})
}

func TestEngineCannotRead(t *testing.T) {
	inBubble(t, func(b *bench) {
		b.begin("a")
		b.l.unread = errDisk
		_, err := b.Wait(b.Context(), "z")
		b.wantErr(err, ErrJournal)
		b.l.unread = nil
		b.want("a", StateCancelled, ReasonJournalFailed)
		_, err = b.Begin(b.Context(), euro("b"))
		b.wantErr(err, ErrOutOfOrder)
		time.Sleep(5*time.Second + time.Millisecond)
		b.begin("b")
	})
}

func TestEngineStops(t *testing.T) {
	inBubble(t, func(b *bench) {
		b.begin("a")
		ctx, giveUp := context.WithTimeout(b.Context(), time.Second)
		defer giveUp()
		_, err := b.Wait(ctx, "a")
		b.wantErr(err, context.DeadlineExceeded)
		b.stop()
		synctest.Wait()
		if p := b.l.stored["a"]; p.State != StateExpired || p.Reason != ReasonRestarted {
			t.Errorf("stopped with %s %s", p.State, p.Reason)
		}
		_, err = b.Begin(b.Context(), euro("b"))
		b.wantErr(err, ErrStopped)
	})
}

func TestEngineGoesOnWhenTheCallerHasGone(t *testing.T) {
	inBubble(t, func(b *bench) {
		b.l.slow = 10 * time.Second
		ctx, giveUp := context.WithTimeout(b.Context(), time.Second)
		defer giveUp()
		_, err := b.Begin(ctx, euro("a"))
		b.wantErr(err, context.DeadlineExceeded)
		b.want("a", StateExpired, ReasonTimeout)
	})
}

func TestWatch(t *testing.T) {
	inBubble(t, func(b *bench) {
		slow, stopSlow := b.Watch()
		defer stopSlow()
		changes, stop := b.Watch()
		var states []State
		go func() {
			for s := range changes {
				// Journal before effect: what is shown is committed, or no fact.
				if p := s.Payment; p.State.Terminal() && b.l.stored[p.ID].State != p.State {
					t.Errorf("shown %s before the commit", p.State)
				}
				if states = append(states, s.Payment.State); s.Payment.State == StateApproved {
					return
				}
			}
		}()
		synctest.Wait()
		b.begin("a")
		synctest.Wait()
		if err := b.consent("a"); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		want := []State{"", StateWaiting, StateRecognised, StateApproved}
		if len(states) != 4 || states[0] != want[0] || states[1] != want[1] || states[2] != want[2] ||
			states[3] != want[3] {
			t.Errorf("saw %q, want %q", states, want)
		}
		if s := <-slow; s.Payment.State != StateApproved {
			t.Errorf("the slow watcher sees %s, want the newest", s.Payment.State)
		}
		stop()
		b.begin("b")
		select {
		case s := <-changes:
			t.Errorf("after stop: %s", s.Payment.State)
		default:
		}
	})
}

// TestRefusedForTwoReasons: who is refused reads both in one line, and what to do.
func TestRefusedForTwoReasons(t *testing.T) {
	d := &desk{engine: NewEngine(&ledger{}, Options{}), causes: []string{"camera"}, tries: 5,
		locked: time.Now().Add(time.Hour)}
	err := d.ready(time.Now())
	if !errors.Is(err, ErrOutOfOrder) || !errors.Is(err, ErrLocked) || HintOf(err) == "" ||
		strings.Contains(err.Error(), "\n") || !strings.Contains(err.Error(), "camera; ") {
		t.Errorf("%q; %q", err, HintOf(err))
	}
	if err := Join(nil, ErrBusy, nil); err != ErrBusy || Join(nil, nil) != nil || Join() != nil {
		t.Error(err)
	}
	if err := Join(ErrBusy, errors.Join(ErrLocked, ErrPINWrong)); strings.Contains(err.Error(), "\n") ||
		!errors.Is(err, ErrPINWrong) {
		t.Errorf("%q", err)
	}
}
