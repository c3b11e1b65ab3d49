package journal

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"smiletill/payment"
)

// What can have been done, of an Audit. None is ever renamed: old facts have them.
const (
	CustomerEnrolled = "customer_enrolled"
	CustomerRenewed  = "customer_renewed" // new templates under the same id
	CustomerRemoved  = "customer_removed"
	CustomerPINSet   = "customer_pin_set"
	CustomerPINTaken = "customer_pin_taken"
	ClerkPINSet      = "clerk_pin_set"
	ClerkPINTaken    = "clerk_pin_taken"
	RegisterPaired   = "register_paired"
	RegisterUnpaired = "register_unpaired"
	TerminalRenamed  = "terminal_renamed"

	CustomerForgotten = "customer_forgotten" // removed at the customer's own wish, who has a receipt
	ConsentGiven      = "consent_given"      // by somebody who is enrolled: a new one comes with the enrolment
	RenewalVouched    = "renewal_vouched"
	CustomerBlocked   = "customer_blocked" // is known, and can't pay
	CustomerUnblocked = "customer_unblocked"
	ClerkAdded        = "clerk_added" // or given another role
	ClerkRemoved      = "clerk_removed"
	CaseOpened        = "case_opened"
	AlarmEnded        = "alarm_ended"
	ReportUnparked    = "report_unparked"
	ScreenCalibrated  = "screen_calibrated"

	DayClosed = "day_closed"

	// DataReconciled: older data were put back and go on. Keys are the stores, Record tells what was found.
	DataReconciled = "data_reconciled"

	// What a terminal is: its first start, and what was another at a later one.
	TerminalConfigured = "terminal_configured"
	SettingsChanged    = "settings_changed"
	ModelsSwapped      = "models_swapped"
	ProgramUpdated     = "program_updated"

	auditCustomers    = `'customer_enrolled', 'customer_renewed', 'customer_removed', 'customer_forgotten'`
	auditPINs         = `'customer_pin_set', 'customer_pin_taken', 'clerk_pin_set', 'clerk_pin_taken'`
	auditClerks       = `'clerk_added', 'clerk_removed'`
	auditRegisters    = `'register_paired', 'register_unpaired'`
	auditCase         = `'case_opened', 'alarm_ended'`
	auditMachine      = `'terminal_configured', 'settings_changed', 'models_swapped', 'program_updated'`
	auditBlocks       = `'customer_blocked', 'customer_unblocked'`
	auditSubjectClerk = "clerk"
)

// Audit is what somebody did to the terminal that is no payment: to who may pay or work there, to what it is,
// to its case; or the end of a day. Of customers it names nobody, a customer is a pseudonym; of those who did
// it the name that the shop knows them by. No template, PIN or key is in it, and no setting's value.
type Audit struct {
	What     string // one of the constants above
	Customer string // pseudonym; empty where no customer is concerned
	Record   string // 16 hex digits that tell what was set from another: a record, a PIN, a pairing,
	// all settings; of a report its number; or empty
	Templates   int    // of an enrolment
	Unmatched   bool   // a renewal whose new face nothing here compared with the old one
	Carried     bool   // a renewal for another model; by the model before the face is the old one
	Register    string // the key's identifier; empty where no register is concerned
	KeyVersion  int
	Offline     bool        // found at the start or in passing: it was not done by the running terminal
	Formerly    string      // the terminal's name before, TENANT/SITE/TERMINAL; empty unless it was renamed
	Clerk       string      // whose PIN or role it is, by name; empty: the one that has no name
	Keys        string      // of settings that changed: their names, with spaces between
	Program     string      // that runs; of a change of the machine alone
	Consent     string      // what the customer agreed to, and how that is known: see vision/gallery.Consent
	Why         string      // a customer was blocked or unblocked, in the words of who did it
	OtherFace   bool        // a renewal whose new face is not the old one: Second vouched for it
	Undone      bool        // how it is: the change before, of the same, was written down and not done
	Who         payment.Who // did it; nobody where that is not known
	Second      payment.Who
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
	case b.Clerk != "":
		return b.Clerk
	case b.Audit == ClerkPINSet || b.Audit == ClerkPINTaken || b.Terminal == "":
		return auditSubjectClerk
	}
	return b.Terminal
}

// auditBody is what the fact of a change says, its place in the chain left open.
func auditBody(o Options, a Audit) body {
	b := body{
		Kind: kindAudit, Audit: a.What, Customer: a.Customer, Record: a.Record, Templates: a.Templates,
		Unmatched: a.Unmatched, Carried: a.Carried,
		Register: a.Register, KeyVersion: a.KeyVersion, Offline: a.Offline,
		Time: stamp(a.At), TimeTrusted: a.TimeTrusted,
		Tenant: o.Tenant, Site: o.Site, Terminal: o.Terminal, Formerly: a.Formerly,
		Clerk: a.Clerk, Keys: a.Keys, Program: a.Program, Consent: a.Consent, OtherFace: a.OtherFace, Why: a.Why,
		Undone: a.Undone, By: known(a.Who), Second: known(a.Second),
	}
	b.Closing = a.Closing.words()
	switch a.What {
	case CustomerEnrolled, CustomerRenewed, TerminalConfigured, SettingsChanged, ModelsSwapped, ProgramUpdated:
		b.Models = o.Models
	}
	return b
}

