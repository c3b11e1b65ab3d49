package config_test

import (
	"fmt"

	"smiletill/cmd/smiletill/config"
	"smiletill/payment"
)

// A mistake is told with its place and what to write instead.
func ExampleLoad() {
	_, err := config.Load("", nil, []string{"SMILETILL_CAMERA_FPS=fast", "SMILETILL_PATHS_DATA_DIR=/srv/till"})
	fmt.Println(err)
	fmt.Println(payment.HintOf(err))
	// Output:
	// load configuration: environment SMILETILL_CAMERA_FPS: camera.fps: "fast" won't do
	// write a whole number
}
