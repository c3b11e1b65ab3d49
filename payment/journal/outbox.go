package journal

import (
	"context"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"smiletill/payment"
)

// Row is an approval that the cloud has not acknowledged.
type Row struct {
	Seq       int64
	ID        string // of the event
	Kind      string // "approved"
	PaymentID string
	Time      time.Time       // wall time of the fact
	Body      json.RawMessage // canonical JSON
	Hash      string          // 64 hex digits
}

// Outbox is the side of the journal that the reporter sees.
type Outbox struct{ j *Journal }

// Outbox gives the journal's outbox.
func (j *Journal) Outbox() *Outbox { return &Outbox{j} }

// Wake has a value after rows were added. It is one channel of one place, for one reader.
func (o *Outbox) Wake() <-chan struct{} { return o.j.added }

// Backlog counts the rows that are not acknowledged.
func (o *Outbox) Backlog(ctx context.Context) (Backlog, error) { return o.j.Backlog(ctx) }

// Pending gives at most limit rows that are not acknowledged, with a seq above after, in order.
func (o *Outbox) Pending(ctx context.Context, after int64, limit int) ([]Row, error) {
	rows, err := o.j.db.QueryContext(ctx, `SELECT f.seq, f.id, f.kind, f.payment, f.time, f.body, f.hash
		FROM outbox o JOIN fact f USING (seq)
		WHERE o.acked_at IS NULL AND o.seq > ? ORDER BY o.seq LIMIT ?`, after, max(limit, 0))
	if err != nil {
		return nil, wrap(o.j.path, "read outbox", err)
	}
	defer rows.Close()
	var pending []Row
	for rows.Next() {
		var r Row
		var at, text string
		var hash []byte
		err := rows.Scan(&r.Seq, &r.ID, &r.Kind, &r.PaymentID, &at, &text, &hash)
		if err == nil {
			r.Time, err = parseStamp(at)
		}
		if err != nil {
			return nil, wrap(o.j.path, "read outbox", err)
		}
		r.Body, r.Hash = json.RawMessage(text), hex.EncodeToString(hash)
		pending = append(pending, r)
	}
	return pending, wrap(o.j.path, "read outbox", rows.Err())
}

// Close marks the row of an event as acknowledged. hash (64 hex digits) and seq must be the row's:
// otherwise ErrMismatch, and nothing changes. ErrUnknown when no row has the id. A row that is closed stays
// as it is: nil. The caller has checked the acknowledgement's signature.
func (o *Outbox) Close(ctx context.Context, id, hash string, seq int64) error {
	err := o.j.write(ctx, func(tx *sql.Tx) error {
		var row int64
		var acked bool
		var found []byte
		err := tx.QueryRowContext(ctx, `SELECT o.seq, f.hash, o.acked_at IS NOT NULL
			FROM outbox o JOIN fact f USING (seq) WHERE f.id = ?`, id).Scan(&row, &found, &acked)
		switch {
		case errors.Is(err, sql.ErrNoRows):
			return payment.WithHint(ErrUnknown, "it is of another terminal, or of a journal that was replaced")
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
