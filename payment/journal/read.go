package journal

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"smiletill/payment"
)

// Filter chooses payments for List.
type Filter struct {
	State payment.State // empty: all
	// Customer chooses who paid, by pseudonym; empty: all.
	Customer string
	Before   int64 // only entries with a smaller Seq, to page on; 0: from the newest
	Limit    int   // at most so many; 0: 100, negative: all
}

// Delivery is where the report of an approval stands.
type Delivery string

// The deliveries. A payment that isn't approved has none.
const (
	DeliveryNone    Delivery = ""
	DeliveryPending Delivery = "pending"
	DeliveryParked  Delivery = "parked" // the report can't be delivered, and a person has to look at it
	DeliveryDone    Delivery = "delivered"
)

// Entry is a payment as it is stored.
type Entry struct {
	Payment  payment.Payment
	Seq      int64 // of its latest fact
	Delivery Delivery
}

const columns = `p.id, p.state, p.amount_minor, p.currency, p.reference, p.reason, p.detail, p.customer,
	p.match_frames, p.smile_frames, p.opened_at, p.closed_at, p.time_trusted, p.need, p.pin, p.reversed_minor,
	p.vend, p.item, p.vended_at, p.seq`

type scanner interface{ Scan(...any) error }

type queryer interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// scanEntry reads columns, and whatever follows them into more.
func scanEntry(row scanner, more ...any) (Entry, error) {
	var e Entry
	var opened string
	var closed, vended sql.NullString
	p := &e.Payment
	targets := append([]any{&p.ID, &p.State, &p.Amount.Minor, &p.Amount.Currency, &p.Reference, &p.Reason,
		&p.Detail, &p.Customer, &p.Evidence.MatchFrames, &p.Evidence.SmileFrames, &opened,
		&closed, &p.TimeTrusted, &p.Need, &p.PIN, &p.Reversed, &p.Vend, &p.Item, &vended, &e.Seq},
		more...)
	if err := row.Scan(targets...); err != nil {
		return Entry{}, err
	}
	var err error
	if p.OpenedAt, err = parseStamp(opened); err != nil {
		return Entry{}, err
	}
	if closed.Valid {
		if p.ClosedAt, err = parseStamp(closed.String); err != nil {
			return Entry{}, err
		}
	}
	if vended.Valid {
		if p.VendedAt, err = parseStamp(vended.String); err != nil {
			return Entry{}, err
		}
	}
	p.Evidence.Customer = p.Customer // of a vend or an approval; no other has one
	return e, nil
}

func parseStamp(s string) (time.Time, error) {
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		return time.Time{}, fmt.Errorf("%w: %w", errUnreadable, err)
	}
	return t.UTC(), nil
}

func find(ctx context.Context, q queryer, id string) (payment.Payment, error) {
	e, err := scanEntry(q.QueryRowContext(ctx, `SELECT `+columns+` FROM payment p WHERE p.id = ?`, id))
	if errors.Is(err, sql.ErrNoRows) {
		err = unsureOr(ctx, q, id, payment.ErrNotFound)
	}
	return e.Payment, err
}

