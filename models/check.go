package models

import (
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strings"
)

// ErrManifest marks a manifest that breaks the rules of this package.
var ErrManifest = errors.New("unusable model manifest")

const maxBytes = 256 << 20 // of a file: more than any network that a small device can run

func (m Model) check() error {
	switch {
	case !slices.Contains(Tasks(), m.Task):
		return fmt.Errorf("task is %q, want detect, mesh, embed or liveness", m.Task)
	case !isName(m.File, ".tflite"):
		return errors.New("file must be a bare name that ends in .tflite")
	case !isHash(m.SHA256):
		return errors.New("sha256 must be 64 lower-case hex digits")
	case m.Bytes < 1 || m.Bytes > maxBytes:
		return fmt.Errorf("bytes is %d, want 1 to %d", m.Bytes, maxBytes)
	case m.Arithmetic != "int8" && m.Arithmetic != "float32":
		return fmt.Errorf("arithmetic is %q, want int8 or float32", m.Arithmetic)
	case strings.TrimSpace(m.Licence) == "":
		return errors.New("licence is empty")
	case m.Card != "" && !isName(m.Card, ".md"):
		return errors.New("card must be a bare name that ends in .md")
	}
	err := errors.Join(checkTensors("inputs", m.Inputs), checkTensors("outputs", m.Outputs))
	if err == nil {
		err = m.checkShapes()
	}
	for _, a := range m.Accuracy {
		err = errors.Join(err, a.check())
	}
	return errors.Join(err, m.checkPreprocess(), m.Source.check(), m.checkThresholds(),
		checkTail(m.Task, m.Tail), m.EdgeTPU.check(m.File))
}

// checkShapes knows what the pipeline in vision feeds and reads. The embedder may take one face or two, and
// give a vector of any length that a gallery keeps; the liveness network may have any classes after the
// first.
func (m Model) checkShapes() error {
	var in []int
	var out [][]int
	switch m.Task {
	case Detect:
		in, out = []int{1, 128, 128, 3}, [][]int{{1, 896, 16}, {1, 896, 1}}
	case Mesh:
		in, out = []int{1, 192, 192, 3}, [][]int{{1, 1, 1, 1404}, {1, 1, 1, 1}}
	case Embed:
		batch := min(max(m.Inputs[0].Shape[0], 1), 2)
		s := m.Outputs[0].Shape
		if len(s) != 2 || s[1] < 16 || s[1] > 1024 {
			return fmt.Errorf("outputs[0] has shape %v, want [%d n], n of 16 to 1024", s, batch)
		}
		in, out = []int{batch, 112, 112, 3}, [][]int{{batch, s[1]}}
	case Liveness:
		s := m.Outputs[0].Shape
		if len(s) != 2 || s[1] < 2 || s[1] > 16 {
			return fmt.Errorf("outputs[0] has shape %v, want [1 n], n of 2 to 16", s)
		}
		in, out = []int{1, 128, 128, 3}, [][]int{{1, s[1]}}
	}
	if len(m.Inputs) != 1 || !slices.Equal(m.Inputs[0].Shape, in) {
		return fmt.Errorf("inputs have shape %v, the task %s takes %v", shapes(m.Inputs), m.Task, [][]int{in})
	}
	if !slices.EqualFunc(m.Outputs, out, func(t Tensor, s []int) bool { return slices.Equal(t.Shape, s) }) {
		return fmt.Errorf("outputs have shape %v, the task %s gives %v", shapes(m.Outputs), m.Task, out)
	}
	return nil
}

func shapes(ts []Tensor) (out [][]int) {
	for _, t := range ts {
		out = append(out, t.Shape)
	}
	return out
}

func (m Model) checkThresholds() error {
	t := m.Thresholds
	if strings.TrimSpace(t.From) == "" {
		return errors.New("thresholds: from is empty: name the measurement")
	}
	inside := func(name string, v, low, high float32) error {
		if !(v > low && v < high) {
			return fmt.Errorf("thresholds: %s is missing or %v, want more than %v and less than %v", name, v, low,
				high)
		}
		return nil
	}
	if m.Task != Embed {
		if t.Match != 0 || t.Verify != 0 || t.SameFace != 0 || t.Margin != 0 {
			return fmt.Errorf("thresholds: the task %s has a score only", m.Task)
		}
		return inside("score", t.Score, 0, 1)
	}
	err := errors.Join(inside("match", t.Match, 0, 1), inside("verify", t.Verify, 0, 1),
		inside("same_face", t.SameFace, 0, 1), inside("margin", t.Margin, 0, 1))
	switch {
	case err != nil:
		return err
	case t.Verify > t.Match:
		return fmt.Errorf("thresholds: verify %v is above match %v", t.Verify, t.Match)
	case t.Score != 0:
		return errors.New("thresholds: the task embed has cosines, and no score")
	}
	return nil
}

