package kiosk

import (
	"os"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// shownFor is how long the display stays on at night after its page became another.
	shownFor = time.Minute
	// touchedFor is how long it does after somebody touched it, or pressed a key.
	touchedFor = 2 * time.Minute
)

// night decides whether the display is on.
type night struct {
	off   func(now time.Time) bool
	clock func() bool // whether it is set

	shownFor, touchedFor time.Duration

	on      bool   // as it is
	state   string // of the page, last time
	changed time.Time
	touched time.Time
}

// decide returns whether the display should be on now, and whether that is news.
func (n *night) decide(t told, now time.Time) (on, changed bool) {
	if t.State != n.state {
		n.state, n.changed = t.State, now
	}
	on = n.needed(t, now) || n.off == nil || !n.off(now) || !n.clock()
	changed = on != n.on
	n.on = on
	return on, changed
}

// needed reports whether somebody may be looking: at a payment, at what just changed, or after a touch. A
// terminal that takes no payments or does not answer shows that all night only to who touches it.
func (n *night) needed(t told, now time.Time) bool {
	busy := true
	switch t.State {
	case "", "starting", "idle", "out_of_order":
		busy = false
	}
	return busy || now.Sub(n.changed) < n.shownFor || now.Sub(n.touched) < n.touchedFor
}

// clockIsSet reports whether the time of day is known: by a clock of the machine's own, or from the network.
// A Pi has no such clock, and begins each start at an earlier time.
func clockIsSet() bool {
	if _, err := os.Stat("/sys/class/rtc/rtc0"); err == nil {
		return true
	}
	const unsynchronised = 5 // TIME_ERROR of adjtimex(2)
	state, err := unix.Adjtimex(&unix.Timex{})
	return err == nil && state != unsynchronised
}
