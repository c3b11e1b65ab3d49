package claim_test

import (
	"fmt"

	"smiletill/payment/report/claim"
)

// However a person types a code, it is the same; its secret half does not print.
func ExampleParseCode() {
	for _, typed := range []string{"k7p 4mx 9tr", "K7P-4MX-9TR", "K7P4MX9TR"} {
		code, _, err := claim.ParseCode(typed)
		fmt.Println(code, code.Text(), err)
	}
	_, _, err := claim.ParseCode("K7P-4MX-9T0")
	fmt.Println(err)
	// Output:
	// K7P-[redacted] K7P-4MX-9TR <nil>
	// K7P-[redacted] K7P-4MX-9TR <nil>
	// K7P-[redacted] K7P-4MX-9TR <nil>
	// read a code: this is no code of a terminal: it has no '0'
}
