package cloud_test

import (
	"fmt"
	"os"
	"path/filepath"

	"smiletill/cmd/smiletill/cloud"
	"smiletill/payment/report/signature"
)

// The key is made at the first use, and is the same from then on.
func ExampleOptions_Key() {
	dir, err := os.MkdirTemp("", "st")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	o := cloud.Options{Data: filepath.Join(dir, "cloud")}
	first, err := o.Key()
	if err != nil {
		fmt.Println(err)
		return
	}
	again, err := o.Key()
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(signature.ID(first.Public()) == signature.ID(again.Public()))
	// Output: true
}
