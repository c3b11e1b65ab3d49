package enrolment

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"smiletill/cmd/smiletill/control"
	"smiletill/cmd/smiletill/people"
	"smiletill/payment"
	"smiletill/payment/journal"
	"smiletill/payment/pin"
	"smiletill/vision/gallery"
)

// Consent is what is kept of what a customer agreed to, by the rules of the shop: nil of a renewal that
// brings nothing new. known tells whether a customer has agreed before: new pictures of one of whom nothing
// tells that need it as the first did. by is who asks, and has explained it unless somebody else is named.
// Its errors say what is missing.
func Consent(
	rules people.Rules, q control.EnrolRequest, known func(id string) (gallery.Consent, bool), by payment.Who,
	now time.Time,
) (*gallery.Consent, error) {
	if q.Agreed == nil && q.Again != "" {
		if _, ok := known(q.Again); ok {
			return nil, nil
		}
	}
	a := control.Agreed{}
	if q.Agreed != nil {
		a = *q.Agreed
	}
	if err := rules.Check(a.Version, a.Lang, a.Paper); err != nil {
		return nil, err
	}
	explained := cmp.Or(strings.TrimSpace(a.Explained), by.Name, by.Role, "not known")
	if err := payment.CheckText(explained, payment.ReferenceMax); err != nil {
		return nil, fmt.Errorf("who explained it: %w", err)
	}
	return &gallery.Consent{Text: a.Version, Lang: a.Lang, At: now, Explained: explained, Paper: a.Paper}, nil
}

// Agree is control.People's: of a customer who was enrolled before anybody was asked.
func (d *Desk) Agree(ctx context.Context, id string, a control.Agreed) error {
	p, err := d.Open()
	if err != nil {
		return err
	}
	c, err := Consent(d.Rules, control.EnrolRequest{Agreed: &a}, p.Gallery.Consent, people.From(ctx), time.Now())
	if err != nil {
		return err
	}
	return asUnknown(p.Wrote(p.Trail.Do(ctx, func(note func(journal.Audit) error) error {
		return p.Gallery.KeepConsent(id, *c, func() error {
			return note(journal.Audit{What: journal.ConsentGiven, Customer: id, Consent: c.Summary()})
		})
	})))
}

// Texts is control.People's.
func (d *Desk) Texts(context.Context) ([]people.Text, error) { return d.Rules.Texts, nil }

// vouchFor is how long somebody's word for a renewal holds: to fetch the customer and take the pictures.
const vouchFor = 10 * time.Minute

// vouch is somebody's word that a customer's new face is to be taken.
type vouch struct {
	by    payment.Who
	row   string // of the clerk's PIN and role, as they were; "" of a user of this machine
	until time.Time
}

// clerkRow tells a clerk with a PIN and a role from the same one with others; "" of nobody.
func clerkRow(ctx context.Context, s *pin.Store, name string) (string, error) {
	n, err := s.Find(ctx, name)
	if errors.Is(err, pin.ErrUnknownClerk) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	marks, err := s.Marks(ctx)
	return n.Role + " " + marks[pin.RowOf(n.Name)], err
}

// Vouch is control.People's.
func (d *Desk) Vouch(ctx context.Context, id, name, digits string) error {
	p, err := d.Open()
	if err != nil {
		return err
	}
	if _, err := p.Gallery.Kept(id); err != nil {
		return asUnknown(err)
	}
	by := people.From(ctx)
	if name != "" {
		if by, err = byPIN(ctx, p.PINs, name, digits, people.Vouch); err != nil {
			return err
		}
	}
	if by.Name == pin.Unnamed { // who asks may know that PIN too
		return payment.WithHint(fmt.Errorf("vouch for a renewal: %w", people.ErrNotAllowed),
			"somebody with a name and a PIN of their own (`smiletill clerks add NAME`) says so: nobody can tell who "+
				"types the PIN that has no name")
	}
	row := ""
	if by.Door == people.Page {
		if row, err = clerkRow(ctx, p.PINs, by.Name); err != nil {
			return err
		}
	}
	err = p.Trail.Note(people.With(ctx, by), journal.Audit{What: journal.RenewalVouched, Customer: id})
	if err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.vouches == nil {
		d.vouches = map[string]vouch{}
	}
	d.vouches[id] = vouch{by, row, time.Now().Add(vouchFor)}
	return nil
}

// byPIN gives who somebody is by name and PIN, if they may do an act. Errors are those of a PIN, and
// people.ErrNotAllowed.
func byPIN(ctx context.Context, s *pin.Store, name, digits string, a people.Act) (payment.Who, error) {
	who := people.Someone{Name: pin.Unnamed, Door: people.Page, Roles: []people.Role{people.Clerk}}
	if !strings.EqualFold(name, pin.Unnamed) {
		n, err := s.Find(ctx, name)
		if err != nil {
			return payment.Who{}, err
		}
		who.Name, who.Roles = n.Name, []people.Role{people.Role(n.Role)}
	}
	if err := s.ClerkNamed(who.Name).Try(ctx, digits); err != nil {
		return payment.Who{}, err
	}
	return who.As(a)
}

// vouched takes somebody else's word for a renewal, which counts once; false if there is none, or only of the
// one who asks, or of a clerk who has left since, or has another role or PIN: who that is nobody knows.
func (d *Desk) vouched(
	ctx context.Context, s *pin.Store, id string, asks payment.Who,
) (by payment.Who, ok bool, err error) {
	d.mu.Lock()
	v, ok := d.vouches[id]
	d.mu.Unlock()
	if !ok || time.Now().After(v.until) || strings.EqualFold(v.by.Name, asks.Name) || asks.Name == pin.Unnamed {
		return payment.Who{}, false, nil
	}
	if v.row != "" {
		row, err := clerkRow(ctx, s, v.by.Name)
		if err != nil || row != v.row {
			return payment.Who{}, false, err
		}
	}
	return v.by, true, nil
}

// spent forgets a word that was used.
func (d *Desk) spent(id string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.vouches, id)
}
