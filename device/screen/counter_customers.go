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
)
