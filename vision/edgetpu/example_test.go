package edgetpu_test

import (
	"context"
	"fmt"
	"log/slog"

	"smiletill/vision/edgetpu"
)

// double stands for a model on the CPU: one input, one output.
type double struct{ x, y []float32 }

func (d *double) Input(i int) []float32  { return [...][]float32{d.x, nil}[min(i, 1)] }
func (d *double) Output(i int) []float32 { return [...][]float32{d.y, nil}[min(i, 1)] }
func (d *double) Run() error             { d.y[0] = 2 * d.x[0]; return nil }

func Example() {
	a := edgetpu.New(edgetpu.Options{
		Library: "libedgetpu.so.1",
		Probe: func(context.Context, []byte) error {
			return &edgetpu.Failure{Verdict: edgetpu.NoLibrary, Library: "libedgetpu.so.1"}
		},
		Log: slog.New(slog.DiscardHandler),
	})
	n := a.Place("detect", &double{make([]float32, 1), make([]float32, 1)}, []byte("the compiled form"))
	a.Run(context.Background()) // beside the payments, which it does not hold up
	n.Input(0)[0] = 21
	fmt.Println(n.Run(), n.Output(0)[0])
	fmt.Println(a.State().Text)
	// Output:
	// <nil> 42
	// CPU (library not found: libedgetpu.so.1)
}
