package terminal

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"

	"smiletill/cmd/smiletill/claiming"
	"smiletill/cmd/smiletill/config"
	"smiletill/cmd/smiletill/control"
	"smiletill/cmd/smiletill/counter"
	"smiletill/cmd/smiletill/doctor"
	"smiletill/cmd/smiletill/enrolment"
	"smiletill/cmd/smiletill/front"
	"smiletill/cmd/smiletill/light"
	who "smiletill/cmd/smiletill/people"
	"smiletill/cmd/smiletill/storage"
	"smiletill/cmd/smiletill/update"
	"smiletill/cmd/smiletill/vending"
	"smiletill/device"
	"smiletill/device/camera"
	"smiletill/device/screen"
	"smiletill/payment"
	unread "smiletill/payment/counter"
	"smiletill/vision/networks"
)

// Terminal is the whole device: what the customer sees is there from the first moment to the last, the parts
// behind it are opened again and again until they work.
type Terminal struct {
	cfg  config.Config
	o    Options
	log  *slog.Logger
	page *screen.Server

	access   *access
	front    *front.Front
	lamp     *light.Lamp
	camera   *eyesight
	hardware *hardware
	tamper   *tamper
	disk     *disk
	updates  *updating
	register *cashDesk
	counter  *counterDoor
	desk     *enrolment.Desk
	machine  *vending.Machine // nil: none is served
	opening  *pulse           // of keepOpen
	drawing  pulse            // of the page
	started  time.Time

	mu   sync.Mutex
	addr string // where the page is served
}

// Options are what a terminal is given beside its configuration. The zero value is a terminal's own.
type Options struct {
	// Version is what it calls itself to technicians, registers and the cloud.
	Version string
	// Log is where it writes what happens; nil: nowhere.
	Log *slog.Logger
	// NotSetUp says why no payments are taken yet, with a hint: nobody has said whose terminal this is.
	// nil: they are.
	NotSetUp error
	// Claim is its way to its cloud; nil: it has none to go.
	Claim *claiming.Claim
	// OpenCamera gives a source of frames in place of the configured one.
	OpenCamera func() (camera.Source, error)
	// Light stands for the customer's page where nobody looks at one: it is given a light code, and says when
	// its colours will have been shown. Facts name it "simulated". nil: the page says.
	Light func(screen.Light) screen.Shown
	// OnView is told what the customer is shown and which signal plays.
	OnView func(v screen.View, signal string)
	// OnPayment is told each change of the engine, in order; what comes faster than it returns is passed
	// over.
	OnPayment func(payment.Status)
}

// Addresses are where a running terminal is reached, as host:port; "" is not served, or not yet.
type Addresses struct{ Screen, Register, Counter string }

// retryOpen is the time between attempts to open parts that failed: short enough that a technician sees the
// cure at once.
const retryOpen = 3 * time.Second

// frozenAfter is how long a camera may show one and the same picture: longer than it takes to set its
// exposure anew, shorter than a customer's visit.
const frozenAfter = 2 * time.Second

// New makes a terminal that does not run yet. An error says that the configuration can't be served.
func New(cfg config.Config, o Options) (*Terminal, error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.OpenCamera == nil {
		if err := cfg.CheckCamera(); err != nil {
			return nil, err
		}
		o.OpenCamera = camera.Settings(cfg.Camera).Open
	}
	rules, err := who.ReadRules(cfg.Consent.Paper, cfg.Consent.Files())
	if err != nil {
		return nil, err
	}
	t := &Terminal{cfg: cfg, o: o, log: o.Log, opening: &pulse{}, started: time.Now()}
	t.front = front.New()
	t.lamp = light.New(t.front, o.Light)
	t.access = &access{why: t.front.Why, do: t.front.Do, restart: o.NotSetUp != nil}
	t.updates = &updating{Keeper: update.NewKeeper(cfg.Paths.DataDir, t.log, t.updated)}
	t.disk = newDisk(t.access, t.front, t.log, cfg.Paths.DataDir, cfg.GalleryDir())
	t.desk = t.people(rules)
	till := counter.Desk{Open: t.access.atCounter, Reversing: t.access.reverse, People: t.desk,
		Memory: unread.At(cfg.CounterPath(), t.disk.Told(counterFile))}
	till.CounterCustomers = &enrolment.Page{Desk: t.desk, Allowed: till.Allowed}
	page, err := screen.New(screen.Options{
		// Whoever names another address than loopback in the configuration has chosen to show the page to the
		// network.
		AllowRemote: !config.OnlyHere(cfg.Screen.Listen), Hosts: cfg.OwnNames(), Keypad: keypad{t.access},
		Lights: t.lamp, Forget: enrolment.Farewell{Desk: t.desk}, ForgetFor: cfg.Consent.Timeout,
		Contact: cfg.Consent.Contact,
		Counter: till,
		Metrics: doctor.Metrics(doctor.Numbers{Version: o.Version, Cfg: cfg, Probe: doctor.Here(),
			Status: t.statusNow, Books: t.books}),
		Log: t.log.With("room", "screen"),
	})
	if err != nil {
		return nil, err
	}
	t.page = page
	var sim *device.SimBoard
	if cfg.Board.Kind == "simulated" {
		sim = device.NewSimBoard(func(device.Transition) { t.front.Wake() })
	}
	t.tamper = newTamper(cfg.TamperPath(), t.access, t.front, page.LockCounter, t.disk, t.log)
	t.hardware = newHardware(cfg.Board.Kind, sim, t.tamper, t.access, t.log)
	t.camera = &eyesight{cfg: camera.Settings(cfg.Camera), open: o.OpenCamera, front: t.front, log: t.log}
	t.register = newCashDesk(cfg, o.Version, t.access, t.front, t.tamper, t.log)
	t.register.disk = t.disk
	t.counter = &counterDoor{cfg: cfg, access: t.access, page: page, till: till, disk: t.disk, log: t.log}
	if cfg.Vending.Port != "" {
		t.machine = vending.NewMachine(cfg, vending.Options{Till: t.access.engine, Payable: t.access.payable,
			Refused: t.front.Refused, Log: t.log.With("room", "vending")})
	}
	return t, nil
}

