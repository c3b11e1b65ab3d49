package payment

import (
	"errors"
	"fmt"
	"time"
)

// State is where a payment stands.
type State string

// The states. Waiting, recognised, pin and vending can change, the others never do.
const (
	StateWaiting    State = "waiting"    // open, nobody recognised
	StateRecognised State = "recognised" // open, a customer stands there; in memory only, never journalled
	StatePIN        State = "pin"        // open, the customer has consented and owes the PIN; in memory only
	StateVending    State = "vending"    // open and journalled: paid for, if the machine says that it fell
	StateApproved   State = "approved"   // paid
	StateDeclined   State = "declined"   // refused by the terminal
	StateCancelled  State = "cancelled"  // stopped by somebody or by a failing device
	StateExpired    State = "expired"    // ran out of time, or the terminal restarted
	StateVoided     State = "voided"     // a vend whose product did not fall, or was not said to
)

// States are all of them, for tables that have to be total.
func States() []State {
	return []State{
		StateWaiting, StateRecognised, StatePIN, StateVending, StateApproved, StateDeclined, StateCancelled,
		StateExpired, StateVoided,
	}
}

// Terminal reports a state that never changes again.
func (s State) Terminal() bool {
	switch s {
	case StateApproved, StateDeclined, StateCancelled, StateExpired, StateVoided:
		return true
	case StateWaiting, StateRecognised, StatePIN, StateVending:
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
	ReasonBlocked             Reason = "blocked"               // declined: the shop takes none of this customer
	ReasonCancelledByCustomer Reason = "cancelled_by_customer" // cancelled
	ReasonCancelledByRegister Reason = "cancelled_by_register" // cancelled
	ReasonCancelledByOperator Reason = "cancelled_by_operator" // cancelled
	ReasonCancelledByMachine  Reason = "cancelled_by_machine"  // cancelled, or voided: the choice was taken back
	ReasonNotDispensed        Reason = "not_dispensed"         // voided: the machine says that nothing fell
	ReasonNotConfirmed        Reason = "not_confirmed"         // voided: the machine never said
	ReasonDeviceFailed        Reason = "device_failed"         // cancelled; Detail names the device
	ReasonJournalFailed       Reason = "journal_failed"        // cancelled, or voided: it could not be written
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
	case ReasonBlocked: // registers show it too: it accuses nobody
		return "this customer can't pay here now"
	case ReasonCancelledByCustomer:
		return "by the customer"
	case ReasonCancelledByRegister:
		return "by the register"
	case ReasonCancelledByOperator:
		return "by the operator"
	case ReasonCancelledByMachine:
		return "by the vending machine"
	case ReasonNotDispensed:
		return "the product did not fall"
	case ReasonNotConfirmed:
		return "the machine never said whether the product fell"
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

	// ItemMax is the longest Item, in characters: MDB's item numbers have 16 bits, and there is room for what
	// an adapter makes of them.
	ItemMax = 16

	maxID     = 64  // bytes; the register's SaleID and ServiceID together fit
	maxDetail = 200 // bytes
)

// Errors of Open and Next.
var (
	ErrRequest  = errors.New("request is not valid")
	ErrClosed   = errors.New("payment has ended")
	ErrEvidence = errors.New("evidence does not support an approval")
	ErrEvent    = errors.New("event is not valid")
	ErrVending  = errors.New("the machine has it in hand")
)

// Request is what a register asks for.
type Request struct {
	ID        string // chosen by the caller: 1 to 64 of A-Z a-z 0-9 . _ : -
	Amount    Amount
	Reference string // the caller's own words (order number), at most 140 characters, may be empty
	// Vend says that a vending machine asks: the consent makes the payment vending, not approved, until the
	// machine has said whether the product fell. Item is what it calls the product, at most 16 characters, and
	// empty where it doesn't.
	Vend bool
	Item string
}

// Evidence is what the camera saw of a consent: frames of one face that matched one customer, and smiled.
type Evidence struct {
	Customer    string // pseudonymous
	MatchFrames int    // frames that matched Customer, at least 1
	SmileFrames int    // frames with a smile among them, at least 1
	Camera      Camera // that took them
	Alike       bool   // another customer's face is so like this one that the face alone doesn't tell who it is
	Model       string // SHA-256 of what told people apart, 64 hex digits; "": the terminal's own
	Liveness    Liveness
	Since, At   time.Time
	// Since and At are when the first and the last of these frames was taken, by time.Now (monotonic). A
	// stored payment has neither: they mean nothing after a restart. Camera, Model and Liveness are in its fact
	// alone; Alike is in none: the Need says it, where no limit wanted the PIN in any case.
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
	Vend      bool   // a vending machine's
	Item      string // what the machine calls the product
	State     State
	Reason    Reason
	Detail    string   // what failed, with ReasonDeviceFailed
	Customer  string   // pseudonymous; who stands there (recognised, pin) or paid (vending, approved)
	Demand    Demand   // of the pictures, fixed when it is opened; not known of a payment read from the journal
	Need      Need     // why the PIN is asked for or was missing; empty: it is not needed
	PIN       bool     // approved with the PIN
	Reversed  int64    // minor units of an approval that were given back, 0 to Amount.Minor
	Evidence  Evidence // of a vend or an approval; of another end Liveness, if there was a consent
	Strangers int      // different faces that were no customer's; not known of a payment read from the journal
	OpenedAt  time.Time
	VendedAt  time.Time // when it became vending; zero if it never did
	ClosedAt  time.Time // zero while open
	Deadline  time.Time // monotonic; zero for one that is vending or was read from the journal
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
	if err := CheckText(r.Item, ItemMax); err != nil || r.Item != "" && !r.Vend {
		return Payment{}, fmt.Errorf("open payment: item %q: %w", clean(r.Item), ErrRequest)
	}
	if err := r.Amount.Check(); err != nil {
		return Payment{}, err
	}
	return Payment{
		ID: r.ID, Amount: r.Amount, Reference: r.Reference, Vend: r.Vend, Item: r.Item,
		State: StateWaiting, OpenedAt: now, Deadline: now.Add(timeout),
	}, nil
}

// Same reports whether the payment is the one the request asks for: same id and same content.
func (p Payment) Same(r Request) bool { return p.Request() == r }

// Request is what was asked for.
func (p Payment) Request() Request {
	return Request{ID: p.ID, Amount: p.Amount, Reference: p.Reference, Vend: p.Vend, Item: p.Item}
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
