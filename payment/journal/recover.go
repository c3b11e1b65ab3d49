package journal

import (
	"context"
	"fmt"
	"time"

	"smiletill/payment"
)

// recovery says what happens at a start to a payment by the state that is stored.
type recovery struct {
	State payment.State
	Event payment.Event // applied by payment.Next; nil keeps the payment as it is
	Never bool          // the journal never stores it
}

// recoveries is total: one row a state.
func recoveries() []recovery {
	return []recovery{
		{State: payment.StateWaiting, Event: payment.Restarted{}},
		{State: payment.StateRecognised, Never: true},
		{State: payment.StatePIN, Never: true},
		{State: payment.StateVending}, // the machine decides it: see Vending
		{State: payment.StateApproved},
		{State: payment.StateDeclined},
		{State: payment.StateCancelled},
		{State: payment.StateExpired},
		{State: payment.StateVoided},
	}
}

// Vending gives the payment that a vending machine had in hand when the terminal stopped, with what its
// consent was of; false: none. The engine goes on with it.
func (j *Journal) Vending(ctx context.Context) (payment.Payment, bool, error) {
	fail := func(err error) (payment.Payment, bool, error) {
		return payment.Payment{}, false, wrap(j.path, "find the open vend", err)
	}
	open, err := j.List(ctx, Filter{State: payment.StateVending, Limit: 1})
	if err != nil || len(open) == 0 {
		return payment.Payment{}, false, err
	}
	p := open[0].Payment
	var text []byte
	row := j.db.QueryRowContext(ctx, `SELECT body FROM fact WHERE seq = ?`, open[0].Seq)
	if err := row.Scan(&text); err != nil {
		return fail(err)
	}
	b, err := parseBody(text)
	if err != nil {
		return fail(err)
	}
	p.Demand, p.Evidence.Liveness = b.judged()
	if b.Camera != nil {
		p.Evidence.Camera = payment.Camera{Kind: b.Camera.Kind, Driver: b.Camera.Driver}
	}
	if m := b.Models[modelEmbed]; m != j.options.Models[modelEmbed] { // the one before
		p.Evidence.Model = m
	}
	p.Strangers = b.Strangers
	return p, true, nil
}

// Recover ends what was open when the terminal stopped, and tells how many payments that were. Call it
// after Open, before the engine runs. now is wall time, trusted whether it is known to be right.
func (j *Journal) Recover(ctx context.Context, now time.Time, trusted bool) (int, error) {
	count := 0
	for _, r := range recoveries() {
		if r.Event == nil {
			continue
		}
		open, err := j.List(ctx, Filter{State: r.State, Limit: -1})
		if err != nil {
			return count, err
		}
		for _, entry := range open {
			p, err := payment.Next(entry.Payment, r.Event, now)
			if err != nil {
				return count, fmt.Errorf("recover: %w", err)
			}
			p.TimeTrusted = trusted
			if err := j.Commit(ctx, p); err != nil {
				return count, fmt.Errorf("recover: %w", err)
			}
			count++
		}
	}
	return count, nil
}
