package screen

import (
	"context"
	"encoding/json"
	"time"
)

// CounterCustomers keeps who is enrolled, for the counter's page. No face goes to the page, and nothing that
// was made from one. Errors for the clerk are *CounterError.
type CounterCustomers interface {
	// Customers gives all who are enrolled.
	Customers(ctx context.Context) ([]CounterCustomer, error)
	// SetCustomerPIN gives a customer a PIN of 4 to 12 digits, or takes it away ("").
	SetCustomerPIN(ctx context.Context, id, pin string) error
	// BlockCustomer has no payment taken of a customer, or ends that. why is a word of the page's, for the fact.
	BlockCustomer(ctx context.Context, id string, blocked bool, why string) error
	// ForgetCustomer erases a customer, whose payments stay under the pseudonym. Asked for again it gives the
	// same receipt for some minutes: its answer may have been lost.
	ForgetCustomer(ctx context.Context, id string) (CounterErased, error)
	// Consent gives what a customer agrees to before the face is taken.
	Consent(ctx context.Context) (CounterConsent, error)
	// Enrol has the terminal's own camera take pictures of who stands before it, and enrols them when it has.
	// Whose page does not ask Enrolment for 5 s, or is locked, has taken the consent back. Asked for once more
	// under the same token it does nothing: its answer may have been lost.
	Enrol(ctx context.Context, e CounterEnrol) error
	// Enrolment tells how that goes; stop takes the consent back, if it is not too late.
	Enrolment(ctx context.Context, token string, stop bool) (CounterEnrolment, error)
	// Vouch takes the word of another clerk, by name and PIN, that a customer's new face is to be taken though
	// it is another.
	Vouch(ctx context.Context, id, name, pin string) error
	// ExtractOf gives all that is stored about a customer but the templates, as JSON.
	ExtractOf(ctx context.Context, id string) ([]byte, error)
}

// CounterCustomer is somebody who is enrolled, as the clerk sees them.
type CounterCustomer struct {
	ID     string            `json:"id"`   // the pseudonym
	Name   string            `json:"name"` // as somebody typed it; "" of a record that can't be read
	Since  time.Time         `json:"since"`
	Agreed *CounterAgreement `json:"agreed,omitempty"` // nil: nothing tells
	PIN    bool              `json:"pin,omitempty"`
	// Blocked says that each payment is declined; Stale, that the face has to be taken again before it pays;
	// Damaged, that the record can't be read.
	Blocked bool `json:"blocked,omitempty"`
	Stale   bool `json:"stale,omitempty"`
	Damaged bool `json:"damaged,omitempty"`
}

// CounterAgreement is what a customer agreed to.
type CounterAgreement struct {
	At        time.Time `json:"at"`
	Lang      string    `json:"lang,omitempty"` // of the text; "" where paper alone tells
	Explained string    `json:"explained"`      // who explained it
	Paper     string    `json:"paper,omitempty"`
}

// CounterText is what is explained to a customer, in a language.
type CounterText struct {
	Lang    string `json:"lang"`
	Version string `json:"version"`
	Body    string `json:"body"`
	// Agree is the sentence that is ticked, and Stop what takes it back, both in this language, whatever the
	// clerk's is: this package adds them.
	Agree string `json:"agree"`
	Stop  string `json:"stop"`
}

// CounterConsent is what has to be known to enrol somebody.
type CounterConsent struct {
	Texts    []CounterText `json:"texts"`
	Clerk    string        `json:"clerk,omitempty"`  // who explains it, most likely
	Digits   bool          `json:"digits,omitempty"` // the gallery is narrowed by digits: they should have some
	Pictures int           `json:"pictures"`         // that are taken
}

// CounterEnrol is who is to be enrolled. Again is the id of a customer who is there, then without a name, and
// without an agreement where there is one.
type CounterEnrol struct {
	// Token names the enrolment, 16 to 64 letters and digits of the page's own choice.
	Token                                              string
	Name, Again, Version, Lang, Explained, PIN, Digits string
	// Ago is how long before this the customer agreed.
	Ago time.Duration
}

// CounterEnrolment is how an enrolment goes.
type CounterEnrolment struct {
	State  Instruction // EnrolLook or EnrolSmile
	Taken  int         // pictures
	Come   float64     // how far the smile has, 0..1
	Advice Instruction // what the last picture lacked; ""
	Nobody bool        // was in it
	Ended  bool
	Failed error // then; nil: of what follows
	ID     string
	Name   string
	Smile  bool // will be seen at the till
}

// CounterErased is what was erased of a customer, who is named by the pseudonym alone.
type CounterErased struct {
	Receipt    json.RawMessage // signed: proof for the customer
	Customer   string
	At         time.Time
	Templates  int // series of numbers that were made from the face
	Smile      bool
	Consent    bool
	PIN        bool
	Digits     bool
	Payments   int // that stay
	Unreported int // of these the cloud does not know yet
}

// Why nothing is done to a customer.
const (
	RefusedCustomer Refusal = "customer" // nobody has this id any more
	RefusedCamera   Refusal = "camera"   // it is in use

	RefusedAlarm     Refusal = "alarm"      // of the case stands
	RefusedWithdrawn Refusal = "withdrawn"  // the consent was taken back
	RefusedText      Refusal = "text"       // nobody agreed to the text that holds
	RefusedFull      Refusal = "full"       // no more customers fit in
	RefusedNobody    Refusal = "nobody"     // stood before the camera
	RefusedSeveral   Refusal = "several"    // did
	RefusedPictures  Refusal = "pictures"   // too few good ones, or not of one person
	RefusedWho       Refusal = "who"        // no usable name of a customer
	RefusedTaken     Refusal = "taken"      // somebody has this name
	RefusedFace      Refusal = "face"       // somebody has this face
	RefusedOtherFace Refusal = "other_face" // not the one that is enrolled
	RefusedDigits    Refusal = "digits"     // not 3 to 12
	RefusedSecond    Refusal = "second"     // not somebody else, with a PIN, who may vouch
	RefusedNotBegun  Refusal = "not_begun"  // or so long ago that it is forgotten

	RefusedIncomparable Refusal = "incomparable"  // what is enrolled was made by another model
	RefusedSecondLocked Refusal = "second_locked" // the PIN of who vouches, for a while
	RefusedSecondRole   Refusal = "second_role"   // of who vouches does not
)
