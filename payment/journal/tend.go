package journal

import (
	"context"
	"errors"
	"time"

	"smiletill/payment"
)

// Tend looks after the journal now and then, while a terminal runs on it: it checks what was written since
// and removes payments that were kept long enough. It returns when the journal is damaged, or nil when ctx
// ends.
func (j *Journal) Tend(ctx context.Context, keep, every time.Duration) error {
	log := j.options.Log
	for {
		switch err := j.CheckTail(ctx); {
		case errors.Is(err, ErrDamaged):
			return err
		case err != nil && ctx.Err() == nil:
			log.Error("the journal could not be checked", "err", err, "hint", payment.HintOf(err))
		}
		removed, err := j.Prune(ctx, keep)
		switch {
		case err != nil && ctx.Err() == nil:
			log.Error("old payments could not be removed", "err", err, "hint", payment.HintOf(err))
		case removed > 0:
			log.Info("old payments were removed from the journal", "facts", removed)
		}
		if err := j.dropCopies(ctx); err != nil && ctx.Err() == nil {
			log.Error("the copy of before the migration could not be removed", "err", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(every):
		}
	}
}
