package link_test

import (
	"errors"
	"fmt"

	"smiletill/payment/report/link"
)

func ExampleOptions_Check() {
	err := link.Options{Broker: "mqtt://broker.example", ClientID: "till"}.Check()
	fmt.Println("error:", err)
	var h interface{ Hint() string }
	if errors.As(err, &h) {
		fmt.Println("hint:", h.Hint())
	}
	// Output:
	// error: check the broker's settings: mqtt:// is clear text to broker.example: bad connection settings
	// hint: use mqtts://; mqtt:// is for loopback
}
