package camera

import "context"

// scope derives a context that can be cancelled by itself from the caller's, and keeps it from frame to frame
// while the caller's stays the same: nothing is allocated per frame.
type scope struct {
	parent, ctx context.Context
	cancel      context.CancelFunc
}

// within returns a live context under parent. If parent is done, so is the context.
func (s *scope) within(parent context.Context) context.Context {
	if s.ctx == nil || s.parent != parent || s.ctx.Err() != nil {
		s.end()
		s.parent = parent
		s.ctx, s.cancel = context.WithCancel(parent)
	}
	return s.ctx
}

// end cancels the context and forgets it.
func (s *scope) end() {
	if s.cancel != nil {
		s.cancel()
	}
	*s = scope{}
}
