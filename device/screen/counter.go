package screen

import (
	"context"
	"errors"
	"time"
)

// Counter is the till behind the counter's page, for a shop without a register.
type Counter interface {
	CounterLock
	CounterTill
	CounterBook
	CounterMemory
	CounterShop
	CounterCustomers
	CounterClerks
}

// CounterLock keeps the clerks' PINs, and counts the wrong ones.
type CounterLock interface {
	// Ready is nil if a PIN may be tried, and ErrCounterName or ErrCounterNames if it may be with a name; else
	// ErrCounterOff, a *CounterLocked or a *CounterError.
	Ready(ctx context.Context) error
	// Unlock gives whose page it is then: the clerk, by the name that the shop knows. name is empty of a page
	// that asks for no name. Errors are ErrWrongPIN, ErrCounterName, or one of Ready's. pin is 1 to 12
	// digits.
	Unlock(ctx context.Context, name, pin string) (clerk string, err error)
}

// clerkKey is the context's key of ClerkOf.
type clerkKey struct{}

// WithClerk gives a request the clerk whose page it came from.
func WithClerk(ctx context.Context, clerk string) context.Context {
	return context.WithValue(ctx, clerkKey{}, clerk)
}

// ClerkOf gives the clerk whose page a request came from, as Unlock gave the name; "" of none.
func ClerkOf(ctx context.Context) string {
	clerk, _ := ctx.Value(clerkKey{}).(string)
	return clerk
}

// openKey is the context's key of StillOpen.
type openKey struct{}

// StillOpen tells whether the page that a request came from is open at this moment: it was not locked, and
// nobody else was let in on it. False of what came from no page.
func StillOpen(ctx context.Context) bool {
	open, ok := ctx.Value(openKey{}).(func() bool)
	return ok && open()
}

// CounterTill takes payments. The browser chooses their ids, and uses one again for the same request alone:
// the same id and amount give the same payment. Errors for the clerk are *CounterError.
type CounterTill interface {
	// Till tells what the terminal takes and what runs.
	Till(ctx context.Context) (CounterState, error)
	// Begin opens a payment, or gives the one that was opened under its id for the same amount.
	Begin(ctx context.Context, id, amount string) (CounterPayment, error)
	// Payment tells where a payment stands; ErrCounterUnknown if it never began.
	Payment(ctx context.Context, id string) (CounterPayment, error)
	// Cancel ends a running payment for the operator, and gives it; one that has ended stays as it is.
	Cancel(ctx context.Context, id string) (CounterPayment, error)
}

// CounterReversal is money that a page has asked to give back.
type CounterReversal struct{ ID, Payment, Amount, Currency, Reason string }

// CounterMemory keeps which payments of the counter have an end that nobody there was seen to read. It
// outlives the browser, which may crash, and the terminal's own restart: an amount that is typed once more
// is charged once more.
type CounterMemory interface {
	// Remember is called before a payment begins; an error refuses it.
	Remember(ctx context.Context, id string) error
	// Confirm is called when somebody went on from a payment's end.
	Confirm(ctx context.Context, id string) error
	// Unconfirmed gives the payments that are remembered and not confirmed, the latest first.
	Unconfirmed(ctx context.Context) ([]CounterPayment, error)
	// RememberReversal and Reversals are the same for what is given back; Confirm forgets these too.
	RememberReversal(ctx context.Context, r CounterReversal) error
	Reversals(ctx context.Context) ([]CounterReversal, error)
}

// CounterBook tells what was paid, and gives it back. Errors for the clerk are *CounterError.
type CounterBook interface {
	// Recent gives the n latest payments, the newest first, whoever began them.
	Recent(ctx context.Context, n int) ([]CounterPayment, error)
	// Reverse gives the Amount of a payment back, for a Reason that the clerk chose, once for each ID. Its
	// Currency is the payment's.
	Reverse(ctx context.Context, r CounterReversal) error
}

// CounterState is what the counter's page has to know of the terminal.
type CounterState struct {
	Currency string          // ISO 4217, of what is typed
	Decimals int             // of Currency: 2 for EUR, 0 for JPY
	Running  *CounterPayment // whoever began it; nil: none
}

// CounterPayment is a payment as the clerk sees it. Amounts are decimal strings with the currency's own
// number of digits.
type CounterPayment struct {
	ID        string
	Reference string
	At        time.Time // when it began, by the wall clock
	AtUnsure  bool      // the wall clock was not known to be right
	Amount    string
	Currency  string
	State     State     // LookHere, Smile, EnterPIN or Vending while it runs; a result
	Reason    Reason    // why it was not approved
	Deadline  time.Time // monotonic, while it runs; zero: none is shown
	Returned  string    // what was given back of it; "": nothing
	Left      string    // what can be given back; "": nothing
	Report    Report
}

// Report tells whether the cloud knows of a payment.
type Report string

// The reports. A payment that owes none has none.
const (
	ReportNone    Report = ""
	ReportWaiting Report = "waiting"
	ReportDone    Report = "done"
	ReportParked  Report = "parked" // it can't be delivered, and a person has to look at it
)

// Why the counter's page is not opened, or knows no payment of an id.
var (
	ErrCounterOff     = errors.New("the clerk has no PIN")
	ErrCounterUnknown = errors.New("no such payment")
	// ErrCounterName says that there are several clerks: a name has to be given. ErrCounterNames, that one may
	// be: there is a PIN without a name too.
	ErrCounterName  = errors.New("there are several clerks")
	ErrCounterNames = errors.New("there are clerks with names beside the one without")
)

// CounterLocked says that no PIN can be tried for a while.
type CounterLocked struct{ Left time.Duration }

func (e *CounterLocked) Error() string { return "the clerk's PIN is locked for " + e.Left.String() }

// CounterError is shown to the clerk in the words of its Why; without one as it is.
type CounterError struct {
	Why      Refusal
	What, Do string // what happened, and what to do next
	Open     bool   // whether it was done is not known: ask again with the same id
}

// Refusal is why a clerk's request is not done, where the page has words of its own for it.
type Refusal string

// The refusals.
const (
	RefusedBusy       Refusal = "busy"         // another payment runs
	RefusedAmount     Refusal = "amount"       // no amount that can be paid
	RefusedLimit      Refusal = "limit"        // above the largest payment
	RefusedLocked     Refusal = "locked"       // too many faces in a row were refused
	RefusedBacklog    Refusal = "backlog"      // the cloud knows too little of what was paid
	RefusedOutOfOrder Refusal = "out_of_order" // no payment can be taken now
	RefusedJournal    Refusal = "journal"      // it could not be written down, or that is not known
	RefusedTooMuch    Refusal = "too_much"     // more than is left of the payment
	RefusedUnsure     Refusal = "unsure"       // the payment's outcome was lost with a damaged journal
	RefusedNothing    Refusal = "nothing"      // nothing has ended since the last closing
	RefusedDays       Refusal = "days"         // no such span of days
	RefusedRole       Refusal = "role"         // who asks may not do it
	RefusedName       Refusal = "name"         // no usable name
	RefusedPIN        Refusal = "pin"          // no usable PIN
	RefusedKnown      Refusal = "known"        // somebody of that name works here
	RefusedGone       Refusal = "gone"         // nobody of that name does
	RefusedLastOwner  Refusal = "last_owner"   // nobody would be left who may change this
)

func (e *CounterError) Error() string { return e.What }

// Hint says what to do.
func (e *CounterError) Hint() string { return e.Do }
