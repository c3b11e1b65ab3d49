package camera

import (
	"context"
	"errors"
	"io"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// fake is a Source whose frames are pushed by the test. Each has one byte.
type fake struct {
	frames chan byte
	fail   chan error
	deaf   bool // Next does not listen to its context, like a driver that hangs
	once   sync.Once
	closed chan struct{}
}

func newFake() *fake {
	return &fake{frames: make(chan byte), fail: make(chan error, 1), closed: make(chan struct{})}
}

func (s *fake) Next(ctx context.Context, f *Frame) error {
	done := ctx.Done()
	if s.deaf {
		done = nil
	}
	select {
	case b := <-s.frames:
		f.Data = append(f.Data[:0], b)
		f.Seq++
		return nil
	case err := <-s.fail:
		return err
	case <-done:
		return ctx.Err()
	}
}

func (s *fake) Close() error {
	s.once.Do(func() { close(s.closed) })
	return nil
}

func (s *fake) isClosed() bool {
	select {
	case <-s.closed:
		return true
	default:
		return false
	}
}

func TestNewestDropsWhatNobodyTook(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newFake()
		l := Newest(s)
		for b := range byte(5) {
			s.frames <- b
		}
		synctest.Wait()
		f, err := l.Take(t.Context())
		if err != nil || f.Data[0] != 4 {
			t.Fatalf("took %v, %v; want the newest, 4", f, err)
		}
		s.frames <- 5
		synctest.Wait()
		if f.Data[0] != 4 {
			t.Error("the taker's frame was overwritten")
		}
		if f, err := l.Take(t.Context()); err != nil || f.Data[0] != 5 {
			t.Errorf("took %v, %v; want 5", f, err)
		}
		if taken, dropped := l.Counts(); taken != 2 || dropped != 4 {
			t.Errorf("taken %d, dropped %d; want 2, 4", taken, dropped)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if f, err := l.Take(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("the same frame twice? %v, %v", f, err)
		}
		if err := l.Close(); err != nil || !s.isClosed() {
			t.Errorf("Close: %v, source closed %t", err, s.isClosed())
		}
	})
}

func TestTakeGivesTheSourcesError(t *testing.T) {
	broken := errors.New("input/output error")
	for _, make := range []func(Source) *Latest{Newest, LockStep} {
		for _, want := range []error{broken, io.EOF} {
			synctest.Test(t, func(t *testing.T) {
				s := newFake()
				l := make(s)
				go func() { s.frames <- 7; s.fail <- want }()
				if f, err := l.Take(t.Context()); err != nil || f.Data[0] != 7 {
					t.Fatalf("before the error: %v, %v", f, err)
				}
				for range 2 {
					_, err := l.Take(t.Context())
					var h interface{ Hint() string }
					if !errors.Is(err, want) || errors.As(err, &h) == (want == io.EOF) {
						t.Errorf("err = %v, want %v; a hint unless it is the end", err, want)
					}
				}
				_ = l.Close()
			})
		}
	}
}

// The last frames before a loss are worth looking at, even if the loss is known already.
func TestFrameBeforeTheErrorIsTaken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newFake()
		l := Newest(s)
		s.frames <- 7
		s.fail <- io.EOF
		synctest.Wait()
		if f, err := l.Take(t.Context()); err != nil || f.Data[0] != 7 {
			t.Errorf("took %v, %v; want 7", f, err)
		}
		if _, err := l.Take(t.Context()); err != io.EOF {
			t.Errorf("err = %v, want io.EOF", err)
		}
		_ = l.Close()
	})
}

func TestCloseEndsTake(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := Newest(newFake())
		got := make(chan error, 1)
		go func() { _, err := l.Take(t.Context()); got <- err }()
		synctest.Wait()
		_, _ = l.Close(), l.Close()
		if err := <-got; err == nil {
			t.Error("Take gave a frame of a closed source")
		}
		if _, err := l.Take(t.Context()); !errors.Is(err, ErrClosed) {
			t.Errorf("after Close: %v", err)
		}
	})
}

