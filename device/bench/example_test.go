package bench_test

import (
	"fmt"

	"smiletill/device/bench"
)

func ExampleParseEvent() {
	e, ok := bench.ParseEvent("smiletill-77 [001] .....    12.345678: gpio_value: 529 set 1")
	fmt.Println(ok, e.At, e.Line, e.High)
	// Output: true 12.345678s 529 true
}
