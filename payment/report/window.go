package report

import (
	"slices"
	"time"

	"smiletill/payment/report/link"
)

// flight is one row on its way: sent at least once, not acknowledged.
type flight struct {
	row     Row
	payload []byte
	answer  interface{ Answered() bool } // of the last sending; nil before the first
	tries   int
	due     time.Time
	alarmed bool
	sent    int // sendings on this connection; tries begins anew when the cloud answers
	passed  int // rows behind it that were acknowledged meanwhile
}

// A row that is not acknowledged is called poisoned when so many later ones were, four times the usual
// window, and it was sent so often itself: acknowledgements get lost too.
const (
	parkAfter  = 64
	parkedSent = 8
)

// window is what the reporter remembers of one connection: the rows in flight by rising seq, never more than
// size, and how far the outbox was read. It does no I/O and knows no clock.
type window struct {
	size    int
	audit   bool // of audit facts: a cloud that acknowledges none is no silent cloud
	flights []*flight
	after   int64 // the highest seq taken from the outbox
	pace    link.Backoff
	closed  []string // ids of the last rows closed, to tell a repeated acknowledgement from an unknown one
}

func newWindow(size int, p link.Backoff) *window { return &window{size: size, pace: p} }

// room is how many more rows may fly.
func (w *window) room() int { return w.size - len(w.flights) }

// add takes a row that is to be sent at once. Rows come by rising seq.
func (w *window) add(r Row, payload []byte, now time.Time) {
	w.skip(r)
	w.flights = append(w.flights, &flight{row: r, payload: payload, due: now})
}

// skip passes a row that cannot fly.
func (w *window) skip(r Row) { w.after = max(w.after, r.Seq) }

// due gives the flights to be sent now, by rising seq.
func (w *window) due(now time.Time) []*flight {
	var out []*flight
	for _, f := range w.flights {
		if !f.due.After(now) {
			out = append(out, f)
		}
	}
	return out
}

// sent notes a sending; the next one waits twice as long.
func (w *window) sent(f *flight, answer interface{ Answered() bool }, now time.Time) {
	f.answer = answer
	f.due = now.Add(w.pace.Delay(f.tries))
	f.tries++
	f.sent++
}

// next is when the first flight is due; ok is false when there is none.
func (w *window) next() (at time.Time, ok bool) {
	for _, f := range w.flights {
		if !ok || f.due.Before(at) {
			at, ok = f.due, true
		}
	}
	return at, ok
}

func (w *window) find(id string) *flight {
	for _, f := range w.flights {
		if f.row.ID == id {
			return f
		}
	}
	return nil
}

func (w *window) wasClosed(id string) bool { return slices.Contains(w.closed, id) }

// drop forgets a row that does not fly any more and was not closed.
func (w *window) drop(id string) {
	w.flights = slices.DeleteFunc(w.flights, func(o *flight) bool { return o.row.ID == id })
}

// remove forgets a row that was closed, and gives those before it that too many have passed. The cloud is
// awake then: whatever else was waiting out a long silence is due soon.
func (w *window) remove(f *flight, now time.Time) (stuck []*flight) {
	w.drop(f.row.ID)
	w.closed = append(w.closed, f.row.ID)
	if over := len(w.closed) - 4*w.size; over > 0 {
		w.closed = slices.Delete(w.closed, 0, over)
	}
	soon := now.Add(w.pace.Delay(0))
	for _, o := range w.flights {
		if o.row.Seq < f.row.Seq {
			if o.passed++; o.passed >= parkAfter && o.sent >= parkedSent {
				stuck = append(stuck, o)
			}
		}
		if o.tries > 1 {
			o.tries = 1
		}
		if o.due.After(soon) {
			o.due = soon
		}
	}
	return stuck
}
