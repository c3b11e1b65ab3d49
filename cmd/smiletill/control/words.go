package control

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"smiletill/payment"
)

// Payment is a payment as the control socket tells it.
type Payment struct {
	ID        string `json:"id"`
	Amount    string `json:"amount"`
	Currency  string `json:"currency"`
	Reference string `json:"reference,omitempty"`
	State     string `json:"state"`
	Reason    string `json:"reason,omitempty"`
	Detail    string `json:"detail,omitempty"`
	Customer  string `json:"customer,omitempty"`
	PINWrong  bool   `json:"pin_wrong,omitempty"` // the PIN just entered was wrong and may be tried again
}

// Told is a payment as it is told.
func Told(p payment.Payment) Payment {
	if p.ID == "" {
		return Payment{}
	}
	return Payment{
		ID:        p.ID,
		Amount:    p.Amount.Decimal(),
		Currency:  p.Amount.Currency,
		Reference: p.Reference,
		State:     string(p.State),
		Reason:    string(p.Reason),
		Detail:    p.Detail,
		Customer:  p.Customer,
	}
}

// Text says in words where a payment stands.
func (p Payment) Text() string {
	switch payment.State(p.State) {
	case payment.StateWaiting:
		return "waiting: look at the camera"
	case payment.StateRecognised:
		return "recognised: smile to pay"
	case payment.StatePIN:
		return "the PIN is needed: enter it on the terminal's screen"
	case payment.StateVending:
		return "vending: the machine gives the product out"
	case payment.StateApproved:
		return "approved, paid by customer " + p.Customer
	case payment.StateDeclined, payment.StateCancelled, payment.StateExpired, payment.StateVoided:
	}
	why := payment.Reason(p.Reason).Text()
	if p.Detail != "" {
		why += ": " + p.Detail
	}
	return p.State + ": " + why + "; nothing was charged"
}

// PaymentRequest asks for a payment; the same ID never charges twice.
type PaymentRequest struct {
	ID        string `json:"id"`
	Amount    string `json:"amount"`
	Currency  string `json:"currency"`
	Reference string `json:"reference"`
	// Digits narrow the search for the customer's face down: see gallery.Numbered. They may come later too,
	// with the same request.
	Digits string `json:"digits,omitempty"`
}

// ReversalRequest asks for a payment to be given back; the same ID gives back once.
type ReversalRequest struct {
	ID        string `json:"id"`
	PaymentID string `json:"payment_id"`
	Amount    string `json:"amount,omitempty"` // empty: all that is left
	Reference string `json:"reference,omitempty"`
}

// Reversal is what was given back.
type Reversal struct {
	ID        string `json:"id"`
	PaymentID string `json:"payment_id"`
	Amount    string `json:"amount"`
	Currency  string `json:"currency"`
	Customer  string `json:"customer"`
}

// EnrolRequest asks for somebody to be enrolled.
type EnrolRequest struct {
	Name   string  `json:"name"`
	Again  string  `json:"again,omitempty"`  // id of a customer who is there already; then without a name
	Photos []Photo `json:"photos,omitempty"` // none: by camera
	// Digits are kept as a keyed hash and narrow a search down; nil: none, or with Again those there are; "":
	// none.
	Digits *string `json:"digits,omitempty"`
	// NoSmile leaves the own smile out that an enrolment by camera asks for.
	NoSmile bool `json:"no_smile,omitempty"`
	// Agreed is what the customer agreed to; nil: nothing, or with Again what there is.
	Agreed *Agreed `json:"agreed,omitempty"`
	// PIN is the customer's new one, with Again: without it no other face is taken, whoever vouches for it.
	PIN string `json:"pin,omitempty"`
}

// Agreed is what a customer agreed to before the face is taken.
type Agreed struct {
	Version   string `json:"version,omitempty"` // of the text, see people.Text; empty where paper alone tells
	Lang      string `json:"lang,omitempty"`
	Explained string `json:"explained,omitempty"` // who explained it; empty: who asks
	Paper     string `json:"paper,omitempty"`     // the shop's reference of what was signed
}

// Extract is all that is stored about a customer.
type Extract struct {
	ID         string      `json:"id"`
	Name       string      `json:"name"`
	EnrolledAt time.Time   `json:"enrolled_at"`
	Model      string      `json:"model"`
	Templates  int         `json:"templates"`       // series of numbers made from the face
	Faces      [][]float32 `json:"faces,omitempty"` // these, where they were asked for
	Smile      bool        `json:"smile"`           // how the smile differs from the face at rest
	PIN        bool        `json:"pin"`             // a hash of it
	Blocked    bool        `json:"blocked"`
	Digits     bool        `json:"digits"`           // a hash of them
	Agreed     *Agreed     `json:"agreed,omitempty"` // nil: nothing tells
	AgreedAt   *time.Time  `json:"agreed_at,omitempty"`
	Payments   []Payment   `json:"payments,omitempty"`
	Done       []string    `json:"done,omitempty"` // what was done, in words: time, what, by whom
}

