package trial

import "fmt"

// The built-in sets in a report.
const (
	defaultSet = "default"
	smallSet   = "small"
)

// frameMax is the time for a frame with which ten a second are looked at: the times of a visit
// (vision.DefaultThresholds) are made of so many, and with fewer a payment takes longer, or fails.
const frameMax = 100.0 // ms

// advice says which built-in set to take on this machine, by the time in which 95 of 100 of the camera's
// JPEGs came to a decision.
func advice(runs []benchRun) string {
	took := map[string]float64{}
	for _, r := range runs {
		took[r.Models] = r.Stages[stageWholeMJPG].P95
	}
	whole, small := took[defaultSet], took[smallSet]
	switch {
	case whole <= frameMax:
		return fmt.Sprintf("Take the default set (`smiletill models swap --embedded`): it decides on a frame in "+
			"%.1f ms here, and up to %.0f are good.", whole, frameMax)
	case small <= frameMax:
		return fmt.Sprintf("Take the small set (`smiletill models swap --embedded small`): the default one "+
			"takes %.0f ms for a frame here, the small one %.0f, and up to %.0f are good; it misses more customers.",
			whole, small, frameMax)
	}
	return fmt.Sprintf("Take the small set (`smiletill models swap --embedded small`), or better a faster "+
		"machine: even the small one takes %.0f ms for a frame here, and up to %.0f are good.", small, frameMax)
}
