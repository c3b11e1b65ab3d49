package demo_test

import (
	"fmt"

	"smiletill/cmd/smiletill/demo"
)

// A director decides who is in front of the camera.
func ExampleDirector() {
	d, err := demo.NewDirector(1)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(d.Enter("two_people", "customer_smile"))
	fmt.Println(d.Enter("nobody we know"))
	d.Leave()
	// Output:
	// <nil>
	// no clip is called "nobody we know"
}
