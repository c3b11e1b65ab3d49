package update

import (
	"fmt"
	"strings"
	"time"
)

// outcome is what came of an update, as it is seen from where somebody looks.
type outcome int

const (
	isNone      outcome = iota // there was none
	wasCut                     // the installation was cut short, or failed: the program before runs
	isWaiting                  // installed, and not tried yet
	isTried                    // this is the slot that is being tried
	isGood                     // it runs
	hasComeBack                // it was tried, and the program before runs again
)

// Told is what is said of an update: the one place that has words for it.
type Told struct {
	outcome       outcome
	from, to, why string
	at            time.Time
	Words, Do     string // both "" where there is nothing to tell
}

// CameBack tells whether the newer program was tried and is not the one that runs.
func (t Told) CameBack() bool { return t.outcome == hasComeBack }

// Good tells whether the newer program runs, and was found good.
func (t Told) Good() bool { return t.outcome == isGood }

// silent is why a slot came back that left no word.
const silent = "it did not get as far as saying why: it did not start, or stood still"

// seen is the outcome of a state where somebody is now.
func (s State) seen(h Here) outcome {
	elsewhere := s.Boot != h.Boot // the phase was written before the last restart
	switch {
	case s.Phase == "" || h.Slot == "":
		return isNone
	case s.Phase == good:
		return isGood
	case s.Phase == back:
		return hasComeBack
	case h.Slot == s.To.Slot:
		return isTried // also when RAUC had finished what the one who ordered it did not live to see
	case s.Phase == installing && elsewhere:
		return wasCut
	case s.Phase == trying, s.Phase == restarting && elsewhere:
		return hasComeBack
	}
	return isWaiting
}

// Tell says in words what came of an update.
func (s State) Tell(h Here) Told {
	t := Told{outcome: s.seen(h), from: s.From.Version, to: s.To.Version, why: s.Why, at: s.At}
	if t.why == "" {
		t.why = silent
	}
	const clock = "2006-01-02 15:04"
	at := t.at.Local().Format(clock)
	switch t.outcome {
	case isNone:
	case wasCut:
		t.Words = fmt.Sprintf("the installation of %s was cut short (%s); %s runs as before", t.to, at, t.from)
		t.Do = "install it again"
	case isWaiting:
		t.Words = fmt.Sprintf("%s is installed since %s and was not tried yet", t.to, at)
		t.Do = "`sudo smiletill update restart` restarts into it"
		if s.Phase == installing {
			t.Words, t.Do = fmt.Sprintf("%s is being installed since %s", t.to, at), "wait; if it stays, install it again"
		}
	case isTried:
		t.Words = fmt.Sprintf("%s is being tried since %s; payments are taken when it was found good", t.to, at)
		t.Do = "wait: within three minutes it is good, or " + t.from + " is back"
	case isGood:
		t.Words = fmt.Sprintf("%s runs since %s, before it %s", t.to, at, t.from)
	case hasComeBack:
		t.Words = fmt.Sprintf("%s was tried (%s) and came back to %s: %s", t.to, at, t.from, strings.TrimSuffix(t.why, "."))
		t.Do = "payments are taken as before; mend that, or take a newer bundle; `sudo smiletill update --again BUNDLE` " +
			"tries the same once more"
	}
	return t
}