func (a Measured) check() error {
	switch {
	case strings.TrimSpace(a.Measure) == "" || strings.TrimSpace(a.On) == "":
		return errors.New("accuracy: measure and on must say what was measured on which data")
	case math.IsInf(a.Value, 0) || !(a.Low <= a.Value && a.Value <= a.High):
		return fmt.Errorf("accuracy %q: value %v isn't within low %v and high %v", a.Measure, a.Value, a.Low,
			a.High)
	}
	return nil
}

// check also takes a nil Variant: a model need not have one.
func (v *Variant) check(plain string) error {
	switch {
	case v == nil:
		return nil
	case !isName(v.File, ".tflite") || v.File == plain:
		return errors.New("edgetpu: file must be another bare name that ends in .tflite")
	case !isHash(v.SHA256):
		return errors.New("edgetpu: sha256 must be 64 lower-case hex digits")
	case v.Bytes < 1 || v.Bytes > maxBytes:
		return fmt.Errorf("edgetpu: bytes is %d, want 1 to %d", v.Bytes, maxBytes)
	}
	return nil
}

// checkPreprocess: the pipeline feeds detector and mesh in one way only, and the others as they like it.
func (m Model) checkPreprocess() error {
	p := m.Preprocess
	only := Preprocess{Colour: "RGB", Subtract: 127.5, Divide: 127.5}
	if m.Task == Mesh {
		only.Subtract, only.Divide = 0, 255
	}
	if (m.Task == Detect || m.Task == Mesh) && p != only {
		return fmt.Errorf("preprocess: the task %s has %s (pixel - %v) / %v", m.Task, only.Colour, only.Subtract,
			only.Divide)
	}
	if p.Colour != "RGB" && p.Colour != "BGR" {
		return fmt.Errorf("preprocess: colour is %q, want RGB or BGR", p.Colour)
	}
	if !within(p.Subtract, 0, 255) || !within(p.Divide, 1, 255) {
		return fmt.Errorf("preprocess: (pixel - %v) / %v is out of range", p.Subtract, p.Divide)
	}
	return nil
}

func (s Source) check() error {
	packaged := s != (Source{Text: s.Text})
	switch {
	case s.Text != "" && packaged:
		return errors.New("source is a text or a package, not both")
	case s.Text != "":
		return nil
	case s.Package == "" || s.Version == "" || s.Member == "":
		return errors.New("source needs a text, or package, version, sha256 and member")
	case !isHash(s.SHA256):
		return errors.New("source: sha256 must be 64 lower-case hex digits")
	case s.Offset < 0 || s.Length < 0 || s.Length > maxBytes || (s.Offset > 0 && s.Length == 0):
		return errors.New("source: offset and length are out of range")
	}
	return nil
}

func checkTensors(what string, ts []Tensor) error {
	if len(ts) == 0 {
		return fmt.Errorf("%s are missing", what)
	}
	for i, t := range ts {
		if err := t.check(); err != nil {
			return fmt.Errorf("%s[%d]: %w", what, i, err)
		}
	}
	return nil
}

func (t Tensor) check() error {
	low, high := 0, 0
	switch t.Type {
	case "float32":
		if t.Scale != 0 || t.ZeroPoint != 0 {
			return errors.New("float32 has no scale and no zero_point")
		}
	case "int8":
		low, high = -128, 127
	case "uint8":
		low, high = 0, 255
	default:
		return fmt.Errorf("type is %q, want float32, int8 or uint8", t.Type)
	}
	if t.Type != "float32" && !within(t.Scale, 1e-12, 1e6) {
		return fmt.Errorf("scale is missing or %v, want more than 0", t.Scale)
	}
	if t.ZeroPoint < low || t.ZeroPoint > high {
		return fmt.Errorf("zero_point is %d, %s has %d to %d", t.ZeroPoint, t.Type, low, high)
	}
	if len(t.Shape) == 0 {
		return errors.New("shape is empty")
	}
	n := 1
	for _, d := range t.Shape {
		if d < 1 || d > maxBytes/4/n {
			return fmt.Errorf("shape is %v", t.Shape)
		}
		n *= d
	}
	return nil
}

// isName holds for a name that leads nowhere else than beside the manifest.
func isName(s, ending string) bool {
	return s == filepath.Base(s) && !strings.ContainsAny(s, "/\\\x00") && strings.HasSuffix(s, ending) &&
		s != ending && len(s) <= 255
}

func isHash(s string) bool {
	b, err := hex.DecodeString(s)
	return err == nil && len(b) == 32 && s == strings.ToLower(s)
}

func within(v, low, high float64) bool { return !math.IsNaN(v) && v >= low && v <= high }
