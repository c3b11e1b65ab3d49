package accuracy_test

import (
	"context"
	"fmt"

	"smiletill/vision/accuracy"
)

// Two people with two photos each: nothing but the equal error rate can be said of so few.
func Example() {
	r, err := accuracy.Measure(context.Background(), accuracy.Input{
		Photos: 4, Person: []int{1, 1, 2, 2},
		Sets: []accuracy.Set{{Name: "in use", Found: 4, Vectors: [][]float32{{1, 0}, {0.8, 0.6}, {0, 1}, {0, 1}}}},
	}, accuracy.Options{Seed: 1})
	if err != nil {
		fmt.Println(err)
		return
	}
	v := r.Scopes[0].Verification[0]
	fmt.Println("equal error rate:", v.EqualError)
	fmt.Println(v.Points[0].Missing)
	// Output:
	// equal error rate: 0
	// needs at least 3,000 pairs of two people; there are 4
}
