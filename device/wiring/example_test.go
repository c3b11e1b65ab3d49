package wiring_test

import (
	"fmt"
	"testing/fstest"

	"smiletill/device/wiring"
)

// A machine's own description is found by what its firmware calls it.
func ExampleFind() {
	pi := fstest.MapFS{"proc/device-tree/model": {Data: []byte("Raspberry Pi 4 Model B Rev 1.4\x00")}}
	b, err := wiring.Find("auto", pi)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(b.Name)
	for _, l := range b.Lines()[:2] {
		fmt.Println(l.Part, l.Name)
	}
	// Output:
	// Raspberry Pi 4
	// green lamp GPIO17
	// amber lamp GPIO27
}
