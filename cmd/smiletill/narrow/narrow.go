package narrow

import (
	"sync"

	"smiletill/vision"
	"smiletill/vision/gallery"
)

// Numbers holds the digits that were given for the payment of the moment. It serves any goroutine.
type Numbers struct {
	mu              sync.Mutex
	payment, digits string
	fresh           bool      // nobody has taken them yet
	offered         [2]string // payment and digits that a program sent last
}

// Offer takes the digits that a register sends with a payment, and does nothing with those it sent already: a
// request may be repeated. Errors: gallery.ErrDigits.
func (n *Numbers) Offer(payment, digits string) error { return n.give(payment, digits, true) }

// Type takes the digits that the customer types for a payment, the same ones again too.
func (n *Numbers) Type(payment, digits string) error { return n.give(payment, digits, false) }

func (n *Numbers) give(payment, digits string, sent bool) error {
	if err := gallery.CheckDigits(digits); err != nil {
		return err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	now := [2]string{payment, digits}
	if sent && n.offered == now {
		return nil
	}
	if sent {
		n.offered = now
	}
	n.payment, n.digits, n.fresh = payment, digits, true
	return nil
}

// take gives the digits of a payment once.
func (n *Numbers) take(payment string) (digits string, ok bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	ok = n.fresh && n.payment == payment
	if ok {
		n.fresh, digits = false, n.digits
	}
	return digits, ok
}

// Question is what one payment asks for and was told.
type Question struct {
	numbers *Numbers
	payment string
	given   string // not used yet
	digits  string // by which the search is narrowed
	asking  bool
}

// For is the question of a payment that has just begun.
func (n *Numbers) For(payment string) Question { return Question{numbers: n, payment: payment} }

// Asking tells whether digits are waited for: who types looks away, so that no frame counts.
func (q *Question) Asking() bool { return q.asking }

// Answered tells whether the search begins anew, with digits that were waited for.
func (q *Question) Answered() bool {
	q.listen()
	if !q.asking || q.given == "" {
		return false
	}
	q.digits, q.given, q.asking = q.given, "", false
	return true
}

// listen takes what was given since.
func (q *Question) listen() {
	if digits, ok := q.numbers.take(q.payment); ok {
		q.given = digits
	}
}

// Customers are those whom the payment's face is compared with: of the model in force, and of the one before.
func (q *Question) Customers(g *gallery.Gallery) (now, before gallery.Faces) {
	if q.digits == "" {
		return g.All()
	}
	return g.Narrow(q.digits)
}

// Named tells whether digits have said who stands there.
func (q *Question) Named() bool { return q.digits != "" }

// After takes what a visit found and tells whether the customer is asked now: the face is nobody's, and the
// gallery is too large to say so for sure; or it is like two customers', whom their digits tell apart; or it
// was narrowed by a number that may be wrong. Digits that a
// register has sent are used then in place of the question, and not before: a customer whom the face alone
// tells needs none, and may have given the shop others, or none. A poster is not asked, nor where nobody has
// digits.
func (q *Question) After(f vision.Finding, large bool, g *gallery.Gallery) bool {
	if q.asking || f.Stage != vision.Unknown || f.Still || !large && !f.Alike && !q.Named() || !g.Numbers() {
		return false
	}
	q.asking = true
	q.listen()
	return q.given == ""
}
