package setup_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"smiletill/cmd/smiletill/setup"
	"smiletill/payment"
)

// A mistake in a file that was written by hand is told with its line and what to write instead.
func ExampleTarget_Do() {
	root, err := os.MkdirTemp("", "system")
	stick, err2 := os.MkdirTemp("", "stick")
	text := "name = \"acme/berlin-1/till-3\"\n\n[wifi]\nssid = \"Shop\"\npassword = \"short\"\n"
	err3 := os.WriteFile(filepath.Join(stick, setup.FileName), []byte(text), 0o600)
	if err := errors.Join(err, err2, err3); err != nil {
		panic(err)
	}
	defer os.RemoveAll(root)
	defer os.RemoveAll(stick)
	err = setup.Target{Root: root}.Do(context.Background(), setup.Order{Folder: stick}, nil, os.Stdout)
	fmt.Println(err)
	fmt.Println(payment.HintOf(err))
	// Output:
	// settings: setup.toml:5:1: no Wi-Fi has such a password
	// write 8 to 63 letters, digits and signs of ASCII, as they are typed on the keyboard
}
