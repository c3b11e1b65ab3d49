package edgetpu

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"
)

const (
	// tries and tryEvery span the time that a device takes to come back after it got its firmware.
	tries    = 10
	tryEvery = time.Second
	// closeGrace is how long Close waits for the library.
	closeGrace = 2 * time.Second
)

// Phase is how the accelerator does.
type Phase int

// The phases.
const (
	Off      Phase = iota // not to be used
	Idle                  // nothing for it to do, or not there and not asked for
	Starting              // being tried
	Ready                 // models run on it
	Failed                // everything runs on the CPU, and shouldn't
)

// State is what a technician should know.
type State struct {
	Phase Phase
	Text  string // "Edge TPU, 2 of 3 models"
	Do    string // what to do about it, or ""
}

// Options say where the accelerator's library is and how to use it.
type Options struct {
	Library string // a path or a name; "" switches the accelerator off
	Wanted  bool   // somebody asked for it: that it isn't there is a failure
	// Probe tries the library with a compiled model, without harm to this process (Child.Probe).
	Probe func(ctx context.Context, model []byte) error
	// Open opens a compiled model with the library, in this process. A *Failure of NoDevice is tried again.
	Open func(model []byte) (Compiled, error)
	Log  *slog.Logger
}

// Accelerator moves networks to the accelerator and back.
type Accelerator struct {
	o Options

	mu       sync.Mutex
	state    State
	over     bool // nothing may be put on it any more
	networks []*Network
	workers  []*worker // that were put to use
}

// New returns an Accelerator without networks.
func New(o Options) *Accelerator {
	a := &Accelerator{o: o, state: State{Phase: Starting, Text: "starting"}}
	if o.Library == "" {
		a.over, a.state = true, State{Phase: Off, Text: "none configured"}
	}
	return a
}

// Place gives a Network that runs on cpu, and on the accelerator when that works and compiled is not empty:
// the same network in the accelerator's form. To be called before Run.
func (a *Accelerator) Place(name string, cpu Runner, compiled []byte) *Network {
	n := &Network{name: name, cpu: cpu, compiled: compiled, owner: a}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.networks = append(a.networks, n)
	return n
}

// State tells how the accelerator does.
func (a *Accelerator) State() State {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.state
}

func (a *Accelerator) say(s State) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.over {
		a.state = s
	}
}

// Run brings the networks onto the accelerator, or gives up. It returns when that is done or ctx has ended.
func (a *Accelerator) Run(ctx context.Context) {
	var jobs []*Network
	for _, n := range a.networks {
		if len(n.compiled) > 0 {
			jobs = append(jobs, n)
		}
	}
	if a.o.Library == "" {
		return
	}
	if len(jobs) == 0 {
		a.say(State{Phase: Idle, Text: "CPU (no model is compiled for an Edge TPU)"})
		return
	}
	for try := 1; ; try++ {
		a.say(State{Phase: Starting, Text: fmt.Sprintf("starting (try %d of %d)", try, tries)})
		err := a.start(ctx, jobs)
		if err == nil || ctx.Err() != nil {
			return
		}
		if !again(err) || try == tries {
			a.giveUp(err)
			return
		}
		a.o.Log.Debug("accelerator not ready", "try", try, "err", err)
		select {
		case <-ctx.Done():
			return
		case <-time.After(tryEvery):
		}
	}
}

// start tries each model and puts those that work on the accelerator.
func (a *Accelerator) start(ctx context.Context, jobs []*Network) error {
	ready := map[*Network]*worker{}
	var left []error
	for _, n := range jobs {
		w, err := a.bring(ctx, n)
		switch {
		case err == nil:
			ready[n] = w
		case aboutModel(err):
			left = append(left, fmt.Errorf("%s: %w", n.name, err))
		default:
			for _, w := range ready {
				w.stop()
			}
			return err
		}
	}
	if len(ready) == 0 {
		return left[0]
	}
	a.attach(ready, left)
	return nil
}

// bring opens one compiled model, after a trial in a child.
func (a *Accelerator) bring(ctx context.Context, n *Network) (*worker, error) {
	if err := a.o.Probe(ctx, n.compiled); err != nil {
		return nil, err
	}
	w, err := startWorker(ctx, func() (Compiled, error) { return a.o.Open(n.compiled) })
	if err != nil {
		return nil, err
	}
	if err := n.fits(w.net); err != nil {
		w.stop()
		return nil, err
	}
	return w, nil
}

func (a *Accelerator) attach(ready map[*Network]*worker, left []error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.over { // closed meanwhile
		for _, w := range ready {
			w.stop()
		}
		return
	}
	a.state = State{Phase: Ready, Text: fmt.Sprintf("Edge TPU, %d of %d models", len(ready), len(a.networks))}
	for n, w := range ready {
		a.workers = append(a.workers, w)
		n.on.Store(w)
	}
	for _, err := range left {
		a.state.Text += "; " + err.Error()
		a.state.Do = hint(err)
		a.o.Log.Warn("a model stays on the CPU", "why", err.Error(), "hint", hint(err),
			"library_printed", output(err))
	}
	a.o.Log.Info("the accelerator is in use", "library", a.o.Library, "models", len(ready),
		"of", len(a.networks))
}

// giveUp tells why everything stays on the CPU.
func (a *Accelerator) giveUp(err error) {
	s := State{Phase: Failed, Text: "CPU after a failure: " + err.Error(), Do: hint(err)}
	var f *Failure
	if errors.As(err, &f) && f.Verdict == NoLibrary && !a.o.Wanted {
		a.say(State{Phase: Idle, Text: "CPU (" + err.Error() + ")"})
		a.o.Log.Info("no accelerator: going on with the CPU", "why", err.Error())
		return
	}
	a.say(s)
	a.o.Log.Warn("no accelerator: going on with the CPU", "why", err.Error(), "hint", s.Do,
		"library_printed", output(err))
}

// fail takes everything off the accelerator after a run on it, of n, has failed.
func (a *Accelerator) fail(n *Network, why error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.takeOff()
	if a.over {
		return
	}
	a.over = true
	text := n.name + ": " + why.Error()
	a.state = State{Phase: Failed, Text: "CPU after a failure: " + text, Do: hint(why)}
	a.o.Log.Error("the accelerator failed: going on with the CPU", "why", text, "hint", a.state.Do)
}

// takeOff is called with a.mu held, by whoever runs the networks or when nobody does.
func (a *Accelerator) takeOff() {
	for _, n := range a.networks {
		if w := n.on.Swap(nil); w != nil {
			w.stop()
		}
	}
}

// Close takes everything off the accelerator. No Network may be running. It waits a moment for the library
// and returns an error if that did not let go.
func (a *Accelerator) Close() error {
	a.mu.Lock()
	a.over = true
	a.takeOff()
	workers := a.workers
	a.mu.Unlock()
	limit := time.NewTimer(closeGrace)
	defer limit.Stop()
	for _, w := range workers {
		select {
		case <-w.ended:
		case <-limit.C:
			return fmt.Errorf("edgetpu: close: the library did not let go within %v", closeGrace)
		}
	}
	return nil
}

// output is the end of what a child printed, or "".
func output(err error) string {
	var f *Failure
	if errors.As(err, &f) {
		return f.Output
	}
	return ""
}

func hint(err error) string {
	var h interface{ Hint() string }
	if errors.As(err, &h) {
		return h.Hint()
	}
	return ""
}
