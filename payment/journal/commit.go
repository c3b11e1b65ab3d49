package journal

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"smiletill/payment"
)

// chainHead is the end of the chain: seq 0 and zero bytes before the first fact.
type chainHead struct {
	seq  int64
	hash [sha256.Size]byte
}

// Commit writes the opening (waiting) or the end of a payment: payment, fact and, for an approval, outbox
// row in one transaction. It returns nil when they are on stable storage. Nothing was written when it
// returns payment.ErrBacklog (the outbox is full), payment.ErrConflict (id known, or with other content),
// payment.ErrClosed or payment.ErrNotFound. After any other error the outcome is open: Find tells.
func (j *Journal) Commit(ctx context.Context, p payment.Payment) error {
	operation := fmt.Sprintf("journal %s payment %s", p.State, p.ID)
	approved := false
	err := j.write(ctx, func(tx *sql.Tx) error {
		if p.State == payment.StateWaiting {
			return j.opening(ctx, tx, p)
		}
		approved = p.State == payment.StateApproved
		return j.ending(ctx, tx, p)
	})
	if err != nil {
		return wrap(j.path, operation, err)
	}
	if approved {
		select {
		case j.added <- struct{}{}:
		default: // whoever reads hasn't looked since the last
		}
	}
	return nil
}

// opening writes the opening of a new payment.
func (j *Journal) opening(ctx context.Context, tx *sql.Tx, p payment.Payment) error {
	var waiting int
	err := tx.QueryRowContext(ctx, `SELECT count(*) FROM outbox WHERE acked_at IS NULL`).Scan(&waiting)
	if err != nil {
		return err
	}
	if waiting >= j.options.OutboxMax {
		return payment.WithHint(fmt.Errorf("%w: %d", payment.ErrBacklog, waiting),
			"connect the terminal to the cloud; it takes payments again as soon as approvals are acknowledged")
	}
	switch _, err := find(ctx, tx, p.ID); {
	case err == nil:
		return payment.ErrConflict
	case !errors.Is(err, payment.ErrNotFound):
		return err
	}
	l, err := j.append(ctx, tx, p)
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO payment (id, seq, state, amount_minor, currency, reference, reason,
		detail, customer, match_frames, smile_frames, opened_at, closed_at, time_trusted)
		VALUES (?, ?, ?, ?, ?, ?, '', '', '', 0, 0, ?, NULL, ?)`,
		p.ID, l.body.Seq, string(p.State), p.Amount.Minor, p.Amount.Currency, p.Reference, l.body.Time,
		p.TimeTrusted)
	return err
}

// ending writes the end of an open payment.
func (j *Journal) ending(ctx context.Context, tx *sql.Tx, p payment.Payment) error {
	stored, err := find(ctx, tx, p.ID)
	switch {
	case err != nil:
		return err
	case !stored.Same(payment.Request{ID: p.ID, Amount: p.Amount, Reference: p.Reference}):
		return payment.ErrConflict
	case stored.State.Terminal():
		return fmt.Errorf("%w: %s", payment.ErrClosed, stored.State)
	}
	l, err := j.append(ctx, tx, p)
	if err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, `UPDATE payment SET seq = ?, state = ?, reason = ?, detail = ?,
		customer = ?, match_frames = ?, smile_frames = ?, closed_at = ?, time_trusted = ? WHERE id = ?`,
		l.body.Seq, string(p.State), string(p.Reason), p.Detail, p.Customer,
		l.body.MatchFrames, l.body.SmileFrames, l.body.Time, p.TimeTrusted, p.ID); err != nil {
		return err
	}
	if p.State != payment.StateApproved {
		return nil
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO outbox (seq) VALUES (?)`, l.body.Seq)
	return err
}

// append adds the fact of p to the chain.
func (j *Journal) append(ctx context.Context, tx *sql.Tx, p payment.Payment) (link, error) {
	head, err := readHead(ctx, tx)
	if err != nil {
		return link{}, err
	}
	id, err := uuid.NewRandomFromReader(j.options.Rand)
	if err != nil {
		return link{}, fmt.Errorf("make id: %w", err)
	}
	l, err := newLink(j.options, head, id.String(), p)
	if err != nil {
		return link{}, err
	}
	if _, err := tx.ExecContext(ctx, `INSERT INTO fact (seq, id, payment, kind, time, body, prev_hash, hash)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?)`, l.body.Seq, l.body.ID, l.body.PaymentID, l.body.Kind, l.body.Time,
		string(l.text), l.prev[:], l.hash[:]); err != nil {
		return link{}, err
	}
	_, err = tx.ExecContext(ctx, `UPDATE head SET seq = ?, hash = ? WHERE one = 1`, l.body.Seq, l.hash[:])
	return l, err
}

// probeBytes is more than the pages of one commit (about eight of 4 KiB). Emptied, they stay in the file as
// free pages, which the next commits use even when the disk has no more.
const probeBytes = 64 << 10

// Probe writes and empties a scratch row, as large as a commit, to learn whether commits work again.
func (j *Journal) Probe(ctx context.Context) error {
	for _, statement := range []string{
		fmt.Sprintf(`INSERT OR REPLACE INTO scratch VALUES (1, zeroblob(%d))`, probeBytes),
		`DELETE FROM scratch`,
	} {
		if err := j.write(ctx, func(tx *sql.Tx) error {
			_, err := tx.ExecContext(ctx, statement)
			return err
		}); err != nil {
			return wrap(j.path, "probe journal", err)
		}
	}
	return nil
}

// write runs one transaction. When SQLite fails, the connection is thrown away and with it all that it
// believed.
func (j *Journal) write(ctx context.Context, work func(*sql.Tx) error) error {
	conn, err := j.db.Conn(ctx)
	if err != nil {
		return err
	}
	tx, err := conn.BeginTx(ctx, nil) // immediate, by _txlock
	if err == nil {
		if err = work(tx); err == nil {
			err = tx.Commit()
		}
		if err != nil {
			_ = tx.Rollback() // the connection goes if this fails
		}
	}
	if err == nil {
		j.keeper.committed()
	}
	if err != nil && !refusal(err) {
		_ = conn.Raw(func(any) error { return driver.ErrBadConn }) // closes it, and says so in vain
	}
	return errors.Join(err, ignoreBad(conn.Close()))
}

// refusal tells our own answers, which leave the connection sound, from failures of SQLite.
func refusal(err error) bool {
	for _, ours := range []error{payment.ErrBacklog, payment.ErrConflict, payment.ErrClosed, payment.ErrNotFound,
		ErrMismatch, ErrUnknown} {
		if errors.Is(err, ours) {
			return true
		}
	}
	return false
}

func ignoreBad(err error) error {
	if errors.Is(err, driver.ErrBadConn) || errors.Is(err, sql.ErrConnDone) {
		return nil
	}
	return err
}

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
		{State: payment.StateApproved},
		{State: payment.StateDeclined},
		{State: payment.StateCancelled},
		{State: payment.StateExpired},
	}
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
