package screen

import (
	"context"
	"io"
	"time"
)

// CounterShop tells of a shop's day, and of payments that are long past. Errors for the clerk are
// *CounterError.
type CounterShop interface {
	// Day tells what came together today, and since the last closing.
	Day(ctx context.Context) (CounterDay, error)
	// CloseDay closes the day, once for each id. RefusedNothing if nothing ended since the last closing.
	CloseDay(ctx context.Context, id string) (CounterClosing, error)
	// Search gives up to n payments that have all words of text in them, the newest first, whoever began
	// them; all is false if older ones were not looked at, or there are more.
	Search(ctx context.Context, text string, n int) (found []CounterPayment, all bool, err error)
	// Table writes the payments of some days for a spreadsheet, in a language of the page. Days are as
	// 2006-01-02, both included; empty is open. Nothing is written before an error that is told.
	Table(ctx context.Context, w io.Writer, from, to, lang string) error
}

// CounterSum is what came together in one currency. Amounts are as CounterPayment's; a Net below zero has a
// minus.
type CounterSum struct {
	Currency    string `json:"currency"`
	Paid        int    `json:"paid"` // payments
	PaidAmount  string `json:"paid_amount"`
	Returned    int    `json:"returned"` // times
	ReturnedSum string `json:"returned_amount"`
	Net         string `json:"net"`
	Unpaid      int    `json:"unpaid"`            // payments that ended without money
	Untimed     int    `json:"untimed,omitempty"` // of all these, while the clock was not known to be right
}

// CounterDay is where the shop's day stands.
type CounterDay struct {
	Today    string // 2006-01-02, by the terminal's clock and zone
	Sums     []CounterSum
	Open     []CounterSum // since the last closing
	Closings []CounterClosing
}

// CounterClosing is a day that was closed.
type CounterClosing struct {
	Number   int64
	At       time.Time
	AtUnsure bool
	By       string // who closed it; "": not known
	Sums     []CounterSum
}
