package light

import (
	"fmt"
	"sync/atomic"

	"smiletill/device/camera"
)

// Lens is what the newest picture came through: how late a light is seen depends on it. One goroutine takes
// frames, any may ask.
type Lens struct {
	last  through
	words atomic.Pointer[string]
}

type through struct {
	from          camera.Origin
	format        camera.Format
	width, height int
}

// Take notes a frame.
func (l *Lens) Take(f *camera.Frame) {
	if now := (through{f.From, f.Format, f.Width, f.Height}); now != l.last {
		words := fmt.Sprintf("%s %s, %s, %dx%d", f.From.Kind, f.From.Driver, f.Format, f.Width, f.Height)
		l.last = now
		l.words.Store(&words)
	}
}

// Now is what the newest picture came through, in words; "" before the first.
func (l *Lens) Now() string {
	if words := l.words.Load(); words != nil {
		return *words
	}
	return ""
}
