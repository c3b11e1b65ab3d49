//go:build cgo && linux && !notflite

package tflite

import (
	"math"
	"unsafe"

	"github.com/mattn/go-tflite"
)

// window takes hold of the memory of one input or output.
func window(what string, i int, t *tflite.Tensor) (tensor, error) {
	if t == nil {
		return tensor{}, badModel("%s %d is missing", what, i)
	}
	shape, n := t.Shape(), 1
	for _, d := range shape {
		if d < 1 || n > maxValues/d {
			return tensor{}, badModel("%s %d has shape %v", what, i, shape)
		}
		n *= d
	}
	w := tensor{Tensor: Tensor{Shape: shape}}
	size := n
	low, high := 0, 0
	switch t.Type() {
	case tflite.Float32:
		w.Type, size = "float32", 4*n
	case tflite.Int8:
		w.Type, low, high = "int8", math.MinInt8, math.MaxInt8
	case tflite.UInt8:
		w.Type, low, high = "uint8", 0, math.MaxUint8
	default:
		return tensor{}, badModel("%s %d is of type %d, want float32, int8 or uint8", what, i, int(t.Type()))
	}
	data := t.Data()
	if data == nil || t.ByteSize() != uint(size) {
		return tensor{}, badModel("%s %d of shape %v has no fixed memory", what, i, shape)
	}
	if w.Type == "float32" {
		w.values = unsafe.Slice((*float32)(data), n)
		return w, nil
	}
	q := t.QuantizationParams()
	w.Scale, w.ZeroPoint, w.values = float32(q.Scale), q.ZeroPoint, make([]float32, n)
	if !(w.Scale > 0) || math.IsInf(q.Scale, 0) || w.ZeroPoint < low || w.ZeroPoint > high {
		return tensor{}, badModel("%s %d is %v, which is no quantisation", what, i, w.Tensor)
	}
	if w.Type == "int8" {
		w.signed = unsafe.Slice((*int8)(data), n)
	} else {
		w.unsigned = unsafe.Slice((*uint8)(data), n)
	}
	return w, nil
}
