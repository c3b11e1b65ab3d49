package edgetpu

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
)

// fake is a network of one input and one output of 8 values: y = x + add.
type fake struct {
	in, out []float32
	add     float32
	runs    int
	hold    chan struct{} // a run waits for it, once it is set
	fail    error
	closed  chan struct{}
}

func newFake(add float32) *fake {
	return &fake{in: make([]float32, 8), out: make([]float32, 8), add: add, closed: make(chan struct{})}
}

func (f *fake) Input(i int) []float32  { return [...][]float32{f.in, nil}[min(i, 1)] }
func (f *fake) Output(i int) []float32 { return [...][]float32{f.out, nil}[min(i, 1)] }

func (f *fake) Run() error {
	f.runs++
	if f.hold != nil {
		<-f.hold
	}
	for i, x := range f.in {
		f.out[i] = x + f.add
		if f.fail != nil {
			f.out[i] = -1000
		}
	}
	return f.fail
}

func (f *fake) Close() error { close(f.closed); return nil }

func (f *fake) isClosed() bool {
	select {
	case <-f.closed:
		return true
	default:
		return false
	}
}

// bench is an Accelerator over fakes: three networks, of which two have a compiled form.
type bench struct {
	*Accelerator
	t      *testing.T
	log    *bytes.Buffer
	cpu    map[string]*fake
	remote map[string]*fake // by the compiled bytes
	nets   map[string]*Network

	mu     sync.Mutex
	probes int
	// probe and open answer for the n-th call, from 1, with a model.
	probe func(n int, model string) error
	open  func(model string) error
}

func newBench(t *testing.T, o Options) *bench {
	b := &bench{t: t, log: &bytes.Buffer{}, cpu: map[string]*fake{}, nets: map[string]*Network{},
		remote: map[string]*fake{"D": newFake(0.01), "E": newFake(0.01)},
		probe:  func(int, string) error { return nil }, open: func(string) error { return nil }}
	o.Log = slog.New(slog.NewTextHandler(b.log, &slog.HandlerOptions{Level: slog.LevelInfo}))
	o.Probe = func(ctx context.Context, model []byte) error {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.probes++
		return b.probe(b.probes, string(model))
	}
	o.Open = func(model []byte) (Compiled, error) {
		if err := b.open(string(model)); err != nil {
			return nil, err
		}
		return b.remote[string(model)], nil
	}
	b.Accelerator = New(o)
	for _, n := range []struct{ name, compiled string }{{"detect", "D"}, {"mesh", ""}, {"embed", "E"}} {
		b.cpu[n.name] = newFake(0)
		b.nets[n.name] = b.Place(n.name, b.cpu[n.name], []byte(n.compiled))
	}
	return b
}

// look runs a network on values from x on and returns its first output.
func (b *bench) look(name string, x float32) float32 {
	b.t.Helper()
	n := b.nets[name]
	for i := range n.Input(0) {
		n.Input(0)[i] = x + float32(i)
	}
	if err := n.Run(); err != nil {
		b.t.Fatal(err)
	}
	return n.Output(0)[0]
}

// warmUp has the trial runs behind it.
func (b *bench) warmUp() {
	b.t.Helper()
	for range trialRuns {
		b.look("detect", 1)
		b.look("embed", 1)
	}
}

func (b *bench) want(p Phase, text string) {
	b.t.Helper()
	if s := b.State(); s.Phase != p || !strings.Contains(s.Text, text) || (p == Failed) != (s.Do != "") {
		b.t.Errorf("state %+v, want phase %d with %q", s, p, text)
	}
}

// lines counts the log's lines at a level.
func (b *bench) lines(level string) int { return strings.Count(b.log.String(), "level="+level) }

var errPulled = errors.New("pulled out")
