package journal

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"smiletill/payment"
)

// pruneStep is how many facts one transaction of Prune removes, so that no payment waits for it.
const pruneStep = 1000

// Prune removes payments that are older than keep, on the terminal's own clock, from the beginning of the
// chain, and tells how many facts that were. The chain begins then after an anchor that holds the hash of
// the last fact removed. Nothing goes that is open or not acknowledged, nor anything behind it; a payment
// goes with its reversals, and all of it at once. It is an error to keep less than payment.MinKeep.
func (j *Journal) Prune(ctx context.Context, keep time.Duration) (int64, error) {
	if keep < payment.MinKeep {
		return 0, fmt.Errorf("prune journal: keep %v is less than %v", keep, payment.MinKeep)
	}
	var total int64
	for {
		removed, err := j.prune(ctx, keep)
		total += removed
		if err != nil || removed == 0 {
			return total, wrap(j.path, "prune journal", err)
		}
	}
}

func (j *Journal) prune(ctx context.Context, keep time.Duration) (removed int64, err error) {
	err = j.write(ctx, func(tx *transaction) error {
		h, err := readHead(ctx, tx)
		if err != nil {
			return err
		}
		anchor, err := readMark(ctx, tx, "anchor")
		if err != nil {
			return err
		}
		before := h.clock(j.moment(time.Time{}, false)) - keep
		// A payment that was given back much later holds up a small step, and not a large one.
		var last int64
		for step := int64(pruneStep); ; step *= 2 {
			last, err = lastToGo(ctx, tx, anchor.seq, anchor.seq+step, before)
			if err != nil || last > anchor.seq || anchor.seq+step >= h.seq {
				break
			}
		}
		if err != nil || last <= anchor.seq {
			return err
		}
		removed = last - anchor.seq
		return removeUpTo(ctx, tx, last)
	})
	return removed, err
}

// lastToGo gives the fact up to which everything may go, at most limit, or anchor if nothing may.
func lastToGo(
	ctx context.Context,
	tx *transaction,
	anchor, limit int64,
	before time.Duration,
) (int64, error) {
	var last sql.NullInt64
	// The clock rises with seq. Facts of the first version have none, and are older than all that do.
	err := tx.QueryRowContext(ctx, `SELECT max(seq) FROM fact WHERE seq > ?1 AND seq <= ?2
		AND coalesce(json_extract(body, '$.clock_ms'), 0) < ?3`, anchor, limit, before.Milliseconds()).Scan(&last)
	if err != nil || !last.Valid {
		return anchor, err
	}
	seq := last.Int64
	for {
		// What must stay, and with it all that follows: a payment goes whole.
		var first sql.NullInt64
		err := tx.QueryRowContext(ctx, `SELECT min(seq) FROM (
			SELECT min(seq) AS seq FROM outbox WHERE acked_at IS NULL AND audit = 0
			UNION ALL SELECT min(f.seq) FROM fact f JOIN payment p ON p.id = f.payment
				WHERE f.seq > ?1 AND f.seq <= ?2 AND (p.seq > ?2 OR p.state IN ('waiting', 'vending'))
			UNION ALL SELECT min(f.seq) FROM fact f JOIN reversal r ON r.payment = f.payment
				WHERE f.seq <= ?2 AND r.seq > ?2)`, anchor, seq).Scan(&first)
		if err != nil {
			return anchor, err
		}
		if !first.Valid || first.Int64 > seq {
			return seq, nil
		}
		if seq = first.Int64 - 1; seq <= anchor {
			return anchor, nil
		}
	}
}

func removeUpTo(ctx context.Context, tx *transaction, seq int64) error {
	for _, statement := range append(keepLast(),
		`UPDATE anchor SET seq = ?1, hash = (SELECT hash FROM fact WHERE seq = ?1)`,
		`UPDATE checkpoint SET seq = a.seq, hash = a.hash FROM anchor a WHERE checkpoint.seq < ?1 AND a.seq = ?1`,
		`DELETE FROM outbox WHERE seq <= ?1`,
		`DELETE FROM reversal WHERE seq <= ?1`,
		`DELETE FROM payment WHERE seq <= ?1`,
		`DELETE FROM fact WHERE seq <= ?1`,
	) {
		if _, err := tx.ExecContext(ctx, statement, seq); err != nil {
			return errors.Join(fmt.Errorf("remove facts up to %d", seq), err)
		}
	}
	return nil
}
