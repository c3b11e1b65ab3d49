package gallery

import (
	"fmt"
	"slices"
)

// Sure gives the customer whose face pictures show, where nothing is left open: each of them is that
// customer's, as sure as a renewal wants it, and nobody else in the gallery is near. It is for what can't be
// taken back. seen are embeddings of the same pictures by the model before, as EnrolAgain's. Who is like two
// customers is nobody. Errors: ErrTemplates, ErrUnknownCustomer, ErrClosed, ErrLocked.
func (g *Gallery) Sure(templates, seen [][]float32) (id string, err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if err := g.usable(); err != nil {
		return "", fmt.Errorf("look who it is: %w", err)
	}
	now := g.newRecord("", "", templates)
	if err := checkTemplates(now.templates); err != nil {
		return "", fmt.Errorf("look who it is: %w", err)
	}
	found := g.now.near(now.templates, g.records)
	if g.before != nil && len(seen) == len(templates) {
		before := make([]template, len(seen))
		for i, t := range seen {
			before[i] = t
		}
		found = append(found, g.before.near(before, g.left)...)
	}
	if len(found) == 1 && found[0].sure {
		return found[0].id, nil
	}
	return "", hint(fmt.Errorf("look who it is: %w, or not surely", ErrUnknownCustomer),
		"stand alone before the camera, in good light; or ask the staff")
}

// likely is a customer whom templates may be of.
type likely struct {
	id   string
	sure bool
}

// near gives the customers whom templates may be of: at one picture's threshold they are near, at a renewal's
// they are sure.
func (m *model) near(templates []template, all []record) (found []likely) {
	for _, r := range all {
		if slices.ContainsFunc(templates, func(t template) bool {
			return likeness([]template{t}, r.templates) >= float64(m.Agree)
		}) {
			found = append(found, likely{r.customer.ID, m.checkSame(templates, r) == nil})
		}
	}
	return found
}

// Kept is what a gallery keeps of a customer.
type Kept struct {
	Customer
	Model  string // SHA-256 of the embedding, 64 hexadecimal digits
	Digits bool   // a keyed hash of some
	Smile  bool
	// Faces are the templates themselves: whoever has them can look for the face elsewhere. nil of one of a
	// model that is not compared here any more.
	Faces [][]float32
}

// Format leaves templates and names out.
func (k Kept) Format(f fmt.State, _ rune) { fmt.Fprint(f, k.ID) }

// Kept gives what is kept of a customer, for that customer. ErrUnknownCustomer, ErrClosed, ErrLocked.
func (g *Gallery) Kept(id string) (Kept, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if err := g.usable(); err != nil {
		return Kept{}, fmt.Errorf("look what is kept of %s: %w", id, err)
	}
	if r := g.comparable(id); r != nil {
		k := Kept{Customer: r.customer, Model: fmt.Sprintf("%x", r.model[:]), Digits: r.digits != mark{},
			Smile: r.smile.Rise > 0}
		for _, t := range r.templates {
			k.Faces = append(k.Faces, slices.Clone(t))
		}
		return k, nil
	}
	if at := g.findStale(id); at >= 0 {
		s := g.stale[at]
		return Kept{Customer: s.Customer, Model: s.Model, Digits: s.digits != mark{}}, nil
	}
	return Kept{}, hint(fmt.Errorf("look what is kept of %q: %w", id, ErrUnknownCustomer),
		"list the customers for their ids")
}
