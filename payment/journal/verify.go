package journal

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"

	"smiletill/payment"
)

// batch is how many facts are held in memory at a time.
const batch = 500

// Report is what Verify found in a sound journal.
type Report struct {
	Facts, Payments, Open, Approved int
	Head                            string // hash of the last fact, 64 hex digits
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
	if v.at != head {
		return v.bad(v.at.seq+1, "the chain ends at fact %d, but its head says %d", v.at.seq, head.seq)
	}
	v.report.Facts = int(v.at.seq)
	v.report.Head = hex.EncodeToString(v.at.hash[:])
	return v.tables()
}

func (v *verifier) tail() error {
	head, err := readHead(v.ctx, v.tx)
	if err != nil {
		return err
	}
	if head.seq > lastLinks {
		v.at.seq = head.seq - lastLinks
		var hash []byte
		err := v.tx.QueryRowContext(v.ctx, `SELECT hash FROM fact WHERE seq = ?`, v.at.seq).Scan(&hash)
		if errors.Is(err, sql.ErrNoRows) {
			return v.bad(v.at.seq, "the fact is missing")
		}
		if err != nil {
			return err
		}
		copy(v.at.hash[:], hash)
	}
	if _, err := v.links(lastLinks + 1); err != nil {
		return err
	}
	if v.at != head {
		return v.bad(v.at.seq+1, "the chain ends at fact %d, but its head says %d", v.at.seq, head.seq)
	}
	return nil
}

// stored is a row of the table of facts.
type stored struct {
	seq                     int64
	id, payment, kind, time string
	text, prev, hash        []byte
}

// links checks the next facts, at most limit, and tells how many there were.
func (v *verifier) links(limit int) (int, error) {
	rows, err := v.tx.QueryContext(v.ctx, `SELECT seq, id, payment, kind, time, body, prev_hash, hash FROM fact
		WHERE seq > ? ORDER BY seq LIMIT ?`, v.at.seq, limit)
	if err != nil {
		return 0, err
	}
	defer rows.Close()
	var facts []stored
	for rows.Next() {
		var f stored
		if err := rows.Scan(&f.seq, &f.id, &f.payment, &f.kind, &f.time, &f.text, &f.prev, &f.hash); err != nil {
			return 0, err
		}
		facts = append(facts, f)
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return 0, err
	}
	for _, f := range facts {
		if err := v.link(f); err != nil {
			return 0, err
		}
	}
	return len(facts), nil
}

func (v *verifier) link(f stored) error {
	next := v.at.seq + 1
	hash := chain(v.at.hash, f.text)
	switch {
	case f.seq != next:
		return v.bad(next, "the fact is missing")
	case !bytes.Equal(f.prev, v.at.hash[:]):
		return v.bad(next, "it does not follow the fact before")
	case !bytes.Equal(f.hash, hash[:]):
		return v.bad(next, "its body does not have its hash")
	}
	b, err := parseBody(f.text)
	if err != nil {
		return v.bad(next, "%v", err)
	}
	if b.Seq != f.seq || b.ID != f.id || b.PaymentID != f.payment || b.Kind != f.kind || b.Time != f.time ||
		b.PrevHash != hex.EncodeToString(f.prev) {
		return v.bad(next, "its columns do not say what its body says")
	}
	if v.open != nil {
		if err := v.replay(f, b); err != nil {
			return err
		}
	}
	v.at = chainHead{seq: next, hash: hash}
	return nil
}

// replay applies a fact and compares what ended with the table of payments.
func (v *verifier) replay(f stored, b body) error {
	p, err := b.replay(v.open[f.payment])
	if err != nil {
		return v.bad(f.seq, "%v", err)
	}
	if b.Kind == kindOpened {
		v.report.Payments++
		v.open[f.payment] = p
		return nil
	}
	delete(v.open, f.payment)
	if b.Kind == string(payment.StateApproved) {
		v.report.Approved++
	}
	return v.compare(f.seq, p)
}

func (v *verifier) compare(seq int64, replayed payment.Payment) error {
	found, err := find(v.ctx, v.tx, replayed.ID)
	switch {
	case errors.Is(err, payment.ErrNotFound):
		return v.bad(seq, "its payment %s is not in the table of payments", replayed.ID)
	case err != nil:
		return err
	case found != replayed:
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
				AND (f.kind = 'opened') = (p.state = 'waiting')))`},
		{"an approval is not in the outbox", `SELECT EXISTS (SELECT 1 FROM fact f
			WHERE f.kind = 'approved' AND NOT EXISTS (SELECT 1 FROM outbox o WHERE o.seq = f.seq))`},
		{"the outbox holds what is no approval", `SELECT EXISTS (SELECT 1 FROM outbox o
			WHERE NOT EXISTS (SELECT 1 FROM fact f WHERE f.seq = o.seq AND f.kind = 'approved'))`},
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
