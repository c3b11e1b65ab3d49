package till_test

import (
	"fmt"

	"smiletill/cmd/smiletill/config"
	"smiletill/cmd/smiletill/till"
	"smiletill/payment"
)

// A register sends nothing to a terminal that it can't tell from another.
func ExampleOpen() {
	o := till.Options{URL: "https://192.0.2.7:8443", SaleID: "Counter 1", Columns: 32}
	_, err := till.Open(config.Default(), o)
	fmt.Println(err)
	fmt.Println(payment.HintOf(err) != "")
	// Output:
	// it can't be told who answers at https://192.0.2.7:8443/nexo: its certificate is not known here
	// true
}
