package flash_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"smiletill/cmd/smiletill/flash"
)

// An image is written into a plain file; before a card is erased somebody is asked.
func ExampleDo() {
	dir, err := os.MkdirTemp("", "flash")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	image := make([]byte, 1<<20)
	image[510], image[511] = 0x55, 0xaa // the mark of a partition table
	if err := os.WriteFile(filepath.Join(dir, "card.img"), image, 0o600); err != nil {
		panic(err)
	}
	job := flash.Job{
		Image: filepath.Join(dir, "card.img"), Device: filepath.Join(dir, "card"), Plain: true,
		Agreed: func(flash.Disk) (bool, error) { return false, nil },
		Step:   func(string, int64, int64) {},
	}
	_, err = flash.Do(context.Background(), job)
	fmt.Println(err)
	job.Agreed = func(flash.Disk) (bool, error) { return true, nil }
	r, err := flash.Do(context.Background(), job)
	fmt.Println(r.Bytes, err)
	// Output:
	// nothing was written: the card is as it was
	// 1048576 <nil>
}
