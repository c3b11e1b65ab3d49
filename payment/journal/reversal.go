package journal

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"smiletill/payment"
)

// Reverse writes a reversal: its fact, its row, the payment's new rest and the outbox row, in one
// transaction. It returns nil when they are on stable storage. Nothing was written when it returns
// payment.ErrConflict (the id is taken), ErrNotFound, ErrNotApproved, ErrTooMuch or ErrUnsure. After any
// other error the outcome is open: FindReversal tells.
func (j *Journal) Reverse(ctx context.Context, r payment.Reversal) error {
	err := j.write(ctx, func(tx *transaction) error { return j.reverse(ctx, tx, r) })
	if err == nil {
		j.wake()
	}
	return wrap(j.path, "journal reversal "+r.ID, err)
}

func (j *Journal) reverse(ctx context.Context, tx *transaction, r payment.Reversal) error {
	switch _, err := findReversal(ctx, tx, r.ID); {
	case err == nil:
		return payment.ErrConflict
	case !errors.Is(err, payment.ErrNotFound):
		return err
	}
	p, err := find(ctx, tx, r.PaymentID)
	switch {
	case err != nil:
		return err
	case p.State != payment.StateApproved || p.Customer != r.Customer || p.Amount.Currency != r.Amount.Currency:
		return fmt.Errorf("%w: it is %s", payment.ErrNotApproved, p.State)
	case r.Amount.Minor <= 0 || r.Amount.Minor > p.Amount.Minor-p.Reversed:
		return payment.ErrTooMuch
	}
	if err := nothingLostBehind(ctx, tx, p.ID); err != nil {
		return err
	}
	l, err := j.append(ctx, tx, reversalBody(j.options, r), r.At)
	if err != nil {
		return err
	}
	if err := insertReversal(ctx, tx, l.body.Seq, r); err != nil {
		return err
	}
	return enqueue(ctx, tx, l.body, 0)
}

// insertReversal writes a reversal's row and what is left of its payment.
func insertReversal(ctx context.Context, tx execer, seq int64, r payment.Reversal) error {
	_, err := tx.ExecContext(
		ctx,
		`INSERT INTO reversal (id, seq, payment, amount_minor, currency, whole, reference,
		customer, at, time_trusted) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		r.ID,
		seq,
		r.PaymentID,
		r.Amount.Minor,
		r.Amount.Currency,
		r.Whole,
		r.Reference,
		r.Customer,
		stamp(r.At),
		r.TimeTrusted,
	)
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `UPDATE payment SET reversed_minor = reversed_minor + ? WHERE id = ?`,
		r.Amount.Minor, r.PaymentID)
	return err
}

// nothingLostBehind refuses with payment.ErrUnsure when a reversal of the payment may have been lost with a
// damaged journal: facts behind its approval are missing.
func nothingLostBehind(ctx context.Context, q queryer, paymentID string) error {
	var lost bool
	err := q.QueryRowContext(
		ctx,
		`SELECT EXISTS (SELECT 1 FROM gap, payment p WHERE p.id = ? AND gap.last > p.seq)`,
		paymentID,
	).Scan(
		&lost,
	)
	if err != nil || !lost {
		return err
	}
	return payment.WithHint(
		fmt.Errorf("payment %s: whether it was given back before: %w", paymentID, payment.ErrUnsure),
		"look in the cloud's record whether it was given back, and if not, give it back by other means",
	)
}

const reversalColumns = `r.id, r.payment, r.amount_minor, r.currency, r.whole, r.reference, r.customer, r.at,
	r.time_trusted`

func scanReversal(row scanner, more ...any) (payment.Reversal, error) {
	var r payment.Reversal
	var at string
	err := row.Scan(
		append([]any{&r.ID, &r.PaymentID, &r.Amount.Minor, &r.Amount.Currency, &r.Whole, &r.Reference,
			&r.Customer, &at, &r.TimeTrusted}, more...)...)
	if err == nil {
		r.At, err = parseStamp(at)
	}
	return r, err
}

func findReversal(ctx context.Context, q queryer, id string) (payment.Reversal, error) {
	r, err := scanReversal(
		q.QueryRowContext(ctx, `SELECT `+reversalColumns+` FROM reversal r WHERE r.id = ?`, id),
	)
	if errors.Is(err, sql.ErrNoRows) {
		return payment.Reversal{}, payment.ErrNotFound
	}
	return r, err
}

// FindReversal gives a reversal as it is stored, or payment.ErrNotFound.
func (r *Reader) FindReversal(ctx context.Context, id string) (payment.Reversal, error) {
	found, err := findReversal(ctx, r.db, id)
	return found, wrap(r.path, "find reversal "+id, err)
}

// FindReversal gives a reversal as Reader.FindReversal does, and nothing that a power cut could take back.
func (j *Journal) FindReversal(ctx context.Context, id string) (payment.Reversal, error) {
	if err := j.sure(ctx); err != nil {
		return payment.Reversal{}, wrap(j.path, "find reversal "+id, err)
	}
	return j.Reader.FindReversal(ctx, id)
}

// Reversals gives the reversals of a payment, the oldest first.
func (r *Reader) Reversals(ctx context.Context, paymentID string) ([]payment.Reversal, error) {
	rows, err := r.db.QueryContext(
		ctx,
		`SELECT `+reversalColumns+` FROM reversal r WHERE r.payment = ? ORDER BY r.seq`,
		paymentID,
	)
	if err != nil {
		return nil, wrap(r.path, "list reversals", err)
	}
	defer rows.Close()
	var all []payment.Reversal
	for rows.Next() {
		one, err := scanReversal(rows)
		if err != nil {
			return nil, wrap(r.path, "list reversals", err)
		}
		all = append(all, one)
	}
	return all, wrap(r.path, "list reversals", rows.Err())
}