// Addresses tells where the terminal is reached now.
func (t *Terminal) Addresses() Addresses {
	t.mu.Lock()
	defer t.mu.Unlock()
	return Addresses{Screen: t.addr, Register: t.register.address(), Counter: t.counter.address()}
}

// FramesTaken counts the frames that were looked at since the parts were opened: a film may wait for it.
func (t *Terminal) FramesTaken() uint64 {
	p := t.access.load()
	if p == nil {
		return 0
	}
	taken, _ := p.frames.Counts()
	return taken
}

// listen takes the address of the page.
func (t *Terminal) listen() (net.Listener, error) {
	l, err := net.Listen("tcp", t.cfg.Screen.Listen)
	if err != nil {
		err = fmt.Errorf("open the customer's page: %w", err)
		option := "screen.listen"
		if flag, ok := strings.CutPrefix(t.cfg.Origin(option), "flag "); ok {
			option = flag
		}
		if errors.Is(err, syscall.EADDRINUSE) {
			return nil, payment.WithHintf(err, "another program uses the address: stop it, or choose another with %s",
				option)
		}
		return nil, payment.WithHintf(err, "give %s an address of this machine and a port that this user may open",
			option)
	}
	t.mu.Lock()
	t.addr = l.Addr().String()
	t.mu.Unlock()
	return l, nil
}

// Run serves until ctx ends. Only what no waiting can mend is returned: an address or a socket that is taken.
func (t *Terminal) Run(ctx context.Context) error {
	// The socket comes first: that another terminal runs here says more than that its page has the address.
	if err := config.PreparePrivateDir(filepath.Dir(t.cfg.Paths.ControlSocket)); err != nil {
		return err
	}
	socket, err := control.Listen(t.cfg.Paths.ControlSocket)
	if err != nil {
		return err
	}
	pages, err := t.listen()
	if err != nil {
		return errors.Join(err, socket.Close())
	}
	t.log.Info("smiletill starts", "version", t.o.Version, "data", t.cfg.Paths.DataDir, "screen",
		"http://"+pages.Addr().String())
	if err := camera.FastJPEG(); err != nil {
		t.log.Warn("a camera's JPEG is decoded by the slower decoder", "err", err, "hint", payment.HintOf(err))
	}
	t.tamper.load()
	t.updated()
	if why := t.o.NotSetUp; why != nil { // known before anybody asks
		t.front.Fault(front.PartsCause,
			front.Fault{Reason: front.WhyNot(why), What: why.Error(), Do: payment.HintOf(why)})
	}
	if err := storage.Clear(t.cfg.Paths.DataDir); err != nil { // the socket says that this is the only terminal
		t.log.Warn("what a power cut left in the data folder stays there", "err", err)
	}
	t.opening.beat()
	t.drawing.beat()
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return t.page.Serve(ctx, pages) })
	g.Go(func() error { return t.o.Claim.Run(ctx, t.front) })
	g.Go(func() error { return socket.Serve(ctx, t.doors()) })
	g.Go(func() error { t.front.Run(ctx, t.stage(), t.drawing.beat); return nil })
	g.Go(func() error { t.hardware.keep(ctx); return nil })
	g.Go(func() error { t.disk.Run(ctx, t.disk.probes, t.disk.apply); return nil })
	g.Go(func() error { t.updates.Run(ctx); return nil })
	g.Go(func() error { t.tellTechnician(ctx); return nil })
	g.Go(func() error { t.keepOpen(ctx); return nil })
	g.Go(func() error { t.supervision().run(ctx); return nil })
	g.Go(func() error { t.register.run(ctx); return nil })
	g.Go(func() error { t.register.watch(ctx); return nil })
	g.Go(func() error { t.counter.run(ctx); return nil })
	if t.machine != nil {
		g.Go(func() error { t.machine.Run(ctx); return nil })
	}
	err = g.Wait()
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// stage is where the front plays.
func (t *Terminal) stage() front.Stage {
	c := t.cfg
	return front.Stage{Page: t.page, Play: t.hardware.show, Sim: t.hardware.sim, Log: t.log, OnView: t.o.OnView,
		Product: c.Vending.Item,
		Plate: screen.View{Merchant: c.Terminal.Name, Terminal: c.Terminal.ID, Lang: c.Terminal.Language,
			Sound: c.Screen.Sound}}
}

