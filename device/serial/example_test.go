package serial_test

import (
	"fmt"
	"testing/fstest"

	"smiletill/device/serial"
)

func ExampleFind() {
	_, err := serial.Find(fstest.MapFS{}, "auto")
	fmt.Println(err)
	path, err := serial.Find(fstest.MapFS{"dev/ttyAMA0": {}}, "auto")
	fmt.Println(path, err)
	// Output:
	// find port: no such port: looked for an adapter
	// /dev/ttyAMA0 <nil>
}
