package plugintest

import "encoding/binary"

// CustomModel is a model of four float32 values x that gives relu(2x + 1) a value. Its first operator is
// "edgetpu-custom-op", which no runtime knows without a delegate: as a model compiled for the Edge TPU is.
func CustomModel() []byte {
	const relu, custom = 19, 32 // BuiltinOperator of schema.fbs
	tensor := func(name string) table { return table{[]int32{1, 4}, nil, uint32(0), name} }
	op := func(code uint32, in, out int32) table { return table{code, []int32{in}, []int32{out}} }
	return encode(table{
		uint32(3), // version of the schema
		[]table{
			{uint8(custom), "edgetpu-custom-op", uint32(1), uint32(custom)},
			{uint8(relu), nil, uint32(1), uint32(relu)},
		},
		[]table{{ // the graph: tensors, inputs, outputs, operators
			[]table{tensor("x"), tensor("2x+1"), tensor("y")}, []int32{0}, []int32{2},
			[]table{op(0, 0, 1), op(1, 1, 2)},
		}},
		nil,
		[]table{{}}, // one buffer, empty
	})
}

// table is a flatbuffers table: its fields in order, each nil, a uint8, a uint32, a string, []int32 or
// []table.
type table []any

// encode writes a model of one root table: parents before children, as offsets only point forward, but for
// those to vtables.
func encode(root table) []byte {
	w := writer{append(make([]byte, 4), "TFL3"...)}
	w.link(0, func() { w.table(root) })
	return w.b
}

type writer struct{ b []byte }

func (w *writer) u32(v uint32) { w.b = binary.LittleEndian.AppendUint32(w.b, v) }

// link writes something and makes the offset at a place point to it.
func (w *writer) link(at int, write func()) {
	for len(w.b)%4 != 0 {
		w.b = append(w.b, 0)
	}
	target := len(w.b)
	write()
	binary.LittleEndian.PutUint32(w.b[at:], uint32(target-at))
}

func (w *writer) table(t table) {
	start := len(w.b)
	w.u32(0) // distance to the vtable
	places := make([]int, len(t))
	for i, f := range t {
		if f == nil {
			continue
		}
		places[i] = len(w.b)
		switch v := f.(type) {
		case uint8:
			w.u32(uint32(v)) // padded
		case uint32:
			w.u32(v)
		default:
			w.u32(0) // an offset, to be filled in
		}
	}
	size := len(w.b) - start
	binary.LittleEndian.PutUint32(w.b[start:], uint32(-size)) // signed; the vtable is at the table minus this
	w.b = binary.LittleEndian.AppendUint16(w.b, uint16(4+2*len(t)))
	w.b = binary.LittleEndian.AppendUint16(w.b, uint16(size))
	for _, p := range places {
		w.b = binary.LittleEndian.AppendUint16(w.b, uint16(max(0, p-start)))
	}
	for i, f := range t {
		switch v := f.(type) {
		case string:
			w.link(places[i], func() { w.u32(uint32(len(v))); w.b = append(w.b, v+"\x00"...) })
		case []int32:
			w.link(places[i], func() { w.ints(v) })
		case []table:
			w.link(places[i], func() { w.tables(v) })
		}
	}
}

func (w *writer) ints(v []int32) {
	w.u32(uint32(len(v)))
	for _, n := range v {
		w.u32(uint32(n))
	}
}

func (w *writer) tables(v []table) {
	w.u32(uint32(len(v)))
	first := len(w.b)
	w.b = append(w.b, make([]byte, 4*len(v))...)
	for i, t := range v {
		w.link(first+4*i, func() { w.table(t) })
	}
}
