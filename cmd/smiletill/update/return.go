package update

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"smiletill/payment"
	"smiletill/payment/journal"
)

// Return puts the journal of before back, where a newer program was tried and has brought it to its form. It
// is called before the journal is opened. What can't be put back is told when it is opened.
func Return(ctx context.Context, data, path string, log *slog.Logger) {
	s, err := files{data}.read()
	if err != nil || !s.Tell(FindHere()).CameBack() {
		return
	}
	done, err := journal.Back(ctx, path, time.Now())
	switch {
	case err == nil:
		log.Info("the journal of before the update was put back", "schema", done.Schema, "facts", done.Facts,
			"newer", done.Kept)
	case errors.Is(err, journal.ErrWouldLose):
		log.Error("the journal of before the update can't be put back", "err", err, "hint", payment.HintOf(err))
	default: // there is nothing to go back to, mostly; the opening says what is wrong
		log.Debug("the journal stays as it is", "err", err)
	}
}
