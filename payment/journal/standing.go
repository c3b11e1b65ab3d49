package journal

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"smiletill/payment"
)

// day is the window of Standing.Day, on the terminal's own clock.
const day = 24 * time.Hour

// Standing tells what a customer paid before; a vend that is open is paid. The 24 hours are counted by the
// time that provably passed on this terminal (see passed): a wrong date ends no limit.
func (j *Journal) Standing(ctx context.Context, customer, currency string) (payment.Standing, error) {
	var s payment.Standing
	h, err := readHead(ctx, j.db)
	if err != nil {
		return s, wrap(j.path, "read a customer's payments", err)
	}
	since := h.clock(j.moment(time.Time{}, false)) - day
	err = j.db.QueryRowContext(ctx, `WITH mine AS (SELECT seq, pin, amount_minor, clock_ms FROM payment
			WHERE state IN ('approved', 'vending') AND customer = ?1 AND currency = ?2),
		since AS (SELECT coalesce(max(seq), 0) AS seq FROM mine WHERE pin = 1)
		SELECT (SELECT count(*) FROM mine WHERE seq > (SELECT seq FROM since)),
			(SELECT coalesce(sum(amount_minor), 0) FROM mine WHERE seq > (SELECT seq FROM since)),
			(SELECT coalesce(sum(amount_minor), 0) FROM mine WHERE clock_ms > ?3)`,
		customer, currency, since.Milliseconds()).Scan(&s.Count, &s.Sum, &s.Day)
	return s, wrap(j.path, "read a customer's payments", err)
}

// Elapsed is how much time has provably passed on this terminal since its journal began. It may fall
// behind over a restart, to the last fact's, and never runs ahead.
func (j *Journal) Elapsed(ctx context.Context) (time.Duration, error) {
	h, err := readHead(ctx, j.db)
	if err != nil {
		return 0, wrap(j.path, "read the terminal's clock", err)
	}
	return h.clock(j.moment(time.Time{}, false)), nil
}

// Elapsed is Journal.Elapsed for who only reads.
func (r *Reader) Elapsed(ctx context.Context) (time.Duration, error) {
	h, err := readHead(ctx, r.db)
	if err != nil {
		return 0, wrap(r.path, "read the terminal's clock", err)
	}
	boot, uptime := uptimeOf()()
	return h.clock(moment{boot: boot, uptime: uptime}), nil
}

// room refuses a new payment when too much waits for the cloud already: too many facts, too much money, or
// for too long.
func (j *Journal) room(ctx context.Context, tx *transaction, p payment.Payment) error {
	var count int
	var owed int64
	err := tx.QueryRowContext(ctx, `SELECT count, minor FROM unreported`).Scan(&count, &owed)
	if err != nil {
		return err
	}
	o := j.options
	const hint = "connect the terminal to the cloud; it takes payments again when they are acknowledged"
	if count >= o.OutboxMax {
		return payment.WithHint(fmt.Errorf("%w: %d", payment.ErrBacklog, count), hint)
	}
	if o.OwedMax > 0 && (owed > o.OwedMax || p.Amount.Minor > o.OwedMax-owed) {
		sum := payment.Amount{Minor: owed, Currency: p.Amount.Currency}
		limit := payment.Amount{Minor: o.OwedMax, Currency: p.Amount.Currency}
		err := fmt.Errorf("%w: %s of at most %s", payment.ErrBacklog, sum, limit)
		if owed < o.OwedMax {
			err = fmt.Errorf("%w: %w", err, payment.ErrBacklogAmount)
		}
		return payment.WithHint(err, hint)
	}
	if o.UnreportedMax <= 0 {
		return nil
	}
	var oldest int64
	err = tx.QueryRowContext(ctx, `SELECT clock_ms FROM outbox WHERE acked_at IS NULL AND parked IS NULL
		AND audit = 0 ORDER BY seq LIMIT 1`).Scan(&oldest)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	if err != nil {
		return err
	}
	h, err := readHead(ctx, tx)
	if err != nil {
		return err
	}
	age := h.clock(j.moment(p.OpenedAt, p.TimeTrusted)) - time.Duration(oldest)*time.Millisecond
	if age > o.UnreportedMax {
		return payment.WithHint(
			fmt.Errorf("%w: the oldest for %v", payment.ErrBacklog, age.Round(time.Minute)),
			hint,
		)
	}
	return nil
}

// LivenessFailed tells how long ago, by the time that provably passed, a consent was last without the live
// verdict that it wanted, in the latest 1,000 payments; false: none was. A payment that the terminal was
// switched off in, or that could not be written, may have had one: pulling the plug after each photo gains
// nothing.
func (j *Journal) LivenessFailed(ctx context.Context) (ago time.Duration, failed bool, err error) {
	var then int64
	err = j.db.QueryRowContext(ctx, `SELECT clock_ms FROM (
			SELECT p.seq, p.clock_ms, p.reason, f.body FROM payment p JOIN fact f USING (seq)
			WHERE p.state <> 'waiting' ORDER BY p.seq DESC LIMIT 1000)
		WHERE reason IN (?, ?) OR json_extract(body, '$.liveness.verdict') IS 'failed'
			OR json_extract(body, '$.liveness.demand') IN ('passive', 'light')
			AND json_extract(body, '$.liveness.verdict') IS NOT 'live'
		ORDER BY seq DESC LIMIT 1`,
		string(payment.ReasonRestarted), string(payment.ReasonJournalFailed)).Scan(&then)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, false, nil
	}
	if err != nil {
		return 0, false, wrap(j.path, "look for verdicts that failed", err)
	}
	now, err := j.Elapsed(ctx)
	then++ // it was rounded down
	return max(now-time.Duration(then)*time.Millisecond, 0), true, err
}

// FailedTries counts the faces that were refused since the last approval, in the latest 1,000 payments: those
// that were no customer's, however the payment ended, and at least one for a face or a PIN that it declined,
// or a verdict on the pictures that failed.
func (r *Reader) FailedTries(ctx context.Context) (int, error) {
	var n int
	err := r.db.QueryRowContext(ctx, `SELECT coalesce(sum(max(coalesce(json_extract(body, '$.strangers'), 0),
			state = 'declined' AND reason IN (?, ?) OR json_extract(body, '$.liveness.verdict') IS 'failed')), 0)
		FROM (SELECT state, reason, body FROM payment JOIN fact USING (seq)
			WHERE seq > coalesce((SELECT seq FROM payment WHERE state = 'approved' ORDER BY seq DESC LIMIT 1), 0)
			ORDER BY seq DESC LIMIT 1000)`,
		string(payment.ReasonNotRecognised), string(payment.ReasonWrongPIN)).Scan(&n)
	return n, wrap(r.path, "count refused faces", err)
}
