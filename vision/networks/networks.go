package networks

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"smiletill/models"
	"smiletill/vision"
	"smiletill/vision/edgetpu"
	"smiletill/vision/tflite"
)

// ThresholdsOf are the pipeline's thresholds with those that belong to the models of a set.
func ThresholdsOf(set models.Set) (vision.Thresholds, error) {
	t, e := vision.DefaultThresholds(), set.Model(models.Embed).Thresholds
	t.FaceScore = set.Model(models.Detect).Thresholds.Score
	t.MeshScore = set.Model(models.Mesh).Thresholds.Score
	t.Match, t.Verify, t.SameFace, t.Margin = e.Match, e.Verify, e.SameFace, e.Margin
	if set.Has(models.Liveness) {
		t.PassiveMin = set.Model(models.Liveness).Thresholds.Score
	}
	if _, _, err := TailOf(set, 1000); err != nil {
		return t, err
	}
	if err := errors.Join(t.Check(), aboveFloor(t, floorOf(set.Model(models.Embed).SHA256))); err != nil {
		return t, withHint(fmt.Errorf("%s: thresholds: %w", set.Model(models.Embed).File, err),
			"measure the model's thresholds (`smiletill accuracy`) and write them into its manifest; below the floor "+
				"no manifest is taken, because whoever can write one could else let anybody pay")
	}
	return t, nil
}

// floor is below which a manifest's cosines are refused: the lower 95 % bounds of those at 1, 10 and 100
// false accepts in 100,000 comparisons (models/measured/accuracy.md, plain; MobileFaceNet's as they were with
// a person under two names among the photos, by 0.003 higher).
type floor struct{ match, verify, sameFace float32 }

// The margin that was measured and shipped with the cosines, and MediaPipe's own least scores.
const (
	floorMargin = 0.05
	floorScore  = 0.5
)

// floorOf is the floor of an embedding network. A network whose curve is known has its own; all others, and
// a file that was changed by a byte is another one, have the highest, which is the small set's.
func floorOf(sha256 string) floor {
	if sha256 == sfaceSHA256 {
		return floor{0.467, 0.424, 0.369}
	}
	return floor{0.586, 0.526, 0.451}
}

// The networks whose curves were measured: sface_int8.tflite and mobilefacenet_int8.tflite.
const (
	sfaceSHA256 = "a0dc81ea31c9cf88e3f50836fa7dfca09bdbc14d8e713af8ec01ca11370fa497"
	smallSHA256 = "5c1eeb94e7e941220d169144e7f351b8aeb136fbef87b8e7118b32a31906c98b"
)

// aboveFloor says which thresholds are below the floor.
func aboveFloor(t vision.Thresholds, f floor) (bad error) {
	for _, c := range []struct {
		name         string
		value, floor float32
	}{
		{"match", t.Match, f.match}, {"verify", t.Verify, f.verify}, {"same_face", t.SameFace, f.sameFace},
		{"margin", t.Margin, floorMargin}, {"score of detect", t.FaceScore, floorScore},
		{"score of mesh", t.MeshScore, floorScore}, {"score of liveness", t.PassiveMin, floorScore},
	} {
		if !(c.value >= c.floor) {
			bad = errors.Join(bad, fmt.Errorf("threshold %s is %v, at least %v is wanted", c.name, c.value, c.floor))
		}
	}
	return bad
}

// want is what the runtime must find in a model.
func want(m models.Model) (w tflite.Want) {
	convert := func(from []models.Tensor) (to []tflite.Tensor) {
		for _, t := range from {
			to = append(to, tflite.Tensor{Shape: t.Shape, Type: t.Type, Scale: float32(t.Scale),
				ZeroPoint: t.ZeroPoint})
		}
		return to
	}
	return tflite.Want{Inputs: convert(m.Inputs), Outputs: convert(m.Outputs)}
}

// OnPayments is how the networks run for payments: one thread each, since on a Pi the other cores decode
// frames and serve the screen.
func OnPayments() tflite.Options { return tflite.Options{Threads: 1, XNNPACK: true} }

// Open loads all models of a set on the CPU, for programs that measure.
func Open(set models.Set, o tflite.Options) (n vision.Networks, closers []func() error, err error) {
	return openOn(set, o, edgetpu.New(edgetpu.Options{}), set.Has(models.Liveness))
}

// openOn also gives them to an accelerator, which is closed with them: those that are compiled for it
// go there when it works. Without passive the liveness network stays where it is: no payment asks for it.
func openOn(
	set models.Set, o tflite.Options, a *edgetpu.Accelerator, passive bool,
) (n vision.Networks, closers []func() error, err error) {
	closers = append(closers, a.Close)
	open := func(task models.Task) *edgetpu.Network {
		if err != nil {
			return nil
		}
		mod := set.Model(task)
		var ip *tflite.Interpreter
		o.Want = want(mod)
		ip, err = tflite.Open(set.Bytes(task), o)
		if err != nil {
			err = fmt.Errorf("open the %s model %s: %w", task, filepath.Join(Origin(set, task), mod.File), err)
			return nil
		}
		closers = append(closers, ip.Close)
		return a.Place(string(task), ip, set.EdgeTPU(task))
	}
	d, m, e := open(models.Detect), open(models.Mesh), open(models.Embed)
	var l *edgetpu.Network
	if passive {
		l = open(models.Liveness)
	}
	if err != nil {
		for _, c := range closers {
			err = errors.Join(err, c())
		}
		return vision.Networks{}, nil, err
	}
	fed := func(net *edgetpu.Network, task models.Task) vision.Network {
		p := set.Model(task).Preprocess
		return vision.Preprocessed(net, p.Colour == "BGR", p.Subtract, p.Divide)
	}
	n = vision.Networks{Detector: d, Mesh: m, Embedder: fed(e, models.Embed)}
	if l != nil {
		n.Liveness = fed(l, models.Liveness)
	}
	return n, closers, nil
}

// Origin is the folder that a model comes from, "" if it is embedded.
func Origin(set models.Set, task models.Task) string {
	if set.Embedded(task) {
		return ""
	}
	return set.Dir
}

// DescribeSet names a set in one line.
func DescribeSet(set models.Set) string {
	var parts []string
	for _, task := range set.Tasks() {
		mod := set.Model(task)
		own := ""
		if !set.Embedded(task) {
			own = ", the shop's own"
		}
		parts = append(parts, fmt.Sprintf("%s %.8s (%s%s)", strings.TrimSuffix(mod.File, filepath.Ext(mod.File)),
			mod.SHA256, mod.Arithmetic, own))
	}
	return fmt.Sprintf("%s; verified against the manifest %.8s", strings.Join(parts, ", "), set.ManifestSHA256())
}

// CloseAll closes what Open opened; what goes wrong joins err.
func CloseAll(closers []func() error, err *error) {
	for _, c := range closers {
		*err = errors.Join(*err, c())
	}
}
