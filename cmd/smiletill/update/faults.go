package update

import (
	"slices"
	"strings"

	"smiletill/cmd/smiletill/control"
	"smiletill/cmd/smiletill/front"
	"smiletill/device/screen"
)

// Cause names an update to the engine and to the screen.
const Cause = "update"

// Faults are why a terminal takes no payment, an update left out. hung is the part that does not move, or "";
// open tells whether its parts are open.
func Faults(f *front.Front, hung string, open bool) (all []control.Fault) {
	if hung != "" {
		all = append(all, control.Fault{Part: control.Itself, Kind: "hangs", What: hung + " does not move"})
	}
	shown, engine := f.Standing()
	for cause, one := range shown {
		kind := string(one.Reason)
		if cause == front.PartsCause && one.Reason != screen.NotSetUp && one.Reason != screen.NotClaimed {
			kind = one.What // many things are a part that can't be opened
		}
		if cause != Cause {
			all = append(all, control.Fault{Part: cause, Kind: kind, What: one.What})
		}
	}
	for _, cause := range engine {
		if _, told := shown[cause]; !told && cause != Cause {
			all = append(all, control.Fault{Part: "payments", Kind: cause, What: cause})
		}
	}
	if !open && len(all) == 0 {
		all = append(all, control.Fault{Part: control.Itself, Kind: "starts", What: "the terminal is starting"})
	}
	slices.SortFunc(all, func(a, b control.Fault) int { return strings.Compare(a.Part+a.Kind, b.Part+b.Kind) })
	return all
}
