package fleet_test

import (
	"fmt"
	"os"

	"smiletill/payment/cloud/fleet"
)

// The authority is made once; a terminal without a clock takes what it signs.
func ExampleOpenAuthority() {
	dir, err := os.MkdirTemp("", "cloud")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = os.RemoveAll(dir) }()
	first, err := fleet.OpenAuthority(dir)
	if err != nil {
		fmt.Println(err)
		return
	}
	again, err := fleet.OpenAuthority(dir)
	if err != nil {
		fmt.Println(err)
		return
	}
	server, err := again.Server([]string{"cloud.example"})
	fmt.Println(string(first.PEM()) == string(again.PEM()), server.Leaf.NotBefore.Year(), err)
	// Output: true 2024 <nil>
}
