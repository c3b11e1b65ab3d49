package register

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"smiletill/payment"
)

// Period is the span between two reconciliations: the journal's facts with After < seq <= Upto; Upto is 0
// while it is open.
type Period struct{ Number, After, Upto int64 }

// periodsMax is how many periods are remembered: of a shop that closes ten a day, for some years.
const periodsMax = 10_000

// Current gives the period that is open.
func (r *Records) Current(ctx context.Context) (Period, error) {
	return r.period(ctx, `SELECT number, after, upto FROM period ORDER BY number DESC LIMIT 1`)
}

// Closed gives a period that was closed; 0 is the last one. payment.ErrNotFound if there is none.
func (r *Records) Closed(ctx context.Context, number int64) (Period, error) {
	return r.period(ctx,
		`SELECT number, after, upto FROM period WHERE upto IS NOT NULL AND (?1 = 0 OR number = ?1)
		ORDER BY number DESC LIMIT 1`, number)
}

func (r *Records) period(ctx context.Context, query string, args ...any) (Period, error) {
	var p Period
	var upto sql.NullInt64
	err := r.db.QueryRowContext(ctx, query, args...).Scan(&p.Number, &p.After, &upto)
	p.Upto = upto.Int64
	if errors.Is(err, sql.ErrNoRows) {
		return p, fmt.Errorf("find the period: %w", payment.ErrNotFound)
	}
	if err != nil {
		return p, fmt.Errorf("find the period: %w", err)
	}
	return p, nil
}

// CloseAt ends the open period with the fact upto and begins the next one, and notes the message that asked
// for it in the same transaction. Of a message that has done so before it gives the record, with known true,
// and changes nothing. Errors as Begin's.
func (r *Records) CloseAt(ctx context.Context, rec Record, upto int64) (_ Record, known bool, err error) {
	err = r.change(ctx, func(tx *sql.Tx, now time.Duration) error {
		var before Record
		if before, known, err = r.known(ctx, tx, rec.Header, now); known || err != nil {
			rec = before
			return err
		}
		var after int64
		if err := tx.QueryRowContext(ctx, `UPDATE period SET upto = max(?, after) WHERE upto IS NULL
			RETURNING number, upto`, upto).Scan(&rec.Period, &after); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `INSERT INTO period (number, after) VALUES (?, ?)`, rec.Period+1,
			after); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, `DELETE FROM period WHERE number <= ?`, rec.Period-periodsMax)
		if err != nil {
			return err
		}
		return r.insert(ctx, tx, rec, now)
	})
	if err != nil {
		return Record{}, false, fmt.Errorf("close the period: %w", err)
	}
	return rec, known, nil
}
