package terminal

import (
	"fmt"
	"sync/atomic"

	"smiletill/device/camera"
)

// lens is what the newest picture came through: how late a light is seen depends on it.
type lens struct {
	last  through
	words atomic.Pointer[string]
}

type through struct {
	from          camera.Origin
	format        camera.Format
	width, height int
}

// take notes a frame. It serves the eyes' goroutine.
func (l *lens) take(f *camera.Frame) {
	if now := (through{f.From, f.Format, f.Width, f.Height}); now != l.last {
		words := fmt.Sprintf("%s %s, %s, %dx%d", f.From.Kind, f.From.Driver, f.Format, f.Width, f.Height)
		l.last = now
		l.words.Store(&words)
	}
}

// now is what the newest picture came through, in words; "" before the first.
func (l *lens) now() string {
	if words := l.words.Load(); words != nil {
		return *words
	}
	return ""
}
