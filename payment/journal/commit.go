package journal

import (
	"context"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"smiletill/payment"
)

// Commit writes the opening (waiting) of a payment, that a machine has it in hand (vending), or its end:
// payment, fact and, for an approval, outbox row in one transaction. It returns nil when they are on stable
// storage. Nothing was written when it returns payment.ErrBacklog (the outbox is full), payment.ErrConflict
// (id known, with other content, or in a state that this one can't follow on), payment.ErrClosed,
// payment.ErrNotFound or payment.ErrUnsure. After any other error the outcome is open: Find tells.
func (j *Journal) Commit(ctx context.Context, p payment.Payment) error {
	operation := fmt.Sprintf("journal %s payment %s", p.State, p.ID)
	err := j.write(ctx, func(tx *transaction) error {
		if p.State == payment.StateWaiting {
			return j.opening(ctx, tx, p)
		}
		return j.ending(ctx, tx, p)
	})
	if err == nil && p.State == payment.StateApproved {
		j.wake()
	}
	return wrap(j.path, operation, err)
}

// wake tells the reader of the outbox that there is something new.
func (j *Journal) wake() {
	select {
	case j.added <- struct{}{}:
	default: // whoever reads hasn't looked since the last
	}
}

// opening writes the opening of a new payment.
func (j *Journal) opening(ctx context.Context, tx *transaction, p payment.Payment) error {
	if err := j.room(ctx, tx, p); err != nil {
		return err
	}
	switch _, err := find(ctx, tx, p.ID); {
	case err == nil:
		return payment.ErrConflict
	case !errors.Is(err, payment.ErrNotFound): // payment.ErrUnsure among them
		return err
	}
	l, err := j.appendPayment(ctx, tx, p)
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(
		ctx,
		`INSERT INTO payment (id, seq, state, amount_minor, currency, reference, reason,
		detail, customer, match_frames, smile_frames, opened_at, closed_at, time_trusted, clock_ms, vend, item)
		VALUES (?, ?, ?, ?, ?, ?, '', '', '', 0, 0, ?, NULL, ?, ?, ?, ?)`,
		p.ID,
		l.body.Seq,
		string(p.State),
		p.Amount.Minor,
		p.Amount.Currency,
		p.Reference,
		l.body.Time,
		p.TimeTrusted,
		l.body.ClockMS,
		p.Vend,
		p.Item,
	)
	return err
}

// ending writes what became of an open payment: its end, or that a machine has it in hand.
func (j *Journal) ending(ctx context.Context, tx *transaction, p payment.Payment) error {
	stored, err := find(ctx, tx, p.ID)
	switch {
	case err != nil:
		return err
	case !stored.Same(p.Request()):
		return payment.ErrConflict
	case stored.State.Terminal():
		return fmt.Errorf("%w: %s", payment.ErrClosed, stored.State)
	case !follows(stored, p.State):
		return fmt.Errorf("%w: %s after %s", payment.ErrConflict, p.State, stored.State)
	}
	l, err := j.appendPayment(ctx, tx, p)
	if err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, `UPDATE payment SET seq = ?1, state = ?2, reason = ?3, detail = ?4,
		customer = ?5, match_frames = ?6, smile_frames = ?7, closed_at = iif(?2 = 'vending', NULL, ?8),
		vended_at = iif(?2 = 'vending', ?8, vended_at), time_trusted = ?9, need = ?10, pin = ?11,
		clock_ms = ?12 WHERE id = ?13`,
		l.body.Seq, string(p.State), string(p.Reason), p.Detail, p.Customer,
		l.body.MatchFrames, l.body.SmileFrames, l.body.Time, p.TimeTrusted, string(p.Need), p.PIN,
		l.body.ClockMS, p.ID); err != nil {
		return err
	}
	if p.State != payment.StateApproved {
		return nil
	}
	return enqueue(ctx, tx, l.body, p.Amount.Minor)
}

// follows tells whether an open payment may come to a state: of a vend an approval or a void follows on
// vending alone, and nothing else does.
func follows(open payment.Payment, s payment.State) bool {
	switch s {
	case payment.StateVending:
		return open.Vend && open.State == payment.StateWaiting
	case payment.StateApproved:
		return open.Vend == (open.State == payment.StateVending)
	case payment.StateVoided:
		return open.State == payment.StateVending
	case payment.StateDeclined, payment.StateCancelled, payment.StateExpired:
		return open.State == payment.StateWaiting
	case payment.StateWaiting, payment.StateRecognised, payment.StatePIN:
	}
	return false
}

