package camera

import (
	"fmt"
	"time"
)

// A picture that was damaged on its way is left out, and nobody is told: some cameras send one a minute. None
// that can be decoded for so long, and at least so many in a row, is a camera that gives no pictures. Two
// seconds are what the terminal also waits for one that stands still; three pictures are what it decodes in
// that time while nobody pays.
const (
	unreadableAfter  = 2 * time.Second
	unreadableFrames = 3
)

// Damage judges runs of pictures that can't be decoded. The zero value is ready; one goroutine uses it.
type Damage struct {
	since time.Time // when the first of the run was taken
	count int       // damaged pictures in a row
	fault bool      // the run was told
}

// Note takes how the decoding of a frame ended. It gives ErrUnreadable once in a run of damaged pictures,
// when that is a fault; and true once, at the first picture that can be decoded after it.
func (d *Damage) Note(f *Frame, err error) (fault error, mended bool) {
	if err == nil {
		mended = d.fault
		*d = Damage{}
		return nil, mended
	}
	if d.count == 0 {
		d.since = f.At
	}
	d.count++
	if d.fault || d.count < unreadableFrames || f.At.Sub(d.since) < unreadableAfter {
		return nil, false
	}
	d.fault = true
	fault = fmt.Errorf("read camera: %w: %d in a row, the last one: %w", ErrUnreadable, d.count, err)
	return withHint(fault, "try another cable and another port, without a hub; then another camera.format, or "+
		"a smaller camera.width and camera.height"), false
}
