package enrolment

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"smiletill/cmd/smiletill/intent"
	"smiletill/payment"
	"smiletill/payment/journal"
	"smiletill/payment/pin"
	"smiletill/vision/gallery"
)

// found is what is there of what intents are about.
type found struct {
	records map[string]string // of customers; nil: the gallery is locked and does not tell
	marks   map[string]string // of PINs, as pin.Store.Marks
	roles   map[string]string // of clerks
	blocked map[string]bool   // customers
	paired  map[journal.RegisterKey]string
}

// tell has the journal say what came of the intents that it does not know the end of, and ends removals that
// were begun. m has the machine's told too; nil leaves them. also is done at the end, while no command
// changes anything; it may be nil.
func (t *Trail) tell(ctx context.Context, m *Machine, also func() error) error {
	var fault error // of also: the journal has been told all the same
	err := t.keeps.Book.Take(func(notes []intent.Note) (left []intent.Note, err error) {
		var facts []journal.Audit
		if len(notes) > 0 {
			if facts, left, err = t.outcome(ctx, notes, m == nil); err != nil {
				return nil, err
			}
		}
		if err := t.journal.Note(ctx, facts...); err != nil {
			return left, err
		}
		if m == nil {
			if also != nil {
				fault = also()
			}
			return left, nil
		}
		waits, err := t.machine(ctx, *m, notes)
		if waits {
			for _, n := range notes {
				if ofMachine(n) {
					left = append(left, n)
				}
			}
		}
		return left, err
	})
	return errors.Join(err, fault)
}

// ofMachine tells whether an intent gives a change of the machine its name: what changed is found.
func ofMachine(n intent.Note) bool {
	return n.What == journal.SettingsChanged || n.What == journal.ModelsSwapped ||
		n.What == journal.ProgramUpdated
}

// told names a fact, as an intent and the journal both have it.
func told(a journal.Audit) string {
	return fmt.Sprint(a.What, a.Customer, "/", a.Clerk, "/", a.Register, "/", a.KeyVersion, "/",
		a.At.UTC().Format(time.RFC3339Nano))
}

// outcome gives the facts that are missing, and the intents that nothing can be told of yet.
func (t *Trail) outcome(
	ctx context.Context, notes []intent.Note, later bool,
) (facts []journal.Audit, left []intent.Note, err error) {
	all, err := t.journal.Audits(ctx, -1)
	if err != nil {
		return nil, nil, err
	}
	known := map[string]bool{}
	for _, a := range all {
		known[told(a)] = true
	}
	f, err := t.found(ctx)
	if err != nil {
		return nil, nil, err
	}
	for i, n := range notes {
		is, sure := n.Done, true
		switch {
		case n.Told:
			continue
		case ofMachine(n):
			if later {
				left = append(left, n)
			}
			continue
		case n.Gone() && !n.Done:
			is, err = t.end(ctx, n.Audit, slices.ContainsFunc(facts, func(a journal.Audit) bool {
				return a.Customer == n.Customer
			}))
		case !n.Done:
			is, sure = t.came(f, n.Audit, notes[i+1:])
		}
		switch {
		case err != nil:
			return nil, nil, err
		case !sure:
			left = append(left, n)
		case is && !known[told(n.Audit)]:
			facts = append(facts, n.Audit)
		case !is && known[told(n.Audit)]:
			facts = append(facts, now(ctx, f.instead(t.gallery, n.Audit)))
		}
	}
	return facts, left, nil
}

// found looks.
func (t *Trail) found(ctx context.Context) (f found, err error) {
	if f.records, err = t.gallery.Records(); err != nil && !errors.Is(err, gallery.ErrLocked) {
		return found{}, err
	}
	f.roles, f.paired = map[string]string{}, map[journal.RegisterKey]string{}
	if s := t.keeps.PINs; s != nil {
		if f.marks, err = s.Marks(ctx); err != nil {
			return found{}, err
		}
		if f.blocked, err = s.AllBlocked(ctx); err != nil {
			return found{}, err
		}
		named, err := s.Clerks(ctx)
		if err != nil {
			return found{}, err
		}
		for _, n := range named {
			f.roles[n.Name] = n.Role
		}
	}
	if t.keeps.Pairings == nil {
		return f, nil
	}
	all, err := t.keeps.Pairings()
	for _, one := range all {
		f.paired[journal.RegisterKey{ID: one.Key.ID, Version: one.Key.Version}] = intent.Entry(one)
	}
	if err != nil { // keys that can't be read are not keys that were taken away
		f.paired = nil
	}
	return f, nil
}

