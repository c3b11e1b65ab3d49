package edgetpu

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func failure(v Verdict) error { return &Failure{Verdict: v, Library: "libx.so", Said: "so it says"} }

// Whatever is wrong at the start, everything stays on the CPU, the state says why, and the log says it once.
func TestStartFails(t *testing.T) {
	there := Options{Library: "libx.so"}
	for _, c := range []struct {
		name    string
		o       Options
		err     error
		phase   Phase
		text    string
		probes  int
		logged  string
		seconds int
	}{
		{"off", Options{}, nil, Off, "none configured", 0, "", 0},
		{"library nobody asked for", Options{Library: "libx.so"}, failure(NoLibrary), Idle,
			"CPU (library not found: libx.so)", 1, "INFO", 0},
		{"library somebody asked for", Options{Library: "libx.so", Wanted: true}, failure(NoLibrary), Failed,
			"CPU after a failure: library not found: libx.so", 1, "WARN", 0},
		{"no library", there, failure(BadLibrary), Failed, "libx.so can't be used", 1, "WARN", 0},
		{"no device", there, failure(NoDevice), Failed, "no Edge TPU answers: so it says", 10,
			"WARN", 9},
		{"crash", there, failure(Crashed), Failed, "library crashed (so it says)", 1, "WARN", 0},
		{"hang", there, failure(Hung), Failed, "doesn't answer", 1, "WARN", 0},
		{"odd end", there, failure(Odd), Failed, "ended strangely", 1, "WARN", 0},
		{"refuses all", there, failure(TookNothing), Failed, "takes none of its operators", 2,
			"WARN", 0},
		{"another error", there, errors.New("no fork"), Failed, "no fork", 1, "WARN", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t, c.o)
				b.probe = func(int, string) error { return c.err }
				began := time.Now()
				b.Run(t.Context())
				s := b.State()
				if s.Phase != c.phase || !strings.Contains(s.Text, c.text) {
					t.Errorf("state %+v, want phase %d with %q", s, c.phase, c.text)
				}
				if b.probes != c.probes || int(time.Since(began).Seconds()) != c.seconds {
					t.Errorf("%d trials in %v, want %d in %d s", b.probes, time.Since(began), c.probes, c.seconds)
				}
				if c.logged == "" && b.log.Len() > 0 || c.logged != "" && b.lines(c.logged) != 1 ||
					strings.Count(b.log.String(), "\n") > 1 {
					t.Errorf("log, want one line of %q:\n%s", c.logged, b.log)
				}
				if got := b.look("detect", 5); got != 5 || b.cpu["detect"].runs != 1 {
					t.Errorf("looked %v, with %d runs of the CPU", got, b.cpu["detect"].runs)
				}
				if err := b.Close(); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

func TestNothingCompiled(t *testing.T) {
	a := New(Options{Library: "libx.so"})
	a.Place("detect", newFake(0), nil)
	a.Run(t.Context())
	if s := a.State(); s.Phase != Idle || !strings.Contains(s.Text, "no model is compiled") {
		t.Errorf("state %+v", s)
	}
}

// The device comes back at the third try; until then and after it, frames are looked at.
func TestDeviceComesBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, Options{Library: "libx.so"})
		b.probe = func(n int, _ string) error {
			if n < 3 {
				return failure(NoDevice)
			}
			return nil
		}
		go b.Run(t.Context())
		time.Sleep(500 * time.Millisecond)
		b.want(Starting, "starting (try 1 of 10)")
		if got := b.look("embed", 7); got != 7 {
			t.Errorf("looked %v on the CPU", got)
		}
		time.Sleep(time.Second)
		b.want(Starting, "starting (try 2 of 10)")
		time.Sleep(time.Second)
		b.want(Ready, "Edge TPU, 2 of 3 models")
		for i := range trialRuns {
			if got := b.look("embed", 7); got != 7 { // 7.01 is what the accelerator says
				t.Errorf("trial run %d: %v", i, got)
			}
		}
		if got := b.look("embed", 7); got != 7.01 {
			t.Errorf("looked %v, want the accelerator's 7.01", got)
		}
		if got := b.look("mesh", 7); got != 7 {
			t.Errorf("mesh has no compiled form and gave %v", got)
		}
		if b.lines("INFO") != 1 || b.lines("WARN")+b.lines("ERROR") != 0 {
			t.Errorf("log:\n%s", b.log)
		}
		if err := b.Close(); err != nil || !b.remote["D"].isClosed() || !b.remote["E"].isClosed() {
			t.Errorf("Close = %v, closed %t %t", err, b.remote["D"].isClosed(), b.remote["E"].isClosed())
		}
		if got := b.look("embed", 9); got != 9 {
			t.Errorf("after Close %v", got)
		}
	})
}

