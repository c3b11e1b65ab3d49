package gallery

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Stale is a customer whose templates are another model's. They are kept, and compared with nothing. It is an
// error that says who must be enrolled again and why; the name is not in its text.
type Stale struct {
	Customer
	Model string // SHA-256 of the model that they were enrolled with, 64 hexadecimal digits
	Now   string // and of the gallery's model
	Known bool   // the gallery compares with them all the same: see Model.Before

	digits mark
}

func (s Stale) Error() string {
	return fmt.Sprintf("customer %s was %v (enrolled %s with model %.8s, this terminal uses %.8s)", s.ID,
		ErrOtherModel, s.EnrolledAt.Format(time.DateOnly), s.Model, s.Now)
}

// Unwrap makes every Stale an ErrOtherModel.
func (s Stale) Unwrap() error { return ErrOtherModel }

// Hint says what to do about it.
func (s Stale) Hint() string {
	return "`smiletill enrol --again " + s.ID + "` enrols the customer again; faces of two models can't be " +
		"compared"
}

// String gives the text of the error, not the embedded Customer's.
func (s Stale) String() string { return s.Error() }

// GoString leaves the name out too.
func (s Stale) GoString() string { return s.Error() }

// LogValue leaves the name out too.
func (s Stale) LogValue() slog.Value { return slog.StringValue(s.Error()) }

// Stale returns the customers that must be enrolled again, ordered by id.
func (g *Gallery) Stale() []Stale {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.Clone(g.stale)
}

func (g *Gallery) findStale(id string) int {
	return slices.IndexFunc(g.stale, func(s Stale) bool { return s.ID == id })
}

// Change is what an enrolment is about to do.
type Change struct {
	Customer
	Record    string // see Records
	Again     bool   // the customer is there already
	Unmatched bool   // and the old templates are another model's: nobody can tell whether the face is the same
	Carried   bool   // of another model they are, and by that model, the one before, the face is the same
	Consent   *Consent
	OtherFace bool // it is another one, and was wished so: Wish.OtherFace
}

// Enrol keeps three to five templates of one person under a name, and returns after they are on disk.
// Templates are L2-normalised embeddings of the gallery's model; g takes copies. before is asked when all
// else is well and nothing is written yet, and its error ends the enrolment; it may be nil, and must not
// ask the gallery. Errors: ErrName, ErrTemplates, ErrDisagree, ErrAlreadyEnrolled (the name or the face is
// there), ErrFull, ErrClosed.
func (g *Gallery) Enrol(name string, templates [][]float32, before func(Change) error) (Customer, error) {
	return g.enrol(name, Wish{}, templates, before)
}

func (g *Gallery) enrol(
	name string, w Wish, templates [][]float32, before func(Change) error,
) (Customer, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	r := g.newRecord("c_"+strings.ToLower(rand.Text()), compose(name), templates)
	if err := g.checkNew(r); err != nil {
		return Customer{}, err
	}
	g.number(&r, w.Digits, mark{})
	if err := g.write(r, Change{}, w.Consent, before, removeOnError); err != nil {
		return Customer{}, err
	}
	g.keep(r)
	return r.customer, nil
}

// EnrolAgain replaces the templates of a customer, also of one that Stale lists, and returns after they are
// on disk. Id and name stay. The face is held against all other customers, and against the customer's own
// old templates: whoever may enrol must not give a customer's account to another face. For one who is left
// under Model.Before that takes seen, embeddings of the same pictures by that model; without them, and of a
// customer of any other model, nothing can be compared, which is ErrIncomparable. Of others seen counts for
// nothing. before is as Enrol's. Errors: ErrUnknownCustomer, ErrTemplates, ErrDisagree, ErrAlreadyEnrolled,
// ErrOtherFace, ErrIncomparable, ErrClosed.
func (g *Gallery) EnrolAgain(
	id string, templates, seen [][]float32, before func(Change) error,
) (Customer, error) {
	return g.enrolAgain(id, Wish{}, templates, seen, before)
}