// unsureOr is payment.ErrUnsure if the outcome of a payment was lost, else the error given.
func unsureOr(ctx context.Context, q queryer, id string, other error) error {
	var unsure bool
	if err := q.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM unsure WHERE payment = ?)`, id).
		Scan(&unsure); err != nil {
		return err
	}
	if !unsure {
		return other
	}
	return payment.WithHint(fmt.Errorf("payment %s: %w", id, payment.ErrUnsure),
		"look it up in the cloud's record: if it was approved there, the customer has paid; else take a new id")
}

// Find gives a payment as it is stored: its times are wall times, its evidence the counts.
// payment.ErrNotFound if it isn't there, payment.ErrUnsure if its outcome was lost (see Quarantine).
func (r *Reader) Find(ctx context.Context, id string) (payment.Payment, error) {
	p, err := find(ctx, r.db, id)
	return p, wrap(r.path, "find payment "+id, err)
}

// Find gives a payment as Reader.Find does, and nothing that a power cut could take back.
func (j *Journal) Find(ctx context.Context, id string) (payment.Payment, error) {
	if err := j.sure(ctx); err != nil {
		return payment.Payment{}, wrap(j.path, "find payment "+id, err)
	}
	return j.Reader.Find(ctx, id)
}

// List gives payments, the one with the latest fact first.
func (r *Reader) List(ctx context.Context, f Filter) ([]Entry, error) {
	where, args := []string{"true"}, []any{}
	table := "payment p"
	switch {
	case f.State == payment.StateWaiting, f.State == payment.StateVending:
		// Each start asks this, of all payments there are. Their index is for these states alone: SQLite does not
		// see it in a parameter, and would rather walk through all of them in their order.
		table = "payment p INDEXED BY payment_open"
		where = append(where, "p.state IN ('waiting', 'vending')", "p.state = '"+string(f.State)+"'")
	case f.State != "":
		where, args = append(where, "p.state = ?"), append(args, string(f.State))
	}
	if f.Customer != "" {
		where, args = append(where, "p.customer = ?"), append(args, f.Customer)
	}
	if f.Before > 0 {
		where, args = append(where, "p.seq < ?"), append(args, f.Before)
	}
	if f.Limit == 0 {
		f.Limit = 100
	}
	args = append(args, f.Limit)
	rows, err := r.db.QueryContext(ctx, `SELECT `+columns+`, o.seq IS NOT NULL, o.acked_at IS NOT NULL,
			o.parked IS NOT NULL
		FROM `+table+` LEFT JOIN outbox o ON o.seq = p.seq
		WHERE `+strings.Join(where, " AND ")+` ORDER BY p.seq DESC LIMIT ?`, args...)
	if err != nil {
		return nil, wrap(r.path, "list payments", err)
	}
	defer rows.Close()
	var entries []Entry
	for rows.Next() {
		var queued, acked, parked bool
		e, err := scanEntry(rows, &queued, &acked, &parked)
		if err != nil {
			return nil, wrap(r.path, "list payments", err)
		}
		switch {
		case acked:
			e.Delivery = DeliveryDone
		case parked:
			e.Delivery = DeliveryParked
		case queued:
			e.Delivery = DeliveryPending
		}
		entries = append(entries, e)
	}
	return entries, wrap(r.path, "list payments", rows.Err())
}

// List gives payments as Reader.List does, and nothing that a power cut could take back.
func (j *Journal) List(ctx context.Context, f Filter) ([]Entry, error) {
	if err := j.sure(ctx); err != nil {
		return nil, wrap(j.path, "list payments", err)
	}
	return j.Reader.List(ctx, f)
}

// Backlog is what the cloud has not acknowledged.
type Backlog struct {
	Count  int       // of facts that wait, the parked ones not among them
	Oldest time.Time // wall time of the oldest that waits, zero when there is none
	Parked int       // facts that can't be delivered; see Outbox.Park
	Owed   int64     // minor units of the approvals among all of these
}

// Backlog counts what is not acknowledged.
func (r *Reader) Backlog(ctx context.Context) (Backlog, error) {
	var b Backlog
	var oldest sql.NullString
	err := r.db.QueryRowContext(ctx, `SELECT count, minor,
		(SELECT count(*) FROM outbox WHERE acked_at IS NULL AND parked IS NOT NULL AND audit = 0),
		(SELECT f.time FROM outbox o JOIN fact f USING (seq)
			WHERE o.acked_at IS NULL AND o.parked IS NULL AND o.audit = 0 ORDER BY o.seq LIMIT 1)
		FROM unreported`).Scan(&b.Count, &b.Owed, &b.Parked, &oldest)
	b.Count -= b.Parked
	if err == nil && oldest.Valid {
		b.Oldest, err = parseStamp(oldest.String)
	}
	return b, wrap(r.path, "count backlog", err)
}
