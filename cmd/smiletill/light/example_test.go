package light_test

import (
	"fmt"

	"smiletill/cmd/smiletill/light"
)

// Without a calibration the screen's delay is not known, and no light is played.
func ExampleReadDelay() {
	d, err := light.ReadDelay("/nowhere/screen-delay.json")
	fmt.Println(d.Known, err)
	// Output: false <nil>
}
