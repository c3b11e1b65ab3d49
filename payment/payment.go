package payment

import (
	"errors"
	"fmt"
	"time"
)

// State is where a payment stands.
type State string

// The states. Waiting, recognised and pin can change, the others never do.
const (
	StateWaiting    State = "waiting"    // open, nobody recognised
	StateRecognised State = "recognised" // open, a customer stands there; in memory only, never journalled
	StatePIN        State = "pin"        // open, the customer has consented and owes the PIN; in memory only
	StateApproved   State = "approved"   // paid
	StateDeclined   State = "declined"   // refused by the terminal
	StateCancelled  State = "cancelled"  // stopped by somebody or by a failing device
	StateExpired    State = "expired"    // ran out of time, or the terminal restarted
)

// States are all of them, for tables that have to be total.
func States() []State {
	return []State{
		StateWaiting, StateRecognised, StatePIN, StateApproved, StateDeclined, StateCancelled, StateExpired,
	}
}

// Terminal reports a state that never changes again.
func (s State) Terminal() bool {
	switch s {
	case StateApproved, StateDeclined, StateCancelled, StateExpired:
		return true
	case StateWaiting, StateRecognised, StatePIN:
	}
	return false
}

// Reason says why a payment ended without approval. An approved payment and an open one have none.
type Reason string

// The reasons.
const (
	ReasonNotRecognised       Reason = "not_recognised"        // declined: the face belongs to no customer
	ReasonTimeout             Reason = "timeout"               // expired: nobody was recognised in time
	ReasonNoSmile             Reason = "no_smile"              // expired: recognised, but never smiled
	ReasonNoPIN               Reason = "no_pin"                // expired: the PIN was asked for and not entered
	ReasonWrongPIN            Reason = "wrong_pin"             // declined: the PIN was wrong too often
	ReasonPINLocked           Reason = "pin_locked"            // declined: the customer's PIN is locked
	ReasonPINNotSet           Reason = "pin_not_set"           // declined: a PIN is needed and there is none
	ReasonNotSure             Reason = "not_sure"              // declined: no live verdict, and no PIN either
	ReasonCancelledByCustomer Reason = "cancelled_by_customer" // cancelled
	ReasonCancelledByRegister Reason = "cancelled_by_register" // cancelled
	ReasonCancelledByOperator Reason = "cancelled_by_operator" // cancelled
	ReasonDeviceFailed        Reason = "device_failed"         // cancelled; Detail names the device
	ReasonJournalFailed       Reason = "journal_failed"        // cancelled: its approval could not be written
	ReasonRestarted           Reason = "restarted"             // expired: the terminal stopped while it was open
)

// Text says a reason in words for an operator; those of a device's failure are to be followed by its Detail.
func (r Reason) Text() string {
	switch r {
	case ReasonNotRecognised:
		return "the face belongs to no customer"
	case ReasonTimeout:
		return "nobody was recognised in time"
	case ReasonNoSmile:
		return "recognised, but there was no smile in time"
	case ReasonNoPIN:
		return "the PIN was asked for, and not entered in time"
	case ReasonWrongPIN:
		return "the PIN was wrong too often"
	case ReasonPINLocked:
		return "the customer's PIN is locked for a while, after too many wrong ones"
	case ReasonPINNotSet:
		return "a face alone is not enough for it, and the customer has no PIN"
	case ReasonNotSure: // the same for what failed and what stayed undecided: it helps nobody to do better
		return "it could not be made sure that a person was before the camera, and the customer has no PIN"
	case ReasonCancelledByCustomer:
		return "by the customer"
	case ReasonCancelledByRegister:
		return "by the register"
	case ReasonCancelledByOperator:
		return "by the operator"
	case ReasonDeviceFailed:
		return "a part of the terminal failed"
	case ReasonJournalFailed:
		return "it could not be written to the journal"
	case ReasonRestarted:
		return "the terminal restarted in the middle"
	}
	return string(r)
}

const (
	// MaxEvidenceAge is how old the evidence of a consent may be when it becomes an approval or a question
	// for the PIN. Two seconds are some tens of frames: time for a slow commit, too little to walk away
	// and leave the till to the next person.
	MaxEvidenceAge = 2 * time.Second

	// MaxStrangers is how many different faces that are no customer's decline a payment: enough for a friend
	// who tries too, too few to hold one photo after the other before the camera.
	MaxStrangers = 3

	// ReferenceMax is the longest Reference, in characters (Unicode's code points): that of a bank transfer's
	// remittance line (ISO 20022 Max140Text).
	ReferenceMax = 140

	maxID     = 64  // bytes; the register's SaleID and ServiceID together fit
	maxDetail = 200 // bytes
)

