package journal

import (
	"context"
	"fmt"
	"time"
)

// What can have been done, of an Audit. None is ever renamed: old facts have them.
const (
	CustomerEnrolled  = "customer_enrolled"
	CustomerRenewed   = "customer_renewed" // new templates under the same id
	CustomerRemoved   = "customer_removed"
	CustomerPINSet    = "customer_pin_set"
	CustomerPINTaken  = "customer_pin_taken"
	ClerkPINSet       = "clerk_pin_set"
	ClerkPINTaken     = "clerk_pin_taken"
	RegisterPaired    = "register_paired"
	RegisterUnpaired  = "register_unpaired"
	TerminalRenamed   = "terminal_renamed"
	DayClosed         = "day_closed"
	auditCustomers    = `'customer_enrolled', 'customer_renewed', 'customer_removed'`
	auditPINs         = `'customer_pin_set', 'customer_pin_taken', 'clerk_pin_set', 'clerk_pin_taken'`
	auditRegisters    = `'register_paired', 'register_unpaired'`
	auditSubjectClerk = "clerk"
)

// Audit is a change of who may pay, which register is let in or what the terminal is called, or a day's end.
// It names nobody:
// a customer is a pseudonym, a register the identifier of its key. No template, PIN or key is in it.
type Audit struct {
	What        string // one of the constants above
	Customer    string // pseudonym; empty where no customer is concerned
	Record      string // 16 hex digits that tell what was set from another: a record, a PIN, a pairing; or empty
	Templates   int    // of an enrolment
	Unmatched   bool   // a renewal whose new face nothing here compared with the old one
	Carried     bool   // a renewal for another model; by the model before the face is the old one
	Register    string // the key's identifier; empty where no register is concerned
	KeyVersion  int
	Offline     bool     // found at the start or in passing: it was not done by the running terminal
	Formerly    string   // the terminal's name before, TENANT/SITE/TERMINAL; empty unless it was renamed
	Closing     *Closing // of DayClosed, else nil
	At          time.Time
	TimeTrusted bool

	Seq  int64  // in the chain; 0 before it is written
	Hash string // of the fact, 64 hex digits
}

// subject is whom the fact is about: the event's subject.
func (b body) subject() string {
	switch {
	case b.Kind != kindAudit:
		return b.PaymentID
	case b.Customer != "":
		return b.Customer
	case b.Register != "":
		return b.Register
	case b.Audit == TerminalRenamed, b.Audit == DayClosed:
		return b.Terminal
	}
	return auditSubjectClerk
}

// auditBody is what the fact of a change says, its place in the chain left open.
func auditBody(o Options, a Audit) body {
	b := body{
		Kind: kindAudit, Audit: a.What, Customer: a.Customer, Record: a.Record, Templates: a.Templates,
		Unmatched: a.Unmatched, Carried: a.Carried,
		Register: a.Register, KeyVersion: a.KeyVersion, Offline: a.Offline,
		Time: stamp(a.At), TimeTrusted: a.TimeTrusted,
		Tenant: o.Tenant, Site: o.Site, Terminal: o.Terminal, Formerly: a.Formerly,
	}
	b.Closing = a.Closing.words()
	if a.What == CustomerEnrolled || a.What == CustomerRenewed {
		b.Models = o.Models
	}
	return b
}

