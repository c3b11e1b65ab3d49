package tflite

import (
	"fmt"
	"math"
	"slices"
)

// Tensor is what an input or output is: its shape, and how its values are stored. Of int8 and uint8,
// value = (stored - ZeroPoint) * Scale.
type Tensor struct {
	Shape     []int
	Type      string // float32, int8 or uint8
	Scale     float32
	ZeroPoint int
}

func (t Tensor) String() string {
	if t.Type == "float32" {
		return fmt.Sprintf("%s %v", t.Type, t.Shape)
	}
	return fmt.Sprintf("%s %v, scale %v, zero point %d", t.Type, t.Shape, t.Scale, t.ZeroPoint)
}

// scaleSlack is the relative difference up to which two scales are the same: a manifest holds the model's
// float32 as decimal text.
const scaleSlack = 1e-5

func (t Tensor) same(o Tensor) bool {
	return slices.Equal(t.Shape, o.Shape) && t.Type == o.Type && t.ZeroPoint == o.ZeroPoint &&
		math.Abs(float64(t.Scale-o.Scale)) <= scaleSlack*math.Abs(float64(o.Scale))
}

// Want is what a manifest says of a model. A model that is another one would compute a wrong score in
// silence: Open refuses it.
type Want struct{ Inputs, Outputs []Tensor }

// check holds a loaded model against w. The zero Want takes any.
func (w Want) check(inputs, outputs []tensor) error {
	if w.Inputs == nil && w.Outputs == nil {
		return nil
	}
	for _, side := range []struct {
		what string
		want []Tensor
		got  []tensor
	}{{"input", w.Inputs, inputs}, {"output", w.Outputs, outputs}} {
		if len(side.got) != len(side.want) {
			return badModel("it has %d %ss, its manifest says %d", len(side.got), side.what, len(side.want))
		}
		for i, got := range side.got {
			if !got.Tensor.same(side.want[i]) {
				return badModel("%s %d is %v, its manifest says %v", side.what, i, got.Tensor, side.want[i])
			}
		}
	}
	return nil
}

// tensor is one input or output with its memory. Float32 ones show the runtime's own; of the others, values
// is ours, and signed or unsigned is the runtime's.
type tensor struct {
	Tensor
	values   []float32
	signed   []int8
	unsigned []uint8
}

// quantise stores the values of an int8 or uint8 tensor, rounded half away from zero as the converter does,
// and clamped. What is not a number becomes the zero point.
//
//go:norace
func (t *tensor) quantise() {
	scale, zero := float64(t.Scale), t.ZeroPoint
	low, high := float64(math.MinInt8-zero), float64(math.MaxInt8-zero)
	for i := range t.signed {
		t.signed[i] = int8(nearest(float64(t.values[i])/scale, low, high) + zero)
	}
	low, high = float64(-zero), float64(math.MaxUint8-zero)
	for i := range t.unsigned {
		t.unsigned[i] = uint8(nearest(float64(t.values[i])/scale, low, high) + zero)
	}
}

// nearest rounds steps, half away from zero, and holds them within low and high. It can be inlined: an
// aligned face takes 0.05 ms (BenchmarkQuantise), with math.Trunc and math.Copysign it took 0.28.
func nearest(steps, low, high float64) int {
	switch {
	case steps >= high:
		return int(high)
	case steps >= 0:
		return int(steps + 0.5)
	case steps > low:
		return int(steps - 0.5)
	case steps <= low:
		return int(low)
	}
	return 0 // not a number
}

// dequantise reads the values of an int8 or uint8 tensor.
//
//go:norace
func (t *tensor) dequantise() {
	for i, q := range t.signed {
		t.values[i] = float32(int(q)-t.ZeroPoint) * t.Scale
	}
	for i, q := range t.unsigned {
		t.values[i] = float32(int(q)-t.ZeroPoint) * t.Scale
	}
}
