//go:build cgo && linux && !notflite

package vision_test

import (
	"crypto/sha256"
	"encoding/gob"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"image"
	"image/color"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"testing"

	"smiletill/models"
	"smiletill/vision"
)

// The golden outputs are what the networks give for one picture each, recorded on x86-64. They catch a
// runtime, a compiler flag or a processor that computes something else than what was measured in
// models/README.md.

var (
	updateGolden = flag.Bool("update", false, "record models/golden from this run instead of comparing with it")
	goldenOut    = flag.String("golden-out", "", "write all that TestGolden computes to this `file`, as gob")
)

// golden is the recording for one network.
type golden struct {
	SHA256   string         `json:"sha256"`   // of the model file
	Recorded string         `json:"recorded"` // where
	Outputs  []goldenOutput `json:"outputs"`
}

// goldenOutput holds every stride-th value of one output, in steps. A step is the quantisation step of the
// output, or what it would be if an output that is computed in float32 were int8: its range in 255 parts.
type goldenOutput struct {
	Values    int       `json:"values"`
	Stride    int       `json:"stride"`
	Step      float64   `json:"step"`
	Quantised bool      `json:"quantised"`
	Steps     []float64 `json:"steps"`
}

// computed is what one machine makes of the same pictures.
type computed struct {
	Arch    string // GOARCH
	Outputs map[models.Task][][]float32
	Looks   []sight
}

// smallEmbed stands for the embedding of the small set among the tasks.
const smallEmbed models.Task = "embed_small"

var tasks = []models.Task{models.Detect, models.Mesh, models.Embed, models.Liveness, smallEmbed}

// weights are the bytes of the model that ships for task.
func weights(t testing.TB, task models.Task) []byte {
	t.Helper()
	dir := ""
	if task == smallEmbed {
		dir, task = models.Small, models.Embed
	}
	set, err := models.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	return set.Bytes(task)
}

func TestGolden(t *testing.T) {
	c := compute(t)
	if *goldenOut != "" {
		f, err := os.Create(*goldenOut)
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(gob.NewEncoder(f).Encode(c), f.Close()); err != nil {
			t.Fatal(err)
		}
	}
	for _, task := range tasks {
		t.Run(string(task), func(t *testing.T) {
			sum := sha256.Sum256(weights(t, task))
			if *updateGolden {
				g := record(c.Outputs[task], outputSteps(weights(t, task)), hex.EncodeToString(sum[:]))
				saveGolden(t, task, g)
			}
			g := loadGolden(t, task)
			if g.SHA256 != hex.EncodeToString(sum[:]) {
				t.Fatalf("recorded with the model %.12s, this is %x: record it again: "+
					"go test -run TestGolden ./vision -update", g.SHA256, sum[:6])
			}
			if err := g.compare(c.Outputs[task]); err != nil {
				t.Error(err)
			}
		})
	}
}

// outputs runs the network of a task over its picture and copies what it gives.
func outputs(t testing.TB, task models.Task) [][]float32 {
	t.Helper()
	n := network(t, task)
	in, p := n.Input(0), pictures[task]
	face := p.crop(picture(t, "hopper.jpg"))
	if len(in)%len(face) != 0 {
		t.Fatalf("%s takes %d values, the picture has %d", task, len(in), len(face))
	}
	for rest := in; len(rest) > 0; rest = rest[len(face):] { // the same picture in every place of a batch
		copy(rest, face)
	}
	if err := n.Run(); err != nil {
		t.Fatal(err)
	}
	out := make([][]float32, n.Outputs())
	for i := range out {
		out[i] = append([]float32(nil), n.Output(i)...)
	}
	return out
}

// cut says which square of the portrait a network is shown, and how its pixels are scaled.
type cut struct {
	square       image.Rectangle // of the 640x480 portrait; black beyond its edges
	side         int             // input pixels
	subtract, by float32
}

// The squares are about those that the pipeline cuts out, with whole numbers and upright. Preprocessing is
// that of the manifest, as subtraction and division: a product and a sum may be fused on arm64, and would
// round differently.
var pictures = map[models.Task]cut{
	models.Detect: {image.Rect(0, -80, 640, 560), 128, 127.5, 127.5},
	models.Mesh:   {image.Rect(190, 72, 470, 352), 192, 0, 255},
	models.Embed:  {image.Rect(208, 53, 447, 292), 112, 127.5, 128},
	smallEmbed:    {image.Rect(208, 53, 447, 292), 112, 127.5, 128},

	models.Liveness: {image.Rect(90, 0, 570, 480), 128, 0, 1},
}

// crop averages whole pixels in whole numbers, so that every machine makes the same picture.
func (c cut) crop(m *image.YCbCr) []float32 {
	out := make([]float32, 0, c.side*c.side*3)
	edge := func(lo, size, i int) (int, int) {
		return lo + i*size/c.side, lo + max((i+1)*size/c.side, i*size/c.side+1)
	}
	for j := range c.side {
		y0, y1 := edge(c.square.Min.Y, c.square.Dy(), j)
		for i := range c.side {
			x0, x1 := edge(c.square.Min.X, c.square.Dx(), i)
			var sum [3]int
			for y := y0; y < y1; y++ {
				for x := x0; x < x1; x++ {
					if !image.Pt(x, y).In(m.Rect) {
						continue
					}
					p := m.YCbCrAt(x, y)
					r, g, b := color.YCbCrToRGB(p.Y, p.Cb, p.Cr)
					sum[0], sum[1], sum[2] = sum[0]+int(r), sum[1]+int(g), sum[2]+int(b)
				}
			}
			n := (y1 - y0) * (x1 - x0)
			for _, s := range sum {
				out = append(out, (float32((s+n/2)/n)-c.subtract)/c.by)
			}
		}
	}
	return out
}