// end ends a removal that was begun; false: there was nobody of that id. enrolled: the journal is about to be
// told that there was.
func (t *Trail) end(ctx context.Context, a journal.Audit, enrolled bool) (bool, error) {
	err := Remove(ctx, a.Customer, t.gallery.Remove, func(use func(*pin.Store) error) error {
		if t.keeps.PINs == nil {
			return nil
		}
		return use(t.keeps.PINs)
	})
	switch {
	case errors.Is(err, gallery.ErrUnknownCustomer):
		// The face went before its fact could be written; or there never was one.
		last, err := t.journal.Customers(ctx)
		was, known := last[a.Customer]
		return enrolled || known && !was.Gone(), err
	case err != nil && !errors.Is(err, errPINStays):
		return false, err
	}
	t.log.Warn("a removal that was cut short is completed", "customer", a.Customer)
	return true, nil
}

// came tells whether something came to pass of which nobody said so; sure is whether that can be told.
func (t *Trail) came(f found, a journal.Audit, later []intent.Note) (is, sure bool) {
	switch a.What {
	case journal.CustomerEnrolled:
		// Who was changed later had been enrolled: nobody else knows the id.
		is = slices.ContainsFunc(later, func(n intent.Note) bool { return n.Customer == a.Customer && n.Done })
		return is || f.records[a.Customer] == a.Record, is || f.records != nil
	case journal.CustomerRenewed:
		return f.records[a.Customer] == a.Record, f.records != nil
	case journal.ConsentGiven:
		c, ok := t.gallery.Consent(a.Customer)
		return ok && c.Summary() == a.Consent && c.At.After(a.At.Add(-time.Minute)), f.records != nil
	case journal.CustomerBlocked, journal.CustomerUnblocked:
		return f.blocked[a.Customer] == (a.What == journal.CustomerBlocked), true
	case journal.CustomerPINSet, journal.ClerkPINSet, journal.CustomerPINTaken, journal.ClerkPINTaken:
		return f.marks[pinRow(a)] == a.Record, true
	case journal.ClerkAdded:
		return f.roles[a.Clerk] == a.Keys, true
	case journal.ClerkRemoved:
		return f.roles[a.Clerk] == "", true
	case journal.RegisterPaired:
		return f.paired[journal.RegisterKey{ID: a.Register, Version: a.KeyVersion}] == a.Record, f.paired != nil
	case journal.RegisterUnpaired:
		return f.paired[journal.RegisterKey{ID: a.Register, Version: a.KeyVersion}] == "", f.paired != nil
	}
	return false, true
}

// pinRow is whose PIN it is, as pin.Store.Marks knows it.
func pinRow(a journal.Audit) string {
	if a.Customer != "" || a.Clerk == "" {
		return a.Customer
	}
	return pin.RowOf(a.Clerk)
}

// instead is how it is, of what the journal says and what did not come to pass.
func (f found) instead(g *gallery.Gallery, a journal.Audit) journal.Audit {
	is := journal.Audit{What: a.What, Customer: a.Customer, Clerk: a.Clerk, Undone: true, Offline: true}
	switch a.What {
	case journal.CustomerEnrolled, journal.CustomerRenewed:
		is.What, is.Record = journal.CustomerRenewed, f.records[a.Customer]
		if _, there := f.records[a.Customer]; !there {
			is.What = journal.CustomerRemoved
		}
	case journal.ConsentGiven:
		if c, ok := g.Consent(a.Customer); ok {
			is.Consent = c.Summary()
		}
	case journal.CustomerBlocked, journal.CustomerUnblocked:
		is.What = map[bool]string{true: journal.CustomerBlocked,
			false: journal.CustomerUnblocked}[f.blocked[a.Customer]]
	case journal.CustomerPINSet, journal.ClerkPINSet, journal.CustomerPINTaken, journal.ClerkPINTaken:
		of := journal.PINOf{Customer: a.Customer, Clerk: a.Clerk}
		is = pinAudit(of, f.marks[pinRow(a)])
		is.Undone, is.Offline = true, true
	case journal.ClerkAdded, journal.ClerkRemoved:
		is.What, is.Keys = journal.ClerkAdded, f.roles[a.Clerk]
		if is.Keys == "" {
			is.What = journal.ClerkRemoved
		}
	}
	return is
}

// by is who noted a change of the machine last, of those that a test takes; nobody if none did.
func by(notes []intent.Note, what string, takes func(journal.Audit) bool) (who payment.Who, noted bool) {
	for _, n := range notes {
		if n.What == what && takes(n.Audit) {
			who, noted = n.Who, true
		}
	}
	return who, noted
}
