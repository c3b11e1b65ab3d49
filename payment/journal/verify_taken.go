package journal

import (
	"errors"

	"smiletill/payment"
)

// takenOver checks the facts that were taken over from a damaged journal: each by itself, those that
// follow one another as links, and what is missing between them as known.
func (v *verifier) takenOver() error {
	anchor := v.at
	v.at = chainHead{}
	for {
		facts, err := v.read(v.at.seq, anchor.seq, batch)
		if err != nil {
			return err
		}
		for _, f := range facts {
			if err := v.taken(f); err != nil {
				return err
			}
		}
		if len(facts) < batch {
			break
		}
	}
	for id := range v.open {
		if err := unsureOr(v.ctx, v.tx, id, errNotUnsure); err == errNotUnsure {
			return v.bad(0, "payment %s has no end, and is not known to be unsure", id)
		} else if !errors.Is(err, payment.ErrUnsure) {
			return err
		}
	}
	clear(v.open)
	v.at, v.clock = anchor, 0
	return v.tx.QueryRowContext(v.ctx, `SELECT (SELECT count(*) FROM gap), (SELECT count(*) FROM unsure)`).
		Scan(&v.report.Gaps, &v.report.Unsure)
}

var errNotUnsure = errors.New("not unsure")

func (v *verifier) taken(f stored) error {
	b, hash, err := v.own(f)
	if err != nil {
		return err
	}
	if f.seq == v.at.seq+1 && v.at.seq > 0 && string(f.prev) != string(v.at.hash[:]) {
		return v.bad(f.seq, "it does not follow the fact before")
	}
	if v.at.seq > 0 && f.seq > v.at.seq+1 {
		var known bool
		if err := v.tx.QueryRowContext(v.ctx, `SELECT EXISTS (SELECT 1 FROM gap WHERE first = ? AND last = ?)`,
			v.at.seq+1, f.seq-1).Scan(&known); err != nil {
			return err
		}
		if !known {
			return v.bad(v.at.seq+1, "the fact is missing")
		}
	}
	v.report.TakenOver++
	v.at = chainHead{seq: f.seq, hash: hash}
	switch b.Kind {
	case kindAudit:
		v.report.Audits++
	case kindOpened:
		if v.open[b.PaymentID], err = b.replay(v.open[b.PaymentID]); err != nil {
			err = v.bad(f.seq, "%v", err)
		}
	case kindVending:
		var before payment.Payment
		if before, err = beforeEnd(v.open, b); err == nil {
			v.open[b.PaymentID], err = b.replay(before)
		}
		if err != nil {
			err = v.bad(f.seq, "%v", err)
		}
	case kindReversed:
		err = v.takenReversal(f, b)
	default:
		err = v.takenEnd(f, b)
	}
	return err
}

func (v *verifier) takenEnd(f stored, b body) error {
	before, err := beforeEnd(v.open, b)
	if err != nil {
		return v.bad(f.seq, "%v", err)
	}
	delete(v.open, b.PaymentID)
	p, err := b.replay(before)
	if err != nil {
		return v.bad(f.seq, "%v", err)
	}
	v.report.Payments++
	if b.Kind == kindApproved {
		v.report.Approved++
	}
	return v.compare(f.seq, p)
}

// takenReversal checks a reversal. One whose payment was lost has only its report.
func (v *verifier) takenReversal(f stored, b body) error {
	switch _, err := findReversal(v.ctx, v.tx, b.ReversalID); {
	case errors.Is(err, payment.ErrNotFound):
		room, err := roomFor(v.ctx, v.tx, b)
		if err == nil && room {
			err = v.bad(f.seq, "its reversal %s is not in the table of reversals", b.ReversalID)
		}
		return err
	case err != nil:
		return err
	}
	v.report.Reversals++
	return v.reversal(f, b)
}