// A model that the library doesn't like stays on the CPU; the other goes.
func TestOneModelLeft(t *testing.T) {
	for _, c := range []struct {
		name  string
		spoil func(*bench)
		text  string
	}{
		{"trial", func(b *bench) {
			b.probe = func(_ int, m string) error { return map[string]error{"E": failure(TookNothing)}[m] }
		}, "1 of 3 models; embed: the Edge TPU library takes none"},
		{"opening", func(b *bench) {
			b.open = func(m string) error { return map[string]error{"E": failure(Refused)}[m] }
		}, "1 of 3 models; embed: the Edge TPU library refuses it"},
		{"shape", func(b *bench) { b.remote["E"].out = make([]float32, 9) },
			"1 of 3 models; embed: its compiled form is of another network: output 0 has 9 values, not 8"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBench(t, Options{Library: "libx.so"})
			c.spoil(b)
			b.Run(t.Context())
			b.warmUp()
			if s := b.State(); s.Phase != Ready || !strings.Contains(s.Text, c.text) || s.Do == "" {
				t.Errorf("state %+v, want %q", s, c.text)
			}
			if d, e := b.look("detect", 2), b.look("embed", 2); d != 2.01 || e != 2 {
				t.Errorf("detect %v, embed %v; want 2.01 and 2", d, e)
			}
			if b.lines("WARN") != 1 {
				t.Errorf("log:\n%s", b.log)
			}
			if err := b.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

// A run that fails is done again on the CPU, from the same input, and nothing of it is seen.
func TestRunFails(t *testing.T) {
	for _, c := range []struct {
		name  string
		spoil func(*fake) (mend func())
		text  string
	}{
		{"error", func(f *fake) func() { f.fail = errPulled; return func() {} },
			"CPU after a failure: embed: a run on the Edge TPU failed: pulled out"},
		{"hang", func(f *fake) func() { f.hold = make(chan struct{}); return func() { close(f.hold) } },
			"no answer within 1s"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t, Options{Library: "libx.so"})
				b.Run(t.Context())
				b.warmUp()
				mend := c.spoil(b.remote["E"])
				for range 3 {
					if got := b.look("embed", 4); got != 4 {
						t.Errorf("looked %v, want the CPU's 4", got)
					}
				}
				if got := b.look("detect", 4); got != 4 {
					t.Errorf("detect %v: nothing may be on an accelerator that has failed", got)
				}
				b.want(Failed, c.text)
				if b.lines("ERROR") != 1 {
					t.Errorf("log:\n%s", b.log)
				}
				mend()
				synctest.Wait()
				if !b.remote["D"].isClosed() || !b.remote["E"].isClosed() {
					t.Error("not given back")
				}
				if err := b.Close(); err != nil {
					t.Error(err)
				}
				b.want(Failed, c.text)
			})
		})
	}
}

// A compiled form of another network does not get beyond its trial.
func TestOtherNetworkIsNotUsed(t *testing.T) {
	b := newBench(t, Options{Library: "libx.so"})
	b.Run(t.Context())
	b.remote["E"].add = 30
	for range trialRuns + 2 {
		if got := b.look("embed", 4); got != 4 {
			t.Errorf("looked %v", got)
		}
	}
	b.want(Failed, "embed: its compiled form is of another network: output 0")
	if n := b.remote["E"].runs; n != trialRuns {
		t.Errorf("%d runs", n)
	}
}

// A frame or two on which roundings are all there is do not end the trial, and do not shorten it.
func TestTrialTakesOddFrames(t *testing.T) {
	b := newBench(t, Options{Library: "libx.so"})
	b.Run(t.Context())
	for i, add := range []float32{30, 0.01, 0.01, 30, 0.01} {
		b.remote["E"].add = add
		if got := b.look("embed", 4); got != 4 {
			t.Errorf("trial run %d: %v", i, got)
		}
	}
	b.want(Ready, "2 of 3 models")
	if got := b.look("embed", 4); got != 4.01 {
		t.Errorf("after the trial %v", got)
	}
	if err := b.Close(); err != nil {
		t.Error(err)
	}
}

