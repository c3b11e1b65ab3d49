package terminal

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"smiletill/device"
	"smiletill/device/screen"
	"smiletill/device/wiring"
	"smiletill/payment"
)

// hardware is the board of the running terminal: lamps, buzzer, buttons, tamper switch. It may come late
// and its parts may fail; payments go on without lamps, which the screen says as well, but not with a
// tamper switch that can't be watched.
type hardware struct {
	kind   string           // of the board, as configured
	sim    *device.SimBoard // nil without a simulated board
	tamper *tamper
	access *access
	log    *slog.Logger
	lamps  atomic.Pointer[device.Indicator] // nil while there is no board

	mu     sync.Mutex
	faults map[string]error // by part
}

func newHardware(
	kind string, sim *device.SimBoard, m *tamper, a *access, log *slog.Logger,
) *hardware {
	return &hardware{kind: kind, sim: sim, tamper: m, access: a, log: log, faults: map[string]error{}}
}

// retryBoard is the time between attempts to open a board that failed.
const retryBoard = 2 * time.Second

// show plays a signal, if there is something to play it on.
func (h *hardware) show(s device.Signal) {
	if l := h.lamps.Load(); l != nil {
		l.Show(s)
	}
}

// err is what does not work, for the technician.
func (h *hardware) err() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	var all []error
	for _, err := range h.faults {
		all = append(all, err)
	}
	if l := h.lamps.Load(); l != nil {
		all = append(all, l.Err())
	}
	return payment.Join(all...)
}

// failed remembers how a part is, nil for well, and logs a change.
func (h *hardware) failed(part string, err error) {
	h.mu.Lock()
	before := h.faults[part]
	if err == nil {
		delete(h.faults, part)
	} else {
		h.faults[part] = err
	}
	h.mu.Unlock()
	switch {
	case err != nil && (before == nil || before.Error() != err.Error()):
		h.log.Error("the "+part+" can't be used", "err", err, "hint", payment.HintOf(err))
	case err == nil && before != nil:
		h.log.Info("the " + part + " works")
	}
}

// keep opens the board, again until it can be, and uses it until ctx ends. Then everything is off.
func (h *hardware) keep(ctx context.Context) {
	for ctx.Err() == nil {
		err := h.use(ctx)
		if err == nil {
			return
		}
		h.failed("board", err)
		if watchesCase(h.kind) {
			h.tamper.unwatched(err)
		}
		select {
		case <-ctx.Done():
		case <-time.After(retryBoard):
		}
	}
}

// watchesCase tells whether a board has a tamper switch: a description that can't be read may name one.
func watchesCase(kind string) bool {
	w, err := wiring.Find(kind, os.DirFS("/"))
	return err == nil && w.Tamper.Line != "" || err != nil && filepath.IsAbs(kind)
}

// use plays on the board and listens to its buttons until ctx ends. Its error says why it can't.
func (h *hardware) use(ctx context.Context) error {
	log := h.log.With("room", "device")
	b := &wiring.Parts{}
	switch kind := h.kind; kind {
	case "none":
		return nil
	case "simulated":
		b.Lamps = h.sim.Board()
	default:
		w, err := wiring.Find(kind, os.DirFS("/"))
		if err != nil {
			return err
		}
		if b, err = w.Open("/", log); err != nil {
			return err
		}
		log.Info("board opened", "board", w.Name, "chip", b.Label)
	}
	h.failed("board", nil)
	lamps := device.New(b.Lamps, log)
	h.lamps.Store(lamps)
	defer func() {
		h.lamps.Store(nil)
		if err := lamps.Close(); err != nil {
			h.log.Error("switch the lamps off", "err", err)
		}
	}()
	var watchers sync.WaitGroup
	defer watchers.Wait()
	if in := b.Cancel; in != nil {
		watchers.Go(func() { in.Presses(ctx, log, func() { h.cancelPressed(ctx) }, h.failure(in)) })
	}
	if in := b.Confirm; in != nil {
		watchers.Go(func() { in.Presses(ctx, log, func() { log.Info("confirm was pressed") }, h.failure(in)) })
	}
	if in := b.Tamper; in != nil {
		watchers.Go(func() {
			in.Watch(ctx, h.tamper.changed, func(err error) {
				h.failure(in)(err)
				h.tamper.unwatched(err)
			})
		})
	}
	<-ctx.Done()
	return nil
}

func (h *hardware) failure(in *device.Input) func(error) {
	return func(err error) { h.failed(in.Name, err) }
}

// cancelPressed cancels the running payment, for the customer who pressed the button.
func (h *hardware) cancelPressed(ctx context.Context) {
	p, err := h.access.opened()
	if err != nil {
		return // out of order: there is nothing to cancel
	}
	s, err := p.engine.Status(ctx)
	if err != nil || s.Payment.ID == "" || s.Payment.State.Terminal() {
		return
	}
	if _, err := p.engine.Cancel(ctx, s.Payment.ID, payment.ByCustomer); err != nil &&
		!errors.Is(err, payment.ErrNotRunning) && ctx.Err() == nil {
		h.log.Error("the cancel button was pressed, the payment was not cancelled", "err", err)
	}
}

func (h *hardware) row() screen.StatusRow {
	row := screen.StatusRow{Name: "board", Value: h.kind, Level: screen.LevelOK}
	if err := h.err(); err != nil {
		row.Value, row.Level, row.Do = err.Error(), screen.LevelWarning, payment.HintOf(err)
	}
	return row
}
