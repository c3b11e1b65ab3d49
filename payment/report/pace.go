package report

import (
	"math/rand/v2"
	"time"
)

// pace spaces attempts: first, then twice as long each time, up to most, each shortened at random by up to a half, so that a
// hundred terminals that lost one broker do not return in one moment.
type pace struct {
	first, most time.Duration
	rand        *rand.Rand // one goroutine's
}

// delay is the time after attempt n (0 for the first) before the next one, in [d/2, d] with d = min(first*2^n, most).
func (p pace) delay(n int) time.Duration {
	d := p.first
	for i := 0; i < n && d < p.most; i++ {
		d *= 2
	}
	d = min(d, p.most)
	half := d / 2
	return d - time.Duration(p.rand.Int64N(int64(half)+1))
}
