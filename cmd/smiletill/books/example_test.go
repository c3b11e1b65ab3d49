package books_test

import (
	"os"

	"smiletill/cmd/smiletill/books"
	"smiletill/payment/journal"
)

// What the merchant got is what was approved less what was given back.
func ExampleTotals() {
	_ = books.Totals(os.Stdout, []journal.Total{
		{Day: "2026-03-01", Currency: "EUR", Result: "approved", Count: 3, Minor: 1250, First: 2, Last: 9},
		{Day: "2026-03-01", Currency: "EUR", Result: "reversed", Count: 1, Minor: 250, First: 10, Last: 10},
	})
	// Output:
	// 2026-03-01  COUNT    EUR     FACTS
	//     approved      3  12.50    2 to 9
	//     reversed      1   2.50  10 to 10
	//          net         10.00
}
