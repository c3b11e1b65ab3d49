package gallery

import (
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
)

// Digits narrow a search down: the last four of a customer's phone, or a customer number of the shop. Several
// customers may have the same.
const DigitsMin, DigitsMax = 3, 12

// ErrDigits is of a customer's number that is none.
var ErrDigits = errors.New("not a customer's number")

// markLen is how much of the keyed hash of digits is kept: 128 bits.
const markLen = 16

// mark is a keyed hash of digits. There are few digits, so that whoever has the key can try them all: it
// protects where the records do, and no further. All zero: the customer has none.
type mark [markLen]byte

func (mark) Format(f fmt.State, _ rune) { io.WriteString(f, redacted) } //nolint:errcheck // fmt's own
func (mark) LogValue() slog.Value       { return slog.StringValue(redacted) }

// CheckDigits says what is wrong with a customer's number: it has 3 to 12 digits. The error doesn't name it.
func CheckDigits(digits string) error {
	if n := len(digits); n < DigitsMin || n > DigitsMax || strings.Trim(digits, "0123456789") != "" {
		return hint(ErrDigits, fmt.Sprintf("give %d to %d digits: the last four of a phone number, or a customer "+
			"number of the shop", DigitsMin, DigitsMax))
	}
	return nil
}

// mark is the keyed hash of digits. The caller holds mu.
func (s sealer) mark(digits string) (m mark) {
	h := hmac.New(sha256.New, s.digits[:])
	h.Write([]byte(digits)) //nolint:errcheck // it never fails
	copy(m[:], h.Sum(nil))
	return m
}

// Numbered enrols customers with a number; of no number it takes one away that was there.
type Numbered struct {
	g      *Gallery
	digits string
}

// Numbered gives the enrolments of the gallery that keep digits with the customer, as a keyed hash in the
// sealed record; "" keeps none. A customer who is enrolled again by the gallery itself keeps those there are.
func (g *Gallery) Numbered(digits string) Numbered { return Numbered{g, digits} }

// Enrol is Gallery.Enrol, with the digits; ErrDigits too.
func (n Numbered) Enrol(name string, templates [][]float32, before func(Change) error) (Customer, error) {
	if n.digits != "" {
		if err := CheckDigits(n.digits); err != nil {
			return Customer{}, err
		}
	}
	return n.g.enrol(name, Wish{Digits: &n.digits}, templates, before)
}

// EnrolAgain is Gallery.EnrolAgain, with the digits in place of those there are; ErrDigits too.
func (n Numbered) EnrolAgain(
	id string, templates, seen [][]float32, before func(Change) error,
) (Customer, error) {
	if n.digits != "" {
		if err := CheckDigits(n.digits); err != nil {
			return Customer{}, err
		}
	}
	return n.g.enrolAgain(id, Wish{Digits: &n.digits}, templates, seen, before)
}

// number gives a record its digits: those that are given, or else the old record's.
func (g *Gallery) number(r *record, digits *string, old mark) {
	switch {
	case digits == nil:
		r.digits = old
	case *digits != "":
		r.digits = g.sealer.mark(*digits)
	}
}

// Numbers tells whether any customer has digits: whether it is of use to ask for them.
func (g *Gallery) Numbers() bool {
	has := func(r *rows) bool {
		return slices.ContainsFunc(r.digits, func(m mark) bool { return m != mark{} })
	}
	return has(g.rows.Load()) || has(g.older.Load())
}

// All gives all customers: of the gallery's model, and of the one before.
func (g *Gallery) All() (now, before Faces) { return g.faces(), g.Before() }

// Narrow gives the customers who have these digits, of the gallery's model and of the one before; the others
// are not matched, but whoever is as like one of them is nobody's. Each asks for the cosine that so few
// customers want. Of digits that nobody has, or that are none, they know nobody.
func (g *Gallery) Narrow(digits string) (now, before Faces) {
	g.mu.Lock()
	defer g.mu.Unlock()
	only := new(mark)
	if CheckDigits(digits) == nil && g.usable() == nil {
		*only = g.sealer.mark(digits)
	}
	now, before = g.faces(), g.Before()
	now.only, before.only = &narrowed{mark: only}, &narrowed{mark: only} // each has a cosine of its own
	return now, before
}

// among tells whether a row is one of those that are asked about.
func (r *rows) among(i int, only *mark) bool {
	return only == nil || *only != mark{} && r.digits[i] == *only
}

// count adds the customers that are asked about to counts, by their number of templates.
func (r *rows) count(counts []int, only *mark) {
	for i := range r.ids {
		if r.among(i, only) {
			counts[r.templates[i]]++
		}
	}
}
