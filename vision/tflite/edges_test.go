//go:build cgo && linux && !notflite

package tflite

import (
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	flatbuffers "github.com/google/flatbuffers/go"
)

// Numbers of tensorflow/lite/schema/schema.fbs.
const (
	typeFloat32, typeUInt8, typeInt16, typeInt8 = 0, 3, 7, 9
	opDequantize, opCustom, opQuantize          = 6, 32, 114
)

// edge is a tensor of a model that is put together here.
type edge struct {
	kind  int8
	scale []float32 // nil: none
	zero  int64
}

// single puts a model of one operator together: from in to out, both of shape [1, n].
func single(op int32, custom string, in, out edge, n int32) []byte {
	b := flatbuffers.NewBuilder(1024)
	ints := func(v ...int32) flatbuffers.UOffsetT {
		b.StartVector(4, len(v), 4)
		for i := len(v) - 1; i >= 0; i-- {
			b.PrependInt32(v[i])
		}
		return b.EndVector(len(v))
	}
	list := func(v ...flatbuffers.UOffsetT) flatbuffers.UOffsetT {
		b.StartVector(4, len(v), 4)
		for i := len(v) - 1; i >= 0; i-- {
			b.PrependUOffsetT(v[i])
		}
		return b.EndVector(len(v))
	}
	tensor := func(e edge) flatbuffers.UOffsetT {
		b.StartVector(4, len(e.scale), 4)
		for i := len(e.scale) - 1; i >= 0; i-- {
			b.PrependFloat32(e.scale[i])
		}
		scale := b.EndVector(len(e.scale))
		b.StartVector(8, len(e.scale), 8)
		for range e.scale {
			b.PrependInt64(e.zero)
		}
		zero := b.EndVector(len(e.scale))
		b.StartObject(4)
		b.PrependUOffsetTSlot(2, scale, 0)
		b.PrependUOffsetTSlot(3, zero, 0)
		quantisation := b.EndObject()
		shape, name := ints(1, n), b.CreateString("t")
		b.StartObject(5)
		b.PrependUOffsetTSlot(0, shape, 0)
		b.PrependInt8Slot(1, e.kind, 0)
		b.PrependUOffsetTSlot(3, name, 0)
		b.PrependUOffsetTSlot(4, quantisation, 0)
		return b.EndObject()
	}
	name := b.CreateString(custom)
	b.StartObject(4)
	b.PrependInt8Slot(0, int8(op), 0)
	if custom != "" {
		b.PrependUOffsetTSlot(1, name, 0)
	}
	b.PrependInt32Slot(2, 1, 0)
	b.PrependInt32Slot(3, op, 0)
	code := b.EndObject()
	first, last := ints(0), ints(1)
	b.StartObject(3)
	b.PrependUOffsetTSlot(1, first, 0)
	b.PrependUOffsetTSlot(2, last, 0)
	node := b.EndObject()
	tensors, nodes := list(tensor(in), tensor(out)), list(node)
	b.StartObject(4)
	b.PrependUOffsetTSlot(0, tensors, 0)
	b.PrependUOffsetTSlot(1, first, 0)
	b.PrependUOffsetTSlot(2, last, 0)
	b.PrependUOffsetTSlot(3, nodes, 0)
	whole := b.EndObject()
	b.StartObject(1)
	empty := b.EndObject()
	codes, graphs, buffers := list(code), list(whole), list(empty)
	b.StartObject(5)
	b.PrependUint32Slot(0, 3, 0)
	b.PrependUOffsetTSlot(1, codes, 0)
	b.PrependUOffsetTSlot(2, graphs, 0)
	b.PrependUOffsetTSlot(4, buffers, 0)
	b.FinishWithFileIdentifier(b.EndObject(), []byte("TFL3"))
	return b.FinishedBytes()
}

func float() edge { return edge{kind: typeFloat32} }

func int8Edge(scale float32, zero int64) edge { return edge{typeInt8, []float32{scale}, zero} }

func uint8Edge(scale float32, zero int64) edge { return edge{typeUInt8, []float32{scale}, zero} }

