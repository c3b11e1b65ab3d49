package front_test

import (
	"fmt"

	"smiletill/cmd/smiletill/front"
	"smiletill/device/screen"
)

func ExampleFront() {
	f := front.New()
	f.Fault("camera", front.Fault{Reason: screen.CameraGone, What: "no camera is plugged in", Do: "plug it in"})
	fmt.Println(f.Trouble()+":", f.Do())
	f.Cured("camera")
	fmt.Printf("%q\n", f.Trouble())
	// Output:
	// no camera is plugged in: plug it in
	// ""
}
