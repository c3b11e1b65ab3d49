package enrolment

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"smiletill/cmd/smiletill/intent"
	"smiletill/cmd/smiletill/people"
	"smiletill/payment"
	"smiletill/payment/journal"
	"smiletill/payment/pin"
	"smiletill/payment/register"
	"smiletill/vision/gallery"
)

// Trail has the journal say who may pay and which register is let in. What the running terminal does is
// written before it is done; what a command does while it does not run is noted in the book of intents, with
// who did it, and told at the next start; what was done to its files by hand is found by comparing them with
// the journal. Only a removal waits for nothing: a customer has a right to it.
type Trail struct {
	journal *journal.Journal
	gallery *gallery.Gallery
	keeps   Keeps
	log     *slog.Logger

	mu    sync.Mutex
	pairs register.Pairings // that the journal knows of; nil before they were compared
	known bool
}

// Keeps are what else of a terminal is changed with a fact. The zero value keeps none of it.
type Keeps struct {
	Book     intent.Book
	PINs     *pin.Store
	Pairings func() (register.Pairings, error)
}

// NewTrail makes the trail of a gallery that is open, and of what else is kept, in a journal that is.
func NewTrail(j *journal.Journal, g *gallery.Gallery, k Keeps, log *slog.Logger) *Trail {
	return &Trail{journal: j, gallery: g, keeps: k, log: log}
}

// now completes a change with the time, and with who did it, if that is known.
func now(ctx context.Context, a journal.Audit) journal.Audit {
	a.At, a.TimeTrusted = time.Now(), journal.ClockSet()
	if !a.Offline {
		a.Who = people.From(ctx)
	}
	return a
}

// Do changes something: change is given note, to be called with what is about to be changed, right before it
// is. What can't be written down is not to be done. When it is not done after all, the journal is told.
func (t *Trail) Do(ctx context.Context, change func(note func(journal.Audit) error) error) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	noted := false
	err := t.keeps.Book.Do(func(write func(journal.Audit) error) (intent.Outcome, error) {
		err := change(func(a journal.Audit) error {
			a = now(ctx, a)
			err := write(a)
			if err == nil {
				noted = true // even after an error it may be in the journal
				err = t.journal.Note(ctx, a)
			}
			return unwritten(err)
		})
		if err != nil {
			return intent.Open, err
		}
		return intent.Told, nil
	})
	if err != nil && noted {
		if also := t.tell(context.WithoutCancel(ctx), nil, nil); also != nil {
			t.log.Error("the journal can't be told that nothing was done: it is at the next start", "err", also)
		}
	}
	return err
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

// Enrolled is the fact of an enrolment; second is who else stood by a renewal of which nobody can tell that
// the face is the old one.
func Enrolled(c gallery.Change, second payment.Who) journal.Audit {
	a := journal.Audit{What: journal.CustomerEnrolled, Customer: c.ID, Record: c.Record, Templates: c.Templates,
		Unmatched: c.Unmatched, Carried: c.Carried, OtherFace: c.OtherFace}
	if c.Again {
		a.What = journal.CustomerRenewed
	}
	if c.OtherFace || c.Unmatched {
		a.Second = second
	}
	if c.Consent != nil {
		a.Consent = c.Consent.Summary()
	}
	return a
}

// unwritten says that nothing was done because the journal can't be written.
func unwritten(err error) error {
	if err == nil {
		return nil
	}
	return payment.WithHint(fmt.Errorf("it can't be written down, so nothing was changed: %w", err),
		payment.HintOf(err))
}

// Remove has a customer removed, or forgotten (what), and writes that down. It waits for nothing: what can't
// be written down now is at the next start, which also ends what was begun.
func (t *Trail) Remove(ctx context.Context, what, id string, erase func() error) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	a, asked := now(ctx, journal.Audit{What: what, Customer: id}), false
	remove := func(write func(journal.Audit) error) (intent.Outcome, error) {
		asked = true
		if err := write(a); err != nil {
			t.log.Error("a removal begins that can't be written down first", "customer", id, "err", err)
		}
		err := erase()
		switch {
		case errors.Is(err, gallery.ErrUnknownCustomer):
			return intent.Told, err
		case err != nil && !errors.Is(err, errPINStays):
			return intent.Open, err
		}
		if told := t.journal.Note(context.WithoutCancel(ctx), a); told != nil {
			t.log.Error("a customer was removed, and the journal can't be told: it is at the next start",
				"customer", id, "err", told)
			return intent.Done, err
		}
		return intent.Told, err
	}
	err := t.keeps.Book.Do(remove)
	if !asked { // the book can't be opened
		t.log.Error("a removal begins that can't be written down first", "customer", id, "err", err)
		_, err = remove(func(journal.Audit) error { return nil })
	}
	return err
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
	clerks, err := t.journal.Clerks(ctx)
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
		gone := customers[of.Customer].Gone() || clerks[of.Clerk].What == journal.ClerkRemoved
		if _, set := there[of]; !set && !gone { // with whom the PIN went
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

// Clerks writes down how the roles that people have, by name, differ from what the journal knows.
func (t *Trail) Clerks(ctx context.Context, roles []pin.Named) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	last, err := t.journal.Clerks(ctx)
	if err != nil {
		return err
	}
	var changes []journal.Audit
	for _, c := range roles {
		was := last[c.Name]
		delete(last, c.Name)
		if was.What != journal.ClerkAdded || was.Keys != c.Role {
			changes = append(changes, now(ctx, journal.Audit{What: journal.ClerkAdded, Clerk: c.Name, Keys: c.Role,
				Offline: true}))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(last)) {
		if last[name].What == journal.ClerkAdded {
			changes = append(changes, now(ctx, journal.Audit{What: journal.ClerkRemoved, Clerk: name, Offline: true}))
		}
	}
	return t.journal.Note(ctx, changes...)
}