// record samples the outputs; step is 0 for an output that is computed in float32.
func record(outs [][]float32, step []float64, sum string) golden {
	g := golden{SHA256: sum, Recorded: "linux/amd64, XNNPACK, one thread"}
	for i, out := range outs {
		o := goldenOutput{Values: len(out), Stride: (len(out)/400 + 1) | 1, Step: step[i], Quantised: step[i] > 0}
		if !o.Quantised {
			low, high := min(slices.Min(out), 0), max(slices.Max(out), 0)
			o.Step = float64(high-low) / 255
		}
		for k := 0; k < len(out); k += o.Stride {
			o.Steps = append(o.Steps, math.Round(float64(out[k])/o.Step*100)/100)
		}
		g.Outputs = append(g.Outputs, o)
	}
	return g
}

// compare allows one step of difference.
func (g golden) compare(outs [][]float32) error {
	if len(outs) != len(g.Outputs) {
		return fmt.Errorf("%d outputs, recorded %d", len(outs), len(g.Outputs))
	}
	for i, o := range g.Outputs {
		if len(outs[i]) != o.Values || o.Stride < 1 || len(o.Steps) != (o.Values+o.Stride-1)/o.Stride {
			return fmt.Errorf("output %d has %d values, recorded %d samples of %d", i, len(outs[i]),
				len(o.Steps), o.Values)
		}
		for k, want := range o.Steps {
			// The hundredth is what the recording is rounded to.
			if got := float64(outs[i][k*o.Stride]) / o.Step; !(math.Abs(got-want) <= 1.01) {
				return fmt.Errorf("output %d[%d] is %.2f steps of %.4g, recorded %.2f", i, k*o.Stride, got, o.Step, want)
			}
		}
	}
	return nil
}

func goldenPath(task models.Task) string {
	return filepath.Join("..", "models", "golden", string(task)+".json")
}

func loadGolden(t testing.TB, task models.Task) (g golden) {
	t.Helper()
	b, err := os.ReadFile(goldenPath(task))
	if errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("%v: record it: go test -run TestGolden ./vision -update", err)
	}
	if err = errors.Join(err, json.Unmarshal(b, &g)); err != nil {
		t.Fatal(err)
	}
	return g
}

func saveGolden(t testing.TB, task models.Task, g golden) {
	t.Helper()
	if runtime.GOARCH != "amd64" {
		t.Fatalf("golden outputs are recorded on amd64, this is %s", runtime.GOARCH)
	}
	b, err := json.Marshal(g)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Dir(goldenPath(task)), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(goldenPath(task), append(b, '\n'), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestGoldenNoticesDifferences(t *testing.T) {
	out := make([]float32, 1000)
	for i := range out {
		out[i] = float32(i%255-127) * 0.25
	}
	for _, step := range []float64{0.25, 0} {
		g := record([][]float32{out}, []float64{step}, "")
		size := float32(g.Outputs[0].Step)
		for _, c := range []struct {
			name   string
			change func([]float32) []float32
			same   bool
		}{
			{"two steps", func(o []float32) []float32 { o[3] += 2 * size; return o }, false},
			{"two steps less", func(o []float32) []float32 { o[999] -= 2 * size; return o }, false},
			{"not a number", func(o []float32) []float32 { o[0] = float32(math.NaN()); return o }, false},
			{"infinite", func(o []float32) []float32 { o[0] = float32(math.Inf(1)); return o }, false},
			{"zeros", func(o []float32) []float32 { clear(o); return o }, false},
			{"shorter", func(o []float32) []float32 { return o[:999] }, false},
			{"longer", func(o []float32) []float32 { return append(o, 0) }, false},
			{"half a step", func(o []float32) []float32 { o[3] += size / 2; return o }, true},
			{"the same", func(o []float32) []float32 { return o }, true},
		} {
			if err := g.compare([][]float32{c.change(append([]float32(nil), out...))}); (err == nil) != c.same {
				t.Errorf("step %v, %s: %v", step, c.name, err)
			}
		}
		if g.compare(nil) == nil {
			t.Error("no outputs are taken for the recorded ones")
		}
	}
}

// sight is what a Look at a portrait gives, as far as machines are compared.
type sight struct {
	Reason    vision.Reason
	Box       image.Rectangle
	Measures  map[string]float32
	Embedding []float32
}

// sights looks at the portraits with the whole pipeline.
func sights(t testing.TB) []sight {
	t.Helper()
	p := pipeline(t)
	var all []sight
	for _, name := range []string{"hopper.jpg", "collins.jpg"} {
		l := look(t, p, picture(t, name))
		all = append(all, sight{l.Reason, l.Box, map[string]float32{"yaw": l.Pose.Yaw, "pitch": l.Pose.Pitch,
			"roll": l.Pose.Roll, "smile": l.Smile, "eyes open": l.EyesOpen, "sharpness": l.Sharpness,
			"brightness": l.Brightness}, l.Embedding})
	}
	return all
}