// Receipt says what was erased of a customer, signed with the terminal's key. It names nobody: the customer
// is the pseudonym.
type Receipt struct {
	Source    string          `json:"source"` // which terminal
	ID        string          `json:"id"`
	Type      string          `json:"type"`
	Time      string          `json:"time"`
	Data      json.RawMessage `json:"data"` // an Erased
	Signature string          `json:"signature"`
}

// Erased is what a receipt says.
type Erased struct {
	Customer   string      `json:"customer"`
	By         payment.Who `json:"by"`
	Templates  int         `json:"templates"`
	Smile      bool        `json:"smile,omitempty"`
	Consent    bool        `json:"consent,omitempty"`
	PIN        bool        `json:"pin,omitempty"`
	Digits     bool        `json:"digits,omitempty"`
	Payments   int         `json:"payments"`   // that stay, under the pseudonym
	Unreported int         `json:"unreported"` // of these
}

// PhotoSide is the most pixels that a photo has on a side.
const PhotoSide = 960

// Photo is a picture that the one who asks has decoded: a terminal that takes payments decodes no file.
type Photo struct {
	Name   string `json:"name"`
	Width  int    `json:"width"` // pixels, 1 to PhotoSide
	Height int    `json:"height"`
	Pixels []byte `json:"pixels"` // red, green, blue, line by line from the upper left
}

// Customer is somebody who is enrolled.
type Customer struct {
	ID         string    `json:"id"`
	Name       string    `json:"name"`
	EnrolledAt time.Time `json:"enrolled_at"`
	Templates  int       `json:"templates"`
	Model      string    `json:"model,omitempty"` // SHA-256 of the embedding model
	Stale      bool      `json:"stale,omitempty"` // of another model than the terminal's: must be enrolled again
	// Known is said of a stale customer whom the terminal knows all the same, by that model, and who can pay.
	Known bool `json:"known,omitempty"`
	PIN   bool `json:"pin,omitempty"` // the customer has one
	// Blocked is said of one who is known, and can't pay.
	Blocked bool `json:"blocked,omitempty"`

	Damage string `json:"damage,omitempty"`
	// Unmatched is said of a renewal: the old templates are another model's, and nothing compared the faces.
	Unmatched bool `json:"unmatched,omitempty"`
	// Advice is said of an enrolment that could be better: which photo to take again, and why; or "".
	Advice string `json:"advice,omitempty"`
}

// Clerk is somebody who has a role at the terminal by a PIN.
type Clerk struct {
	Name string `json:"name"`
	Role string `json:"role"`          // owner, technician or clerk
	PIN  bool   `json:"pin,omitempty"` // is set
}

// Status is how the terminal does.
type Status struct {
	Ready bool          `json:"ready"` // takes payments
	Line  string        `json:"line"`  // in words; why not, if it doesn't
	Do    string        `json:"do,omitempty"`
	Up    time.Duration `json:"up_ns"` // since it was started
	Parts []Part        `json:"parts"`
	// Faults are why no payment is taken, but for an update: what decides whether a new version is good.
	Faults []Fault `json:"faults,omitempty"`
	Looked uint64  `json:"looked"` // frames that the networks looked at since it was started
}

// Fault is one reason why no payment is taken.
type Fault struct {
	Part string `json:"part"` // which part of the terminal, or Itself
	Kind string `json:"kind"` // what is wrong with it; the same where it is the same
	What string `json:"what"` // in words
}

// Itself is the part of a fault of the whole terminal: it starts, hangs, or does not answer.
const Itself = "terminal"

// Same tells whether two are one fault, before and after: the words may differ.
func (f Fault) Same(other Fault) bool { return f.Part == other.Part && f.Kind == other.Kind }

// Part is how one part does, as the technician's page shows it.
type Part struct {
	Name  string `json:"name"`
	Value string `json:"value"`
	Level string `json:"level"` // ok, warning, fault or unknown
	Do    string `json:"do,omitempty"`
}

// blocking is whether a customer is to be blocked, and why.
type blocking struct {
	Blocked bool   `json:"blocked"`
	Why     string `json:"why"`
}

// vouching is somebody's word for a renewal; without a name it is the one's who asks.
type vouching struct {
	Name string `json:"name,omitempty"`
	PIN  string `json:"pin,omitempty"`
}

// pinRequest is a PIN on its way over the control socket.
type pinRequest struct {
	PIN string `json:"pin"`
}

type errorReply struct {
	Error string `json:"error"`
	Hint  string `json:"hint,omitempty"`
}

var (
	// ErrUnknownCustomer is answered as 404: a door's errors wrap it where an id is nobody's.
	ErrUnknownCustomer = errors.New("no such customer")
	// ErrNotRunning says that no terminal listens; some commands then do their work on the files themselves.
	ErrNotRunning = errors.New("no smiletill is running here")
)

// Were is how many customers, with its verb.
func Were(n int) string {
	if n == 1 {
		return "1 customer was"
	}
	return fmt.Sprintf("%d customers were", n)
}
