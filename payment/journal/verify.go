package journal

import (
	"bytes"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"math"

	"smiletill/payment"
)

// batch is how many facts are held in memory at a time.
const batch = 500

// Report is what Verify found in a sound journal.
type Report struct {
	Facts, Payments, Open, Approved, Reversals int
	Audits                                     int    // changes of who may pay; see Audit
	First                                      int64  // seq of the first fact; older ones were removed
	Head                                       string // hash of the last fact, 64 hex digits

	// Of a journal that was damaged once (see Quarantine):
	TakenOver int // facts taken over, and of these the chain knows nothing; Payments and so on count them too
	Gaps      int // runs of facts that are missing
	Unsure    int // payments whose outcome is
}

// Verify checks everything that can be checked: SQLite's integrity_check, every link of the chain, the
// payments against the replayed facts, the outbox against the approvals. It reads one snapshot and keeps no
// writer waiting in another process. progress is called now and then and may be nil. Errors: *DamagedError
// with the first bad fact.
func (r *Reader) Verify(ctx context.Context, progress func(done, total int64)) (Report, error) {
	if err := r.sqliteCheck(ctx, "integrity_check"); err != nil {
		return Report{}, err
	}
	tx, err := r.db.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return Report{}, wrap(r.path, "verify journal", err)
	}
	v := &verifier{ctx: ctx, tx: tx, path: r.path, open: map[string]payment.Payment{}}
	err = v.run(progress)
	return v.report, wrap(r.path, "verify journal", errors.Join(err, tx.Rollback()))
}

// checkTail checks the head and the last links, at every start.
func (r *Reader) checkTail(ctx context.Context) error {
	tx, err := r.db.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return wrap(r.path, "open journal", err)
	}
	v := &verifier{ctx: ctx, tx: tx, path: r.path}
	return wrap(r.path, "open journal", errors.Join(v.tail(), tx.Rollback()))
}

type verifier struct {
	ctx    context.Context
	tx     *sql.Tx
	path   string
	at     chainHead                  // the last good fact
	open   map[string]payment.Payment // by replay; nil when only links are checked
	clock  int64                      // of the last good fact
	report Report
}

func (v *verifier) bad(seq int64, format string, args ...any) error {
	return &DamagedError{Path: v.path, Seq: seq, What: fmt.Sprintf(format, args...)}
}

func (v *verifier) run(progress func(done, total int64)) error {
	head, err := readHead(v.ctx, v.tx)
	if err != nil {
		return err
	}
	if v.at, err = readMark(v.ctx, v.tx, "anchor"); err != nil {
		return err
	}
	v.report.First = v.at.seq + 1
	if err := errors.Join(v.takenOver(), v.kept()); err != nil {
		return err
	}
	for {
		count, err := v.links(batch)
		if err != nil {
			return err
		}
		if progress != nil {
			progress(v.at.seq, head.seq)
		}
		if count < batch {
			break
		}
	}
	if v.at != head.chainHead {
		return v.bad(v.at.seq+1, "the chain ends at fact %d, but its head says %d", v.at.seq, head.seq)
	}
	v.report.Facts = int(v.at.seq - v.report.First + 1)
	v.report.Head = hex.EncodeToString(v.at.hash[:])
	return v.tables()
}

// tail checks the links since the last checkpoint, and the last ones in any case.
func (v *verifier) tail() error {
	head, err := readHead(v.ctx, v.tx)
	if err != nil {
		return err
	}
	anchor, err := readMark(v.ctx, v.tx, "anchor")
	if err != nil {
		return err
	}
	mark, err := readMark(v.ctx, v.tx, "checkpoint")
	if err != nil {
		return err
	}
	if mark.seq > head.seq || anchor.seq > head.seq {
		return v.bad(
			head.seq+1,
			"the chain was checked up to fact %d, but its head says %d",
			max(mark.seq, anchor.seq),
			head.seq,
		)
	}
	v.at = anchor
	if from := min(mark.seq, head.seq-lastLinks); from > anchor.seq {
		v.at.seq = from
		if err := v.hashOf(&v.at); err != nil {
			return err
		}
	}
	for {
		count, err := v.links(batch)
		if err != nil {
			return err
		}
		if count < batch {
			break
		}
	}
	if v.at != head.chainHead {
		return v.bad(v.at.seq+1, "the chain ends at fact %d, but its head says %d", v.at.seq, head.seq)
	}
	if mark.seq <= anchor.seq {
		return nil
	}
	then := mark
	if err := v.hashOf(&then); err != nil {
		return err
	}
	if then != mark {
		return v.bad(mark.seq, "it is not the fact that was checked before")
	}
	return nil
}

