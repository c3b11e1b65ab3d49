package vending_test

import (
	"context"
	"fmt"
	"os"
	"strings"

	vendingroom "smiletill/cmd/smiletill/vending"
)

// An adapter that nobody speaks to, and a customer who chooses: nothing comes of it.
func ExampleSimulate() {
	ctx, stop := context.WithCancel(context.Background())
	out := new(strings.Builder)
	in, typed, err := os.Pipe()
	if err != nil {
		panic(err)
	}
	done := make(chan error)
	go func() { done <- vendingroom.Simulate(ctx, in, out, vendingroom.Simulation{}) }()
	fmt.Fprintln(typed, "1.20 10")
	stop()
	fmt.Println(<-done)
	// Output: <nil>
}
