package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"smiletill/device"
	"smiletill/device/camera"
	"smiletill/device/screen"
	"smiletill/payment"
	"smiletill/vision/gallery"
)

// terminal is the whole device: what the customer sees is there from the first moment to the last, the parts
// behind it are opened again and again until they work.
type terminal struct {
	cfg      Config
	log      *slog.Logger
	page     *screen.Server
	sim      *device.SimBoard // nil without a simulated board
	hardware hardware
	tamper   *tamper
	front    *front
	control  *control
	register *cashDesk
	counter  *counterDoor
	parts    atomic.Pointer[parts] // nil while something can't be opened
	renewals renewals

	// openCamera gives a source; the demo puts its own in place of the configured one.
	openCamera func() (camera.Source, error)
	// onView is told what the customer is shown and which signal plays; may be nil.
	onView func(v screen.View, signal string)

	opening pulse // of keepOpen

	addr  string // where the page is served, once listening
	pages net.Listener
}

// retryOpen is the time between attempts to open parts that failed: short enough that a technician sees the
// cure at once.
const retryOpen = 3 * time.Second

// frozenAfter is how long a camera may show one and the same picture: longer than it takes to set its
// exposure anew, shorter than a customer's visit.
const frozenAfter = 2 * time.Second

func newTerminal(cfg Config, log *slog.Logger) (*terminal, error) {
	t := &terminal{cfg: cfg, log: log}
	t.front = newFront(t)
	t.hardware = hardware{t: t, faults: map[string]error{}}
	t.tamper = newTamper(t)
	t.register = newCashDesk(t)
	t.counter = &counterDoor{t: t}
	t.openCamera = func() (camera.Source, error) { return openCamera(cfg.Camera) }
	var err error
	// Whoever names another address than loopback in the configuration has chosen to show the page to the
	// network.
	remote := !onlyHere(cfg.Screen.Listen)
	t.page, err = screen.New(
		screen.Options{AllowRemote: remote, Hosts: ownNames(cfg), Keypad: keypad{t}, Counter: counter{t},
			Log: log.With("room", "screen")},
	)
	return t, err
}

// listen takes the address of the page, so that it is known before anything runs.
func (t *terminal) listen() error {
	l, err := net.Listen("tcp", t.cfg.Screen.Listen)
	if err != nil {
		return withHint(fmt.Errorf("open the customer's page: %w", err),
			"another program may use the address: stop it, or choose another with screen.listen")
	}
	t.pages, t.addr = l, l.Addr().String()
	return nil
}

// run serves until ctx ends. Only what no waiting can mend is returned: an address or a socket that is taken.
func (t *terminal) run(ctx context.Context) error {
	if t.pages == nil {
		if err := t.listen(); err != nil {
			return err
		}
	}
	t.log.Info("smiletill starts", "version", version, "data", t.cfg.Paths.DataDir, "screen", "http://"+t.addr)
	if err := camera.FastJPEG(); err != nil {
		t.log.Warn("a camera's JPEG is decoded by the slower decoder", "err", err, "hint", hintOf(err))
	}
	if t.cfg.Board.Kind == "simulated" {
		t.sim = device.NewSimBoard(t.boardChanged)
	}
	t.tamper.load()
	var err error
	if t.control, err = listenControl(t.cfg.Paths.ControlSocket, t); err != nil {
		return err
	}
	t.opening.beat()
	t.front.pulse.beat()
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return t.page.Serve(ctx, t.pages) })
	g.Go(func() error { return t.control.serve(ctx) })
	g.Go(func() error { t.front.run(ctx); return nil })
	g.Go(func() error { t.hardware.keep(ctx); return nil })
	g.Go(func() error { t.tellTechnician(ctx); return nil })
	g.Go(func() error { t.keepOpen(ctx); return nil })
	g.Go(func() error { t.supervise(ctx); return nil })
	g.Go(func() error { t.register.run(ctx); return nil })
	g.Go(func() error { t.register.watch(ctx); return nil })
	g.Go(func() error { t.counter.run(ctx); return nil })
	err = g.Wait()
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// keepOpen opens the parts and serves with them; when one fails it says so and tries again.
func (t *terminal) keepOpen(ctx context.Context) {
	for ctx.Err() == nil {
		t.opening.beat()
		err := t.serveParts(ctx)
		t.opening.beat()
		t.parts.Store(nil)
		if ctx.Err() != nil || err == nil {
			return
		}
		if errors.Is(err, errReopen) {
			t.log.Info("opening the terminal's files anew")
			continue
		}
		t.log.Error("out of order", "err", err, "hint", hintOf(err), "again_in", retryOpen.String())
		t.front.closed(err)
		select {
		case <-ctx.Done():
		case <-time.After(retryOpen):
		}
	}
}

