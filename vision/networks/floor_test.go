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

// The floor of each built-in network is within what was measured, the lower bound of a cosine and the cosine,
// in models/measured/accuracy.md. A network that nobody knows has none below.
func TestFloorIsTheMeasuredOne(t *testing.T) {
	text, err := os.ReadFile("../../models/measured/accuracy.md")
	if err != nil {
		t.Fatal(err)
	}
	unknown := floorOf(strings.Repeat("0", 64))
	for name, dir := range map[string]string{"in use": "", "small": models.Small} {
		set, err := models.Open(dir)
		if err != nil {
			t.Fatal(err)
		}
		f := floorOf(set.Model(models.Embed).SHA256)
		for rate, floor := range map[string]float32{
			"1 in 100,000": f.match, "1 in 10,000": f.verify, "1 in 1,000": f.sameFace,
		} {
			_, after, found := strings.Cut(string(text), "| "+rate+" | "+name+", plain | ")
			row, _, _ := strings.Cut(after, "\n")
			var cosine, low float32
			_, err := fmt.Sscanf(row, "%f (%f to ", &cosine, &low)
			if !found || err != nil || floor < low || floor >= cosine {
				t.Errorf("%s, %s: the floor is %v, measured was %q", name, rate, floor, row)
			}
		}
		if unknown.match < f.match || unknown.verify < f.verify || unknown.sameFace < f.sameFace {
			t.Errorf("an unknown network has a floor of %v, and %s one of %v", unknown, name, f)
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
		"match":        func(v *vision.Thresholds) { v.Match = 0.4 },
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
		err := aboveFloor(bad, floorOf(set.Model(models.Embed).SHA256))
		if err == nil || !strings.Contains(err.Error(), name) {
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
	l, err := OpenLookerOn(set, models.Set{}, edgetpu.New(edgetpu.Options{}), true)
	if err == nil {
		t.Fatal(l.Close())
	}
	var hint interface{ Hint() string }
	if !errors.As(err, &hint) || !strings.Contains(hint.Hint(), "passive_max") {
		t.Errorf("%v, without saying what to do", err)
	}
}

// TestFloatsAreAboveTheFloor: the originals, with which `make bench COMPARE=` and `make accuracy` compare,
// open.
func TestFloatsAreAboveTheFloor(t *testing.T) {
	text, err := os.ReadFile("../../models/build/float.json")
	if err != nil {
		t.Fatal(err)
	}
	m, err := models.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	model, _ := m.Model(models.Embed)
	x, f := model.Thresholds, floorOf("")
	if x.Match < f.match || x.Verify < f.verify || x.SameFace < f.sameFace {
		t.Errorf("%s: %+v, at least %+v is wanted", model.File, x, f)
	}
}
