package vision_test

import (
	"fmt"
	"image"
	"time"

	"smiletill/vision"
)

// customers is a gallery with one customer in it.
type customers struct{}

func (customers) Match([]float32) (id string, best, second float32) { return "c-1", 0.9, 0.2 }

// A visit from the first frame to consent. In the terminal the Looks come from a Pipeline.
func ExampleVisit() {
	visit := vision.NewVisit(customers{}, vision.DefaultThresholds())
	stage, start := vision.Stage(""), time.Now()
	for i := range 12 {
		mouth := float32(0.95) // at rest
		if i >= 7 {
			mouth = 1.4
		}
		finding := visit.Observe(vision.Look{Faces: 1, Box: image.Rect(200, 100, 400, 340), Depth: visit.Depth(),
			Smile: mouth, Embedding: vision.Embedding{0.6, 0.8}}, start.Add(time.Duration(i)*100*time.Millisecond))
		if finding.Stage != stage {
			stage = finding.Stage
			fmt.Printf("%d %s %q\n", i, stage, finding.Customer)
		}
	}
	// Output:
	// 0 searching ""
	// 2 recognised "c-1"
	// 11 consented "c-1"
}
