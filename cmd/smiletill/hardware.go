package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"smiletill/device"
	"smiletill/device/screen"
	"smiletill/payment"
)

// hardware is the board of the running terminal: lamps, buzzer, buttons, tamper switch. It may come late
// and its parts may fail; payments go on without lamps, which the screen says as well, but not with a
// tamper switch that can't be watched.
type hardware struct {
	t     *terminal
	lamps atomic.Pointer[device.Indicator] // nil while there is no board

	mu     sync.Mutex
	faults map[string]error // by part
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
	return errors.Join(all...)
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
		h.t.log.Error("the "+part+" can't be used", "err", err, "hint", hintOf(err))
	case err == nil && before != nil:
		h.t.log.Info("the " + part + " works")
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
		if watchesCase(h.t.cfg.Board.Kind) {
			h.t.tamper.unwatched(err)
		}
		select {
		case <-ctx.Done():
		case <-time.After(retryBoard):
		}
	}
}

// watchesCase tells whether a board has a tamper switch: a description that can't be read may name one.
func watchesCase(kind string) bool {
	w, err := findWiring(kind, os.DirFS("/"))
	return err == nil && w.Tamper.Line != "" || err != nil && filepath.IsAbs(kind)
}

// use plays on the board and listens to its buttons until ctx ends. Its error says why it can't.
func (h *hardware) use(ctx context.Context) error {
	log := h.t.log.With("room", "device")
	b := &openBoard{}
	switch kind := h.t.cfg.Board.Kind; kind {
	case "none":
		return nil
	case "simulated":
		b.lamps = h.t.sim.Board()
	default:
		w, err := findWiring(kind, os.DirFS("/"))
		if err != nil {
			return err
		}
		if b, err = w.open("/", log); err != nil {
			return err
		}
		log.Info("board opened", "board", w.Name, "chip", b.label)
	}
	h.failed("board", nil)
	lamps := device.New(b.lamps, log)
	h.lamps.Store(lamps)
	defer func() {
		h.lamps.Store(nil)
		if err := lamps.Close(); err != nil {
			h.t.log.Error("switch the lamps off", "err", err)
		}
	}()
	var watchers sync.WaitGroup
	defer watchers.Wait()
	if in := b.cancel; in != nil {
		watchers.Go(func() { in.Presses(ctx, log, func() { h.t.cancelPressed(ctx) }, h.failure(in)) })
	}
	if in := b.confirm; in != nil {
		watchers.Go(func() { in.Presses(ctx, log, func() { log.Info("confirm was pressed") }, h.failure(in)) })
	}
	if in := b.tamper; in != nil {
		watchers.Go(func() {
			in.Watch(ctx, h.t.tamper.changed, func(err error) {
				h.failure(in)(err)
				h.t.tamper.unwatched(err)
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
func (t *terminal) cancelPressed(ctx context.Context) {
	p, err := t.opened()
	if err != nil {
		return // out of order: there is nothing to cancel
	}
	s, err := p.engine.Status(ctx)
	if err != nil || s.Payment.ID == "" || s.Payment.State.Terminal() {
		return
	}
	if _, err := p.engine.Cancel(ctx, s.Payment.ID, payment.ByCustomer); err != nil &&
		!errors.Is(err, payment.ErrNotRunning) && ctx.Err() == nil {
		t.log.Error("the cancel button was pressed, the payment was not cancelled", "err", err)
	}
}

func (t *terminal) boardRow() screen.StatusRow {
	row := screen.StatusRow{Name: "board", Value: t.cfg.Board.Kind, Level: screen.LevelOK}
	if err := t.hardware.err(); err != nil {
		row.Value, row.Level, row.Do = err.Error(), screen.LevelWarning, hintOf(err)
	}
	return row
}
