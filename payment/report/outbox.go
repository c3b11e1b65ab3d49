package report

import (
	"context"
	"fmt"
	"time"
)

// source is an outbox, and remembers when it is worth a look.
type source struct {
	outbox  Outbox
	more    bool      // rows may wait: the last look was full, or somebody woke us
	checked time.Time // of the last look that went well
	retry   time.Time // after a failed look: not before
}

func (s *source) polled(now time.Time, poll time.Duration) {
	if s.outbox != nil && now.Sub(s.checked) >= poll {
		s.more = true
	}
}

// outboxRetry is the time between looks at an outbox that fails.
const outboxRetry = 5 * time.Second

// fill takes rows from the outbox while there is room. A failing outbox is a problem to show, and is tried
// again: the rows in flight are not its fault.
func (r *Reporter) fill(ctx context.Context, w *window, s *source) {
	for s.more && w.room() > 0 && !time.Now().Before(s.retry) {
		want, before := w.room(), w.after
		rows, err := s.outbox.Pending(ctx, w.after, want)
		if err != nil {
			if ctx.Err() == nil {
				s.retry = time.Now().Add(min(outboxRetry, r.o.Poll))
				r.trouble(fmt.Errorf("read the outbox: %w", err))
				r.o.Log.Error("cannot read the outbox", "err", err)
			}
			return
		}
		s.checked, s.retry, s.more = time.Now(), time.Time{}, len(rows) >= want
		for _, row := range rows {
			r.launch(ctx, w, row)
		}
		if w.after == before {
			return // nothing new, whatever was promised: the next look is the next round's
		}
	}
}

func (r *Reporter) launch(ctx context.Context, w *window, row Row) {
	if row.Seq <= w.after || w.room() == 0 {
		return // an outbox that breaks its contract must not break the order or the bound
	}
	payload, err := Encode(r.o.Address, row, r.o.Signer)
	if err != nil {
		w.skip(row)
		r.park(ctx, w, row, err.Error())
		return
	}
	w.add(row, payload, time.Now())
}

// untilNext is how long nothing needs doing by itself.
func (r *Reporter) untilNext(w *window, s *source) time.Duration {
	now := time.Now()
	wait := r.o.Poll
	if s.outbox == nil {
		return wait
	}
	if !s.more { // since the last look: whatever wakes the reporter in between does not put the next one off
		wait = s.checked.Add(r.o.Poll).Sub(now)
	}
	if at, ok := w.next(); ok {
		wait = min(wait, at.Sub(now))
	}
	if s.more && !s.retry.IsZero() {
		wait = min(wait, s.retry.Sub(now))
	}
	return max(wait, 0)
}
