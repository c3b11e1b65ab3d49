//go:build cgo && linux && !notflite

package vision_test

import (
	"math"
	"testing"

	"smiletill/models"
	"smiletill/vision"
)

// spoilt is a network whose outputs are all one value.
type spoilt struct {
	vision.Network
	v float32
}

func (s spoilt) Run() error {
	if err := s.Network.Run(); err != nil {
		return err
	}
	for i := range 2 {
		out := s.Output(i)
		for j := range out {
			out[j] = s.v
		}
	}
	return nil
}

// A network that gives nothing, or no numbers, recognises nobody: it gives no embedding at all.
func TestSpoiltOutputsAreNoScore(t *testing.T) {
	hopper := picture(t, "hopper.jpg")
	d, m, e := network(t, models.Detect), network(t, models.Mesh), network(t, models.Embed)
	inf := float32(math.Inf(1))
	for name, v := range map[string]float32{"zero": 0, "NaN": float32(math.NaN()), "infinite": inf,
		"minus infinite": -inf, "huge": math.MaxFloat32} {
		for which, n := range map[string]vision.Networks{
			"detector": {Detector: spoilt{d, v}, Mesh: m, Embedder: e},
			"mesh":     {Detector: d, Mesh: spoilt{m, v}, Embedder: e},
			"embedder": {Detector: d, Mesh: m, Embedder: spoilt{e, v}},
		} {
			l, err := vision.New(n, vision.DefaultThresholds()).Look(hopper, vision.Embed)
			if err == nil && l.Embedding != nil && !(which == "embedder" && name == "huge") {
				t.Errorf("%s, all outputs %s: %+v", which, name, l)
			}
			for _, x := range l.Embedding {
				if !(math.Abs(float64(x)) <= 1) {
					t.Fatalf("%s, all outputs %s: the embedding has %v", which, name, x)
				}
			}
		}
	}
}
