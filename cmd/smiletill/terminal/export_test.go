package terminal

import (
	"context"
	"sync"

	"smiletill/device/camera"
	"smiletill/device/screen"
	"smiletill/payment/pin"
	"smiletill/vision"
	"smiletill/vision/edgetpu"
	"smiletill/vision/gallery"
	"smiletill/vision/visits"
)

// What the end-to-end tests, which drive a terminal from outside, do to parts that only hardware reaches, and
// look at.

const LookingMax = lookingMax

// CaseChanged is the tamper switch: true is an open case.
func (t *Terminal) CaseChanged(open bool) { t.tamper.changed(open) }

// CaseUnwatched is a tamper switch that can't be watched.
func (t *Terminal) CaseUnwatched(err error) { t.tamper.unwatched(err) }

func (t *Terminal) CaseWords() string { return t.tamper.Words() }

func (t *Terminal) Hung(ctx context.Context) string { return t.supervision().hung(ctx) }

func (t *Terminal) CounterRow(ctx context.Context) screen.StatusRow { return t.counter.row(ctx) }

func (t *Terminal) RegisterRow() screen.StatusRow { return t.register.row() }

func (t *Terminal) StatusRows(ctx context.Context) []screen.StatusRow { return t.statusRows(ctx) }

// Accelerator is where the accelerator stands; the zero State while nothing is open.
func (t *Terminal) Accelerator() edgetpu.State {
	if p := t.access.load(); p != nil {
		return p.accelerator.State()
	}
	return edgetpu.State{}
}

// Gallery and PINs are those that are open.
func (t *Terminal) Gallery() *gallery.Gallery { return t.access.load().gallery }

func (t *Terminal) PINs() *pin.Store { return t.access.load().pins }

// HoldFrames takes the networks away from the terminal, so that whoever looks at a frame hangs, until they
// are let go.
func (t *Terminal) HoldFrames() (letGo func(), err error) {
	data, err := visits.Photo("enrol_1")
	if err != nil {
		return nil, err
	}
	img, err := camera.DecodePhoto(data, 640)
	if err != nil {
		return nil, err
	}
	l := t.access.load().looker
	held, release := make(chan error, 2), make(chan bool)
	go func() {
		held <- l.Look(img, vision.Detect, func(vision.Look) {
			held <- nil
			<-release
		})
	}()
	return sync.OnceFunc(func() { close(release) }), <-held
}

func AcceleratorRow(s edgetpu.State) screen.StatusRow { return acceleratorRow(s) }

// HoldEngine keeps the engine busy, as a slow commit does, until it is let go.
func (t *Terminal) HoldEngine() (letGo func()) {
	held, release := make(chan bool), make(chan bool)
	e := t.access.load().engine
	go func() {
		_ = e.Heed(context.Background(), "held", func() bool { close(held); <-release; return false })
	}()
	<-held
	return sync.OnceFunc(func() { close(release) })
}

// WriteFailed is a write of the journal that failed.
func (t *Terminal) WriteFailed(err error) { t.disk.Failed(journalFile, err) }
