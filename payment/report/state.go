package report

import (
	"errors"
	"fmt"
	"time"

	"smiletill/payment/report/link"
)

// State is what a technician's page shows of the reporter.
type State struct {
	Connected bool
	Session   string    // of the open or last connection
	Since     time.Time // of Connected's last change
	InFlight  int       // rows sent and not acknowledged
	More      bool      // more rows wait behind those in flight
	OldestSeq int64     // of the rows in flight; 0: none
	OldestAt  time.Time // wall time of that fact
	LastAck   time.Time // of the last row closed; zero: none since the start
	Heard     bool      // the cloud acknowledged when it was last asked to; not before it was, since the start
	Problem   string    // what is wrong, in plain words; "": nothing
	Hint      string    // what to do about it
	// Plain tells that the broker takes no will and keeps no message: the cloud doesn't learn when the
	// terminal goes, and of what is wrong with it only a minute after it has come itself.
	Plain  bool
	Ending *link.Ending // a certificate whose end is near; nil: none
	Counts Counts
}

// Counts since the start. Only Closed moved anything in the outbox.
type Counts struct {
	Published  uint64 // sendings, the repeated ones included
	Resent     uint64 // of these, the repeated ones
	Closed     uint64 // rows closed by an acknowledgement, of payments
	Audits     uint64 // and of audit facts
	Repeated   uint64 // acknowledgements of a row closed before: harmless
	Unknown    uint64 // for an id that is not in flight
	Behind     uint64 // for a fact that the journal does not hold
	Mismatched uint64 // for a known id with another hash or seq
	Forged     uint64 // refused by the verifier
	Malformed  uint64 // not an acknowledgement at all
	Dropped    uint64 // found the inbox full
	Parked     uint64 // rows taken out of the queue: no events, refused, or passed by too many others
	Takeovers  uint64 // sessions of others under this terminal's name
	Lost       uint64 // connections that ended or did not come about
}

// State gives a copy, at any time and from any goroutine.
func (r *Reporter) State() State {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.state
}

func (r *Reporter) update(f func(*State)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	f(&r.state)
}

func (r *Reporter) setConnected(yes bool, session string) {
	r.update(func(s *State) {
		if s.Connected != yes {
			s.Since = time.Now()
		}
		s.Connected, s.Session = yes, session
		if yes {
			s.Problem, s.Hint = "", ""
		}
	})
}

// certificatesEvery is how often the certificates' ends are looked at.
const certificatesEvery = time.Minute

// wrong is what is wrong with the terminal and needs a person, a certificate that ends soon included.
func (r *Reporter) wrong() string {
	if now := time.Now(); now.Sub(r.looked) >= certificatesEvery {
		r.looked = now
		ending := r.o.Files.Ending(now)
		r.update(func(s *State) { s.Ending = ending })
	}
	words := r.o.Trouble()
	ending := r.State().Ending
	switch {
	case ending == nil:
		return words
	case words == "":
		return ending.What
	}
	return words + "; " + ending.What
}

// plain tells whether a link is to a broker that takes no will and keeps no message.
func plain(l Link) bool {
	p, ok := l.(interface{ Plain() bool })
	return ok && p.Plain()
}

// trouble records a problem with its advice.
func (r *Reporter) trouble(err error) {
	hint := "see the log"
	var h interface{ Hint() string }
	if errors.As(err, &h) {
		hint = h.Hint()
	}
	if t := r.takeover(); t != nil { // why the connections end
		err, hint = t, t.Hint()
	}
	r.update(func(s *State) { s.Problem, s.Hint = err.Error(), hint })
}

// look renews what the state says of the window, and notices a cloud that is silent behind a broker that is
// not.
func (r *Reporter) look(w *window, more bool, dropped uint64) {
	defer r.lookForOthers()
	r.update(func(s *State) {
		s.InFlight, s.More, s.OldestSeq, s.OldestAt = len(w.flights), more, 0, time.Time{}
		s.Counts.Dropped = r.droppedBefore + dropped
		if len(w.flights) == 0 {
			return
		}
		oldest := w.flights[0]
		s.OldestSeq, s.OldestAt = oldest.row.Seq, oldest.row.Time
		if oldest.tries >= silentTries {
			r.silent = true
		}
		if r.silent {
			t := r.silence(oldest)
			s.Heard = false
			s.Problem, s.Hint = t.Error(), t.Hint()
		}
	})
}

// lookForOthers puts a takeover before all other problems, as long as it lasts.
func (r *Reporter) lookForOthers() {
	t := r.takeover()
	r.update(func(s *State) {
		switch {
		case t != nil:
			s.Problem, s.Hint = t.Error(), t.Hint()
		case r.clash:
			s.Problem, s.Hint = "", ""
		}
	})
	r.clash = t != nil
}

// silence is the problem of a row that was sent and sent again.
func (r *Reporter) silence(f *flight) *link.Trouble {
	return &link.Trouble{
		Op:     "deliver payment reports",
		What:   fmt.Sprintf("the cloud does not acknowledge row %d and those after it", f.row.Seq),
		Advice: "payments go on and are kept; tell the operator of the cloud if it lasts",
	}
}

// silentTries is how often the oldest row is sent before the silence is called a problem: a lost packet is
// not one.
const silentTries = 3