// supervision is what feeds the watchdogs.
func (t *Terminal) supervision() *supervision {
	return &supervision{front: t.front, access: t.access, opening: t.opening, drawing: &t.drawing,
		device: t.cfg.Terminal.Watchdog,
		log:    t.log}
}

// keepOpen opens the parts and serves with them; when one fails it says so and tries again.
func (t *Terminal) keepOpen(ctx context.Context) {
	if t.o.NotSetUp != nil {
		t.waitForSettings(ctx)
		return
	}
	for ctx.Err() == nil {
		t.opening.beat()
		err := t.serveParts(ctx)
		t.opening.beat()
		t.access.hide()
		if ctx.Err() != nil || err == nil {
			return
		}
		if errors.Is(err, errReopen) {
			t.log.Info("opening the terminal's files anew")
			continue
		}
		t.log.Error("out of order", "err", err, "hint", payment.HintOf(err), "again_in", retryOpen.String())
		t.front.Closed(err, cameraCause)
		select {
		case <-ctx.Done():
		case <-time.After(retryOpen):
		}
	}
}

// waitForSettings serves without parts: nothing is opened or made, the page says what is to be done.
// Whoever does it starts the terminal again.
func (t *Terminal) waitForSettings(ctx context.Context) {
	t.log.Warn("no payments are taken", "err", t.o.NotSetUp, "hint", payment.HintOf(t.o.NotSetUp))
	for ctx.Err() == nil {
		t.opening.beat()
		select {
		case <-ctx.Done():
		case <-time.After(retryOpen):
		}
	}
}

func (t *Terminal) serveParts(ctx context.Context) error {
	asked := t.access.asked() // before anything is read
	starting := ctx
	if by := t.access.by.Swap(nil); by != nil {
		starting = who.With(ctx, *by)
	}
	p, err := openParts(starting, t.cfg, t.o.Version, t.tamper, t.disk, t.updates, t.log)
	if err != nil {
		return storage.WithHint(err)
	}
	defer p.close()
	if p.frames, err = t.camera.frames(p.engine); err != nil {
		return err
	}
	e := newEyes(p, t.camera, t.front, t.lamp, t.log.With("room", "vision"))
	p.eyes, e.delayPath, e.machine, e.updates = e, t.cfg.DelayPath(), t.machine, t.updates
	p.warnUnlit()
	e.pulse.beat()
	ctx, p.stop = context.WithCancelCause(ctx)
	defer p.stop(nil)
	stopped := ctx
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return p.engine.Run(ctx) })
	if !t.access.show(p, asked) {
		p.stop(errReopen)
		return errors.Join(errReopen, g.Wait())
	}
	t.tamper.apply() // before any lamp tells that they are ready
	t.disk.apply()
	t.updated()
	p.witness.Begin()
	g.Go(func() error { return e.run(ctx) })
	g.Go(func() error { p.accelerator.Run(ctx); return nil })
	g.Go(func() error { t.front.Follow(ctx, p.engine, t.o.OnPayment); return nil })
	g.Go(func() error { return p.journal.Tend(ctx, t.cfg.Payment.Keep, tendEvery) })
	if p.reporter != nil {
		g.Go(func() error { return p.reporter.Run(ctx) })
	}
	t.log.Info("ready for payments", "terminal", t.cfg.Terminal.ID, "customers", len(p.gallery.List()),
		"must_be_enrolled_again", len(p.gallery.Stale()), "models", networks.DescribeSet(p.set),
		"keys", p.vault.Words())
	err = g.Wait()
	if errors.Is(context.Cause(stopped), errReopen) {
		return errReopen
	}
	return err
}

// tendEvery is a day: a start reads again what was written since, some 5 ms for a thousand entries.
const tendEvery = 24 * time.Hour