func (g *Gallery) enrolAgain(
	id string, w Wish, templates, seen [][]float32, before func(Change) error,
) (Customer, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	name, at, old, had := "", -1, g.findStale(id), mark{}
	if i, ok := g.find(id); ok {
		name, at, had = g.records[i].customer.Name, i, g.records[i].digits
	} else if old >= 0 {
		name, had = g.stale[old].Name, g.stale[old].digits
	}
	r := g.newRecord(id, name, templates)
	if err := g.usable(); err != nil {
		return Customer{}, err
	}
	if at < 0 && old < 0 {
		return Customer{}, hint(ErrUnknownCustomer, "list the customers for their ids")
	}
	g.number(&r, w.Digits, had)
	err := g.checkFace(r)
	left, known := findIn(g.left, id)
	known = known && len(seen) > 0
	switch {
	case err != nil:
	case at >= 0:
		err = g.now.checkSame(r.templates, g.records[at])
	case known:
		err = g.checkSeen(seen, r, g.left[left])
	default:
		err = hint(fmt.Errorf("%w: %s", ErrIncomparable, id), "enrol on the device that still has the model, or "+
			"have a second person see to it that it is the customer")
	}
	other, unsure := errors.Is(err, ErrOtherFace), errors.Is(err, ErrIncomparable)
	if err == nil || w.OtherFace && (other || unsure) {
		c := Change{Again: true, Unmatched: unsure, Carried: known && !other, OtherFace: other}
		err = g.write(r, c, w.Consent, before, leaveOnError)
	}
	if err != nil {
		return Customer{}, err
	}
	if old >= 0 {
		g.dropStale(old)
	} else {
		g.records = slices.Delete(g.records, at, at+1)
	}
	g.keep(r)
	return r.customer, nil
}

// dropStale forgets a customer of another model, who is listed there.
func (g *Gallery) dropStale(at int) {
	if i, ok := findIn(g.left, g.stale[at].ID); ok {
		g.left = slices.Delete(g.left, i, i+1)
	}
	g.stale = slices.Delete(g.stale, at, at+1)
}

// write seals a record and puts it on disk, when before has nothing against it.
func (g *Gallery) write(
	r record, c Change, agreed *Consent, before func(Change) error, late onError,
) error {
	data := g.sealer.seal(r)
	if before != nil {
		c.Customer, c.Record, c.Consent = r.customer, recordSum(data), agreed
		if err := before(c); err != nil {
			return err
		}
	}
	id := r.customer.ID
	if agreed != nil { // first: one that is left without its record goes at the next start
		if err := g.writeConsent(id, *agreed); err != nil {
			return err
		}
	}
	if err := writeFile(g.dir, id+recordExt, data, late); err != nil {
		if late == removeOnError {
			delete(g.consents, id)
			err = errors.Join(err, remove(filepath.Join(g.dir, id+consentExt)))
		}
		return hint(err, "nobody was enrolled; see that the disk has room and can be written, and try again")
	}
	g.sums[id] = recordSum(data)
	return nil
}

// recordSum names the contents of a sealed record, of which it tells nothing: 16 hexadecimal digits.
func recordSum(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:8])
}

// Records names the contents of each record that is there, by customer: 16 hexadecimal digits of the
// SHA-256 of the sealed file, "" of one that can't be read. ErrClosed or ErrLocked when nothing can be
// told.
func (g *Gallery) Records() (map[string]string, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if err := g.usable(); err != nil {
		return nil, fmt.Errorf("list the records: %w", err)
	}
	return maps.Clone(g.sums), nil
}

func (g *Gallery) newRecord(id, name string, templates [][]float32) record {
	r := record{model: g.now.hash, customer: Customer{ID: id, Name: name,
		EnrolledAt: time.Now().UTC().Truncate(time.Second), Templates: len(templates)}}
	for _, t := range templates {
		r.templates = append(r.templates, slices.Clone(t))
	}
	return r
}

// keep takes a record that is on disk into memory.
func (g *Gallery) keep(r record) {
	at, _ := g.find(r.customer.ID)
	g.records = slices.Insert(g.records, at, r)
	g.renew()
}