// Frames that say nothing neither end the trial nor pass it; without an end they end it.
func TestTrialOfFramesThatSayNothing(t *testing.T) {
	for _, c := range []struct {
		frames int
		phase  Phase
		text   string
	}{{undecidedMax - 1, Ready, "2 of 3 models"}, {undecidedMax, Failed, "from the CPU's"}} {
		b := newBench(t, Options{Library: "libx.so"})
		b.Run(t.Context())
		b.remote["E"].add = 2
		for range c.frames {
			if got := b.look("embed", 4); got != 4 {
				t.Fatalf("looked %v", got)
			}
		}
		b.want(c.phase, c.text)
		b.remote["E"].add = 0.01
		for range trialRuns {
			if got := b.look("embed", 4); got != 4 {
				t.Errorf("looked %v", got)
			}
		}
		if got := b.look("embed", 4); (got != 4) != (c.phase == Ready) {
			t.Errorf("after %d frames that say nothing and %d that agree: %v", c.frames, trialRuns, got)
		}
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestDistance(t *testing.T) {
	nan := float32(0)
	nan /= nan
	for _, c := range []struct {
		got, want []float32
		ok        bool
	}{
		{[]float32{nan, 1}, []float32{1, 1}, false},
		{[]float32{0, 1}, []float32{0, 0}, false},
		{[]float32{-1, -1}, []float32{1, 1}, false},
		{[]float32{0, 0}, []float32{0, 0}, true},
		{[]float32{1.01, 0.99}, []float32{1, 1}, true},
	} {
		if d := distance(c.got, c.want); (d <= differMax) != c.ok {
			t.Errorf("distance(%v, %v) = %v", c.got, c.want, d)
		}
	}
}

// Opening hangs, or takes until the terminal is closed: it is left to itself, and given back when it comes.
func TestOpeningHangs(t *testing.T) {
	for _, wait := range []time.Duration{time.Second, time.Minute} {
		synctest.Test(t, func(t *testing.T) {
			b := newBench(t, Options{Library: "libx.so"})
			hold := make(chan struct{})
			b.open = func(string) error { <-hold; return nil }
			ctx, stop := context.WithTimeout(t.Context(), wait)
			defer stop()
			b.Run(ctx)
			if wait > openLimit {
				b.want(Failed, "opening a model takes more than 20s")
			}
			if got := b.look("detect", 1); got != 1 {
				t.Errorf("looked %v", got)
			}
			if err := b.Close(); err != nil {
				t.Error(err)
			}
			close(hold)
			synctest.Wait()
			if !b.remote["D"].isClosed() || b.remote["E"].isClosed() {
				t.Error("what came too late was not given back, or another was")
			}
		})
	}
}

// Close does not wait for ever for a library that hangs.
func TestCloseWhileItHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, Options{Library: "libx.so"})
		b.Run(t.Context())
		b.warmUp()
		b.remote["D"].hold = make(chan struct{})
		b.look("detect", 1)
		began := time.Now()
		if err := b.Close(); err == nil || time.Since(began) != closeGrace {
			t.Errorf("Close = %v after %v", err, time.Since(began))
		}
		close(b.remote["D"].hold)
	})
}

// Frames are looked at while the accelerator comes and goes; -race looks on.
func TestChangeBetweenFrames(t *testing.T) {
	b := newBench(t, Options{Library: "libx.so"})
	done := make(chan struct{})
	go func() { defer close(done); b.Run(t.Context()) }()
	onIt := 0
	for i := 0; onIt < 20; i++ {
		x := float32(i % 100)
		if got := b.look("detect", x); got != x && got != x+0.01 {
			t.Fatalf("frame %d: %v, want %v", i, got, x)
		} else if got != x {
			onIt++
		}
	}
	<-done
	if err := b.Close(); err != nil {
		t.Error(err)
	}
}

func TestRunAllocatesNothing(t *testing.T) {
	b := newBench(t, Options{Library: "libx.so"})
	b.Run(t.Context())
	b.warmUp()
	n := b.nets["embed"]
	before := b.remote["E"].runs
	if allocs := testing.AllocsPerRun(100, func() {
		if n.Run() != nil {
			t.Fatal("run failed")
		}
	}); allocs != 0 {
		t.Errorf("%v allocations a run", allocs)
	}
	if b.remote["E"].runs-before < 100 {
		t.Error("not on the accelerator")
	}
	b.Close()
}

// BenchmarkNetwork is what an accelerator adds to a run: nothing to speak of on the CPU; copying and a change
// of goroutine on the accelerator. The tensors are the detector's.
func BenchmarkNetwork(b *testing.B) {
	big := func() *fake {
		f := newFake(0)
		f.in, f.out = make([]float32, 128*128*3), make([]float32, 896*17)
		return f
	}
	ctx := context.Background()
	for _, library := range []string{"", "libx.so"} {
		b.Run(map[bool]string{true: "cpu", false: "accelerator"}[library == ""], func(b *testing.B) {
			remote := idle{big()}
			a := New(Options{Library: library, Log: slog.New(slog.DiscardHandler),
				Probe: func(context.Context, []byte) error { return nil },
				Open:  func([]byte) (Compiled, error) { return remote, nil }})
			n := a.Place("detect", idle{big()}, []byte("D"))
			a.Run(ctx)
			b.ReportAllocs()
			for b.Loop() {
				if err := n.Run(); err != nil {
					b.Fatal(err)
				}
			}
			if err := a.Close(); err != nil {
				b.Fatal(err)
			}
		})
	}
}

// idle is a network that takes no time.
type idle struct{ *fake }

func (idle) Run() error { return nil }