// hashOf fills in the hash of a fact as it is stored.
func (v *verifier) hashOf(h *chainHead) error {
	var hash []byte
	err := v.tx.QueryRowContext(v.ctx, `SELECT hash FROM fact WHERE seq = ?`, h.seq).Scan(&hash)
	if errors.Is(err, sql.ErrNoRows) {
		return v.bad(h.seq, "the fact is missing")
	}
	copy(h.hash[:], hash)
	return err
}

// CheckTail checks the chain from where it was checked last, as Open does, and remembers how far it came: the
// next start has the less to read. Errors: *DamagedError.
func (j *Journal) CheckTail(ctx context.Context) error {
	if err := j.sure(ctx); err != nil {
		return wrap(j.path, "check journal", err)
	}
	if err := j.checkTail(ctx); err != nil {
		return err
	}
	return j.checkpoint(ctx)
}

// checkpoint remembers that the chain was checked up to its head.
func (j *Journal) checkpoint(ctx context.Context) error {
	mark, err := readMark(ctx, j.db, "checkpoint")
	if err != nil {
		return wrap(j.path, "open journal", err)
	}
	h, err := readHead(ctx, j.db)
	if err != nil || h.chainHead == mark {
		return wrap(j.path, "open journal", err)
	}
	err = j.write(ctx, func(tx *transaction) error {
		_, err := tx.ExecContext(ctx, `UPDATE checkpoint SET seq = ?, hash = ?`, h.seq, h.hash[:])
		return err
	})
	return wrap(j.path, "open journal", err)
}

// stored is a row of the table of facts.
type stored struct {
	seq                     int64
	id, payment, kind, time string
	text, prev, hash        []byte
}

// links checks the next facts, at most limit, and tells how many there were.
func (v *verifier) links(limit int) (int, error) {
	facts, err := v.read(v.at.seq, math.MaxInt64, limit)
	if err != nil {
		return 0, err
	}
	for _, f := range facts {
		if err := v.link(f); err != nil {
			return 0, err
		}
	}
	return len(facts), nil
}

// read gives the facts after one up to another, at most limit.
func (v *verifier) read(after, last int64, limit int) ([]stored, error) {
	rows, err := v.tx.QueryContext(v.ctx, `SELECT seq, id, payment, kind, time, body, prev_hash, hash FROM fact
		WHERE seq > ? AND seq <= ? ORDER BY seq LIMIT ?`, after, last, limit)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var facts []stored
	for rows.Next() {
		var f stored
		if err := rows.Scan(&f.seq, &f.id, &f.payment, &f.kind, &f.time, &f.text, &f.prev, &f.hash); err != nil {
			return nil, err
		}
		facts = append(facts, f)
	}
	return facts, errors.Join(rows.Err(), rows.Close())
}

func (v *verifier) link(f stored) error {
	next := v.at.seq + 1
	switch {
	case f.seq != next:
		return v.bad(next, "the fact is missing")
	case !bytes.Equal(f.prev, v.at.hash[:]):
		return v.bad(next, "it does not follow the fact before")
	}
	b, hash, err := v.own(f)
	if err != nil {
		return err
	}
	if b.ClockMS < v.clock {
		return v.bad(next, "the terminal's clock goes backwards")
	}
	v.clock = b.ClockMS
	if v.open != nil {
		if err := v.replay(f, b); err != nil {
			return err
		}
	}
	v.at = chainHead{seq: next, hash: hash}
	return nil
}

// own checks what a fact says of itself.
func (v *verifier) own(f stored) (b body, hash [sha256.Size]byte, err error) {
	copy(hash[:], f.prev)
	if hash = chain(hash, f.text); !bytes.Equal(f.hash, hash[:]) {
		return b, hash, v.bad(f.seq, "its body does not have its hash")
	}
	if b, err = parseBody(f.text); err != nil {
		return b, hash, v.bad(f.seq, "%v", err)
	}
	if b.Seq != f.seq || b.ID != f.id || b.PaymentID != f.payment || b.Kind != f.kind || b.Time != f.time ||
		b.PrevHash != hex.EncodeToString(f.prev) {
		return b, hash, v.bad(f.seq, "its columns do not say what its body says")
	}
	return b, hash, nil
}