// Note writes changes with their outbox rows, all in one transaction. It returns nil when they are on stable
// storage; no outbox is too full for them. After an error the outcome is open, and to write them once more
// does no harm.
func (j *Journal) Note(ctx context.Context, all ...Audit) error {
	if len(all) == 0 {
		return nil
	}
	err := j.write(ctx, func(tx *transaction) error {
		for _, a := range all {
			l, err := j.append(ctx, tx, auditBody(j.options, a), a.At)
			if err != nil {
				return err
			}
			if err := enqueueAudit(ctx, tx, l.body); err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil {
		j.wake()
	}
	return wrap(j.path, "journal "+all[0].What, err)
}

// enqueueAudit adds an audit fact to what the cloud shall acknowledge.
func enqueueAudit(ctx context.Context, tx execer, b body) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO outbox (seq, owed_minor, clock_ms, audit) VALUES (?, 0, ?, 1)`,
		b.Seq, b.ClockMS)
	return err
}

// Audits gives the latest changes that are kept, the newest first, at most limit.
func (r *Reader) Audits(ctx context.Context, limit int) ([]Audit, error) {
	return r.audits(ctx, `SELECT seq, body, lower(hex(hash)) FROM fact WHERE kind = 'audit'
		ORDER BY seq DESC LIMIT ?`, limit)
}

// Customers gives the last change of each customer that the journal knows of: who was enrolled, with which
// record, and who was removed.
func (r *Reader) Customers(ctx context.Context) (map[string]Audit, error) {
	all, err := r.audits(ctx, `SELECT seq, body, lower(hex(hash)) FROM fact WHERE kind = 'audit'
		AND json_extract(body, '$.audit') IN (`+auditCustomers+`) ORDER BY seq`)
	last := map[string]Audit{}
	for _, a := range all {
		last[a.Customer] = a
	}
	return last, err
}

// PINs gives the last change of each PIN, by customer; the clerk's under "".
func (r *Reader) PINs(ctx context.Context) (map[string]Audit, error) {
	all, err := r.audits(ctx, `SELECT seq, body, lower(hex(hash)) FROM fact WHERE kind = 'audit'
		AND json_extract(body, '$.audit') IN (`+auditPINs+`) ORDER BY seq`)
	last := map[string]Audit{}
	for _, a := range all {
		last[a.Customer] = a
	}
	return last, err
}

// RegisterKey is a register's key, by what a message names it.
type RegisterKey struct {
	ID      string
	Version int
}

// Registers gives the last change of each register's key.
func (r *Reader) Registers(ctx context.Context) (map[RegisterKey]Audit, error) {
	all, err := r.audits(ctx, `SELECT seq, body, lower(hex(hash)) FROM fact WHERE kind = 'audit'
		AND json_extract(body, '$.audit') IN (`+auditRegisters+`) ORDER BY seq`)
	last := map[RegisterKey]Audit{}
	for _, a := range all {
		last[RegisterKey{a.Register, a.KeyVersion}] = a
	}
	return last, err
}

func (r *Reader) audits(ctx context.Context, query string, args ...any) ([]Audit, error) {
	rows, err := r.db.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, wrap(r.path, "read audit facts", err)
	}
	defer rows.Close()
	var all []Audit
	for rows.Next() {
		var seq int64
		var text []byte
		var hash string
		if err := rows.Scan(&seq, &text, &hash); err != nil {
			return nil, wrap(r.path, "read audit facts", err)
		}
		b, err := parseBody(text)
		if err != nil {
			return nil, &DamagedError{Path: r.path, Seq: seq, What: err.Error()}
		}
		a, err := b.audit(hash)
		if err != nil {
			return nil, wrap(r.path, "read audit facts", err)
		}
		all = append(all, a)
	}
	return all, wrap(r.path, "read audit facts", rows.Err())
}

func (b body) audit(hash string) (Audit, error) {
	at, err := parseStamp(b.Time)
	if err != nil {
		return Audit{}, fmt.Errorf("fact %d: %w", b.Seq, err)
	}
	closing, err := b.closing(at)
	if err != nil {
		return Audit{}, err
	}
	return Audit{
		What: b.Audit, Customer: b.Customer, Record: b.Record, Templates: b.Templates, Unmatched: b.Unmatched,
		Carried: b.Carried, Register: b.Register, KeyVersion: b.KeyVersion, Offline: b.Offline,
		Formerly: b.Formerly, Closing: closing, At: at, TimeTrusted: b.TimeTrusted,
		Seq: b.Seq, Hash: hash,
	}, nil
}