// execer is a transaction, the writer's or SQLite's own.
type execer interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
}

// enqueue adds a fact to what the cloud shall acknowledge. owed is what the merchant gets by it, in minor
// units.
func enqueue(ctx context.Context, tx execer, b body, owed int64) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO outbox (seq, owed_minor, clock_ms) VALUES (?, ?, ?)`,
		b.Seq, owed, b.ClockMS)
	return err
}

func insertFact(ctx context.Context, tx execer, l link) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO fact (seq, id, payment, kind, time, body, prev_hash, hash)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?)`, l.body.Seq, l.body.ID, l.body.PaymentID, l.body.Kind, l.body.Time,
		string(l.text), l.prev[:], l.hash[:])
	return err
}

func (j *Journal) appendPayment(ctx context.Context, tx *transaction, p payment.Payment) (link, error) {
	b, err := paymentBody(j.options, p)
	if err != nil {
		return link{}, err
	}
	return j.append(ctx, tx, b, changedAt(p))
}

// append adds a fact of a moment to the chain.
func (j *Journal) append(ctx context.Context, tx *transaction, b body, at time.Time) (link, error) {
	head, err := readHead(ctx, tx)
	if err != nil {
		return link{}, err
	}
	now := j.moment(at, b.TimeTrusted)
	b.ClockMS = head.clock(now).Milliseconds()
	id, err := uuid.NewRandomFromReader(j.options.Rand)
	if err != nil {
		return link{}, fmt.Errorf("make id: %w", err)
	}
	l, err := seal(head.chainHead, id.String(), b)
	if err != nil {
		return link{}, err
	}
	if err := insertFact(ctx, tx, l); err != nil {
		return link{}, err
	}
	_, err = tx.ExecContext(ctx, `UPDATE head SET seq = ?, hash = ?, clock_ms = ?, boot = ?, uptime_ms = ?,
		wall = ?, trusted = ? WHERE one = 1`, l.body.Seq, l.hash[:], l.body.ClockMS, now.boot,
		now.uptime.Milliseconds(), stamp(now.wall), now.trusted)
	tx.last = l
	return l, err
}

// moment is what this machine knows of the time when something is written.
func (j *Journal) moment(wall time.Time, trusted bool) moment {
	boot, uptime := j.options.Uptime()
	return moment{boot: boot, uptime: uptime, wall: wall, trusted: trusted}
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
		if err := j.write(ctx, func(tx *transaction) error {
			_, err := tx.ExecContext(ctx, statement)
			return err
		}); err != nil {
			return wrap(j.path, "probe journal", err)
		}
	}
	return nil
}

// write runs one transaction. When SQLite fails, the journal is suspect: see sure.
func (j *Journal) write(ctx context.Context, work func(*transaction) error) error {
	if err := j.sure(ctx); err != nil {
		j.failed(ctx, err)
		return err
	}
	conn, err := j.db.Conn(ctx)
	if err != nil {
		return err
	}
	tx, err := conn.BeginTx(ctx, nil) // immediate, by _txlock
	var last link
	if err == nil {
		t := transaction{Tx: tx, known: j.statements()}
		defer func() { j.learn(ctx, t.wanted) }()
		if err = work(&t); err == nil {
			err = tx.Commit()
		}
		last = t.last
		if err != nil {
			_ = tx.Rollback() // the connection goes if this fails
		}
	}
	if err == nil {
		j.keeper.committed()
		if last.body.Seq > 0 {
			j.options.OnFact(last.body.ID, hex.EncodeToString(last.hash[:]), last.body.Seq)
		}
	}
	if err != nil && !refusal(err) {
		j.suspect.Store(true)
		j.failed(ctx, err)
	}
	return errors.Join(err, ignoreBad(conn.Close()))
}

// failed tells of a write that failed.
func (j *Journal) failed(ctx context.Context, err error) {
	if ctx.Err() == nil {
		j.options.OnFailure(wrap(j.path, "write journal", err))
	}
}

// refusal tells our own answers, which leave the connection sound, from failures of SQLite.
func refusal(err error) bool {
	for _, ours := range []error{payment.ErrBacklog, payment.ErrConflict, payment.ErrClosed, payment.ErrNotFound,
		payment.ErrNotApproved, payment.ErrTooMuch, payment.ErrUnsure, ErrMismatch, ErrUnknown,
		ErrNothingToClose} {
		if errors.Is(err, ours) {
			return true
		}
	}
	return false
}
