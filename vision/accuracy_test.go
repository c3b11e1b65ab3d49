//go:build cgo && linux && !notflite

package vision_test

import (
	"image"
	"image/jpeg"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"smiletill/models"
	"smiletill/vision"
)

type photo struct {
	who string
	e   vision.Embedding
}

// TestAccuracy measures all pairs of a folder of photos, <name>/*.jpg, that SMILETILL_LFW_DIR names; the
// photos are not part of the project. A bug in alignment or colour order shows here as a loss of several
// percent.
func TestAccuracy(t *testing.T) {
	dir := os.Getenv("SMILETILL_LFW_DIR")
	if dir == "" {
		t.Skip("SMILETILL_LFW_DIR is not set: no photos to measure with")
	}
	photos := embedAll(t, dir)
	var same, other []float32
	for i, a := range photos {
		for _, b := range photos[i+1:] {
			s := float32(cosine(a.e, b.e))
			if a.who == b.who {
				same = append(same, s)
			} else {
				other = append(other, s)
			}
		}
	}
	slices.Sort(same)
	slices.SortFunc(other, func(a, b float32) int { return int(math.Copysign(1, float64(b-a))) })
	t.Logf("%d pairs of the same person, %d of two", len(same), len(other))
	if len(same) < 1000 || len(other) < 1_000_000 {
		t.Fatal("too few photos to say anything")
	}
	for _, c := range []struct{ far, tar float64 }{{1e-3, 98}, {1e-4, 95.5}, {1e-5, 90}} {
		cut := other[int(c.far*float64(len(other)))]
		refused, _ := slices.BinarySearch(same, cut)
		tar := 100 - 100*float64(refused)/float64(len(same))
		t.Logf("FAR %.0e: cosine %.3f, TAR %.2f %%", c.far, cut, tar)
		if tar < c.tar {
			t.Errorf("FAR %.0e: TAR %.2f %%, want at least %v", c.far, tar, c.tar)
		}
		if want := float64(vision.DefaultThresholds().Match); c.far == 1e-5 && math.Abs(float64(cut)-want) > 0.02 {
			t.Errorf("FAR 1e-5 is at cosine %.3f, the threshold at %v", cut, want)
		}
	}
}

// embedAll embeds every photo whose largest face is the one in the middle; no other gate is closed.
func embedAll(t *testing.T, dir string) (photos []photo) {
	inf := float32(math.Inf(1))
	p := vision.New(vision.Networks{Detector: network(t, models.Detect), Mesh: network(t, models.Mesh),
		Embedder: network(t, models.Embed)}, vision.Thresholds{FaceScore: 0.5, RivalMin: inf, FaceMax: inf,
		CentreMax: 0.14, BrightnessMax: inf, YawMax: inf, PitchMax: inf, RollMax: inf})
	files, err := filepath.Glob(filepath.Join(dir, "*", "*.jpg"))
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, name := range files {
		f, err := os.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		var img image.Image
		img, err = jpeg.Decode(f)
		f.Close()
		if err != nil {
			t.Fatal(name, err)
		}
		l := look(t, p, img)
		if l.Faces > 0 {
			found++
		}
		if l.Reason == "" {
			photos = append(photos, photo{filepath.Base(filepath.Dir(name)), l.Embedding})
		}
	}
	t.Logf("%d photos, a face in %d, in the middle in %d", len(files), found, len(photos))
	return photos
}