func (t *terminal) serveParts(ctx context.Context) error {
	asked := t.renewals.asked() // before anything is read
	p, err := openParts(ctx, t.cfg, t.tamper, t.log)
	if err != nil {
		return err
	}
	defer p.close()
	if p.frames, err = t.openFrames(p.engine); err != nil {
		return err
	}
	e := &eyes{parts: p, front: t.front, log: t.log.With("room", "vision")}
	p.eyes = e
	e.requests = make(chan *capture)
	e.pulse.beat()
	ctx, p.stop = context.WithCancelCause(ctx)
	defer p.stop(nil)
	stopped := ctx
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return p.engine.Run(ctx) })
	if !t.renewals.show(&t.parts, p, asked) {
		p.stop(errReopen)
		return errors.Join(errReopen, g.Wait())
	}
	t.tamper.apply() // before any lamp tells that they are ready
	g.Go(func() error { return e.run(ctx) })
	g.Go(func() error { return p.accelerate(ctx) })
	g.Go(func() error { t.front.follow(ctx, p); return nil })
	g.Go(func() error { return p.tend(ctx, t.cfg.Payment.Keep, tendEvery) })
	if p.reporter != nil {
		g.Go(func() error { return p.reporter.Run(ctx) })
	}
	t.log.Info("ready for payments", "terminal", t.cfg.Terminal.ID, "customers", len(p.gallery.List()),
		"must_be_enrolled_again", len(p.gallery.Stale()), "models", describeSet(p.set), "faces", gallery.Protection)
	err = g.Wait()
	if errors.Is(context.Cause(stopped), errReopen) {
		return errReopen
	}
	return err
}

// errReopen ends parts that are to be opened anew.
var errReopen = errors.New("to be opened anew")

// renewals counts how often new parts were asked for. Parts that are being opened meanwhile may have read
// what is not true any more: these are not shown to anybody.
type renewals struct {
	mu    sync.Mutex
	count uint64 // guarded by mu
}

func (r *renewals) asked() uint64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.count
}

// ask gives the parts that are to be closed; nil: those that are being opened will be opened again.
func (r *renewals) ask(at *atomic.Pointer[parts]) *parts {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.count++
	return at.Load()
}

// show lets everybody use the parts, unless others were asked for since.
func (r *renewals) show(at *atomic.Pointer[parts], p *parts, asked uint64) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.count != asked {
		return false
	}
	at.Store(p)
	return true
}

// reopen closes the parts between two payments; keepOpen opens them again, with the models that are
// installed then and the faces that may be read then. It returns when they are closed, and ErrBusy while a
// payment runs.
func (t *terminal) reopen(ctx context.Context) error {
	p := t.renewals.ask(&t.parts)
	if p == nil {
		return nil
	}
	s, err := p.engine.Status(ctx)
	if err != nil {
		return err
	}
	if s.Payment.ID != "" && !s.Payment.State.Terminal() {
		return withHint(fmt.Errorf("open the models anew: %w: %s", payment.ErrBusy, s.Payment.ID),
			"wait for the payment to end")
	}
	// A payment that slips in before this is cancelled, not lost.
	if err := p.engine.SetOutOfOrder(ctx, "the terminal is opening its files anew", true); err != nil {
		return err
	}
	p.stop(errReopen)
	for t.parts.Load() == p {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(10 * time.Millisecond):
		}
	}
	return nil
}

// openFrames starts the camera. A replay as fast as asked is read in step with the looking: nothing can fall
// silent.
func (t *terminal) openFrames(e *payment.Engine) (*camera.Latest, error) {
	if isReplay(t.cfg.Camera) && !t.cfg.Camera.Realtime {
		s, err := t.openCamera()
		if err != nil {
			return nil, err
		}
		return camera.LockStep(s), nil
	}
	var frozen time.Duration // a recording may stand still
	if !isReplay(t.cfg.Camera) {
		frozen = frozenAfter
	}
	return camera.Newest(camera.Supervise(t.openCamera, camera.Supervision{
		Frozen:    frozen,
		Fault:     func(err error) { t.cameraFault(e, err) },
		Recovered: func() { t.cameraBack(e) },
	})), nil
}

const cameraCause = "camera"

func (t *terminal) cameraFault(e *payment.Engine, err error) {
	t.log.Error("camera fault", "err", err, "hint", hintOf(err))
	t.front.fault(cameraCause, fault{reason: screen.CameraGone, what: err.Error(), do: hintOf(err)})
	t.setOutOfOrder(e, true)
}

func (t *terminal) cameraBack(e *payment.Engine) {
	t.log.Info("camera works again")
	t.front.cured(cameraCause)
	t.setOutOfOrder(e, false)
}

func (t *terminal) setOutOfOrder(e *payment.Engine, on bool) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	err := e.SetOutOfOrder(ctx, cameraCause, on)
	if err != nil && !errors.Is(err, payment.ErrStopped) {
		t.log.Error("tell the engine about the camera", "err", err)
	}
}

func (t *terminal) boardChanged(device.Transition) {
	t.front.wake()
}

// opened gives the parts, or says why there are none.
func (t *terminal) opened() (*parts, error) {
	if p := t.parts.Load(); p != nil {
		return p, nil
	}
	err := fmt.Errorf("%w: %s", payment.ErrOutOfOrder, t.front.why())
	return nil, withHint(err, "mend what is named; the terminal tries again every %v", retryOpen)
}