func TestLockStepDropsNothing(t *testing.T) {
	l := LockStep(testClip(t, 8).Play(Playback{}))
	for i := range uint64(8) {
		if f, err := l.Take(t.Context()); err != nil || f.Seq != i+1 {
			t.Fatalf("frame %v, %v; want Seq %d", f, err, i+1)
		}
	}
	if _, err := l.Take(t.Context()); err != io.EOF {
		t.Errorf("at the end: %v", err)
	}
	if taken, dropped := l.Counts(); taken != 8 || dropped != 0 {
		t.Errorf("taken %d, dropped %d; want 8, 0", taken, dropped)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := LockStep(newFake()).Take(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("an impatient taker: %v", err)
	}
}

// From source to taker nothing is allocated, with everything in between.
func TestNothingIsAllocatedPerFrame(t *testing.T) {
	clip := testClip(t, 4)
	open := func() (Source, error) { return clip.Play(Playback{Loop: true}), nil }
	openSwitch := func() (Source, error) {
		return NewSwitch(clip.Play(Playback{Loop: true, FPS: 5000})), nil
	}
	for name, l := range map[string]*Latest{
		"newest":    Newest(clip.Play(Playback{Loop: true, FPS: 5000})),
		"lock step": LockStep(NewSwitch(Supervise(open, Supervision{}))),
		"chain":     Newest(Supervise(openSwitch, Supervision{})),
	} {
		take := func() {
			if _, err := l.Take(context.Background()); err != nil {
				t.Fatal(err)
			}
		}
		for range 10 {
			take()
		}
		if n := testing.AllocsPerRun(200, take); n != 0 {
			t.Errorf("%s: %v allocations a frame", name, n)
		}
		_ = l.Close()
	}
}

func TestCutWhileWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := newFake(), newFake()
		s := NewSwitch(a)
		got := make(chan Frame)
		go func() {
			for {
				var f Frame
				if s.Next(t.Context(), &f) != nil {
					close(got)
					return
				}
				got <- f
			}
		}()
		a.frames <- 1
		if f := <-got; f.Data[0] != 1 || f.Seq != 1 {
			t.Errorf("frame %v, want 1 of the first source", f)
		}
		synctest.Wait()
		if old := s.Cut(b); old != Source(a) || a.isClosed() {
			t.Error("Cut does not give the old source back as it is")
		}
		synctest.Wait()
		select {
		case a.frames <- 2:
			t.Error("the old source is still read")
		case b.frames <- 3:
		}
		if f := <-got; f.Data[0] != 3 || f.Seq != 2 {
			t.Errorf("frame %v, want 3 of the second source as number 2", f)
		}
		_ = s.Close()
		if _, open := <-got; open || !b.isClosed() {
			t.Error("Close does not end the reading and the source")
		}
		c := newFake()
		if back := s.Cut(c); back != Source(c) {
			t.Error("a closed switch keeps a source")
		}
	})
}

func TestSwitchGoesOnAfterTheEnd(t *testing.T) {
	clip := testClip(t, 2)
	s := NewSwitch(clip.Play(Playback{}))
	var f Frame
	for range 3 {
		for range 2 {
			if err := s.Next(t.Context(), &f); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.Next(t.Context(), &f); err != io.EOF {
			t.Fatalf("at the end: %v", err)
		}
		s.Cut(clip.Play(Playback{}))
	}
	if f.Seq != 6 {
		t.Errorf("Seq %d, want 6", f.Seq)
	}
}

// Many cuts while frames flow, for the race detector; no frame of a source may come after it was cut.
func TestCutsFromManyGoroutines(t *testing.T) {
	clip := testClip(t, 3)
	play := func() Source { return clip.Play(Playback{Loop: true, FPS: 2000}) }
	s := NewSwitch(play())
	l := Newest(s)
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for range 50 {
				if err := s.Cut(play()).Close(); err != nil { // ErrClosed would come up in Take
					t.Error(err)
				}
			}
		})
	}
	done := make(chan struct{})
	go func() { all.Wait(); close(done) }()
	var last uint64
	for running := true; running; {
		select {
		case <-done:
			running = false
		default:
		}
		f, err := l.Take(t.Context())
		if err != nil || f.Seq <= last {
			t.Fatalf("frame %v after %d, %v", f, last, err)
		}
		last = f.Seq
	}
	_ = l.Close()
}
