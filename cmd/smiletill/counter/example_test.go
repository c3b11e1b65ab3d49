package counter_test

import (
	"context"
	"errors"
	"fmt"

	"smiletill/cmd/smiletill/counter"
	"smiletill/payment"
)

// While nothing is open, the clerk reads why and what to do.
func ExampleDesk() {
	d := counter.Desk{Open: func() (counter.Parts, error) {
		return counter.Parts{}, payment.WithHint(errors.New("no camera"), "plug it in")
	}}
	_, err := d.Begin(context.Background(), "c-1", "4.20")
	fmt.Println(err)
	// Output: no camera
}