// replay applies a fact and compares what ended with the table of payments.
func (v *verifier) replay(f stored, b body) error {
	switch b.Kind {
	case kindAudit:
		v.report.Audits++
		return nil // that it is in the outbox, tables sees
	case kindReversed:
		v.report.Reversals++
		return v.reversal(f, b)
	}
	p, err := b.replay(v.open[f.payment])
	if err != nil {
		return v.bad(f.seq, "%v", err)
	}
	if b.Kind == kindOpened || b.Kind == kindVending {
		if b.Kind == kindOpened {
			v.report.Payments++
		}
		v.open[f.payment] = p
		return nil
	}
	delete(v.open, f.payment)
	if b.Kind == kindApproved {
		v.report.Approved++
	}
	return v.compare(f.seq, p)
}

// reversal compares the fact of a reversal with its row. That all of them are no more than was paid,
// tables sees.
func (v *verifier) reversal(f stored, b body) error {
	said, err := b.reversal()
	if err != nil {
		return v.bad(f.seq, "%v", err)
	}
	found, err := findReversal(v.ctx, v.tx, b.ReversalID)
	if errors.Is(err, payment.ErrNotFound) {
		return v.bad(f.seq, "its reversal %s is not in the table of reversals", b.ReversalID)
	}
	if err == nil && found != said {
		return v.bad(f.seq, "reversal %s is not what its fact says", b.ReversalID)
	}
	return err
}

func (v *verifier) compare(seq int64, replayed payment.Payment) error {
	found, err := find(v.ctx, v.tx, replayed.ID)
	switch {
	case errors.Is(err, payment.ErrNotFound):
		return v.bad(seq, "its payment %s is not in the table of payments", replayed.ID)
	case err != nil:
		return err
	}
	found.Reversed = 0 // compared with the reversals by tables
	if found != replayed {
		return v.bad(seq, "payment %s is not what its facts say", replayed.ID)
	}
	return nil
}

// tables checks what a walk along the chain doesn't show.
func (v *verifier) tables() error {
	v.report.Open = len(v.open)
	for _, p := range v.open {
		if err := v.compare(0, p); err != nil {
			return err
		}
	}
	for _, c := range []struct{ what, query string }{
		{"payments without facts", fmt.Sprintf(`SELECT count(*) <> %d FROM payment`, v.report.Payments)},
		{"a payment does not name its latest fact", `SELECT EXISTS (SELECT 1 FROM payment p
			WHERE NOT EXISTS (SELECT 1 FROM fact f WHERE f.seq = p.seq AND f.payment = p.id
				AND f.kind = iif(p.state = 'waiting', 'opened', p.state)
				AND p.clock_ms = coalesce(json_extract(f.body, '$.clock_ms'), 0)))`},
		{"a reversal has no fact", fmt.Sprintf(`SELECT count(*) <> %d FROM reversal`, v.report.Reversals)},
		{"a payment does not have the sum of its reversals", `SELECT EXISTS (SELECT 1 FROM payment p
			WHERE p.reversed_minor <> (SELECT coalesce(sum(r.amount_minor), 0) FROM reversal r
				WHERE r.payment = p.id AND r.currency = p.currency AND r.customer = p.customer))`},
		{"an approval, a reversal or an audit fact is not in the outbox", `SELECT EXISTS (SELECT 1 FROM fact f
			WHERE f.kind IN ('approved', 'reversed', 'audit')
				AND NOT EXISTS (SELECT 1 FROM outbox o WHERE o.seq = f.seq
				AND o.clock_ms = coalesce(json_extract(f.body, '$.clock_ms'), 0)
				AND o.owed_minor = iif(f.kind = 'approved', json_extract(f.body, '$.amount_minor'), 0)
				AND o.audit = (f.kind = 'audit')))`},
		{"the outbox holds what is neither", `SELECT EXISTS (SELECT 1 FROM outbox o
			WHERE NOT EXISTS (SELECT 1 FROM fact f WHERE f.seq = o.seq
				AND f.kind IN ('approved', 'reversed', 'audit')))`},
		{"the sum of what is not acknowledged is wrong", `SELECT (SELECT count FROM unreported) <> count(*)
			OR (SELECT minor FROM unreported) <> coalesce(sum(owed_minor), 0) FROM outbox
			WHERE acked_at IS NULL AND audit = 0`},
	} {
		var wrong bool
		if err := v.tx.QueryRowContext(v.ctx, c.query).Scan(&wrong); err != nil {
			return err
		}
		if wrong {
			return v.bad(0, "%s", c.what)
		}
	}
	return nil
}
