package link

import (
	"context"
	"math/rand/v2"
	"time"
)

// Backoff spaces attempts: First, then twice as long each time, up to Most, each shortened at random by up to
// a half, so that a hundred terminals that lost one broker do not return in one moment.
type Backoff struct {
	First, Most time.Duration // 0 < First <= Most
	Rand        *rand.Rand    // one goroutine's
}

// Delay is the time between attempt n (0 for the first) and the next, in [d/2, d] with d = min(First*2^n,
// Most).
func (b Backoff) Delay(n int) time.Duration {
	d := b.First
	for i := 0; i < n && d < b.Most; i++ {
		d *= 2
	}
	d = min(d, b.Most)
	return d - time.Duration(b.Rand.Int64N(int64(d/2)+1))
}

// Sleep waits for d and tells whether ctx was still going at its end.
func Sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}
