package erasure

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"smiletill/cmd/smiletill/claiming"
	"smiletill/cmd/smiletill/config"
	"smiletill/device/screen"
	"smiletill/payment"
	"smiletill/payment/journal"
)

// attendedName says that a running terminal has let its files go.
const attendedName = "erasing.attended"

// lookEvery is the time between looks for a mark: a person waits for the terminal to let go.
const lookEvery = 250 * time.Millisecond

// goOnEvery is how often at least it is tried to go on with what does not come to its end.
const goOnEvery = 5 * time.Minute

// errAgain is why a terminal is to be started again: with another state of its files.
var errAgain = errors.New("the terminal is being erased, or was")

// erasingError is why no payments are taken.
type erasingError struct{}

func (erasingError) Error() string { return "this terminal is being erased" }

// Reason is what the customer's page shows of it; see front.WhyNot.
func (erasingError) Reason() screen.Reason { return screen.BeingErased }

// Attend goes before a terminal that is about to run with a configuration. The context ends when the terminal
// has to start again (see Again): when somebody begins to erase it, and when that is done. why is not nil
// while it is being erased: it may show that, and must open nothing. What was cut short goes on.
func Attend(
	ctx context.Context, cfg *config.Config, log *slog.Logger,
) (_ context.Context, stop func(), why error) {
	ctx, cancel := context.WithCancelCause(ctx)
	_, is, _ := readMark(cfg.Paths.DataDir)
	if is {
		// Nothing is made that names the shop.
		cfg.Register.Listen, cfg.Counter.Listen, cfg.Vending.Port = "", "", ""
		path := filepath.Join(cfg.Paths.DataDir, attendedName)
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			log.Error("nobody is told that the terminal has let its files go", "err", err)
		}
		why = payment.WithHint(erasingError{}, "wait for the end; it goes on by itself after a power cut, and "+
			"can't be taken back")
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		said, pause, next := "", time.Second, time.Time{}
		for tick := time.NewTicker(lookEvery); ; {
			select {
			case <-ctx.Done():
				tick.Stop()
				return
			case <-tick.C:
			}
			if _, now, _ := readMark(cfg.Paths.DataDir); now != is {
				cancel(errAgain)
				continue
			}
			if !is || time.Now().Before(next) {
				continue
			}
			err := goOn(ctx, *cfg)
			if err != nil && !errors.Is(err, errElsewhere) { // each try writes to the card, or asks the cloud
				next, pause = time.Now().Add(pause), min(2*pause, goOnEvery)
			}
			if err != nil && !errors.Is(err, errElsewhere) && err.Error() != said {
				said = err.Error()
				log.Error("the erasure does not come to its end", "err", err, "hint", payment.HintOf(err))
			}
		}
	}()
	return ctx, func() { cancel(nil); <-ended }, why
}

// Again tells whether a terminal ended because it has to start again.
func Again(ctx context.Context) bool { return errors.Is(context.Cause(ctx), errAgain) }

// goOn ends an erasure that nobody is at, or takes back one that had not begun.
func goOn(ctx context.Context, cfg config.Config) (err error) {
	lock, err := hold(cfg)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, lock.Close()) }()
	m, is, err := readMark(cfg.Paths.DataDir)
	if err != nil || !is {
		return errors.Join(err, os.Remove(lock.Name()))
	}
	e := eraser{m, cfg.Paths.DataDir, func(string) error { return nil }}
	if m.Phase == wanted {
		return e.end()
	}
	return e.finish(ctx, cfg)
}

// finish goes on from wherever an erasure is. The caller holds it.
func (e *eraser) finish(ctx context.Context, cfg config.Config) error {
	free, err := journal.Hold(cfg.JournalPath())
	if err != nil {
		return payment.WithHint(err, "stop the terminal: `systemctl stop smiletill`")
	}
	err = e.do(ctx, cfg)
	return errors.Join(err, free.Close())
}

// do tells the cloud, if it is to be told and was not, and erases.
func (e *eraser) do(ctx context.Context, cfg config.Config) (err error) {
	if e.Phase == telling {
		if err := e.tell(ctx, cfg); err != nil {
			return err
		}
		e.Phase = erasing
		if err := e.keep(e.data); err != nil {
			return err
		}
	}
	if err := e.erase(); err != nil {
		return err
	}
	return e.end()
}

// tell has the cloud know that the terminal leaves service.
func (e *eraser) tell(ctx context.Context, cfg config.Config) error {
	if e.Silent || e.Receipt == nil {
		return nil
	}
	if err := e.cut("tell the cloud"); err != nil {
		return err
	}
	text, err := e.text()
	if err != nil {
		return err
	}
	cloud, err := claiming.Leave(ctx, cfg, text)
	if err != nil {
		return payment.WithHintf(fmt.Errorf("decommission: %w", err), "%s, and run it again; --without-cloud goes "+
			"on, and then run there: smiletill cloud revoke %s", payment.HintOf(err), nameOf(e.Source))
	}
	e.Cloud = cloud
	return nil
}
