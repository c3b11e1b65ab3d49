package report

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"smiletill/payment/report/link"
)

// take judges one message of the ack topic. Only the last line of it can change anything.
func (r *Reporter) take(ctx context.Context, on *lanes, m link.Message) {
	if m.Topic == r.o.Address.Topic(ChannelStatus) {
		r.heard(m)
		return
	}
	ack, err := ParseAck(m.Payload)
	if err != nil {
		r.refuse(func(c *Counts) { c.Malformed++ }, "acknowledgement cannot be read",
			"bytes", len(m.Payload), "err", err)
		return
	}
	about := slog.Group("ack", "id", ack.ID, "hash", ack.Hash, "seq", ack.Seq)
	if err := r.o.Verifier.VerifyAck(r.o.Address.Source(), ack); err != nil {
		r.refuse(func(c *Counts) { c.Forged++ }, "acknowledgement is not the cloud's", about, "err", err)
		return
	}
	w := on.window(ack.ID)
	f := w.find(ack.ID)
	switch {
	case f == nil && w.wasClosed(ack.ID):
		r.update(func(s *State) { s.Counts.Repeated++ })
		return
	case f == nil:
		r.compare(ctx, ack, about)
		return
	case f.row.Hash == ack.Hash && f.row.Seq == ack.Seq && ack.Refused != "":
		r.o.Log.Error("the cloud refuses a payment's report; it is parked", about, "why", ack.Refused)
		r.o.OnAlarm(Alarm{Row: f.row, Ack: ack})
		r.park(ctx, w, f.row, "the cloud refuses it: "+ack.Refused)
		return
	case f.row.Hash != ack.Hash || f.row.Seq != ack.Seq:
		r.refuse(func(c *Counts) { c.Mismatched++ }, "acknowledgement contradicts the journal", about,
			"hash", f.row.Hash, "seq", f.row.Seq)
		if !f.alarmed {
			f.alarmed = true
			r.o.OnAlarm(Alarm{Row: f.row, Ack: ack})
		}
		return
	}
	r.close(ctx, w, f)
}

// outboxOf is where the rows of a window come from.
func (r *Reporter) outboxOf(w *window) Outbox {
	if w.audit {
		return r.o.Audits
	}
	return r.o.Outbox
}

// compare holds an acknowledgement of no row in flight against the journal. The cloud sends that of the
// latest fact that it has of a terminal whenever that connects, so that one whose journal lacks it learns of
// it. The signature names terminal, id, hash and seq, and a journal only grows: an old acknowledgement that
// is sent again says nothing untrue.
func (r *Reporter) compare(ctx context.Context, ack Ack, about slog.Attr) {
	const what = "acknowledgement of a row that is not in flight"
	if r.o.Ledger == nil || ack.Refused != "" {
		r.refuse(func(c *Counts) { c.Unknown++ }, what, about)
		return
	}
	held, err := r.o.Ledger.Holds(ctx, ack.ID, ack.Hash, ack.Seq)
	switch {
	case err != nil && ctx.Err() == nil:
		r.refuse(func(c *Counts) { c.Unknown++ }, what+", and the journal can't be asked", about, "err", err)
	case err == nil && held:
		r.update(func(s *State) { s.Counts.Repeated++ })
		r.o.OnHeld(ack)
	case err == nil:
		r.update(func(s *State) { s.Counts.Behind++ })
		r.o.Log.Error("the cloud has acknowledged a fact that the journal does not hold", about)
		r.o.OnBehind(ack)
	}
}

// refusedEvery bounds the log that whoever may publish to the ack topic can make us write. Counts has them
// all.
const refusedEvery = time.Second

func (r *Reporter) refuse(count func(*Counts), what string, about ...any) {
	r.update(func(s *State) { count(&s.Counts) })
	if now := time.Now(); r.refusedAt.IsZero() || now.Sub(r.refusedAt) >= refusedEvery {
		r.refusedAt = now
		r.o.Log.Warn(what+"; nothing is changed", about...)
	}
}

func (r *Reporter) close(ctx context.Context, w *window, f *flight) {
	if err := r.outboxOf(w).Close(ctx, f.row.ID, f.row.Hash, f.row.Seq); err != nil {
		if ctx.Err() == nil {
			// The row flies on: sent again, it is acknowledged again.
			r.trouble(fmt.Errorf("close row %d: %w", f.row.Seq, err))
			r.o.Log.Error("cannot close a delivered row", "seq", f.row.Seq, "id", f.row.ID, "err", err)
		}
		return
	}
	now := time.Now()
	for _, stuck := range w.remove(f, now) {
		r.park(ctx, w, stuck.row, fmt.Sprintf("the cloud does not acknowledge it, but %d later ones", parkAfter))
	}
	if w.audit {
		r.update(func(s *State) { s.Counts.Audits++ })
		return
	}
	r.patience, r.silent = leastPatience, false
	r.update(func(s *State) {
		s.Counts.Closed++
		s.LastAck, s.Heard, s.Problem, s.Hint = now, true, "", ""
	})
	r.o.Log.Debug("payment delivered", "seq", f.row.Seq, "id", f.row.ID)
}

// park takes a poisoned row out of the queue, so that those behind it go on.
func (r *Reporter) park(ctx context.Context, w *window, row Row, why string) {
	if err := r.outboxOf(w).Park(ctx, row.Seq, why); err != nil {
		if ctx.Err() == nil {
			r.trouble(fmt.Errorf("park row %d: %w", row.Seq, err))
			r.o.Log.Error("cannot park a row; it stays in the queue", "seq", row.Seq, "id", row.ID, "err", err)
		}
		return
	}
	w.drop(row.ID)
	r.update(func(s *State) { s.Counts.Parked++ })
	r.o.Log.Error("a payment cannot be reported; it is parked", "seq", row.Seq, "id", row.ID, "why", why)
}
