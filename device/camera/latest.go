package camera

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
)

// Latest hands the frames of a Source to one taker. Newest and LockStep make it.
type Latest struct {
	source Source
	pull   bool // lock step: Take reads the source itself

	front *Frame // the taker's, until its next Take
	back  *Frame // being filled

	mu      sync.Mutex
	middle  *Frame // the mailbox
	fresh   bool   // there is a frame in the mailbox
	err     error  // how the source ended
	taken   uint64
	dropped uint64

	news   chan struct{} // something is new in the mailbox
	cancel context.CancelFunc
	done   chan struct{} // the reading goroutine has ended
	once   sync.Once
}

// Newest reads the source in a goroutine of its own, as fast as frames come, into a mailbox of one place:
// a frame that nobody took in time is dropped for the next one. The three frames' buffers are reused.
// Close ends it and closes the source.
func Newest(s Source) *Latest {
	ctx, cancel := context.WithCancel(context.Background())
	l := &Latest{
		source: s, front: new(Frame), middle: new(Frame), back: new(Frame),
		news: make(chan struct{}, 1), cancel: cancel, done: make(chan struct{}),
	}
	go l.read(ctx)
	return l
}

// LockStep reads the source when Take asks, and drops nothing: with a Replay as fast as asked, every run sees
// the same frames.
func LockStep(s Source) *Latest {
	l := &Latest{source: s, pull: true, front: new(Frame), done: make(chan struct{}), cancel: func() {}}
	close(l.done)
	return l
}

func (l *Latest) read(ctx context.Context) {
	defer close(l.done)
	for {
		err := l.source.Next(ctx, l.back)
		l.mu.Lock()
		if err != nil {
			l.err = takeError(err)
		} else {
			if l.fresh {
				l.dropped++
			}
			l.middle, l.back, l.fresh = l.back, l.middle, true
		}
		l.mu.Unlock()
		select {
		case l.news <- struct{}{}:
		default:
		}
		if err != nil {
			return
		}
	}
}

// takeError keeps io.EOF as it is and gives advice with everything else.
func takeError(err error) error {
	if errors.Is(err, io.EOF) {
		return err
	}
	return withHint(fmt.Errorf("take camera frame: %w", err),
		"check that the camera is plugged in and that no other program uses it")
}

// Take waits for a frame that it has not given before, the newest there is. The frame is the taker's until
// the next Take. An error of the source comes after its last frame, and then always; io.EOF says that a clip
// has been played. One goroutine takes.
func (l *Latest) Take(ctx context.Context) (*Frame, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if l.pull {
		return l.takeNext(ctx)
	}
	for {
		l.mu.Lock()
		if l.fresh {
			l.front, l.middle, l.fresh = l.middle, l.front, false
			l.taken++
			l.mu.Unlock()
			return l.front, nil
		}
		err := l.err
		l.mu.Unlock()
		if err != nil {
			return nil, err
		}
		select {
		case <-l.news:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func (l *Latest) takeNext(ctx context.Context) (*Frame, error) {
	l.mu.Lock()
	err := l.err
	l.mu.Unlock()
	if err != nil {
		return nil, err
	}
	if err := l.source.Next(ctx, l.front); err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err() // the taker's impatience is not the source's end
		}
		err = takeError(err)
		l.mu.Lock()
		defer l.mu.Unlock()
		l.err = err
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.taken++
	return l.front, nil
}

// Counts says how many frames were taken, and how many were dropped because nobody took them in time.
func (l *Latest) Counts() (taken, dropped uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.taken, l.dropped
}

// Close ends the reading, waits for it, and closes the source. Take then gives ErrClosed. In lock step, Close
// belongs to the taker's goroutine.
func (l *Latest) Close() error {
	var err error
	l.once.Do(func() {
		l.cancel()
		<-l.done
		l.mu.Lock()
		l.err = takeError(ErrClosed)
		l.fresh = false
		l.mu.Unlock()
		if l.news != nil {
			select {
			case l.news <- struct{}{}:
			default:
			}
		}
		err = l.source.Close()
	})
	return err
}
