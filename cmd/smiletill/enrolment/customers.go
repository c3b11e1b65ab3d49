package enrolment

import (
	"context"

	"smiletill/cmd/smiletill/control"
	"smiletill/payment/pin"
	"smiletill/vision/gallery"
	"smiletill/vision/networks"
)

// List says who is enrolled, who has to be again, and whose record can't be read.
func List(g *gallery.Gallery) []control.Customer {
	all := []control.Customer{}
	for _, c := range g.List() {
		all = append(all, control.Customer{ID: c.ID, Name: c.Name, EnrolledAt: c.EnrolledAt, Templates: c.Templates,
			Model: g.Model()})
	}
	for _, s := range g.Stale() {
		all = append(all, control.Customer{ID: s.ID, Name: s.Name, EnrolledAt: s.EnrolledAt, Templates: s.Templates,
			Model: s.Model, Stale: true})
	}
	for _, d := range g.Damaged() {
		all = append(all, control.Customer{ID: d.ID, Name: d.Name, Damage: d.Error() + "; " + d.Hint()})
	}
	return all
}

// NotePINs says of each who has a PIN.
func NotePINs(ctx context.Context, s *pin.Store, all []control.Customer) error {
	with, err := s.Customers(ctx)
	for i := range all {
		all[i].PIN = with[all[i].ID]
	}
	return err
}

// Remove removes the PIN first: a customer who is half removed must still be in the list.
func Remove(ctx context.Context, g *gallery.Gallery, s *pin.Store, id string) error {
	if err := s.Remove(ctx, id); err != nil {
		return err
	}
	return g.Remove(id)
}

// TemplatesOf makes a template of each photo; each must show one face that the pipeline would take at the
// counter.
func TemplatesOf(l *networks.Looker, files []control.Photo) ([][]float32, error) {
	var photos []networks.Photo
	for _, p := range files {
		m, err := p.Image()
		if err != nil {
			return nil, err
		}
		photos = append(photos, networks.Photo{Name: p.Name, Image: m})
	}
	return l.Templates(photos)
}

// In enrols somebody, or gives a customer new templates.
func In(
	g *gallery.Gallery, q control.EnrolRequest, templates [][]float32, before func(gallery.Change) error,
) (control.Customer, error) {
	unmatched := false
	ask := func(c gallery.Change) error {
		unmatched = c.Unmatched
		return before(c)
	}
	var c gallery.Customer
	var err error
	if q.Again != "" {
		c, err = g.EnrolAgain(q.Again, templates, ask)
	} else {
		c, err = g.Enrol(q.Name, templates, ask)
	}
	if err != nil {
		return control.Customer{}, err
	}
	return control.Customer{ID: c.ID, Name: c.Name, EnrolledAt: c.EnrolledAt, Templates: c.Templates,
		Model: g.Model(), Unmatched: unmatched}, nil
}
