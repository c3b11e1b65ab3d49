package camera

import (
	"context"
	"fmt"
	"sync"
)

// Switch is a Source that passes on the frames of another one, which can be exchanged between two frames. It
// numbers the frames anew, so that Seq goes on rising over a cut.
type Switch struct {
	mu     sync.Mutex
	idle   sync.Cond // a read of the current source has ended
	source Source
	cuts   uint64 // counts the exchanges; tells an old source from a new one
	scope  scope
	seq    uint64
	closed bool

	reading  bool   // a Next of a source is under way, begun when there had been
	readCuts uint64 // so many exchanges
}

// NewSwitch begins with the given source.
func NewSwitch(s Source) *Switch {
	w := &Switch{source: s}
	w.idle.L = &w.mu
	return w
}

// Cut puts another source in the place of the current one and returns the old one, which is no longer in
// use: the caller closes it, or plays it later. A Next that waits for a frame of the old source goes on
// with the new one, and no frame of the old one comes after Cut has returned. Any goroutine may call it,
// but not from inside a source. After Close, Cut gives the new source straight back.
func (s *Switch) Cut(next Source) (old Source) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return next
	}
	old, s.source = s.source, next
	s.leave()
	return old
}

// leave interrupts the read under way and waits for its end. The caller holds mu.
func (s *Switch) leave() {
	s.cuts++
	s.scope.end()
	now := s.cuts
	for s.reading && s.readCuts < now { // a read that began since is the new source's
		s.idle.Wait()
	}
}

// Next waits for a frame of the current source. The current source's io.EOF and errors are passed on; after
// a Cut, Next can be called again.
func (s *Switch) Next(ctx context.Context, f *Frame) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		if s.closed {
			return fmt.Errorf("read camera switch: %w", ErrClosed)
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		source, cuts, inner := s.source, s.cuts, s.scope.within(ctx)
		s.reading, s.readCuts = true, cuts
		s.mu.Unlock()
		err := source.Next(inner, f)
		s.mu.Lock()
		s.reading = false
		s.idle.Broadcast()
		if s.cuts != cuts {
			continue // what came is the old source's: its frame, its end or its interruption
		}
		if err == nil {
			s.seq++
			f.Seq = s.seq
		}
		return err
	}
}

// Close ends the switch and closes the current source.
func (s *Switch) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil
	}
	s.closed = true
	s.leave()
	return s.source.Close()
}
