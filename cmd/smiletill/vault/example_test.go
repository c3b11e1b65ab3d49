package vault_test

import (
	"fmt"

	"smiletill/cmd/smiletill/config"
	"smiletill/cmd/smiletill/vault"
)

// Without a TPM a key is kept as it is, and that is said.
func Example() {
	cfg := config.Default()
	cfg.Security.TPM = config.TPMOff
	faces := vault.Of(cfg).For(vault.Faces)
	kept, err := faces.Seal([]byte("a key"))
	fmt.Printf("%s, %v\n%.19s\n", kept, err, faces.Protection())
	// Output:
	// a key, <nil>
	// software protection
}
