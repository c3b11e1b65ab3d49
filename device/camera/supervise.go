package camera

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"sync"
	"time"
)

// Supervision says when a camera counts as lost and how it is won back. Zero durations mean the defaults.
type Supervision struct {
	// Stall is the longest silence between two frames; 1 s, ten frames and more of the slowest useful camera.
	Stall time.Duration
	// Start is the longest wait for the first frame after opening; 5 s: UVC cameras take one to three seconds
	// to set their exposure and begin.
	Start time.Duration
	// RetryMin and RetryMax bound the pause before the camera is opened again, which doubles from one to the
	// other: 250 ms, so that a plug pushed in again is found at once, and 1 s, since somebody stands there and
	// waits.
	RetryMin, RetryMax time.Duration
	// Frozen is how long the same picture may come again and again, to the byte, before it is a fault: a camera
	// that hangs shows the customer of before. A sensor's noise changes every picture, so it never happens to
	// a camera that works, unless its lens is covered. 0 means never, for recordings.
	Frozen time.Duration
	// Fault is told that there are no pictures, and again when the reason changes. It may be called while
	// Next waits inside the source, so the loss is known even when a driver hangs. Recovered is told at the
	// first frame after a Fault. Neither is called at the same time as the other; they must not block.
	Fault     func(error)
	Recovered func()
}

// Supervised is a Source that opens another one, and opens it again whenever that fails or falls silent.
type Supervised struct {
	open func() (Source, error)
	s    Supervision

	source Source // nil while there is none
	scope  scope
	pause  time.Duration // before the next try to open; 0: none is needed
	begun  bool          // the source has given a frame
	seq    uint64
	closed bool
	frost  frost

	watch   *time.Timer     // goes off when no frame comes in time
	watched context.Context // what watch cancels

	mu   sync.Mutex // guards what the watch's goroutine touches
	down string     // the fault last reported, "" while there are pictures
}

// Supervise makes a Source of a way to open one. The first opening happens in the first Next.
func Supervise(open func() (Source, error), s Supervision) *Supervised {
	s.Stall = orDefault(s.Stall, time.Second)
	s.Start = orDefault(s.Start, 5*time.Second)
	s.RetryMin = orDefault(s.RetryMin, 250*time.Millisecond)
	s.RetryMax = max(orDefault(s.RetryMax, time.Second), s.RetryMin)
	if s.Fault == nil {
		s.Fault = func(error) {}
	}
	if s.Recovered == nil {
		s.Recovered = func() {}
	}
	return &Supervised{open: open, s: s, frost: frost{limit: s.Frozen, seed: maphash.MakeSeed()}}
}

func orDefault(d, def time.Duration) time.Duration {
	if d <= 0 {
		return def
	}
	return d
}

// Next waits for a frame, however often the camera has to be opened for it. It fails only when ctx is done,
// with io.EOF when a recorded source has ended, and after Close.
func (s *Supervised) Next(ctx context.Context, f *Frame) error {
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		if s.closed {
			return fmt.Errorf("read supervised camera: %w", ErrClosed)
		}
		err := s.reopen(ctx)
		if err == nil {
			err = s.read(ctx, f)
		}
		withheld := false
		if err == nil {
			s.begun = true
			withheld, err = s.frost.look(f)
		}
		switch {
		case withheld:
		case err == nil:
			s.pause = 0
			s.recovered()
			s.seq++
			f.Seq = s.seq
			return nil
		case ctx.Err() != nil:
			return ctx.Err()
		case errors.Is(err, io.EOF):
			return err
		default:
			s.lost(err)
		}
	}
}

// reopen makes sure that there is a source, after the pause that is due.
func (s *Supervised) reopen(ctx context.Context) error {
	if s.source != nil {
		return nil
	}
	if s.pause > 0 {
		t := time.NewTimer(s.pause)
		defer t.Stop()
		select {
		case <-t.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	source, err := s.open()
	if err != nil {
		return err
	}
	s.source, s.begun = source, false
	return nil
}

// read takes one frame under the watch, which cancels the read and reports the stall.
func (s *Supervised) read(ctx context.Context, f *Frame) error {
	limit := s.s.Stall
	if !s.begun {
		limit = s.s.Start
	}
	inner := s.scope.within(ctx)
	s.arm(inner, limit)
	err := s.source.Next(inner, f)
	if !s.watch.Stop() {
		s.scope.end() // the watch went off: its context is spent, or will be in a moment
	}
	if err != nil && inner.Err() != nil && ctx.Err() == nil {
		return stalled()
	}
	return err
}

// arm sets the watch that reports a stall and cancels ctx when limit has passed.
func (s *Supervised) arm(ctx context.Context, limit time.Duration) {
	if s.watch != nil && s.watched == ctx {
		s.watch.Reset(limit)
		return
	}
	cancel := s.scope.cancel
	s.watched = ctx
	s.watch = time.AfterFunc(limit, func() {
		s.report(stalled())
		cancel()
	})
}

func stalled() error {
	return withHint(fmt.Errorf("read camera: %w", ErrStalled),
		"the camera is connected but sends no pictures: unplug it and plug it in again")
}

// lost gives up the source and lengthens the pause before the next one.
func (s *Supervised) lost(err error) {
	s.report(err)
	s.drop()
	s.pause = min(max(2*s.pause, s.s.RetryMin), s.s.RetryMax)
}

// drop closes the source, whose own complaint adds nothing to the fault that is already reported.
func (s *Supervised) drop() {
	s.scope.end()
	if s.source != nil {
		_ = s.source.Close()
		s.source = nil
	}
}

func (s *Supervised) report(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err.Error() == s.down {
		return
	}
	s.down = err.Error()
	s.s.Fault(err)
}

func (s *Supervised) recovered() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.down != "" {
		s.down = ""
		s.s.Recovered()
	}
}

// Close ends the source that is open. It must not overlap Next: cancel that first, as Latest does.
func (s *Supervised) Close() error {
	s.closed = true
	s.drop()
	return nil
}
