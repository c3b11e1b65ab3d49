package kiosk_test

import (
	"fmt"

	"smiletill/cmd/smiletill/kiosk"
)

func ExamplePage() {
	fmt.Println(kiosk.Page("0.0.0.0:8080"))
	// Output: http://127.0.0.1:8080/ <nil>
}
