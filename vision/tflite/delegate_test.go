//go:build cgo && linux && !notflite

package tflite

import (
	"errors"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"smiletill/vision/tflite/plugintest"
)

func plugin(t testing.TB, macros ...string) *Library {
	t.Helper()
	l, err := OpenLibrary(plugintest.Build(t, macros...))
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// floatDetector is the detector as it was published, which make deps fetches: it has operators that the
// plug-in takes, among others.
func floatDetector(t testing.TB) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("..", "..", ".build", "models", "face_detection_short_range.tflite"))
	if err != nil {
		t.Fatalf("%v (run make deps)", err)
	}
	return b
}

func TestOpenLibraryRefuses(t *testing.T) {
	for _, c := range []struct {
		name, path string
		want       error
		text       string
	}{
		{"not there", "/nowhere/libedgetpu.so.1", ErrNoLibrary, "/nowhere/libedgetpu.so.1"},
		{"a name nobody has", "libnobodyhasthis.so.9", ErrNoLibrary, "libnobodyhasthis.so.9"},
		{"no library", "/etc/passwd", ErrLibrary, "ELF"},
		{"no delegate", "libc.so.6", ErrLibrary, "tflite_plugin_"},
		{"half a delegate", plugintest.Build(t, "NO_DESTROY"), ErrLibrary, destroySymbol},
	} {
		t.Run(c.name, func(t *testing.T) {
			l, err := OpenLibrary(c.path)
			if l != nil || !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.text) {
				t.Fatalf("OpenLibrary = %v, %v; want %v with %q", l, err, c.want, c.text)
			}
			var h hinted
			if !errors.As(err, &h) || h.Hint() == "" {
				t.Errorf("%v has no hint", err)
			}
		})
	}
}

func TestDelegateFails(t *testing.T) {
	custom := plugintest.CustomModel()
	for _, c := range []struct {
		name  string
		macro string
		model []byte
		want  error
		text  string
	}{
		{"no device", "NO_DEVICE", custom, ErrNoDevice, "no test device answers"},
		{"half a delegate", "NO_PREPARE", custom, ErrNoDevice, "cannot prepare"},
		{"fails in prepare", "FAIL_PREPARE", custom, ErrRefused, "does not like this model"},
		{"fails in prepare of what the CPU could do", "FAIL_PREPARE", floatDetector(t), ErrRefused,
			"does not like this model"},
		{"leaves what only it could do", "TAKE_NOTHING", custom, ErrModel, "edgetpu-custom-op is not known"},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := plugin(t, c.macro)
			for range 2 { // and leaves nothing behind that a second try would meet
				p, err := Open(c.model, Options{XNNPACK: true, Delegate: l})
				if p != nil || !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.text) {
					t.Fatalf("Open = %v, %v; want %v with %q", p, err, c.want, c.text)
				}
			}
		})
	}
}

// A compiled model runs with its delegate and not without, and the delegate's arithmetic is what comes out.
func TestDelegateRunsCustomOperator(t *testing.T) {
	model := plugintest.CustomModel()
	if p, err := Open(model, Options{XNNPACK: true}); !errors.Is(err, ErrModel) {
		t.Errorf("without a delegate: %v, %v", p, err)
	}
	for _, c := range []struct {
		macro string
		want  []float32
	}{
		{"BIAS=0", []float32{0, 0, 1, 5}},
		{"BIAS=3", []float32{3, 6, 7, 11}}, // both operators are the plug-in's: relu(2x+1+3) + 3
	} {
		p, err := Open(model, Options{XNNPACK: true, Delegate: plugin(t, c.macro)})
		if err != nil {
			t.Fatal(err)
		}
		defer p.Close()
		copy(p.Input(0), []float32{-3, -0.5, 0, 2})
		if err := p.Run(); err != nil {
			t.Fatal(err)
		}
		if got := p.Output(0); !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", c.macro, got, c.want)
		}
		if taken, all := p.Delegated(); taken != 2 || all != 2 {
			t.Errorf("%s: %d of %d operators, want 2 of 2", c.macro, taken, all)
		}
	}
}

// The detector with some operators on the delegate, and the others with or without XNNPACK, computes what
// it does alone; with a delegate that computes something else it doesn't.
func TestDelegateTakesPart(t *testing.T) {
	start := func(o Options) *Interpreter {
		t.Helper()
		p, err := Open(floatDetector(t), o)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { p.Close() })
		return p
	}
	alone := start(Options{XNNPACK: true})
	fill := func(p *Interpreter) {
		for i := range p.Input(0) {
			p.Input(0)[i] = float32(math.Sin(float64(i) / 97))
		}
		if err := p.Run(); err != nil {
			t.Fatal(err)
		}
	}
	fill(alone)
	for _, c := range []struct {
		name   string
		macros []string
		taken  int
		same   bool
	}{
		{"accepts", nil, 17, true},
		{"accepts, fixed tensors", []string{"FLAGS=0"}, 17, true},
		{"refuses all", []string{"TAKE_NOTHING"}, 0, true},
		{"refuses all, fixed tensors", []string{"TAKE_NOTHING", "FLAGS=0"}, 0, true},
		{"computes something else", []string{"BIAS=1"}, 17, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := start(Options{XNNPACK: true, Delegate: plugin(t, c.macros...)})
			fill(p)
			if taken, all := p.Delegated(); taken != c.taken || all < 90 {
				t.Errorf("%d of %d operators, want %d of 90 or more", taken, all, c.taken)
			}
			worst := 0.0
			for i, want := range alone.Output(1) {
				worst = max(worst, math.Abs(float64(p.Output(1)[i]-want))/max(1, math.Abs(float64(want))))
			}
			if (worst < 1e-2) != c.same {
				t.Errorf("relative difference %v", worst)
			}
			if n := testing.AllocsPerRun(5, func() { _ = p.Run() }); n != 0 {
				t.Errorf("%v allocations a run", n)
			}
		})
	}
	if taken, all := alone.Delegated(); taken != 0 || all != 0 {
		t.Errorf("without a delegate: %d of %d", taken, all)
	}
}

// A run that fails is an error each time, and closing it is still sound.
func TestDelegateFailsInRun(t *testing.T) {
	p, err := Open(plugintest.CustomModel(), Options{Delegate: plugin(t, "FAIL_RUN_FROM=5")})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 4 { // two kernels a run
		if err := p.Run(); (err != nil) != (i >= 2) {
			t.Errorf("run %d: %v", i, err)
		}
	}
	if err := p.Close(); err != nil {
		t.Error(err)
	}
	if taken, all := p.Delegated(); taken != 0 || all != 0 {
		t.Errorf("after Close: %d of %d", taken, all)
	}
}

// Opening, running and closing again and again gives everything back; the plug-in aborts the process if its
// delegate is destroyed before the interpreter.
func TestDelegateIsGivenBack(t *testing.T) {
	l, model := plugin(t), floatDetector(t)
	cycle := func(n int) {
		for range n {
			p, err := Open(model, Options{XNNPACK: true, Delegate: l})
			if err != nil {
				t.Fatal(err)
			}
			if err := p.Run(); err != nil {
				t.Fatal(err)
			}
			p.Close()
		}
	}
	runtime.LockOSThread() // another thread would get an arena of its own
	defer runtime.UnlockOSThread()
	const n = 100
	cycle(n) // until the allocator has settled
	before := resident(t)
	cycle(n)
	if grown := resident(t) - before; grown > n/4*len(model) {
		t.Errorf("%d cycles of a model of %d bytes left %d bytes behind", n, len(model), grown)
	}
}
