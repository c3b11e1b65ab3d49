package journal

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"slices"
	"time"

	"smiletill/payment"
)

// Total is what came to one result on one day in one currency.
type Total struct {
	Day      string // of the wall clock in the zone that was asked for, 2006-01-02
	Currency string
	Result   string // a terminal state of a payment, or "reversed"
	Count    int
	Minor    int64 // minor units
	First    int64 // seq of the first and the last fact counted
	Last     int64
	Untimed  int // of Count: those written while the clock was not known to be right
}

// Range is a span of days, by the wall clock in a zone, both ends included; and a span of the chain, in which
// Upto is and After is not. Zero is open.
//
// Days are compared as days and not by the moments at which they begin: some have no midnight, or two, or a
// part of the day before behind it, when a zone changes its clocks; some are not there at all.
type Range struct {
	FirstDay, LastDay string         // as in 2006-01-02
	Zone              *time.Location // of the days; nil is UTC
	After, Upto       int64          // seqs
}

// holds tells whether a moment is in the days.
func (r Range) holds(at time.Time) bool {
	if r.FirstDay == "" && r.LastDay == "" {
		return true
	}
	zone := r.Zone
	if zone == nil {
		zone = time.UTC
	}
	day := at.In(zone).Format(time.DateOnly)
	return day >= r.FirstDay && (r.LastDay == "" || day <= r.LastDay)
}

// Last is the seq of the latest fact, 0 before the first.
func (r *Reader) Last(ctx context.Context) (int64, error) {
	h, err := readHead(ctx, r.db)
	return h.seq, wrap(r.path, "read the latest fact", err)
}

// Totals adds up what became of payments and what was reversed, by day, currency and result, in the order of
// these. The day is that of the fact: a reversal counts on the day on which it was made.
func (r *Reader) Totals(ctx context.Context, span Range, zone *time.Location) ([]Total, error) {
	type key struct{ day, currency, result string }
	sums := map[key]*Total{}
	err := r.Facts(ctx, span, func(f Fact) error {
		if f.Kind == kindOpened || f.Kind == kindVending {
			return nil
		}
		k := key{f.Time.In(zone).Format(time.DateOnly), f.Amount.Currency, f.Kind}
		t := sums[k]
		if t == nil {
			t = &Total{Day: k.day, Currency: k.currency, Result: k.result, First: f.Seq}
			sums[k] = t
		}
		t.Count, t.Minor, t.Last = t.Count+1, t.Minor+f.Amount.Minor, f.Seq
		if !f.TimeTrusted {
			t.Untimed++
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	out := make([]Total, 0, len(sums))
	for _, t := range sums {
		out = append(out, *t)
	}
	slices.SortFunc(out, func(a, b Total) int {
		return cmp.Or(
			cmp.Compare(a.Day, b.Day),
			cmp.Compare(a.Currency, b.Currency),
			cmp.Compare(a.Result, b.Result),
		)
	})
	return out, nil
}

// Totals adds up as Reader.Totals does, and nothing that a power cut could take back.
func (j *Journal) Totals(ctx context.Context, span Range, zone *time.Location) ([]Total, error) {
	if err := j.sure(ctx); err != nil {
		return nil, wrap(j.path, "add up", err)
	}
	return j.Reader.Totals(ctx, span, zone)
}

// Before gives the seq of a fact behind which all facts of a moment's day are, in any zone; 0 if there may
// be some from the beginning on. Only facts with a clock that was known to be right tell: it looks back no
// further than to the day before.
func (r *Reader) Before(ctx context.Context, at time.Time) (seq int64, err error) {
	err = r.db.QueryRowContext(ctx, `SELECT seq FROM fact WHERE time < ? AND json_extract(body, '$.time_trusted')
		ORDER BY seq DESC LIMIT 1`, stamp(at.AddDate(0, 0, -2))).Scan(&seq)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil
	}
	return seq, wrap(r.path, "look for the day's first fact", err)
}

// Last is as Reader.Last, of facts that no power cut can take back: whoever remembers it would else find
// another fact behind it later.
func (j *Journal) Last(ctx context.Context) (int64, error) {
	if err := j.sure(ctx); err != nil {
		return 0, wrap(j.path, "read the latest fact", err)
	}
	return j.Reader.Last(ctx)
}

// Fact is one entry of the chain that is a payment's, for exports.
type Fact struct {
	Seq         int64
	ID          string // of the event
	Kind        string // opened, vending, approved, declined, cancelled, expired, voided or reversed
	PaymentID   string
	ReversalID  string // of a reversal, else empty
	Amount      payment.Amount
	Time        time.Time // wall clock
	TimeTrusted bool
	Reason      payment.Reason
	Customer    string // pseudonymous
	Method      string
	Limits      payment.Need
	Reference   string
	Vend        bool   // a vending machine's, of Item
	Item        string // as the machine calls it
	Terminal    string
	Camera      payment.Camera // of an approval; zero in facts of before it was said
	Demand      payment.Demand // of the pictures of a consent; "" if nothing was demanded
	Liveness    payment.Liveness
	Who         payment.Who // gave it back; nobody of other facts, and of those of before it was said
	Hash        string      // 64 hex digits
}

// Facts calls each with the facts of payments in a span, in their order, without holding more than a few in
// memory. It reads one snapshot. An error of each ends it and is returned as it is.
func (r *Reader) Facts(ctx context.Context, span Range, each func(Fact) error) error {
	rows, err := r.db.QueryContext(ctx, `SELECT seq, body, lower(hex(hash)) FROM fact
		WHERE seq > ?1 AND (?2 = 0 OR seq <= ?2) AND kind <> 'audit' ORDER BY seq`, span.After, span.Upto)
	if err != nil {
		return wrap(r.path, "read facts", err)
	}
	defer rows.Close()
	for rows.Next() {
		var seq int64
		var text []byte
		var hash string
		if err := rows.Scan(&seq, &text, &hash); err != nil {
			return wrap(r.path, "read facts", err)
		}
		b, err := parseBody(text)
		if err != nil {
			return &DamagedError{Path: r.path, Seq: seq, What: err.Error()}
		}
		at, err := parseStamp(b.Time)
		if err != nil {
			return wrap(r.path, "read facts", err)
		}
		if !span.holds(at) {
			continue
		}
		if err := each(b.fact(at, hash)); err != nil {
			return err
		}
	}
	return wrap(r.path, "read facts", rows.Err())
}

func (b body) fact(at time.Time, hash string) Fact {
	f := Fact{
		Seq: b.Seq, ID: b.ID, Kind: b.Kind, PaymentID: b.PaymentID, ReversalID: b.ReversalID,
		Amount: payment.Amount{
			Minor:    b.AmountMinor,
			Currency: b.Currency,
		}, Time: at, TimeTrusted: b.TimeTrusted,
		Reason: b.Reason, Customer: b.Customer, Method: b.Method, Limits: b.Limits, Reference: b.Reference,
		Vend: b.Vend, Item: b.Item,
		Terminal: b.Terminal, Who: named(b.By), Hash: hash,
	}
	if b.Camera != nil {
		f.Camera = payment.Camera{Kind: b.Camera.Kind, Driver: b.Camera.Driver}
	}
	f.Demand, f.Liveness = b.judged()
	return f
}
