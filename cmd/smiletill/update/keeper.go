package update

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"smiletill/cmd/smiletill/control"
	"smiletill/device/screen"
	"smiletill/payment"
)

// Keeper is what a running terminal knows of updates: it keeps payments away while one is installed, and in a
// slot that is only tried. It may be used by several goroutines.
type Keeper struct {
	files   files
	here    Here
	started time.Time
	log     *slog.Logger

	mu      sync.Mutex
	state   State
	unread  error // why it can't be read
	holds   int
	changed func()
}

// triedFor is how long a tried slot keeps payments away by itself: what tries it gives up long before.
const triedFor = 10 * time.Minute

// NewKeeper makes the keeper of a terminal with a data folder. changed is called when Wrong has changed.
func NewKeeper(data string, log *slog.Logger, changed func()) *Keeper {
	k := &Keeper{files: files{data}, here: findHere(), started: time.Now(), log: log, changed: changed}
	k.read()
	return k
}

// read reads the state anew, and tells whether it is another.
func (k *Keeper) read() (other bool) {
	s, err := k.files.read()
	k.mu.Lock()
	defer k.mu.Unlock()
	if err != nil {
		if k.state.Phase != "" {
			k.log.Warn("what is kept of updates can't be read", "err", err)
		}
		s = State{}
	}
	other = s.Phase != k.state.Phase || s.Boot != k.state.Boot || !s.At.Equal(k.state.At)
	k.state, k.unread = s, err
	return other
}

// Run follows the state until ctx ends: confirm and update are other processes.
func (k *Keeper) Run(ctx context.Context) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	was := k.Wrong() != nil
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		other := k.read()
		if now := k.Wrong() != nil; now != was || other {
			was = now
			k.changed()
		}
	}
}

// Trying tells whether this slot is only tried.
func (k *Keeper) Trying() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.state.seen(k.here) == isTried && time.Since(k.started) < triedFor
}

// Proven tells whether this program is not one that is only tried, however long ago that was begun: the
// version before may be back else. On a machine with slots a state that can't be read proves nothing.
func (k *Keeper) Proven() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.here.Slot == "" || k.unread == nil && k.state.seen(k.here) != isTried
}

// Wrong is why no payment is taken because of an update, nil if payments are taken.
func (k *Keeper) Wrong() error {
	k.mu.Lock()
	held := k.holds > 0
	k.mu.Unlock()
	switch {
	case held:
		return payment.WithHint(errors.New("the terminal is being updated"), "Wait: it takes a few minutes.")
	case k.Trying():
		return payment.WithHint(errors.New("the terminal is being updated: the new version is tried"),
			"Wait: within three minutes it is found good, or the version before is back.")
	}
	return nil
}

// Hold waits until nothing is being paid, for so long at most, and keeps payments away until ctx ends or half
// an hour is over. busy tells whether somebody pays now.
func (k *Keeper) Hold(
	ctx context.Context, wait time.Duration, busy func(context.Context) bool, say func(word string),
) error {
	if wait > 0 {
		waiting, cancel := context.WithTimeout(ctx, wait)
		defer cancel()
		for told := false; busy(waiting); told = true {
			if !told {
				say("waiting for the running payment to end")
			}
			select {
			case <-waiting.Done():
				return payment.WithHint(fmt.Errorf("the terminal was not idle for %v", wait),
					"try again, or give it longer: --wait")
			case <-time.After(100 * time.Millisecond):
			}
		}
	}
	k.add(1)
	defer k.add(-1)
	say(control.Held)
	select {
	case <-ctx.Done():
	case <-time.After(holdFor):
	}
	return nil
}

func (k *Keeper) add(n int) {
	k.mu.Lock()
	k.holds += n
	k.mu.Unlock()
	k.changed()
}

// told is what came of the last update.
func (k *Keeper) told() Told {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.state.Tell(k.here)
}

// Words is what the cloud is told, "" unless a person has to do something.
func (k *Keeper) Words() string {
	if t := k.told(); t.CameBack() {
		return "update: " + t.Words
	}
	return ""
}

// Row is the technician's, where there was an update.
func (k *Keeper) Row() (row screen.StatusRow, any bool) {
	t := k.told()
	row = screen.StatusRow{Name: "update", Value: t.Words, Do: t.Do, Level: screen.LevelWarning}
	if t.Good() {
		row.Level = screen.LevelOK
	}
	return row, t.Words != ""
}
