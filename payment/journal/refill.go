package journal

import (
	"context"
	"database/sql"
	"encoding/hex"
	"errors"
	"slices"
	"strings"

	"smiletill/payment"
)

// refillStep is how many facts one transaction of a refill holds.
const refillStep = 2000

// refill writes what was rescued into a new journal.
type refill struct {
	*rescue
	tx    *sql.Tx
	base  int64     // where the new chain begins
	at    int64     // seq of the last candidate
	last  chainHead // the last fact taken
	clock int64
	open  map[string]payment.Payment
}

// fill fills a new journal. Its chain begins behind all that was found, with the hash of the damaged files.
func (r *rescue) fill(db *sql.DB) error {
	r.found = Quarantined{SHA256: r.sumText()}
	f := &refill{rescue: r, last: r.said.anchor, open: map[string]payment.Payment{}}
	if err := f.begin(db); err != nil {
		return err
	}
	for {
		n, err := f.step(db)
		if err != nil {
			return err
		}
		if n == 0 {
			break
		}
	}
	tx, err := db.BeginTx(r.ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // does nothing after Commit
	f.tx = tx
	if err := errors.Join(f.unsure(), f.end()); err != nil {
		return err
	}
	return tx.Commit()
}

// begin sets the anchor, behind all that was found: it does not pass reports that are open. The damaged
// head is believed if it is near what was found.
func (f *refill) begin(db *sql.DB) error {
	var highest int64
	err := f.db.QueryRowContext(f.ctx, `SELECT coalesce(max(seq), 0) FROM candidate`).Scan(&highest)
	if err != nil {
		return err
	}
	if head := f.said.head.seq; head > highest && head-highest < seqStep {
		highest = head
	}
	highest = max(highest, f.above)
	f.base = (highest/seqStep + 1) * seqStep
	_, err = db.ExecContext(f.ctx, `UPDATE anchor SET seq = ?, hash = ?`, f.base, f.sum[:])
	return err
}

// step takes over the next facts, and tells how many there were.
func (f *refill) step(db *sql.DB) (n int, err error) {
	rows, err := f.db.QueryContext(
		f.ctx,
		`SELECT text FROM candidate WHERE taken = 1 AND seq > ? ORDER BY seq LIMIT ?`,
		f.at,
		refillStep,
	)
	if err != nil {
		return 0, err
	}
	defer rows.Close()
	if f.tx, err = db.BeginTx(f.ctx, nil); err != nil {
		return 0, err
	}
	defer func() { _ = f.tx.Rollback() }() // does nothing after Commit
	for ; rows.Next(); n++ {
		var text []byte
		if err := rows.Scan(&text); err != nil {
			return 0, err
		}
		b, err := parseBody(text)
		if err != nil {
			return 0, err
		}
		if err := f.take(b, text); err != nil {
			return 0, err
		}
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return 0, err
	}
	return n, f.tx.Commit()
}

// take takes over one fact, what it made of its payment, and its report.
func (f *refill) take(b body, text []byte) error {
	f.at = b.Seq
	l := link{body: b, text: text}
	if _, err := hex.Decode(l.prev[:], []byte(b.PrevHash)); err != nil {
		return err
	}
	l.hash = chain(l.prev, text)
	fits, err := f.fits(b)
	if err != nil {
		return err
	}
	if !fits { // no sound chain has it
		f.lose(b.PaymentID)
		return nil
	}
	if b.Seq > f.last.seq+1 {
		f.found.Gaps = append(f.found.Gaps, Gap{f.last.seq + 1, b.Seq - 1})
	}
	f.last, f.clock = chainHead{seq: b.Seq, hash: l.hash}, max(f.clock, b.ClockMS)
	f.found.Facts++
	if err := f.exec(`UPDATE head SET seq = ?`, b.Seq-1); err != nil { // facts are appended to the head
		return err
	}
	if err := insertFact(f.ctx, f.tx, l); err != nil {
		return err
	}
	switch b.Kind {
	case kindAudit:
		return enqueueAudit(f.ctx, f.tx, b)
	case kindOpened:
		p, err := b.replay(payment.Payment{})
		f.open[b.PaymentID] = p
		return err
	case kindVending:
		return f.takeVend(b)
	case kindReversed:
		return f.takeReversal(b)
	}
	return f.takeEnd(b)
}

// takeVend takes over that a machine had a payment in hand: what became of it may follow.
func (f *refill) takeVend(b body) error {
	before, err := beforeEnd(f.open, b)
	if err != nil {
		return err
	}
	f.open[b.PaymentID], err = b.replay(before)
	return err
}

// fits is false for a second opening, vend or end of a payment, or a second fact of one id.
func (f *refill) fits(b body) (bool, error) {
	var known bool
	err := f.tx.QueryRowContext(f.ctx, `SELECT EXISTS (SELECT 1 FROM fact WHERE id = ?1)
		OR EXISTS (SELECT 1 FROM fact WHERE payment = ?2 AND kind = ?3 AND kind IN ('opened', 'vending'))
		OR EXISTS (SELECT 1 FROM fact WHERE payment = ?2 AND kind NOT IN ('opened', 'vending', 'reversed', 'audit')
			AND ?3 NOT IN ('opened', 'vending', 'reversed', 'audit'))`, b.ID, b.PaymentID, b.Kind).Scan(&known)
	return !known, err
}

func (f *refill) exec(query string, args ...any) error {
	_, err := f.tx.ExecContext(f.ctx, query, args...)
	return err
}

// beforeEnd is what a payment was before a fact that ends it, as far as its opening is known: of one that
// was lost the content is the end's, and so is the time.
func beforeEnd(open map[string]payment.Payment, b body) (payment.Payment, error) {
	p, ok := open[b.PaymentID]
	if !ok {
		lost := b
		lost.Kind = kindOpened
		var err error
		if p, err = lost.replay(payment.Payment{}); err != nil {
			return p, err
		}
	}
	if end := payment.State(b.Kind); b.Vend && p.State == payment.StateWaiting && !follows(p, end) {
		p.State = payment.StateVending // that it was is lost too, and when
	}
	return p, nil
}

func (f *refill) takeEnd(b body) error {
	before, err := beforeEnd(f.open, b)
	if err != nil {
		return err
	}
	delete(f.open, b.PaymentID)
	p, err := b.replay(before)
	if err != nil {
		return err
	}
	if err := f.exec(`INSERT INTO payment (id, seq, state, amount_minor, currency, reference, reason, detail,
		customer, match_frames, smile_frames, opened_at, closed_at, time_trusted, need, pin, clock_ms, vend, item,
		vended_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`, p.ID, b.Seq,
		string(p.State), p.Amount.Minor, p.Amount.Currency, p.Reference, string(p.Reason), p.Detail, p.Customer,
		b.MatchFrames, b.SmileFrames,
		stamp(p.OpenedAt), b.Time, p.TimeTrusted, string(p.Need), p.PIN, b.ClockMS, p.Vend, p.Item,
		stampOrNull(p.VendedAt)); err != nil {
		return err
	}
	if b.Kind != kindApproved {
		return nil
	}
	f.found.Approved++
	return enqueue(f.ctx, f.tx, b, b.AmountMinor)
}

// takeReversal takes over a reversal. Of a payment that was lost only the report is left.
func (f *refill) takeReversal(b body) error {
	f.found.Reversals++
	if err := enqueue(f.ctx, f.tx, b, 0); err != nil {
		return err
	}
	room, err := roomFor(f.ctx, f.tx, b)
	if err != nil || !room {
		f.lose(b.PaymentID)
		return err
	}
	r, err := b.reversal()
	if err != nil {
		return err
	}
	return insertReversal(f.ctx, f.tx, b.Seq, r)
}

// roomFor tells whether a reversal that is not in the table fits its payment.
func roomFor(ctx context.Context, q queryer, b body) (room bool, err error) {
	err = q.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM payment WHERE id = ? AND state = 'approved'
		AND amount_minor - reversed_minor >= ? AND NOT EXISTS (SELECT 1 FROM reversal WHERE id = ?))`,
		b.PaymentID, b.AmountMinor, b.ReversalID).Scan(&room)
	return room, err
}

// unsure notes every payment that was heard of and has no end.
func (f *refill) unsure() error {
	heard := f.said.unsure
	for id := range f.open {
		heard[id] = ""
	}
	for id := range f.lost {
		heard[id] = ""
	}
	for id := range f.said.payments {
		heard[id] = ""
	}
	for id := range heard {
		if said := f.said.payments[id]; said != "" {
			heard[id] = said
		}
		var known bool
		if err := f.tx.QueryRowContext(f.ctx, `SELECT EXISTS (SELECT 1 FROM payment WHERE id = ?)`, id).
			Scan(&known); err != nil {
			return err
		}
		if known {
			continue
		}
		if err := f.exec(`INSERT INTO unsure (payment, said) VALUES (?, ?)`, id, heard[id]); err != nil {
			return err
		}
		f.found.Unsure = append(f.found.Unsure, Unsure{id, payment.State(heard[id])})
	}
	slices.SortFunc(f.found.Unsure, func(a, b Unsure) int { return strings.Compare(a.PaymentID, b.PaymentID) })
	return nil
}

// end writes the gaps, and where the new chain begins.
func (f *refill) end() error {
	f.found.First = f.base + 1
	gaps := f.found.Gaps
	if f.found.Tail = f.said.head != f.last || f.above > 0; f.found.Tail {
		gaps = append(slices.Clone(gaps), Gap{f.last.seq + 1, f.base})
	}
	for _, g := range gaps {
		if err := f.exec(`INSERT INTO gap (first, last) VALUES (?, ?)`, g.First, g.Last); err != nil {
			return err
		}
	}
	return errors.Join(
		f.exec(`UPDATE checkpoint SET seq = ?, hash = ?`, f.base, f.sum[:]),
		f.exec(`UPDATE head SET seq = ?, hash = ?, clock_ms = ?`, f.base, f.sum[:], f.clock))
}
