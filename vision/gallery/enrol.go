package gallery

import (
	"fmt"
	"math"
)

const (
	TemplatesMin, TemplatesMax = 3, 5
	// dimMin and dimMax are wide bounds; SFace's embedding has 128 values, MobileFaceNet's 192, others 512.
	dimMin, dimMax = 16, 1024

	// normSlack is how far a template's norm may be from 1: float32 keeps seven digits.
	normSlack = 1e-3
)

// Place says why nobody can be enrolled under a name, if so, before the face is taken: ErrName, ErrFull,
// ErrNameTaken, ErrLocked, ErrClosed.
func (g *Gallery) Place(name string) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.checkPlace(compose(name))
}

// checkPlace says why no customer of a name can be added, if so.
func (g *Gallery) checkPlace(name string) error {
	if err := g.usable(); err != nil {
		return err
	}
	if err := checkName(name); err != nil {
		return err
	}
	if len(g.records)+len(g.stale) >= customersMax {
		return hint(fmt.Errorf("%w with %d customers", ErrFull, customersMax), "remove customers first")
	}
	return g.checkNameFree(name)
}

// checkNew says why r can't be enrolled, if so.
func (g *Gallery) checkNew(r record) error {
	if err := g.checkPlace(r.customer.Name); err != nil {
		return err
	}
	return g.checkFace(r)
}

// checkFace says why the templates of r can't be theirs, if so: no templates of one person, or another
// customer's.
func (g *Gallery) checkFace(r record) error {
	if err := checkTemplates(r.templates); err != nil {
		return err
	}
	if err := g.checkAgree(r.templates); err != nil {
		return err
	}
	for _, old := range g.records {
		if old.customer.ID == r.customer.ID {
			continue
		}
		if len(old.templates[0]) != len(r.templates[0]) {
			return fmt.Errorf("%w: dimension %d, the gallery's is %d", ErrTemplates,
				len(r.templates[0]), len(old.templates[0]))
		}
		if same := likeness(r.templates, old.templates); same >= float64(g.now.Same) {
			return hint(fmt.Errorf("this face is %w as %q (%s)", ErrAlreadyEnrolled, old.customer.Name,
				old.customer.ID), "remove "+old.customer.ID+" first to enrol them anew")
		}
	}
	return nil
}

// checkSame says why templates are not of the person of an old record of the same model, if so: on the whole
// as sure as a payment wants it, and each picture by itself as near as those of one enrolment.
func (m *model) checkSame(templates []template, old record) error {
	same := likeness(templates, old.templates) >= float64(m.Same)
	for _, t := range templates {
		same = same && likeness([]template{t}, old.templates) >= float64(m.Agree)
	}
	if same {
		return nil
	}
	return hint(fmt.Errorf("this is %w as %s", ErrOtherFace, old.customer.ID),
		"take pictures of that customer in good light; if the face has changed that much, or it is somebody else: "+
			"remove "+old.customer.ID+" and enrol anew, with a new id, and a new PIN where there was one")
}

// checkNameFree looks among the records of another model too: their owners are to be enrolled again, and
// the old record would be forgotten.
func (g *Gallery) checkNameFree(name string) error {
	taken := func(id string) error {
		return hint(fmt.Errorf("the name %q is %w (%s)", name, ErrNameTaken, id),
			"choose another name, or remove "+id+" first to enrol them anew")
	}
	for _, old := range g.records {
		if sameName(old.customer.Name, name) {
			return taken(old.customer.ID)
		}
	}
	for _, s := range g.stale {
		if sameName(s.Name, name) {
			return hint(fmt.Errorf("the name %q is %w (%s), with another model", name, ErrNameTaken, s.ID),
				s.Hint()+"; else choose another name")
		}
	}
	for _, d := range g.damaged {
		if sameName(d.Name, name) {
			return taken(d.ID)
		}
	}
	return nil
}

// checkTemplates says why templates aren't L2-normalised embeddings of one dimension, if so.
func checkTemplates(templates []template) error {
	if n := len(templates); n < TemplatesMin || n > TemplatesMax {
		return hint(fmt.Errorf("%w: %d given", ErrTemplates, n),
			fmt.Sprintf("take %d to %d good pictures", TemplatesMin, TemplatesMax))
	}
	for i, t := range templates {
		if len(t) < dimMin || len(t) > dimMax || len(t) != len(templates[0]) {
			return fmt.Errorf("%w: template %d has dimension %d", ErrTemplates, i, len(t))
		}
		// A value that isn't finite makes the sum not finite.
		if norm := math.Sqrt(float64(dot(t, t))); !(math.Abs(norm-1) <= normSlack) {
			return fmt.Errorf("%w: template %d isn't L2-normalised", ErrTemplates, i)
		}
	}
	return nil
}

func (g *Gallery) checkAgree(templates []template) error {
	for i, a := range templates {
		for k, b := range templates[:i] {
			if Alike(a, b) {
				return hint(fmt.Errorf("%w: pictures %d and %d are one and the same", ErrTemplates, k+1, i+1),
					"take pictures of different moments: one alone knows its person less well")
			}
			if dot(a, b) < g.now.Agree {
				odd := oddOne(templates) + 1
				return hint(fmt.Errorf("%w: picture %d is the least like the others", ErrDisagree, odd),
					fmt.Sprintf("take picture %d again: that person alone, in good light, looking into the camera", odd))
			}
		}
	}
	return nil
}

// oddOne is the template that is the least like the others, all together.
func oddOne(templates []template) (odd int) {
	least := math.Inf(1)
	for i, a := range templates {
		sum := 0.0
		for _, b := range templates {
			sum += float64(dot(a, b))
		}
		if sum < least {
			odd, least = i, sum
		}
	}
	return odd
}

// alike is the cosine from which two templates are of one picture: moments of 0.7 s apart have up to 0.996,
// copies of one photo, saved once more, 0.995 to 0.999 (vision/visits, int8 networks). Embeddings tell no
// more; copies of photos are told by their grain, where there are pictures (networks.Looker.Templates).
const alike = 0.999

// Alike tells whether two templates are those of one picture.
func Alike(a, b []float32) bool { return len(a) == len(b) && dot(a, b) >= alike }

// likeness is the mean over the templates a of the cosine with the nearest of b; those of another dimension
// are like nothing.
func likeness(a, b []template) float64 {
	sum := 0.0
	for _, x := range a {
		best := float32(nobody)
		for _, y := range b {
			if len(x) == len(y) {
				best = max(best, dot(x, y))
			}
		}
		sum += float64(best)
	}
	return sum / float64(len(a))
}
