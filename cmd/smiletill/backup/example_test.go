package backup_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"

	"smiletill/cmd/smiletill/backup"
)

// Words are checked before a backup is opened with them.
func ExamplePutBack() {
	f, err := os.CreateTemp("", "till-*.backup")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.Remove(f.Name())
	words := bytes.NewBufferString("elevator drastic whip absent")
	err = backup.PutBack(context.Background(), words, io.Discard, io.Discard, f.Name(), "-", backup.Target{})
	fmt.Println(err)
	// Output:
	// these are not the words of a recovery key: 4 words, and it has 24
}
