package enrolment

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"smiletill/cmd/smiletill/control"
	"smiletill/payment"
	"smiletill/payment/journal"
	"smiletill/payment/pin"
	"smiletill/vision/gallery"
)

// NotePINs says of each who has a PIN, and who is blocked.
func NotePINs(ctx context.Context, s *pin.Store, all []control.Customer) error {
	with, err := s.Customers(ctx)
	if err != nil {
		return err
	}
	blocked, err := s.AllBlocked(ctx)
	for i := range all {
		all[i].PIN, all[i].Blocked = with[all[i].ID], blocked[all[i].ID]
	}
	return err
}

// RemoveOrphans removes the PINs and blocks of customers who are in a gallery no more. Of a locked gallery,
// and of one with a record whose file has lost its name, nobody can tell.
func RemoveOrphans(ctx context.Context, g *gallery.Gallery, s *pin.Store) error {
	there, err := g.Records()
	if errors.Is(err, gallery.ErrLocked) {
		return nil
	}
	if err != nil || slices.ContainsFunc(g.Damaged(), func(d gallery.Damage) bool { return d.ID == "" }) {
		return err
	}
	with, err := s.Customers(ctx)
	for id := range with {
		if _, enrolled := there[id]; !enrolled {
			err = errors.Join(err, s.Remove(ctx, id))
		}
	}
	blocked, also := s.AllBlocked(ctx)
	err = errors.Join(err, also)
	for id := range blocked {
		if _, enrolled := there[id]; !enrolled {
			err = errors.Join(err, s.Unblock(ctx, id))
		}
	}
	return err
}

// SetPIN gives an enrolled customer a PIN, or takes it away (""), also of one whose record can't be read;
// note is told right before, and of nothing that is not to be done.
func SetPIN(
	ctx context.Context, g *gallery.Gallery, s *pin.Store, id, digits string, note func(journal.Audit) error,
) error {
	before := func(mark string) error { return note(pinAudit(journal.PINOf{Customer: id}, mark)) }
	have, err := s.Customers(ctx)
	if err != nil {
		return err
	}
	known := slices.ContainsFunc(g.List(), func(c gallery.Customer) bool { return c.ID == id }) ||
		slices.ContainsFunc(g.Stale(), func(c gallery.Stale) bool { return c.ID == id })
	switch {
	case digits == "" && have[id]:
		if err := before(""); err != nil {
			return err
		}
		return s.Remove(ctx, id)
	case !known && g.Locked(): // which knows nobody
		_, err := g.Records()
		return err
	case !known:
		return payment.WithHintf(
			fmt.Errorf("%w: %s", gallery.ErrUnknownCustomer, id),
			"`smiletill customers list` lists them",
		)
	case digits == "": // there is none
		return nil
	}
	return s.SetAfter(ctx, id, digits, before)
}

// SetClerkPIN gives a clerk a PIN, or takes it away (""); of no name the clerk who has none. note is as
// SetPIN's.
func SetClerkPIN(
	ctx context.Context, s *pin.Store, name, digits string, note func(journal.Audit) error,
) error {
	of := journal.PINOf{}
	if name != "" && name != pin.Unnamed {
		known, err := s.Find(ctx, name)
		if err != nil {
			return err
		}
		of.Clerk = known.Name
	}
	clerk, before := s.ClerkNamed(of.Clerk), func(mark string) error { return note(pinAudit(of, mark)) }
	if digits == "" {
		if set, err := clerk.IsSet(ctx); err != nil || !set {
			return err
		}
		if err := before(""); err != nil {
			return err
		}
		return clerk.Remove(ctx)
	}
	return clerk.SetAfter(ctx, digits, before)
}