// Gone tells whether the change left nothing of its customer.
func (a Audit) Gone() bool { return a.What == CustomerRemoved || a.What == CustomerForgotten }

// Note writes changes with their outbox rows, all in one transaction. It returns nil when they are on stable
// storage; no outbox is too full for them. After an error the outcome is open, and to write them once more
// does no harm.
func (j *Journal) Note(ctx context.Context, all ...Audit) error {
	if len(all) == 0 {
		return nil
	}
	err := j.write(ctx, func(tx *transaction) error {
		for _, a := range all {
			if err := j.note(ctx, tx, a); err != nil {
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

// note writes a change with its outbox row.
func (j *Journal) note(ctx context.Context, tx *transaction, a Audit) error {
	l, err := j.append(ctx, tx, auditBody(j.options, a), a.At)
	if err != nil {
		return err
	}
	return enqueueAudit(ctx, tx, l.body)
}

// enqueueAudit adds an audit fact to what the cloud shall acknowledge.
func enqueueAudit(ctx context.Context, tx execer, b body) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO outbox (seq, owed_minor, clock_ms, audit) VALUES (?, 0, ?, 1)`,
		b.Seq, b.ClockMS)
	return err
}

// Machine gives the last change of what the terminal is, and the models that it had then; nothing before its
// first start.
func (r *Reader) Machine(ctx context.Context) (last Audit, models map[string]string, err error) {
	last, b, err := r.lastOf(ctx, auditMachine)
	return last, b.Models, err
}

// Case gives the last change of the alarm of the case: What is CaseOpened, AlarmEnded or empty.
func (r *Reader) Case(ctx context.Context) (Audit, error) {
	last, _, err := r.lastOf(ctx, auditCase)
	return last, err
}

// Reconciled gives when older data were last said to go on; zero if never.
func (r *Reader) Reconciled(ctx context.Context) (Audit, error) {
	last, _, err := r.lastOf(ctx, `'`+DataReconciled+`'`)
	return last, err
}

// lastOf gives the last of several changes, and the fact's body; zero if there is none.
func (r *Reader) lastOf(ctx context.Context, whats string) (Audit, body, error) {
	var text []byte
	var hash string
	var seq int64
	err := r.db.QueryRowContext(ctx, lastOfAll(whats)+` DESC LIMIT 1`).Scan(&seq, &text, &hash)
	if errors.Is(err, sql.ErrNoRows) {
		return Audit{}, body{}, nil
	}
	if err != nil {
		return Audit{}, body{}, wrap(r.path, "read audit facts", err)
	}
	b, err := parseBody(text)
	if err != nil {
		return Audit{}, body{}, &DamagedError{Path: r.path, What: err.Error()}
	}
	a, err := b.audit(hash)
	return a, b, wrap(r.path, "read audit facts", err)
}

// About gives all that was done to a customer, the oldest first.
func (r *Reader) About(ctx context.Context, customer string) ([]Audit, error) {
	return r.audits(ctx, `SELECT seq, body, lower(hex(hash)) FROM fact WHERE kind = 'audit'
		AND json_extract(body, '$.customer') = ? ORDER BY seq`, customer)
}

// Audits gives the latest changes that are kept, the newest first, at most limit.
func (r *Reader) Audits(ctx context.Context, limit int) ([]Audit, error) {
	return r.audits(ctx, `SELECT seq, body, lower(hex(hash)) FROM fact WHERE kind = 'audit'
		ORDER BY seq DESC LIMIT ?`, limit)
}

// Customers gives the last change of each customer that the journal knows of: who was enrolled, with which
// record, and who was removed.
func (r *Reader) Customers(ctx context.Context) (map[string]Audit, error) {
	return r.lastEach(ctx, auditCustomers)
}

// Blocks gives the last change of whether a customer is blocked, of each that was.
func (r *Reader) Blocks(ctx context.Context) (map[string]Audit, error) {
	return r.lastEach(ctx, auditBlocks)
}

// lastEach gives the last of several changes of each customer.
func (r *Reader) lastEach(ctx context.Context, whats string) (map[string]Audit, error) {
	all, err := r.audits(ctx, lastOfAll(whats))
	last := map[string]Audit{}
	for _, a := range all {
		last[a.Customer] = a
	}
	return last, err
}

// PINOf is what a PIN is of: a customer, or a clerk by name; both empty is the clerk that has no name.
type PINOf struct{ Customer, Clerk string }

// PINs gives the last change of each PIN.
func (r *Reader) PINs(ctx context.Context) (map[PINOf]Audit, error) {
	all, err := r.audits(ctx, lastOfAll(auditPINs))
	last := map[PINOf]Audit{}
	for _, a := range all {
		last[PINOf{a.Customer, a.Clerk}] = a
	}
	return last, err
}

// Clerks gives the last change of each clerk's role, by name; Keys is the role.
func (r *Reader) Clerks(ctx context.Context) (map[string]Audit, error) {
	all, err := r.audits(ctx, lastOfAll(auditClerks))
	last := map[string]Audit{}
	for _, a := range all {
		last[a.Clerk] = a
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
	all, err := r.audits(ctx, lastOfAll(auditRegisters))
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
		Clerk: b.Clerk, Keys: b.Keys, Program: b.Program, Consent: b.Consent, OtherFace: b.OtherFace, Why: b.Why,
		Undone: b.Undone, Who: named(b.By), Second: named(b.Second),
		Seq: b.Seq, Hash: hash,
	}, nil
}
