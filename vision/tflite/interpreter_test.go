//go:build cgo && linux && !notflite

package tflite

import (
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// file reads a model that make deps has put in place. Its absence is a failure, not a reason to skip.
func file(t testing.TB, name string) []byte {
	t.Helper()
	dir := os.Getenv("SMILETILL_MODELS_DIR")
	if dir == "" {
		dir = filepath.Join("..", "..", ".build", "models")
	}
	b, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatalf("%v (run make deps)", err)
	}
	return b
}

func open(t testing.TB, name string, o Options) *Interpreter {
	t.Helper()
	p, err := Open(file(t, name), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() })
	return p
}

const detector = "face_detection_short_range.tflite"

func TestOpenRefusesDamaged(t *testing.T) {
	model := file(t, detector)
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

func TestShapes(t *testing.T) {
	for _, c := range []struct {
		file    string
		in      []int
		outputs [][]int
	}{
		{detector, []int{1, 128, 128, 3}, [][]int{{1, 896, 16}, {1, 896, 1}}},
		{"face_landmark.tflite", []int{1, 192, 192, 3}, [][]int{{1, 1, 1, 1404}, {1, 1, 1, 1}}},
		{"mobilefacenet.tflite", []int{2, 112, 112, 3}, [][]int{{2, 192}}},
	} {
		p := open(t, c.file, Options{XNNPACK: true})
		if p.Inputs() != 1 || !slices.Equal(p.InputShape(0), c.in) {
			t.Errorf("%s: input %v, want %v", c.file, p.InputShape(0), c.in)
		}
		if p.Outputs() != len(c.outputs) {
			t.Fatalf("%s: %d outputs, want %d", c.file, p.Outputs(), len(c.outputs))
		}
		for i, want := range c.outputs {
			if !slices.Equal(p.OutputShape(i), want) {
				t.Errorf("%s: output %d %v, want %v", c.file, i, p.OutputShape(i), want)
			}
		}
		if p.Input(1) != nil || p.Input(-1) != nil || p.Output(len(c.outputs)) != nil {
			t.Errorf("%s: a tensor that does not exist is not nil", c.file)
		}
	}
}

// The XNNPACK kernels must compute what the reference kernels compute, and different inputs must differ.
func TestXNNPACKAgreesWithReference(t *testing.T) {
	plain, fast := open(t, detector, Options{}), open(t, detector, Options{Threads: 2, XNNPACK: true})
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
			for i, want := range plain.Output(o) {
				if got := fast.Output(o)[i]; math.Abs(float64(got-want)) > 1e-2*max(1, math.Abs(float64(want))) {
					t.Fatalf("output %d[%d] = %v with XNNPACK, %v without", o, i, got, want)
				}
			}
		}
		if got := fast.Output(1)[0]; got == previous {
			t.Errorf("output does not depend on the input: %v twice", got)
		} else {
			previous = got
		}
	}
}

func TestRunAllocatesNothing(t *testing.T) {
	p := open(t, detector, Options{XNNPACK: true})
	if n := testing.AllocsPerRun(10, func() {
		if p.Run() != nil || len(p.Input(0)) == 0 || len(p.Output(1)) == 0 {
			t.Fatal("run failed")
		}
	}); n != 0 {
		t.Errorf("%v allocations a run", n)
	}
}

func TestClose(t *testing.T) {
	p := open(t, detector, Options{XNNPACK: true})
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
	model := file(t, "mobilefacenet.tflite")
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
	for _, name := range []string{detector, "face_landmark.tflite", "mobilefacenet.tflite"} {
		for _, o := range []Options{{}, {XNNPACK: true}, {Threads: 2, XNNPACK: true}} {
			b.Run(strings.TrimSuffix(name, ".tflite")+"/xnnpack="+strconv.FormatBool(o.XNNPACK)+
				"/threads="+strconv.Itoa(max(1, o.Threads)), func(b *testing.B) {
				p := open(b, name, o)
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
