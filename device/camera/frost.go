package camera

import (
	"fmt"
	"hash/maphash"
	"time"
)

// frozenFrames is the least number of equal pictures that is a fault, however slow the camera: at the slowest
// useful rate, 10 a second, it is the 2 s that the terminal waits.
const frozenFrames = 20

// frost finds a camera that gives the same picture again and again, and knows that picture when the camera
// has been opened again.
type frost struct {
	limit  time.Duration // 0: never
	seed   maphash.Seed
	last   uint64
	since  time.Time // when it was first seen
	frames int
	frozen bool // last is the picture that the camera hangs at
}

// look tells what to do with a frame: withhold it while it is still the frozen picture, or give up the camera
// for it (ErrFrozen), or neither.
func (z *frost) look(f *Frame) (withhold bool, err error) {
	if z.limit <= 0 {
		return false, nil
	}
	now, sum := time.Now(), maphash.Bytes(z.seed, f.Data)
	if z.frames == 0 || sum != z.last {
		z.last, z.since, z.frames, z.frozen = sum, now, 1, false
		return false, nil
	}
	z.frames++
	if z.frames < frozenFrames || now.Sub(z.since) < z.limit {
		return z.frozen, nil
	}
	z.since, z.frames, z.frozen = now, 1, true
	return false, withHint(fmt.Errorf("read camera: %w", ErrFrozen),
		"uncover the lens and put some light on it; if that does not help, unplug the camera and plug it in again")
}
