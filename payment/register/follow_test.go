package register_test

import (
	"slices"
	"testing"

	"smiletill/payment/register"
)

// TestFollower: each change of state once, and nothing for what can't be said.
func TestFollower(t *testing.T) {
	var f register.Follower
	var told []string
	for _, s := range []register.TerminalState{"", register.Opening, "", register.Ready, register.Ready, "",
		register.Opening, register.Ready, register.Broken, register.Broken, register.Ready, register.CaseOpen,
		register.Ready} {
		if e := f.Next(s); e != "" {
			told = append(told, string(e))
		}
	}
	want := []string{"Initialised", "BeginMaintenance", "EndMaintenance", "OutOfOrder", "EndMaintenance",
		"SecurityAlarm", "EndMaintenance"}
	if !slices.Equal(told, want) {
		t.Errorf("%v, want %v", told, want)
	}
}
