package journal

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"smiletill/payment"
)

// ErrNothingToClose says that no payment has ended and nothing was given back since the last closing.
var ErrNothingToClose = errors.New("nothing to close")

// ClosingSum is what came together in one currency. Amounts are minor units.
type ClosingSum struct {
	Currency      string
	Paid          int // payments that were approved
	PaidMinor     int64
	Returned      int // times that something was given back
	ReturnedMinor int64
	Unpaid        int // payments that ended without money
}

// Net is what the shop got, in minor units; less than nothing if more was given back than paid.
func (s ClosingSum) Net() int64 { return s.PaidMinor - s.ReturnedMinor }

// Closing is a day's end: the sums of what ended behind the closing before it. It is a fact of the chain, so
// nothing in it changes later; it is no fiscal register's. A payment that runs meanwhile counts to the next.
type Closing struct {
	Number int64  // from 1; 0 of what is not closed yet
	ID     string // of the request
	After  int64  // seq of the closing before; 0: there was none
	Upto   int64  // seq of the last fact that counts
	Sums   []ClosingSum
	At     time.Time // wall clock; zero of what is not closed yet
	// TimeTrusted tells whether the clock was known to be right.
	TimeTrusted bool
	Who         payment.Who // closed it
}

// CloseDay writes a closing of all that ended since the last one, and gives it. No number comes twice: the
// last one outlives its fact, and stands in a file beside the journal besides. The same id gives the same
// closing, as long as it is the last one. Errors wrap payment.ErrRequest or ErrNothingToClose.
func (j *Journal) CloseDay(
	ctx context.Context, id string, at time.Time, trusted bool, who payment.Who,
) (Closing, error) {
	if !payment.ValidID(id) {
		return Closing{}, payment.WithHint(fmt.Errorf("close the day: id: %w", payment.ErrRequest),
			"use 1 to 64 letters, digits, points, underscores, colons or hyphens")
	}
	var done Closing
	err := j.write(ctx, func(tx *transaction) error {
		last, err := lastClosing(ctx, tx)
		if err != nil {
			return err
		}
		if last.ID == id {
			done = last
			return nil
		}
		if done, err = openDay(ctx, tx, last); err != nil {
			return err
		}
		if len(done.Sums) == 0 {
			return payment.WithHint(ErrNothingToClose, "close the day when something was paid")
		}
		number, err := readNumber(j.path)
		if err != nil {
			return err
		}
		done.Number, done.ID, done.At, done.TimeTrusted = max(last.Number, number)+1, id, at, trusted
		done.Who = who
		l, err := j.append(ctx, tx, auditBody(j.options, Audit{What: DayClosed, Closing: &done, At: at,
			TimeTrusted: trusted, Who: who}), at)
		if err != nil {
			return err
		}
		return enqueueAudit(ctx, tx, l.body)
	})
	if err != nil {
		return Closing{}, wrap(j.path, "close the day", err)
	}
	j.wake()
	// The fact has the number; the file is for a journal that is put back or begun anew.
	if err := keepNumber(j.path, done.Number); err != nil {
		j.options.Log.Error("the number of the closing could not be kept beside the journal", "err", err)
	}
	return done, nil
}

// OpenDay adds up what ended since the last closing: Number and At are zero, Upto is the latest fact.
func (j *Journal) OpenDay(ctx context.Context) (Closing, error) {
	if err := j.sure(ctx); err != nil {
		return Closing{}, wrap(j.path, "add up", err)
	}
	last, err := lastClosing(ctx, j.db)
	if err == nil {
		last, err = openDay(ctx, j.db, last)
	}
	return last, wrap(j.path, "add up", err)
}

// Closings gives the latest closings that are kept, the newest first; at most limit, all if it is negative.
func (r *Reader) Closings(ctx context.Context, limit int) ([]Closing, error) {
	all, err := r.audits(ctx, closings+` LIMIT ?`, limit)
	if err != nil {
		return nil, err
	}
	out := make([]Closing, 0, len(all))
	for _, a := range all {
		if a.Closing != nil {
			out = append(out, *a.Closing)
		}
	}
	return out, nil
}

const closings = `SELECT seq, body, lower(hex(hash)) FROM fact WHERE kind = 'audit'
	AND json_extract(body, '$.audit') = 'day_closed' ORDER BY seq DESC`