// Errors of Open and Next.
var (
	ErrRequest  = errors.New("request is not valid")
	ErrClosed   = errors.New("payment has ended")
	ErrEvidence = errors.New("evidence does not support an approval")
	ErrEvent    = errors.New("event is not valid")
)

// Request is what a register asks for.
type Request struct {
	ID        string // chosen by the caller: 1 to 64 of A-Z a-z 0-9 . _ : -
	Amount    Amount
	Reference string // the caller's own words (order number), at most 140 characters, may be empty
}

// Evidence is what the camera saw of a consent: frames of one face that matched one customer, and smiled.
type Evidence struct {
	Customer    string // pseudonymous
	MatchFrames int    // frames that matched Customer, at least 1
	SmileFrames int    // frames with a smile among them, at least 1
	Camera      Camera // that took them
	Model       string // SHA-256 of what told people apart, 64 hex digits; "": the terminal's own
	Liveness    Liveness
	Since, At   time.Time
	// Since and At are when the first and the last of these frames was taken, by time.Now (monotonic). A
	// stored payment has neither: they mean nothing after a restart. Camera, Model and Liveness are in its fact
	// alone.
}

// Camera says what a camera is, so that who reads an approval knows whether there was one at all.
type Camera struct {
	Kind   string // "usb", "board", "loopback", "recording"; "" if nobody said
	Driver string // of the kernel, "uvcvideo"; may be empty
}

// Payment is one payment. It is a value: Next gives a changed copy.
type Payment struct {
	ID        string
	Amount    Amount
	Reference string
	State     State
	Reason    Reason
	Detail    string   // what failed, with ReasonDeviceFailed
	Customer  string   // pseudonymous; who stands there (recognised, pin) or paid (approved), otherwise empty
	Demand    Demand   // of the pictures, fixed when it is opened; not known of a payment read from the journal
	Need      Need     // why the PIN is asked for or was missing; empty: it is not needed
	PIN       bool     // approved with the PIN
	Reversed  int64    // minor units of an approval that were given back, 0 to Amount.Minor
	Evidence  Evidence // of an approval; of another end the Liveness alone, if there was a consent
	Strangers int      // different faces that were no customer's; not known of a payment read from the journal
	OpenedAt  time.Time
	ClosedAt  time.Time // zero while open
	Deadline  time.Time // monotonic; zero for a payment read from the journal, which can only be ended
	// TimeTrusted tells whether the clock was known to be right at the last change of state that was
	// committed.
	TimeTrusted bool
}

// Open gives the waiting payment of a request. Errors wrap ErrRequest or one of the amount's.
func Open(r Request, now time.Time, timeout time.Duration) (Payment, error) {
	switch {
	case !ValidID(r.ID):
		return Payment{}, badRequest(
			"id",
			"use 1 to 64 letters, digits, points, underscores, colons or hyphens",
		)
	case timeout <= 0:
		return Payment{}, badRequest("timeout", "use a positive duration")
	}
	if err := CheckText(r.Reference, ReferenceMax); err != nil {
		return Payment{}, fmt.Errorf("open payment: reference: %w: %w", ErrRequest, err)
	}
	if err := r.Amount.Check(); err != nil {
		return Payment{}, err
	}
	return Payment{
		ID: r.ID, Amount: r.Amount, Reference: r.Reference,
		State: StateWaiting, OpenedAt: now, Deadline: now.Add(timeout),
	}, nil
}

// Same reports whether the payment is the one the request asks for: same id, amount and reference.
func (p Payment) Same(r Request) bool {
	return p.ID == r.ID && p.Amount == r.Amount && p.Reference == r.Reference
}

func badRequest(field, hint string) error {
	return WithHint(fmt.Errorf("open payment: %s: %w", field, ErrRequest), hint)
}

// ValidID holds for ids of payments, reversals and customers: 1 to 64 letters, digits, points, underscores,
// colons or hyphens.
func ValidID(s string) bool {
	if s == "" || len(s) > maxID {
		return false
	}
	for _, c := range []byte(s) {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		case c == '.', c == '_', c == ':', c == '-':
		default:
			return false
		}
	}
	return true
}
