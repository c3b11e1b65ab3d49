package journal

import (
	"context"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"smiletill/payment"
)

// Row is an approval, a reversal or an audit fact that the cloud has not acknowledged.
type Row struct {
	Seq       int64
	ID        string          // of the event
	Kind      string          // "approved", "reversed" or "audit"
	PaymentID string          // of an audit fact whom it is about: a customer, a register's key or "clerk"
	Time      time.Time       // wall time of the fact
	Body      json.RawMessage // canonical JSON
	Hash      string          // 64 hex digits
}

// Outbox is the side of the journal that the reporter sees.
type Outbox struct {
	j     *Journal
	audit bool
}

// Outbox gives the journal's outbox of payments.
func (j *Journal) Outbox() *Outbox { return &Outbox{j: j} }

// AuditOutbox gives that of audit facts: a cloud that doesn't know them must not hold payments up.
func (j *Journal) AuditOutbox() *Outbox { return &Outbox{j: j, audit: true} }

// Wake has a value after rows were added. It is one channel of one place, for one reader.
func (o *Outbox) Wake() <-chan struct{} { return o.j.added }

// Backlog counts the rows that are not acknowledged.
func (o *Outbox) Backlog(ctx context.Context) (Backlog, error) { return o.j.Backlog(ctx) }

// Pending gives at most limit rows that are neither acknowledged nor parked, with a seq above after, in
// order.
func (o *Outbox) Pending(ctx context.Context, after int64, limit int) ([]Row, error) {
	// What a power cut could still take back must not leave the terminal.
	if err := o.j.sure(ctx); err != nil {
		return nil, wrap(o.j.path, "read outbox", err)
	}
	rows, err := o.j.db.QueryContext(ctx, `SELECT f.seq, f.id, f.kind, f.payment, f.time, f.body, f.hash
		FROM outbox o JOIN fact f USING (seq)
		WHERE o.acked_at IS NULL AND o.parked IS NULL AND o.audit = ? AND o.seq > ? ORDER BY o.seq LIMIT ?`,
		o.audit, after, max(limit, 0))
	if err != nil {
		return nil, wrap(o.j.path, "read outbox", err)
	}
	defer rows.Close()
	var pending []Row
	for rows.Next() {
		r, err := scanRow(rows)
		if err != nil {
			return nil, wrap(o.j.path, "read outbox", err)
		}
		pending = append(pending, r)
	}
	return pending, wrap(o.j.path, "read outbox", rows.Err())
}

// Close marks the row of an event as acknowledged. hash (64 hex digits) and seq must be the row's:
// otherwise ErrMismatch, and nothing changes. ErrUnknown when no row has the id. A row that is closed stays
// as it is: nil. The caller has checked the acknowledgement's signature.
func (o *Outbox) Close(ctx context.Context, id, hash string, seq int64) error {
	err := o.j.write(ctx, func(tx *transaction) error {
		var row int64
		var acked bool
		var found []byte
		err := tx.QueryRowContext(ctx, `SELECT o.seq, f.hash, o.acked_at IS NOT NULL
			FROM outbox o JOIN fact f USING (seq) WHERE f.id = ?`, id).Scan(&row, &found, &acked)
		switch {
		case errors.Is(err, sql.ErrNoRows):
			return payment.WithHint(
				ErrUnknown,
				"it is of another terminal, or of a journal that was replaced",
			)
		case err != nil:
			return err
		case row != seq || hex.EncodeToString(found) != hash:
			return payment.WithHint(fmt.Errorf("%w: row %d", ErrMismatch, row),
				"somebody changed the event on its way, or this journal; run: smiletill journal verify")
		case acked:
			return nil
		}
		_, err = tx.ExecContext(ctx, `UPDATE outbox SET acked_at = ? WHERE seq = ?`, stamp(time.Now()), row)
		return err
	})
	return wrap(o.j.path, fmt.Sprintf("close outbox row %q", id), err)
}

