package erasure_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"smiletill/cmd/smiletill/config"
	"smiletill/cmd/smiletill/erasure"
)

// Where there is nothing, nothing is erased.
func ExampleDo() {
	folder, err := os.MkdirTemp("", "till")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = os.RemoveAll(folder) }()
	cfg := config.Default()
	cfg.Paths.DataDir = filepath.Join(folder, "data")
	var said quoted
	err = erasure.Do(context.Background(), cfg, erasure.Order{}, os.Stdin, &said, os.Stderr)
	fmt.Println(len(said) > 0, err)
	// Output:
	// true <nil>
}

type quoted []byte

func (q *quoted) Write(p []byte) (int, error) {
	*q = append(*q, p...)
	return len(p), nil
}
