package update_test

import (
	"testing"

	"smiletill/cmd/smiletill/front"
	"smiletill/cmd/smiletill/update"
	"smiletill/device/screen"
)

// TestUnclaimedIsOneFault: a terminal that waits to be claimed is as it was before an update, whatever it
// says about the way to its cloud.
func TestUnclaimedIsOneFault(t *testing.T) {
	f := front.New()
	kinds := map[string]bool{}
	for _, what := range []string{"this terminal is not claimed yet", "the cloud can't be reached: dial"} {
		f.Fault(front.PartsCause, front.Fault{Reason: screen.NotClaimed, What: what})
		for _, one := range update.Faults(f, "", false) {
			kinds[one.Part+" "+one.Kind] = true
		}
	}
	if len(kinds) != 1 {
		t.Errorf("%v", kinds)
	}
}
