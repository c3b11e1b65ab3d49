package tpm_test

import (
	"errors"
	"fmt"

	"smiletill/device/tpm"
)

// A machine without a TPM says so, and nothing is sealed.
func Example() {
	t := tpm.At("/dev/tpmrm-none")
	_, err := t.Seal("greetings", []byte("hello"))
	fmt.Println(errors.Is(err, tpm.ErrNone), tpm.Sealed([]byte("hello")))
	// Output: true false
}
