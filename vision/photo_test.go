//go:build cgo && linux && !notflite

package vision_test

import (
	"image"
	"image/color"
	"math"
	"math/rand"
	"testing"
	"time"

	"smiletill/models"
	"smiletill/vision"
)

// one is a gallery of a single customer.
type one struct{ e vision.Embedding }

func (o one) Match(probe []float32) (string, float32, float32) {
	return "customer", float32(cosine(o.e, probe)), -1
}

// A photo of a customer, serious or smiling, that is moved, turned and lit before the camera is recognised
// (telling it from a person is another task) but never consents: its mouth never changes.
func TestMovedPhotoDoesNotConsent(t *testing.T) {
	if testing.Short() {
		t.Skip("`make long` plays it without the race detector")
	}
	p := pipeline(t)
	for _, name := range []string{"hopper.jpg", "collins.jpg"} {
		photo := picture(t, name)
		visit := vision.NewVisit(one{look(t, p, photo).Embedding}, shipped(t))
		r, start := rand.New(rand.NewSource(7)), time.Now()
		recognised, low, high := 0, float32(9), float32(0)
		for i := range 60 {
			phase := float64(i) / 6
			m := moved(photo, 9*math.Sin(phase), 0.85+0.1*math.Cos(phase/2), 40*math.Sin(phase/3),
				0.8+0.15*math.Sin(phase), r)
			l, err := p.Look(m, visit.Depth())
			if err != nil {
				t.Fatal(err)
			}
			if l.Reason == "" {
				low, high = min(low, l.Smile), max(high, l.Smile)
			}
			switch visit.Observe(l, start.Add(time.Duration(i)*100*time.Millisecond)).Stage {
			case vision.Recognised:
				recognised++
			case vision.Consented:
				t.Fatalf("%s consents at frame %d", name, i)
			default:
			}
		}
		if recognised < 30 {
			t.Errorf("%s: recognised in %d of 60 frames", name, recognised)
		}
		t.Logf("%s: mouth %.3f to %.3f, recognised in %d frames", name, low, high, recognised)
	}
}

// moved turns (degrees), scales, shifts (pixels) and lights the photo, and adds noise.
func moved(src *image.YCbCr, turn, scale, shift, lit float64, r *rand.Rand) *image.Gray {
	m := image.NewGray(image.Rect(0, 0, 640, 480))
	sin, cos := math.Sincos(turn * math.Pi / 180)
	for y := range 480 {
		for x := range 640 {
			u, v := (float64(x)-320-shift)/scale, (float64(y)-240)/scale
			q := image.Pt(int(320+u*cos+v*sin), int(240-u*sin+v*cos))
			if q.In(src.Rect) {
				luma := float64(src.Y[src.YOffset(q.X, q.Y)])*lit + float64(r.Intn(7)) - 3
				m.SetGray(x, y, color.Gray{uint8(min(max(luma, 0), 255))})
			}
		}
	}
	return m
}

// The constants of the pipeline are those of the models that the manifest names. Whoever has no manifest has
// the cosines of the small set, and they are as strict as those of the default one.
func TestManifestAgrees(t *testing.T) {
	set, err := models.Open("")
	if err != nil {
		t.Fatal(err)
	}
	small, err := models.Open(models.Small)
	if err != nil {
		t.Fatal(err)
	}
	th := vision.DefaultThresholds()
	low, high := set.Model(models.Embed).Thresholds, small.Model(models.Embed).Thresholds
	if th.Match != high.Match || th.Verify != high.Verify || th.SameFace != high.SameFace ||
		th.Margin != high.Margin || low.Match > th.Match || low.Verify > th.Verify || low.SameFace > th.SameFace {
		t.Errorf("cosines of the pipeline %v, %v, %v; of the small set %+v, of the default one %+v", th.Match,
			th.Verify, th.SameFace, high, low)
	}
	for task, want := range map[models.Task]struct {
		side       int
		pre        models.Preprocess
		thresholds models.Thresholds
	}{
		models.Detect: {128, models.Preprocess{Colour: "RGB", Subtract: 127.5, Divide: 127.5},
			models.Thresholds{Score: th.FaceScore}},
		models.Mesh:  {192, models.Preprocess{Colour: "RGB", Divide: 255}, models.Thresholds{Score: th.MeshScore}},
		models.Embed: {112, models.Preprocess{Colour: "RGB", Subtract: 127.5, Divide: 128}, models.Thresholds{}},
	} {
		mod := set.Model(task)
		if s := mod.Inputs[0].Shape; s[1] != want.side || s[2] != want.side || s[3] != 3 {
			t.Errorf("%s: shape %v, want side %d", task, s, want.side)
		}
		if mod.Preprocess != want.pre {
			t.Errorf("%s: preprocessing %+v, want %+v", task, mod.Preprocess, want.pre)
		}
		mod.Thresholds.From = ""
		if task != models.Embed && mod.Thresholds != want.thresholds {
			t.Errorf("%s: thresholds %+v in the manifest, %+v in the pipeline", task, mod.Thresholds,
				want.thresholds)
		}
	}
}
