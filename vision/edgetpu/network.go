package edgetpu

import (
	"fmt"
	"math"
	"sync/atomic"
)

const (
	// trialRuns is how many runs on the accelerator, of frames as they come, must be as the CPU's before they
	// count; as many that are another network's end the trial. One run would not do: of a plain grey frame the
	// detector's outputs are so small that roundings are most of them.
	trialRuns = 3
	// differMax is how far a compiled form's output may be from the CPU's, as the length of the difference
	// over the length of the output. Measured of the int8 detector and mesh against their float originals,
	// which are further apart than two forms of int8: 0.02 to 0.16 on patterns and noise, 0.4 on a shop in
	// which nobody is, 0.8 on grey. Unrelated outputs are at 1 and more, which is what otherFrom is near; what
	// lies between says nothing, but not without an end: undecidedMax frames are 10 s of a camera with 30 a
	// second, in which the CPU's results count.
	differMax    = 0.25
	otherFrom    = 0.9
	undecidedMax = 300
	// differFrom is the number of values from which an output is compared: a single number says little.
	differFrom = 8
)

// Runner is a network in memory: vision.Network. Input and Output are nil where there is none.
type Runner interface {
	Input(i int) []float32
	Output(i int) []float32
	Run() error
}

// Network runs on the accelerator while that works, else on the CPU. The Networks of an Accelerator serve one
// goroutine at a time, all of them.
type Network struct {
	name     string
	cpu      Runner
	compiled []byte
	on       atomic.Pointer[worker] // nil: on the CPU
	owner    *Accelerator
}

// Input returns the memory of input i, the CPU network's.
func (n *Network) Input(i int) []float32 { return n.cpu.Input(i) }

// Output returns the memory of output i, the CPU network's.
func (n *Network) Output(i int) []float32 { return n.cpu.Output(i) }

// Run computes the outputs from the inputs. Its errors are the CPU network's: a failure of the accelerator
// is the Accelerator's to tell. It allocates nothing.
func (n *Network) Run() error {
	w := n.on.Load()
	if w == nil {
		return n.cpu.Run()
	}
	each(n.cpu.Input, func(i int, in []float32) { copy(w.net.Input(i), in) })
	if err := w.run(); err != nil {
		n.owner.fail(n, &Failure{Verdict: Broke, Said: err.Error()})
		return n.cpu.Run()
	}
	if w.agreed < trialRuns {
		err := n.cpu.Run()
		if err == nil {
			n.judge(w)
		}
		return err
	}
	each(n.cpu.Output, func(i int, out []float32) { copy(out, w.net.Output(i)) })
	return nil
}

// judge compares a trial run with the CPU's.
func (n *Network) judge(w *worker) {
	far, bad := n.differ(w.net)
	switch {
	case bad == nil:
		w.agreed++
		return
	case far < otherFrom:
		w.undecided++
	default: // not a number, too
		w.differed++
	}
	if w.differed == trialRuns || w.undecided == undecidedMax {
		n.owner.fail(n, bad)
	}
}

// each calls use with every tensor that of has.
func each(of func(int) []float32, use func(int, []float32)) {
	for i := 0; of(i) != nil; i++ {
		use(i, of(i))
	}
}

// fits holds a compiled form's shape against the CPU network's.
func (n *Network) fits(c Compiled) error {
	var bad error
	compare := func(what string, cpu, other func(int) []float32) {
		for i := 0; cpu(i) != nil || other(i) != nil; i++ {
			if a, b := len(cpu(i)), len(other(i)); a != b && bad == nil {
				bad = &Failure{Verdict: Differs, Said: fmt.Sprintf("%s %d has %d values, not %d", what, i, b, a)}
			}
		}
	}
	compare("input", n.cpu.Input, c.Input)
	compare("output", n.cpu.Output, c.Output)
	return bad
}

// differ compares a compiled form's outputs with the CPU's, of the same input: how far the worst is, if that
// is further than roundings are.
func (n *Network) differ(c Compiled) (far float64, bad error) {
	each(n.cpu.Output, func(i int, want []float32) {
		d := distance(c.Output(i), want)
		if len(want) >= differFrom && !(d <= differMax) && (bad == nil || d > far || math.IsNaN(d)) {
			far = d
			bad = &Failure{Verdict: Differs,
				Said: fmt.Sprintf("output %d is %.2f away from the CPU's, at most %.2f is rounding", i, d, differMax)}
		}
	})
	return far, bad
}

// distance is |got-want| / |want|; NaN and infinity come out as they are.
func distance(got, want []float32) float64 {
	var off, whole float64
	for i, w := range want {
		d := float64(got[i]) - float64(w)
		off += d * d
		whole += float64(w) * float64(w)
	}
	if off == 0 {
		return 0
	}
	return math.Sqrt(off / whole)
}
