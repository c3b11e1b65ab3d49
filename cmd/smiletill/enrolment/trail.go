package enrolment

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"smiletill/cmd/smiletill/control"
	"smiletill/cmd/smiletill/people"
	"smiletill/payment"
	"smiletill/payment/journal"
	"smiletill/payment/pin"
	"smiletill/payment/register"
	"smiletill/vision/gallery"
)

// Trail has the journal say who may pay and which register is let in. What the running terminal does is
// written before it is done; what was done to its files otherwise, by a command while it did not run or by
// hand, is found by comparing them with the journal. Only a removal waits for nothing: a customer has a
// right to it.
type Trail struct {
	journal *journal.Journal
	gallery *gallery.Gallery
	log     *slog.Logger

	mu    sync.Mutex
	pairs register.Pairings // that the journal knows of; nil before they were compared
	known bool
}

// NewTrail makes the trail of a gallery that is open, in a journal that is.
func NewTrail(j *journal.Journal, g *gallery.Gallery, log *slog.Logger) *Trail {
	return &Trail{journal: j, gallery: g, log: log}
}

// now completes a change with the time, and with who did it, if that is known.
func now(ctx context.Context, a journal.Audit) journal.Audit {
	a.At, a.TimeTrusted = time.Now(), journal.ClockSet()
	if !a.Offline {
		a.Who = people.From(ctx)
	}
	return a
}

// Note writes down what is about to be done; what can't be written down is not to be done.
func (t *Trail) Note(ctx context.Context, a journal.Audit) error {
	return unwritten(t.journal.Note(ctx, now(ctx, a)))
}

// Customers writes down how the gallery differs from what the journal knows. A locked gallery tells nothing.
func (t *Trail) Customers(ctx context.Context) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.compare(ctx)
}

func (t *Trail) compare(ctx context.Context) error {
	if t.gallery.Locked() {
		return nil
	}
	there, err := t.gallery.Records()
	if err != nil {
		return err
	}
	last, err := t.journal.Customers(ctx)
	if err != nil {
		return err
	}
	changes := differences(ctx, there, last)
	if len(changes) > 0 {
		t.log.Warn("customers were changed otherwise than by the running terminal; it is written down",
			"changes", len(changes), "first", changes[0].What, "customer", changes[0].Customer,
			"hint", "`smiletill journal audit` lists them")
	}
	return t.journal.Note(ctx, changes...)
}

// differences is what must have been done to a gallery, in the order of the ids.
func differences(
	ctx context.Context, there map[string]string, last map[string]journal.Audit,
) []journal.Audit {
	var all []journal.Audit
	for id, record := range there {
		a := journal.Audit{Customer: id, Record: record, Offline: true}
		switch was, known := last[id]; {
		case record == "": // it can't be read, which changes nothing
			continue
		case !known || was.Gone():
			a.What = journal.CustomerEnrolled
		case was.Record != record:
			a.What, a.Unmatched = journal.CustomerRenewed, true
		default:
			continue
		}
		all = append(all, now(ctx, a))
	}
	for id, was := range last {
		if _, still := there[id]; !still && !was.Gone() {
			all = append(all, now(ctx, journal.Audit{What: journal.CustomerRemoved, Customer: id, Offline: true}))
		}
	}
	slices.SortFunc(all, func(a, b journal.Audit) int { return strings.Compare(a.Customer, b.Customer) })
	return all
}

// Enrol has somebody enrolled once it is written down; second is who else stood by a renewal by another face.
// When the record then can't be kept, the journal is told.
func (t *Trail) Enrol(
	ctx context.Context, second payment.Who,
	do func(before func(gallery.Change) error) (control.Customer, error),
) (control.Customer, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	noted := false
	c, err := do(func(c gallery.Change) error {
		a := journal.Audit{What: journal.CustomerEnrolled, Customer: c.ID, Record: c.Record, Templates: c.Templates,
			Unmatched: c.Unmatched, Carried: c.Carried}
		if c.Again {
			a.What = journal.CustomerRenewed
		}
		if a.OtherFace = c.OtherFace; c.OtherFace {
			a.Second = second
		}
		if c.Consent != nil {
			a.Consent = c.Consent.Summary()
		}
		noted = true // even after an error it may be written
		return unwritten(t.journal.Note(ctx, now(ctx, a)))
	})
	if err == nil || !noted {
		return c, err
	}
	if also := t.compare(context.WithoutCancel(ctx)); also != nil {
		t.log.Error("the journal can't be told that nobody was enrolled: it is at the next start", "err", also)
	}
	return c, err
}

