package witness_test

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"

	"smiletill/cmd/smiletill/witness"
)

// A store that counts its changes was seen at twelve; a copy of when it had nine is put back.
func Example() {
	dir, err := os.MkdirTemp("", "smiletill")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	w := witness.Open(filepath.Join(dir, "data"), func(err error) { fmt.Println(err) }, slog.Default())
	if err := w.Saw(witness.PINs, witness.Mark{Count: 12}); err != nil {
		fmt.Println(err)
		return
	}
	found := w.Behind(witness.PINs, "the PINs", 9)
	fmt.Println(&witness.OlderError{Found: found})
	// Output:
	// older data were put back: the PINs had been changed 12 times, and now are as they were after 9
}
