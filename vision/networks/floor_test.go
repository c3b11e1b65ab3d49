package networks

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"smiletill/models"
	"smiletill/vision"
	"smiletill/vision/edgetpu"
)

// The floor is what was measured: the lower bounds of the cosines in models/measured/accuracy.md.
func TestFloorIsTheMeasuredOne(t *testing.T) {
	text, err := os.ReadFile("../../models/measured/accuracy.md")
	if err != nil {
		t.Fatal(err)
	}
	for rate, floor := range map[string]float64{
		"1 in 100,000": floorMatch, "1 in 10,000": floorVerify, "1 in 1,000": floorSameFace,
	} {
		_, after, found := strings.Cut(string(text), "| "+rate+" | in use, plain | ")
		row, _, _ := strings.Cut(after, "\n")
		if !found || !strings.Contains(row, fmt.Sprintf("(%.3f to ", floor)) {
			t.Errorf("%s: the floor %v is not the lower bound in %q", rate, floor, row)
		}
	}
}

// Each threshold of a manifest has its floor; those that ship are above it.
func TestThresholdsBelowTheFloor(t *testing.T) {
	set, err := models.Open("")
	if err != nil {
		t.Fatal(err)
	}
	good, err := ThresholdsOf(set)
	if err != nil {
		t.Fatal(err)
	}
	if len(set.ManifestSHA256()) != 64 {
		t.Errorf("the manifest's hash is %q", set.ManifestSHA256())
	}
	nan := float32(0)
	nan /= nan
	for name, change := range map[string]func(*vision.Thresholds){
		"match":        func(v *vision.Thresholds) { v.Match = 0.58 },
		"verify":       func(v *vision.Thresholds) { v.Verify = 0.31 },
		"same_face":    func(v *vision.Thresholds) { v.SameFace = 0.1 },
		"margin":       func(v *vision.Thresholds) { v.Margin = 0 },
		"match is NaN": func(v *vision.Thresholds) { v.Match = nan },

		"score of detect": func(v *vision.Thresholds) { v.FaceScore = 0.01 },
		"score of mesh":   func(v *vision.Thresholds) { v.MeshScore = 0.2 },

		"score of liveness": func(v *vision.Thresholds) { v.PassiveMin = 0.1 },
	} {
		bad := good
		change(&bad)
		if err := aboveFloor(bad); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestLivenessOfASet: a liveness network is judged by its own threshold, and where payments are to be judged
// by one that is not there, that is said and not found out at the till.
func TestLivenessOfASet(t *testing.T) {
	set, err := models.Open("")
	if err != nil {
		t.Fatal(err)
	}
	own := set.Manifest.Models
	set.Manifest.Models = slices.Clone(own)
	at := slices.IndexFunc(own, func(m models.Model) bool { return m.Task == models.Liveness })
	set.Manifest.Models[at].Thresholds.Score = 0.9
	if got, err := ThresholdsOf(set); err != nil || got.PassiveMin != 0.9 {
		t.Errorf("the threshold of the manifest is 0.9, and in force is %v, %v", got.PassiveMin, err)
	}
	set.Manifest.Models = slices.Delete(slices.Clone(own), at, at+1)
	l, err := OpenLookerOn(set, edgetpu.New(edgetpu.Options{}), true)
	if err == nil {
		t.Fatal(l.Close())
	}
	var hint interface{ Hint() string }
	if !errors.As(err, &hint) || !strings.Contains(hint.Hint(), "passive_max") {
		t.Errorf("%v, without saying what to do", err)
	}
}
