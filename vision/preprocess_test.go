package vision

import (
	"math"
	"testing"
)

// echo is a network whose input can be read after Run.
type echo struct {
	in  [6]float32
	ran bool
}

func (e *echo) Input(int) []float32  { return e.in[:] }
func (e *echo) Output(int) []float32 { return nil }
func (e *echo) Run() error           { e.ran = true; return nil }

func TestPreprocessed(t *testing.T) {
	pixels := []float64{0, 100, 255, 1, 127.5, 200}
	for _, c := range []struct {
		name             string
		bgr              bool
		subtract, divide float64
	}{
		{"arcface", false, 127.5, 127.5},
		{"as they are, BGR", true, 0, 1},
		{"0 to 1", false, 0, 255},
		{"the pipeline's, BGR", true, 127.5, 128},
	} {
		t.Run(c.name, func(t *testing.T) {
			e := &echo{}
			n := Preprocessed(e, c.bgr, c.subtract, c.divide)
			for i, v := range pixels {
				n.Input(0)[i] = float32(v*alignMul + alignAdd)
			}
			for range 2 { // the input stays for another run
				if err := n.Run(); err != nil || !e.ran {
					t.Fatal(err, e.ran)
				}
			}
			for i, v := range pixels {
				at := i
				if c.bgr {
					at = i - i%3 + 2 - i%3
				}
				if want := (v - c.subtract) / c.divide; math.Abs(float64(e.in[at])-want) > 1e-4*max(1, 255/c.divide) {
					t.Errorf("pixel %v became %v, want %v", v, e.in[at], want)
				}
			}
			if allocs := testing.AllocsPerRun(10, func() { _ = n.Run() }); allocs != 0 {
				t.Errorf("%v allocations", allocs)
			}
		})
	}
	e := &echo{}
	if Preprocessed(e, false, 127.5, 128) != Network(e) {
		t.Error("the pipeline's own kind is converted")
	}
}
