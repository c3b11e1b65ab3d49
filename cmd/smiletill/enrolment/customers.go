package enrolment

import (
	"context"
	"errors"
	"fmt"

	"smiletill/cmd/smiletill/control"
	"smiletill/cmd/smiletill/storage"
	"smiletill/payment"
	"smiletill/payment/pin"
	"smiletill/vision/gallery"
	"smiletill/vision/networks"
)

// List says who is enrolled, who has to be again, and whose record can't be read. A locked gallery does not
// tell: gallery.ErrLocked.
func List(g *gallery.Gallery) ([]control.Customer, error) {
	if _, err := g.Records(); err != nil {
		return nil, err
	}
	all := []control.Customer{}
	for _, c := range g.List() {
		all = append(all, control.Customer{ID: c.ID, Name: c.Name, EnrolledAt: c.EnrolledAt, Templates: c.Templates,
			Model: g.Model()})
	}
	for _, s := range g.Stale() {
		all = append(all, control.Customer{ID: s.ID, Name: s.Name, EnrolledAt: s.EnrolledAt, Templates: s.Templates,
			Model: s.Model, Stale: true, Known: s.Known})
	}
	for _, d := range g.Damaged() {
		all = append(all, control.Customer{ID: d.ID, Name: d.Name, Damage: d.Error() + "; " + d.Hint()})
	}
	return all, nil
}

// Known is nil of a customer whom a gallery has, else control.ErrUnknownCustomer, or why it can't tell.
func Known(g *gallery.Gallery, id string) error {
	_, err := g.Kept(id)
	if errors.Is(err, gallery.ErrUnknownCustomer) {
		err = unknown{payment.WithHint(gallery.ErrUnknownCustomer, "list the customers for their ids")}
	}
	return err
}

// errPINStays is of a customer who is removed, and whose PIN is not: nobody can use it, and the terminal
// removes it when it can.
var errPINStays = errors.New("the face is removed, its PIN could not be")

// Remove removes a customer: the face first, which needs neither the PINs nor room on the disk, then the
// PIN, also of one whose face is gone. face removes a face, and PINs are what open opens. Errors are those
// of face, and errPINStays.
func Remove(
	ctx context.Context, id string, face func(id string) error, open func(use func(*pin.Store) error) error,
) error {
	noFace := face(id)
	if noFace != nil && !errors.Is(noFace, gallery.ErrUnknownCustomer) {
		return noFace
	}
	had := false
	err := open(func(s *pin.Store) error {
		with, err := s.Customers(ctx)
		if had = with[id]; !had {
			return errors.Join(err, s.Unblock(ctx, id))
		}
		return errors.Join(s.Remove(ctx, id), s.Unblock(ctx, id))
	})
	switch {
	case noFace != nil && !had:
		return noFace
	case err == nil:
		return nil
	}
	do := payment.HintOf(storage.WithHint(err))
	if do == "" {
		do = "see whether the disk is full, or read-only (dmesg)"
	}
	return payment.WithHint(fmt.Errorf("%w: %w", errPINStays, err),
		do+"; the terminal removes the PIN by itself when it can write again, at its next start at the latest")
}

// TemplatesOf makes a template of each photo, and one by the model before, if there is one; each must show
// one face that the pipeline would take at the counter.
func TemplatesOf(l *networks.Looker, files []control.Photo) (now, before [][]float32, err error) {
	var photos []networks.Photo
	for _, p := range files {
		m, err := p.Image()
		if err != nil {
			return nil, nil, err
		}
		photos = append(photos, networks.Photo{Name: p.Name, Image: m})
	}
	return l.Templates(photos)
}

// In enrols somebody, or gives a customer new templates. seen are those of the same pictures by the model
// before, if there is one: whoever is left under it is compared by them.
func In(
	g *gallery.Gallery, q control.EnrolRequest, w gallery.Wish, templates, seen [][]float32,
	before func(gallery.Change) error,
) (control.Customer, error) {
	unmatched := false
	ask := func(c gallery.Change) error {
		unmatched = c.Unmatched
		return before(c)
	}
	var c gallery.Customer
	var err error
	if q.Again != "" {
		c, err = g.EnrolAgainAs(q.Again, templates, seen, w, ask)
	} else {
		c, err = g.EnrolAs(q.Name, templates, w, ask)
	}
	if err != nil {
		return control.Customer{}, err
	}
	return control.Customer{ID: c.ID, Name: c.Name, EnrolledAt: c.EnrolledAt, Templates: c.Templates,
		Model: g.Model(), Unmatched: unmatched}, nil
}
