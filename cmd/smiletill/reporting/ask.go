package reporting

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"time"

	"smiletill/cmd/smiletill/config"
	"smiletill/payment/journal"
	"smiletill/payment/report"
)

// askFor is how long the cloud is given to answer: some connections of a slow line.
const askFor = 20 * time.Second

// ErrSilent is that the cloud has said nothing of what it has of this terminal.
var ErrSilent = errors.New("the cloud has not said what it has of this terminal")

// Ask asks the cloud whether it has facts that a journal lacks, and reports nothing. nil: it has none;
// journal.ErrBehind: it has, and the journal is marked; ErrSilent: nothing is known, because there is no
// broker or it can't be reached, or because the cloud knows nothing of this terminal.
func Ask(
	ctx context.Context, cfg config.Config, version string, j *journal.Journal, k Keys, log *slog.Logger,
) error {
	if cfg.MQTT.Broker == "" {
		return ErrSilent
	}
	var lacks atomic.Pointer[string] // in words: the cloud reads it in the farewell
	o := options(cfg, version, j, k, Options{Trouble: []func() string{func() string {
		if words := lacks.Load(); words != nil {
			return *words
		}
		return ""
	}}, Log: log})
	o.Outbox, o.Audits, o.Wake = nothing{}, nil, nil
	answers := make(chan error, 1)
	answer := func(err error) {
		select {
		case answers <- err:
		default: // the first one counts
		}
	}
	o.OnHeld = func(a report.Ack) {
		// Payments that the cloud had not acknowledged when the copy was made: there may have been more of them.
		open, err := j.Outbox().Pending(context.WithoutCancel(ctx), a.Seq, 1)
		if err == nil && len(open) > 0 {
			err = ErrSilent
		}
		answer(err)
	}
	o.OnBehind = func(a report.Ack) {
		err := j.Behind(context.WithoutCancel(ctx), a.ID, a.Hash, a.Seq)
		words := err.Error()
		lacks.Store(&words)
		answer(err)
	}
	r, err := report.New(o)
	if err != nil {
		return err
	}
	ctx, stop := context.WithTimeout(ctx, askFor)
	defer stop()
	ended := make(chan error, 1)
	go func() { ended <- r.Run(ctx) }()
	select {
	case err = <-answers:
		stop()
		<-ended // it says farewell
		return err
	case <-ended:
		return ErrSilent
	}
}

// nothing is an outbox without rows.
type nothing struct{}

func (nothing) Pending(context.Context, int64, int) ([]report.Row, error) { return nil, nil }
func (nothing) Park(context.Context, int64, string) error                 { return nil }
func (nothing) Close(context.Context, string, string, int64) error        { return nil }
