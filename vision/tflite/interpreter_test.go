//go:build cgo && linux && !notflite

package tflite

import (
	"errors"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"smiletill/models"
)

// embedded reads a model that ships.
func embedded(t testing.TB, task models.Task) (models.Model, []byte) {
	t.Helper()
	set, err := models.Open("")
	if err != nil {
		t.Fatal(err)
	}
	return set.Model(task), slices.Clone(set.Bytes(task))
}

func open(t testing.TB, task models.Task, o Options) *Interpreter {
	t.Helper()
	_, b := embedded(t, task)
	p, err := Open(b, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() })
	return p
}

func TestOpenRefusesDamaged(t *testing.T) {
	_, model := embedded(t, models.Detect)
	for _, n := range []int{64, 100, 1000, 4096, len(model) / 2, len(model) - 4096} {
		if p, err := Open(model[:n], Options{XNNPACK: true}); !errors.Is(err, ErrModel) {
			t.Errorf("first %d bytes: %v, %v; want ErrModel", n, p, err)
		}
	}
	for _, at := range []int{0, 8, 16, 40} { // offsets of the root table and of what it points to
		bad := slices.Clone(model)
		copy(bad[at:min(at+4, len(bad))], "\xff\xff\xff\x7f")
		if p, err := Open(bad, Options{XNNPACK: true}); err == nil {
			p.Close()
			if at == 0 {
				t.Errorf("offset at %d overwritten: opened", at)
			}
		}
	}
}

// Every model that ships is what its manifest says.
func TestShippedModelsAreAsTheManifestSays(t *testing.T) {
	for _, task := range models.Tasks() {
		mod, _ := embedded(t, task)
		p := open(t, task, Options{XNNPACK: true, Want: want(mod)})
		if !slices.Equal(p.InputShape(0), mod.Inputs[0].Shape) || p.Outputs() != len(mod.Outputs) {
			t.Errorf("%s: input %v, %d outputs", task, p.InputShape(0), p.Outputs())
		}
		for i, out := range mod.Outputs {
			if !slices.Equal(p.OutputShape(i), out.Shape) {
				t.Errorf("%s: output %d %v, want %v", task, i, p.OutputShape(i), out.Shape)
			}
		}
		if p.Input(1) != nil || p.Input(-1) != nil || p.Output(len(mod.Outputs)) != nil {
			t.Errorf("%s: a tensor that does not exist is not nil", task)
		}
	}
}

// want is what a manifest's model must be.
func want(m models.Model) (w Want) {
	for _, t := range m.Inputs {
		w.Inputs = append(w.Inputs, Tensor{t.Shape, t.Type, float32(t.Scale), t.ZeroPoint})
	}
	for _, t := range m.Outputs {
		w.Outputs = append(w.Outputs, Tensor{t.Shape, t.Type, float32(t.Scale), t.ZeroPoint})
	}
	return w
}

// The XNNPACK kernels must compute what the reference kernels compute, and different inputs must differ. Int8
// kernels round differently, and on a pattern that is no face the steps of 70 layers add up to 7 %.
func TestXNNPACKAgreesWithReference(t *testing.T) {
	plain, fast := open(t, models.Detect, Options{}), open(t, models.Detect, Options{Threads: 2, XNNPACK: true})
	var previous float32
	for _, phase := range []float64{0, 1} {
		for i := range plain.Input(0) {
			v := float32(math.Sin(phase + float64(i)/97))
			plain.Input(0)[i], fast.Input(0)[i] = v, v
		}
		if err := errors.Join(plain.Run(), fast.Run()); err != nil {
			t.Fatal(err)
		}
		for o := range 2 {
			var size, off float64
			for i, want := range plain.Output(o) {
				size += math.Abs(float64(want))
				off += math.Abs(float64(fast.Output(o)[i] - want))
			}
			if !(off <= 0.1*size) {
				t.Errorf("output %d differs by %.4f of its size with XNNPACK", o, off/size)
			}
			t.Logf("output %d differs by %.4f of its size", o, off/size)
		}
		if got := fast.Output(1)[0]; got == previous {
			t.Errorf("output does not depend on the input: %v twice", got)
		} else {
			previous = got
		}
	}
}

func TestRunAllocatesNothing(t *testing.T) {
	p := open(t, models.Detect, Options{XNNPACK: true})
	if n := testing.AllocsPerRun(10, func() {
		if p.Run() != nil || len(p.Input(0)) == 0 || len(p.Output(1)) == 0 {
			t.Fatal("run failed")
		}
	}); n != 0 {
		t.Errorf("%v allocations a run", n)
	}
}

func TestClose(t *testing.T) {
	p := open(t, models.Detect, Options{XNNPACK: true})
	for range 2 {
		if err := p.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if err := p.Run(); !errors.Is(err, ErrClosed) {
		t.Errorf("Run after Close = %v", err)
	}
	if p.Input(0) != nil || p.Output(0) != nil {
		t.Error("a window survives Close")
	}
}

// A terminal reopens models after a fault; each must give back its memory.
func TestCloseGivesBackMemory(t *testing.T) {
	_, model := embedded(t, models.Embed)
	cycle := func(n int) {
		for range n {
			p, err := Open(model, Options{XNNPACK: true})
			if err != nil {
				t.Fatal(err)
			}
			if err := p.Run(); err != nil {
				t.Fatal(err)
			}
			p.Close()
		}
	}
	cycle(3)
	before := resident(t)
	const n = 20
	cycle(n)
	if grown := resident(t) - before; grown > n/2*len(model) {
		t.Errorf("%d cycles of a model of %d bytes left %d bytes behind", n, len(model), grown)
	}
}

// resident returns the resident memory of this process in bytes.
func resident(t *testing.T) int {
	b, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		t.Fatal(err)
	}
	pages, err := strconv.Atoi(strings.Fields(string(b))[1])
	if err != nil {
		t.Fatal(err)
	}
	return pages * os.Getpagesize()
}

func BenchmarkRun(b *testing.B) {
	for _, task := range models.Tasks() {
		for _, o := range []Options{{}, {XNNPACK: true}, {Threads: 2, XNNPACK: true}} {
			b.Run(string(task)+"/xnnpack="+strconv.FormatBool(o.XNNPACK)+
				"/threads="+strconv.Itoa(max(1, o.Threads)), func(b *testing.B) {
				p := open(b, task, o)
				b.ReportAllocs()
				for b.Loop() {
					if err := p.Run(); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
