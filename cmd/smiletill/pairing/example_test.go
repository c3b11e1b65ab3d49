package pairing_test

import (
	"fmt"
	"os"

	"smiletill/cmd/smiletill/config"
	"smiletill/cmd/smiletill/pairing"
)

func ExampleList() {
	folder, err := os.MkdirTemp("", "till")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = os.RemoveAll(folder) }()
	cfg := config.Default()
	cfg.Paths.DataDir = folder
	if err := pairing.List(os.Stdout, cfg); err != nil {
		fmt.Println(err)
	}
	// Output: no register is paired: `smiletill register pair NAME` pairs one
}