type querier interface {
	queryer
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// lastClosing is the zero Closing if there is none.
func lastClosing(ctx context.Context, q querier) (Closing, error) {
	var seq int64
	var text []byte
	var hash string
	err := q.QueryRowContext(ctx, lastOfAll(`'`+DayClosed+`'`)+` DESC LIMIT 1`).Scan(&seq, &text, &hash)
	if errors.Is(err, sql.ErrNoRows) {
		return Closing{}, nil
	}
	if err != nil {
		return Closing{}, err
	}
	b, err := parseBody(text)
	if err != nil {
		return Closing{}, err
	}
	a, err := b.audit(hash)
	if err != nil {
		return Closing{}, err
	}
	if a.Closing == nil {
		return Closing{}, fmt.Errorf("fact %d: %w: a closing without sums", seq, ErrDamaged)
	}
	return *a.Closing, nil
}

// openDay adds up what ended behind a closing.
func openDay(ctx context.Context, q querier, last Closing) (Closing, error) {
	open := Closing{After: last.Upto}
	head, err := readHead(ctx, q)
	if err != nil {
		return Closing{}, err
	}
	open.Upto = head.seq
	rows, err := q.QueryContext(ctx, `SELECT json_extract(body, '$.currency'), kind, count(*),
			sum(json_extract(body, '$.amount_minor')) FROM fact
		WHERE seq > ? AND seq <= ? AND kind NOT IN ('audit', 'opened', 'vending') GROUP BY 1, 2`,
		open.After, open.Upto)
	if err != nil {
		return Closing{}, err
	}
	defer rows.Close()
	sums := map[string]*ClosingSum{}
	for rows.Next() {
		var currency, kind string
		var n int
		var minor int64
		if err := rows.Scan(&currency, &kind, &n, &minor); err != nil {
			return Closing{}, err
		}
		s := sums[currency]
		if s == nil {
			s = &ClosingSum{Currency: currency}
			sums[currency] = s
		}
		switch kind {
		case kindApproved:
			s.Paid, s.PaidMinor = n, minor
		case kindReversed:
			s.Returned, s.ReturnedMinor = n, minor
		default:
			s.Unpaid += n
		}
	}
	for _, currency := range slices.Sorted(maps.Keys(sums)) {
		open.Sums = append(open.Sums, *sums[currency])
	}
	return open, rows.Err()
}

// words is a closing as a fact has it: strings alone. Sums are under the name of their currency, in the order
// of ClosingSum's fields.
func (c *Closing) words() map[string]string {
	if c == nil {
		return nil
	}
	n := func(v int64) string { return strconv.FormatInt(v, 10) }
	w := map[string]string{"number": n(c.Number), "id": c.ID, "after": n(c.After), "upto": n(c.Upto)}
	for _, s := range c.Sums {
		w[s.Currency] = strings.Join([]string{n(int64(s.Paid)), n(s.PaidMinor), n(int64(s.Returned)),
			n(s.ReturnedMinor), n(int64(s.Unpaid))}, " ")
	}
	return w
}

// closing is the other way.
func (b body) closing(at time.Time) (*Closing, error) {
	if b.Audit != DayClosed {
		return nil, nil
	}
	c := Closing{ID: b.Closing["id"], At: at, TimeTrusted: b.TimeTrusted, Who: named(b.By)}
	var failed error
	read := func(text string) int64 {
		v, err := strconv.ParseInt(text, 10, 64)
		failed = cmp.Or(failed, err)
		return v
	}
	c.Number, c.After, c.Upto = read(b.Closing["number"]), read(b.Closing["after"]), read(b.Closing["upto"])
	for _, name := range slices.Sorted(maps.Keys(b.Closing)) {
		if name != strings.ToUpper(name) {
			continue
		}
		parts := append(strings.Fields(b.Closing[name]), "", "", "", "", "")
		c.Sums = append(c.Sums, ClosingSum{Currency: name, Paid: int(read(parts[0])), PaidMinor: read(parts[1]),
			Returned: int(read(parts[2])), ReturnedMinor: read(parts[3]), Unpaid: int(read(parts[4]))})
	}
	if failed != nil {
		return nil, fmt.Errorf("fact %d: %w: its sums can't be read: %w", b.Seq, ErrDamaged, failed)
	}
	return &c, nil
}