// Park takes a row out of the queue that can't be delivered, so that those behind it go on: it counts as
// unacknowledged, and waits for a person. why is told to the technician. ErrUnknown when no such row waits.
func (o *Outbox) Park(ctx context.Context, seq int64, why string) error {
	return o.park(ctx, seq, &why, payment.Who{})
}

// Unpark puts a row back into the queue, and writes down who did, in one transaction. ErrRenamed when it was
// made under another name of the terminal.
func (o *Outbox) Unpark(ctx context.Context, seq int64, who payment.Who) error {
	err := o.park(ctx, seq, nil, who)
	if err == nil {
		o.j.wake()
	}
	return err
}

func (o *Outbox) park(ctx context.Context, seq int64, why *string, who payment.Who) error {
	err := o.j.write(ctx, func(tx *transaction) error {
		if why == nil {
			if err := o.j.checkRow(ctx, tx, seq); err != nil {
				return err
			}
		}
		done, err := tx.ExecContext(
			ctx,
			`UPDATE outbox SET parked = ? WHERE seq = ? AND acked_at IS NULL`,
			why,
			seq,
		)
		if err != nil {
			return err
		}
		if n, err := done.RowsAffected(); err != nil || n == 0 {
			return errors.Join(
				err,
				payment.WithHint(ErrUnknown, "`smiletill journal parked` lists those that are there"),
			)
		}
		if why == nil {
			return o.j.note(ctx, tx, Audit{What: ReportUnparked, Record: strconv.FormatInt(seq, 10), Who: who,
				At: time.Now(), TimeTrusted: ClockSet()})
		}
		return nil
	})
	return wrap(o.j.path, fmt.Sprintf("park outbox row %d", seq), err)
}

// Unreported gives all rows that are not acknowledged, the parked ones and audit facts too, in order.
func (r *Reader) Unreported(ctx context.Context) ([]Row, error) {
	rows, err := r.db.QueryContext(ctx, `SELECT f.seq, f.id, f.kind, f.payment, f.time, f.body, f.hash
		FROM outbox o JOIN fact f USING (seq) WHERE o.acked_at IS NULL ORDER BY o.seq`)
	if err != nil {
		return nil, wrap(r.path, "read what is not reported", err)
	}
	defer rows.Close()
	var all []Row
	for rows.Next() {
		one, err := scanRow(rows)
		if err != nil {
			return nil, wrap(r.path, "read what is not reported", err)
		}
		all = append(all, one)
	}
	return all, wrap(r.path, "read what is not reported", rows.Err())
}

// Parked is a row that was taken out of the queue.
type Parked struct {
	Row
	Why string
}

// Parked gives the parked rows in order, at most limit.
func (r *Reader) Parked(ctx context.Context, limit int) ([]Parked, error) {
	rows, err := r.db.QueryContext(
		ctx,
		`SELECT f.seq, f.id, f.kind, f.payment, f.time, f.body, f.hash, o.parked
		FROM outbox o JOIN fact f USING (seq)
		WHERE o.acked_at IS NULL AND o.parked IS NOT NULL ORDER BY o.seq LIMIT ?`,
		max(limit, 0),
	)
	if err != nil {
		return nil, wrap(r.path, "read parked rows", err)
	}
	defer rows.Close()
	var all []Parked
	for rows.Next() {
		var p Parked
		if p.Row, err = scanRow(rows, &p.Why); err != nil {
			return nil, wrap(r.path, "read parked rows", err)
		}
		all = append(all, p)
	}
	return all, wrap(r.path, "read parked rows", rows.Err())
}

func scanRow(row scanner, more ...any) (Row, error) {
	var r Row
	var at, text string
	var hash []byte
	err := row.Scan(append([]any{&r.Seq, &r.ID, &r.Kind, &r.PaymentID, &at, &text, &hash}, more...)...)
	if err == nil {
		r.Time, err = parseStamp(at)
	}
	r.Body, r.Hash = json.RawMessage(text), hex.EncodeToString(hash)
	if err == nil && r.Kind == kindAudit {
		var b body
		if b, err = parseBody([]byte(text)); err == nil {
			r.PaymentID = b.subject()
		}
	}
	return r, err
}
