package terminal

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync/atomic"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"

	"smiletill/cmd/smiletill/front"
	"smiletill/device/watchdog"
	"smiletill/payment"
)

// How long a part may stand still before the watchdog is no longer fed. The supervisor's own time
// (WatchdogSec in systemd/smiletill.service) comes on top.
const (
	// openingMax: parts are opened, again every few seconds; the check of a large journal takes longest.
	openingMax = 2 * time.Minute
	// lookingMax: a frame is looked at in milliseconds, in half a second on an emulated board.
	lookingMax = 5 * time.Second
	// drawingMax: the screen is composed four times a second.
	drawingMax = 5 * time.Second
	// askMax: the engine's longest work is one commit, on a slow card a second or two.
	askMax = 5 * time.Second
)

// pulse is beaten by a goroutine each time it has come around; the zero value has never been.
type pulse struct{ last atomic.Int64 }

func (p *pulse) beat() { p.last.Store(time.Now().UnixNano()) }

// still is how long ago the last beat was.
func (p *pulse) still(now time.Time) time.Duration {
	return now.Sub(time.Unix(0, p.last.Load()))
}

// supervision looks whether the parts of the program move, and tells systemd and the machine's watchdog so.
type supervision struct {
	front   *front.Front
	access  *access
	opening *pulse
	drawing *pulse
	device  string // the machine's watchdog; "" is none
	log     *slog.Logger
}

// hung names the part that does not move, or "". A camera without pictures, a missing model or a full disk
// are no reason to start again: the terminal says so and tries on.
func (s *supervision) hung(ctx context.Context) string {
	now := time.Now()
	if s.drawing.still(now) > drawingMax {
		return "screen"
	}
	p := s.access.load()
	if p == nil {
		if s.opening.still(now) > openingMax {
			return "opening of the parts"
		}
		return ""
	}
	if p.eyes.pulse.still(now) > lookingMax {
		return "looking at frames"
	}
	ctx, cancel := context.WithTimeout(ctx, askMax)
	defer cancel()
	if _, err := p.engine.Status(ctx); errors.Is(err, context.DeadlineExceeded) {
		return "payment engine"
	}
	return ""
}

// run tells systemd that the terminal serves, what it does, and that it goes on doing it. Without
// systemd it does nothing.
func (s *supervision) run(ctx context.Context) {
	every, err := daemon.SdWatchdogEnabled(false)
	if err != nil {
		s.log.Error("the watchdog can't be fed: systemd's settings can't be read", "err", err)
	}
	every /= 3
	if every <= 0 || every > 2*time.Second {
		every = 2 * time.Second // for the status
	}
	machine := s.openWatchdog()
	defer machine.close()
	tell(s.log, daemon.SdNotifyReady)
	defer tell(s.log, daemon.SdNotifyStopping)
	tick := time.NewTicker(every)
	defer tick.Stop()
	status, complained := "", ""
	for {
		if now := s.statusLine(); now != status {
			status = now
			tell(s.log, "STATUS="+status)
		}
		what := s.hung(ctx)
		switch {
		case ctx.Err() != nil:
			return
		case what == "":
			tell(s.log, daemon.SdNotifyWatchdog)
			machine.feed()
		case what != complained:
			s.log.Error("the watchdog is not fed: a part of the program does not move", "part", what,
				"hint", "the program is started again by itself; keep this log for its developers")
		}
		complained = what
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// machineLimit is how long the machine runs on when nothing moves, with terminal.watchdog: all parts may
// stand still for their time first.
const machineLimit = 15 * time.Second

// machineWatchdog is the machine's own timer, or nothing.
type machineWatchdog struct {
	timer *watchdog.Timer
	log   *slog.Logger
}

func (s *supervision) openWatchdog() machineWatchdog {
	if s.device == "" {
		return machineWatchdog{}
	}
	w, err := watchdog.Open(s.device, machineLimit)
	if err != nil {
		s.log.Error("nothing resets the machine when it hangs", "err", err, "hint", payment.HintOf(err))
		return machineWatchdog{}
	}
	s.log.Info("the machine is reset when the terminal hangs", "watchdog", s.device,
		"after", w.Limit().String())
	return machineWatchdog{w, s.log}
}

func (m machineWatchdog) feed() {
	if m.timer == nil {
		return
	}
	if err := m.timer.Feed(); err != nil {
		m.log.Error("the machine may be reset", "err", err)
	}
}

// close ends the watching: an orderly end is no reason for a reset.
func (m machineWatchdog) close() {
	if m.timer == nil {
		return
	}
	if err := m.timer.Close(); err != nil {
		m.log.Error("the machine may be reset", "err", err)
	}
}

// statusLine is what `systemctl status` shows.
func (s *supervision) statusLine() string {
	why := s.front.Trouble()
	switch {
	case why != "":
		return "out of order: " + strings.ReplaceAll(why, "\n", "; ") // a line is one word to systemd
	case s.access.load() == nil:
		return "starting"
	}
	return "ready for payments"
}

// tell sends a word to systemd, if that has started us.
func tell(log *slog.Logger, state string) {
	if _, err := daemon.SdNotify(false, state); err != nil {
		log.Warn("systemd can't be told", "state", state, "err", err)
	}
}
