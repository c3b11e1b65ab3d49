package attacks_test

import (
	"fmt"

	"smiletill/vision/attacks"
)

func Example() {
	living, flat, injected := 0, 0, 0
	for _, in := range attacks.Instruments() {
		switch {
		case in.Living:
			living++
		case in.Injected:
			injected++
		case in.Flat:
			flat++
		}
	}
	fmt.Println(living, "living,", flat, "flat before the camera,", injected, "in its place")
	// Output: 1 living, 14 flat before the camera, 5 in its place
}