// unwritten says that nothing was done because the journal can't be written.
func unwritten(err error) error {
	if err == nil {
		return nil
	}
	return payment.WithHint(fmt.Errorf("it can't be written down, so nothing was changed: %w", err),
		payment.HintOf(err))
}

// Removed writes down that a customer was removed, or forgotten (what), which has been done whatever becomes
// of this.
func (t *Trail) Removed(ctx context.Context, what, id string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	a := now(ctx, journal.Audit{What: what, Customer: id})
	if err := t.journal.Note(context.WithoutCancel(ctx), a); err != nil {
		t.log.Error("a customer was removed, and the journal can't be told: it is at the next start",
			"customer", id, "err", err)
	}
}

// PINChanged writes down a change of a PIN before it is made; without a mark it is taken away.
func (t *Trail) PINChanged(ctx context.Context, of journal.PINOf, mark string) error {
	return t.Note(ctx, pinAudit(of, mark))
}

func pinAudit(of journal.PINOf, mark string) journal.Audit {
	what := map[bool]string{true: journal.CustomerPINSet, false: journal.CustomerPINTaken}
	if of.Customer == "" {
		what = map[bool]string{true: journal.ClerkPINSet, false: journal.ClerkPINTaken}
	}
	return journal.Audit{What: what[mark != ""], Customer: of.Customer, Clerk: of.Clerk, Record: mark}
}

// PINs writes down how the PINs that are set, by their marks, differ from what the journal knows.
func (t *Trail) PINs(ctx context.Context, marks map[string]string) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	last, err := t.journal.PINs(ctx)
	if err != nil {
		return err
	}
	customers, err := t.journal.Customers(ctx)
	if err != nil {
		return err
	}
	there := map[journal.PINOf]string{}
	for row, mark := range marks {
		of := journal.PINOf{Customer: row}
		if name, clerk := pin.ClerkOf(row); clerk {
			of = journal.PINOf{Clerk: name}
		}
		there[of] = mark
	}
	for of := range last {
		if _, set := there[of]; !set && !customers[of.Customer].Gone() { // with whom the PIN went
			there[of] = ""
		}
	}
	var changes []journal.Audit
	for _, of := range slices.SortedFunc(maps.Keys(there), func(a, b journal.PINOf) int {
		return cmp.Or(strings.Compare(a.Customer, b.Customer), strings.Compare(a.Clerk, b.Clerk))
	}) {
		if last[of].Record != there[of] {
			a := pinAudit(of, there[of])
			a.Offline = true
			changes = append(changes, now(ctx, a))
		}
	}
	if len(changes) > 0 {
		t.log.Warn("PINs were changed otherwise than by the running terminal; it is written down",
			"changes", len(changes), "hint", "`smiletill journal audit` lists them")
	}
	return t.journal.Note(ctx, changes...)
}

// entry tells a pairing from another of the same key identifier and version. It tells nothing of the key.
func entry(one register.Pairing) string {
	at := one.At.UTC().Format(time.RFC3339Nano)
	sum := sha256.Sum256(fmt.Appendf(nil, "%s %d %s", one.Key.ID, one.Key.Version, at))
	return hex.EncodeToString(sum[:8])
}

// Registers writes down how the paired registers differ from what the journal knows. Nothing is taken from
// one whose key the journal doesn't know.
func (t *Trail) Registers(ctx context.Context, all register.Pairings) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.known && slices.EqualFunc(all, t.pairs, func(a, b register.Pairing) bool { return a.Key == b.Key }) {
		return nil
	}
	last, err := t.journal.Registers(ctx)
	if err != nil {
		return err
	}
	var changes []journal.Audit
	there := map[journal.RegisterKey]bool{}
	for _, one := range all {
		k := journal.RegisterKey{ID: one.Key.ID, Version: one.Key.Version}
		there[k] = true
		if was := last[k]; was.What != journal.RegisterPaired || was.Record != entry(one) {
			changes = append(changes, now(ctx, journal.Audit{What: journal.RegisterPaired, Register: k.ID,
				KeyVersion: k.Version, Record: entry(one)}))
		}
	}
	for k, was := range last {
		if was.What == journal.RegisterPaired && !there[k] {
			changes = append(changes, now(ctx, journal.Audit{What: journal.RegisterUnpaired, Register: k.ID,
				KeyVersion: k.Version}))
		}
	}
	if err := t.journal.Note(ctx, changes...); err != nil {
		return err
	}
	t.pairs, t.known = slices.Clone(all), true
	return nil
}