// Values go in and come out as float32, whatever the model keeps them as: rounded half away from zero to
// whole steps, clamped to what the type holds.
func TestEdges(t *testing.T) {
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	for _, c := range []struct {
		name    string
		model   []byte
		in, out []float32
	}{
		{"int8 in", single(opDequantize, "", int8Edge(0.5, 10), float(), 13),
			[]float32{0, 0.5, 0.24, 0.25, -0.25, -0.75, 1e9, -1e9, 58.5, -69, nan, inf, -inf},
			[]float32{0, 0.5, 0, 0.5, -0.5, -1, 58.5, -69, 58.5, -69, 0, 58.5, -69}},
		{"uint8 in", single(opDequantize, "", uint8Edge(2, 100), float(), 7),
			[]float32{0, 1, -1, 2.9, 1e9, -1e9, -200}, []float32{0, 2, -2, 2, 310, -200, -200}},
		{"int8 out", single(opQuantize, "", float(), int8Edge(0.25, -3), 4),
			[]float32{0, 1.1, -100, 100}, []float32{0, 1, -31.25, 32.5}},
		{"uint8 out", single(opQuantize, "", float(), uint8Edge(0.25, 3), 4),
			[]float32{0, 1.1, -100, 100}, []float32{0, 1, -0.75, 63}},
		{"int8 in, uint8 out", single(opQuantize, "", int8Edge(0.5, 0), uint8Edge(0.5, 128), 4),
			[]float32{0, 1.2, -64, 63.5}, []float32{0, 1, -64, 63.5}},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, fast := range []bool{false, true} {
				p, err := Open(c.model, Options{XNNPACK: fast})
				if err != nil {
					t.Fatal(err)
				}
				copy(p.Input(0), c.in)
				for range 2 { // what is quantised is left as it was
					if err := p.Run(); err != nil {
						t.Fatal(err)
					}
					if got := p.Output(0); !slices.Equal(got, c.out) {
						t.Errorf("xnnpack %v: %v became %v, want %v", fast, c.in, got, c.out)
					}
				}
				if n := testing.AllocsPerRun(10, func() { _ = p.Run() }); n != 0 {
					t.Errorf("%v allocations a run", n)
				}
				if err := p.Close(); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

func TestOpenRefusesEdges(t *testing.T) {
	for _, c := range []struct {
		name  string
		model []byte
		want  Want
		says  string
	}{
		{"int16", single(opDequantize, "", edge{typeInt16, []float32{1}, 0}, float(), 4), Want{}, "type 7"},
		{"no scale", single(opDequantize, "", edge{kind: typeInt8}, float(), 4), Want{}, "quantisation"},
		{"negative scale", single(opDequantize, "", int8Edge(-1, 0), float(), 4), Want{}, "quantisation"},
		{"NaN scale", single(opDequantize, "", int8Edge(float32(math.NaN()), 0), float(), 4), Want{},
			"quantisation"},
		{"zero point out of range", single(opDequantize, "", uint8Edge(1, -1), float(), 4), Want{},
			"quantisation"},
		{"a scale a channel", single(opDequantize, "", edge{typeInt8, []float32{1, 2, 3, 4}, 0}, float(), 4),
			Want{}, ""},
		{"custom operator", single(opCustom, "FaceMagic", float(), float(), 4), Want{},
			"custom operator FaceMagic is not known"},
		{"an operator from the future", single(99999, "", float(), float(), 4), Want{}, ""},
		{"another scale", single(opDequantize, "", int8Edge(0.5, 1), float(), 4), Want{
			Inputs:  []Tensor{{Shape: []int{1, 4}, Type: "int8", Scale: 0.501, ZeroPoint: 1}},
			Outputs: []Tensor{{Shape: []int{1, 4}, Type: "float32"}}}, "scale 0.5,"},
		{"another zero point", single(opDequantize, "", int8Edge(0.5, 1), float(), 4), Want{
			Inputs:  []Tensor{{Shape: []int{1, 4}, Type: "int8", Scale: 0.5, ZeroPoint: 2}},
			Outputs: []Tensor{{Shape: []int{1, 4}, Type: "float32"}}}, "zero point 1,"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p, err := Open(c.model, Options{Want: c.want})
			if p != nil || !errors.Is(err, ErrModel) || !strings.Contains(err.Error(), c.says) {
				t.Errorf("%v, want ErrModel with %q", err, c.says)
			}
		})
	}
	wanted := Want{Inputs: []Tensor{{Shape: []int{1, 4}, Type: "int8", Scale: 0.1234567, ZeroPoint: 1}},
		Outputs: []Tensor{{Shape: []int{1, 4}, Type: "float32"}}}
	p, err := Open(single(opDequantize, "", int8Edge(0.12345671, 1), float(), 4), Options{Want: wanted})
	if err != nil {
		t.Fatalf("a scale that differs by its decimal digits only: %v", err)
	}
	if err := p.Close(); err != nil {
		t.Error(err)
	}
}

func BenchmarkQuantise(b *testing.B) {
	t := tensor{Tensor: Tensor{Scale: 1. / 128, ZeroPoint: -1}, values: make([]float32, 112*112*3),
		signed: make([]int8, 112*112*3)}
	for i := range t.values {
		t.values[i] = float32(i%256)/128 - 1
	}
	b.ReportAllocs()
	for b.Loop() {
		t.quantise()
	}
}
