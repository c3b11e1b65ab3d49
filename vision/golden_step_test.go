//go:build cgo && linux && !notflite

package vision_test

import (
	"encoding/binary"
	"math"
	"slices"
)

// table is a table of a flatbuffer, read as far as the quantisation steps of a TFLite model need. The files
// are our own and verified by hash: a damaged one panics.
type table struct {
	b  []byte
	at int
}

func u32(b []byte, at int) int { return int(binary.LittleEndian.Uint32(b[at:])) }

// field gives the place of field n, or 0 when the table leaves it out.
func (t table) field(n int) int {
	vtable := t.at - int(int32(u32(t.b, t.at)))
	if 4+2*n >= int(binary.LittleEndian.Uint16(t.b[vtable:])) {
		return 0
	}
	if o := int(binary.LittleEndian.Uint16(t.b[vtable+4+2*n:])); o != 0 {
		return t.at + o
	}
	return 0
}

// vector gives the place of the first element of field n and how many there are.
func (t table) vector(n int) (at, count int) {
	f := t.field(n)
	if f == 0 {
		return 0, 0
	}
	v := f + u32(t.b, f)
	return v + 4, u32(t.b, v)
}

func (t table) tables(n int) (all []table) {
	at, count := t.vector(n)
	for i := range count {
		all = append(all, table{t.b, at + 4*i + u32(t.b, at+4*i)})
	}
	return all
}

func (t table) ints(n int) (all []int) {
	at, count := t.vector(n)
	for i := range count {
		all = append(all, int(int32(u32(t.b, at+4*i))))
	}
	return all
}

// scale of a tensor (tensorflow/lite/schema/schema.fbs: Tensor.quantization 4, QuantizationParameters.scale
// 2) when it has one, else 0.
func (t table) scale() float64 {
	f := t.field(4)
	if f == 0 {
		return 0
	}
	if at, n := (table{t.b, f + u32(t.b, f)}).vector(2); n == 1 {
		return float64(math.Float32frombits(binary.LittleEndian.Uint32(t.b[at:])))
	}
	return 0
}

// computesInt8 tells whether a model has int8 tensors (TensorType 9).
func computesInt8(model []byte) bool {
	graph := (table{model, u32(model, 0)}).tables(2)[0]
	return slices.ContainsFunc(graph.tables(0), func(t table) bool {
		f := t.field(1) // Tensor.type
		return f != 0 && model[f] == 9
	})
}

// outputSteps gives the quantisation step of each output of a model: the scale of the integers that it is
// made of, the coarsest where several are joined. An output that is computed in float32 has 0.
func outputSteps(model []byte) []float64 {
	graph := (table{model, u32(model, 0)}).tables(2)[0] // Model.subgraphs
	return graphSteps(graph, codes(table{model, u32(model, 0)}))
}

// codes lists the builtin operators that the model's operators refer to.
func codes(model table) (all []int) {
	for _, c := range model.tables(1) { // Model.operator_codes
		code := 0
		if f := c.field(0); f != 0 { // deprecated_builtin_code, a byte
			code = int(c.b[f])
		}
		if f := c.field(3); f != 0 { // builtin_code
			code = max(code, u32(c.b, f))
		}
		all = append(all, code)
	}
	return all
}

func graphSteps(graph table, codes []int) []float64 {
	// BuiltinOperator: what only moves values about, and DEQUANTIZE, which turns integers into float32.
	const concatenation, reshape, squeeze, dequantize = 2, 22, 43, 6
	tensors, ops := graph.tables(0), graph.tables(3)
	var step func(tensor int) float64
	step = func(tensor int) float64 {
		for _, op := range ops {
			if !slices.Contains(op.ints(2), tensor) { // Operator.outputs
				continue
			}
			code := 0
			if f := op.field(0); f != 0 {
				code = codes[u32(op.b, f)]
			}
			inputs := op.ints(1)
			switch code {
			case dequantize:
				return tensors[inputs[0]].scale()
			case reshape, squeeze:
				return step(inputs[0])
			case concatenation:
				coarsest := 0.0
				for _, in := range inputs {
					s := step(in)
					if s == 0 {
						return 0
					}
					coarsest = max(coarsest, s)
				}
				return coarsest
			}
		}
		return 0
	}
	var steps []float64
	for _, out := range graph.ints(2) { // SubGraph.outputs
		if s := tensors[out].scale(); s != 0 { // an int8 or uint8 edge
			steps = append(steps, s)
		} else {
			steps = append(steps, step(out))
		}
	}
	return steps
}
