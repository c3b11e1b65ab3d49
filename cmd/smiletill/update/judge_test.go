package update

import (
	"testing"
	"time"

	"smiletill/cmd/smiletill/control"
)

// TestJudge decides by answers: each is what the terminal says of itself some seconds after the start of the
// machine. What is not named stays as it was in the answer before.
func TestJudge(t *testing.T) {
	camera := control.Fault{Part: "camera", Kind: "camera_failed", What: "no frames"}
	disk := control.Fault{Part: "journal", Kind: "storage", What: "the disk is full"}
	silent := control.Fault{Part: control.Itself, Kind: "silent", What: "no answer"}
	type answer struct {
		at     int // seconds since the start of the machine
		up     int // seconds since that of the terminal
		looked uint64
		faults []control.Fault
		want   verdict
	}
	for name, c := range map[string]struct {
		before  []control.Fault
		answers []answer
	}{
		"ready, and looks at pictures": {nil, []answer{
			{20, 1, 0, nil, isOpen}, {22, 3, 1, nil, isOpen}, {33, 14, 2, nil, isWell}}},
		"ready, and never looks": {nil, []answer{
			{20, 1, 0, nil, isOpen}, {90, 71, 0, nil, isOpen}, {149, 130, 0, nil, isOpen}}},
		"comes up late": {nil, []answer{
			{5, 0, 0, []control.Fault{silent}, isOpen}, {80, 1, 1, nil, isOpen}, {91, 12, 9, nil, isWell}}},
		"an answer of another start": {nil, []answer{
			{20, 3600, 5, nil, isOpen}, {40, 3620, 5, nil, isOpen}}},
		"again and again": {nil, []answer{
			{20, 1, 1, nil, isOpen}, {29, 1, 1, nil, isOpen}, {38, 1, 1, nil, isOpen}, {60, 23, 9, nil, isOpen}}},
		"started again once, and then a minute": {nil, []answer{
			{20, 1, 1, nil, isOpen}, {29, 1, 1, nil, isOpen}, {88, 60, 9, nil, isOpen}, {90, 62, 9, nil, isWell}}},
		"the same fault as before, for a minute": {[]control.Fault{camera}, []answer{
			{20, 1, 0, []control.Fault{camera}, isOpen}, {79, 60, 0, []control.Fault{camera}, isOpen},
			{81, 62, 0, []control.Fault{camera}, isWell}}},
		"the same fault in other words": {[]control.Fault{{Part: "camera", Kind: "camera_failed", What: "gone"}},
			[]answer{{20, 1, 0, []control.Fault{camera}, isOpen}, {81, 62, 0, []control.Fault{camera}, isWell}}},
		"a new fault, for a minute": {nil, []answer{
			{20, 1, 0, []control.Fault{camera}, isOpen}, {79, 60, 0, []control.Fault{camera}, isOpen},
			{81, 62, 0, []control.Fault{camera}, isBad}}},
		"a new fault beside the old one": {[]control.Fault{camera}, []answer{
			{20, 1, 0, []control.Fault{camera, disk}, isOpen}, {81, 62, 0, []control.Fault{camera, disk}, isBad}}},
		"a fault that goes": {nil, []answer{
			{20, 1, 0, []control.Fault{camera}, isOpen}, {60, 41, 1, nil, isOpen}, {71, 52, 9, nil, isWell}}},
		"never an answer": {nil, []answer{
			{20, 0, 0, []control.Fault{silent}, isOpen}, {149, 0, 0, []control.Fault{silent}, isOpen}}},
	} {
		j := &judge{before: c.before}
		for _, a := range c.answers {
			s := control.Status{Up: time.Duration(a.up) * time.Second, Looked: a.looked, Faults: a.faults}
			got, why := j.see(s, time.Duration(a.at)*time.Second)
			if got != a.want || (why == "") != (got == isWell) {
				t.Errorf("%s, after %d s: %d (%s), want %d", name, a.at, got, why, a.want)
			}
		}
	}
}

// FuzzState reads whatever lies where the state is kept: it is damaged, or names two slots and a phase.
func FuzzState(f *testing.F) {
	for _, s := range []string{"", "{}", `{"phase":"good","from":{"slot":"A"},"to":{"slot":"B"}}`,
		`{"phase":"trying","from":{"slot":"B"},"to":{"slot":"B"}}`, `{"phase":1}`, "\x00"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := parseState(data)
		if err == nil && (s.From.Slot == s.To.Slot || s.Phase == "") {
			t.Errorf("%q is taken for a state: %+v", data, s)
		}
		_ = s.Tell(Here{Slot: "A", Boot: "b"})
	})
}
