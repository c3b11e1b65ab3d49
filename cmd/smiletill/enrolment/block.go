package enrolment

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"smiletill/payment"
	"smiletill/payment/journal"
	"smiletill/payment/pin"
)

// errNoWhy is of a block that nobody gives a reason for.
var errNoWhy = errors.New("it takes a reason")

// Block is control.People's. The customer stays enrolled and is known: payments are declined in words that
// tell nobody else. Whoever is forgotten and enrolled anew is another customer.
func (d *Desk) Block(ctx context.Context, id string, blocked bool, why string) error {
	p, err := d.Open()
	if err != nil {
		return err
	}
	if why = strings.TrimSpace(why); why == "" {
		return payment.WithHint(errNoWhy, "say why in some words: they stand in the fact, and name nobody")
	}
	if err := payment.CheckText(why, payment.ReferenceMax); err != nil {
		return fmt.Errorf("the reason: %w", err)
	}
	if _, err := p.Gallery.Kept(id); err != nil {
		return asUnknown(err)
	}
	was, err := p.PINs.Blocked(ctx, id)
	if err != nil || was == blocked {
		return err
	}
	a := journal.Audit{What: journal.CustomerUnblocked, Customer: id, Why: why}
	if blocked {
		a.What = journal.CustomerBlocked
	}
	err = p.Trail.Do(ctx, func(note func(journal.Audit) error) error {
		if err := note(a); err != nil {
			return err
		}
		if blocked {
			return p.PINs.Block(ctx, id)
		}
		return p.PINs.Unblock(ctx, id)
	})
	if err == nil {
		p.Log.Info("a customer was blocked or unblocked", "customer", id, "blocked", blocked)
	}
	return err
}

// Blocks has those blocked whom the journal knows to be, and the file of PINs does not: it was put away, or
// an older one put back. Whom the file blocks stays so, whatever the journal still knows.
func (t *Trail) Blocks(ctx context.Context, s *pin.Store) error {
	last, err := t.journal.Blocks(ctx)
	if err != nil {
		return err
	}
	there, err := t.gallery.Records()
	if err != nil {
		return nil //nolint:nilerr // a locked gallery tells nothing, and nobody pays
	}
	for id, a := range last {
		if _, enrolled := there[id]; enrolled && a.What == journal.CustomerBlocked {
			err = errors.Join(err, s.Block(ctx, id))
		}
	}
	return err
}
