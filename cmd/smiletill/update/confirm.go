package update

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"smiletill/cmd/smiletill/control"
	"smiletill/payment"
)

const (
	// settled is how long a terminal has to be well without a break; it comes up in the first seconds or not.
	settled = 10 * time.Second
	// patient is how long faults of before have to stand, and how long one has to be well that was started
	// again while it was looked at: what starts again and again does so within a minute.
	patient = time.Minute
	// askEvery is the time between questions.
	askEvery = time.Second
)

// notGoodError says that the tried slot is to be left.
type notGoodError struct{ Why string }

func (e *notGoodError) Error() string { return "this slot is not good: " + e.Why }

// Hint says what comes next.
func (e *notGoodError) Hint() string {
	return "the machine is reset, and the version before runs again"
}

// Confirm says whether a slot that is only tried is good, and tells RAUC; within is since the start of the
// machine. A slot that is not tried is left alone. Error: *notGoodError, when it is to be left.
func (c Card) Confirm(ctx context.Context, within time.Duration, out io.Writer) error {
	tried, err := c.tried(ctx)
	if err != nil {
		return err
	}
	f, here := files{c.Data}, findHere()
	state, err := f.read()
	if errors.Is(err, errDamaged) {
		fmt.Fprintln(out, err)
	} else if err != nil {
		return err
	}
	if !tried {
		return c.settle(state, here, out)
	}
	ours := state.seen(here) == isTried // not where somebody had RAUC install by hand
	if ours {
		state.Phase, state.Boot, state.At, state.Why = trying, here.Boot, time.Now().UTC(), silent
		if err := f.write(state); err != nil {
			return err
		}
	}
	why := c.unfit(state, ours)
	if why == "" {
		j := &judge{before: state.Faults}
		why = c.watch(ctx, j, within, func(why string) error {
			fmt.Fprintln(out, why)
			if !ours {
				return nil
			}
			state.Why = why
			return f.write(state) // a reset may come at any time
		})
	}
	if why != "" {
		state.Why = why
		err := error(&notGoodError{why})
		if ours {
			err = errors.Join(err, f.write(state))
		}
		return err
	}
	if _, err := rauc(ctx, "status", "mark-good"); err != nil {
		return fmt.Errorf("tell RAUC that this slot is good: %w", err)
	}
	if !ours {
		return nil
	}
	return c.called(state, out)
}

// called writes down that a slot was called good.
func (c Card) called(s State, out io.Writer) error {
	f := files{c.Data}
	if err := f.raise(s.Floor); err != nil {
		return err
	}
	s.Phase, s.At, s.Why, s.Faults = good, time.Now().UTC(), "", nil
	fmt.Fprintf(out, "%s is good\n", s.To.Version)
	return f.write(s)
}

// settle writes down, in a slot that starts always, what came of the last update where nobody has yet: a
// power cut may have come between RAUC's word and ours.
func (c Card) settle(s State, here Here, out io.Writer) error {
	t := s.Tell(here)
	switch t.outcome {
	case isTried: // it was called good
		if s.To.Version != c.Version { // another was flashed or installed by hand
			return nil
		}
		return c.called(s, out)
	case hasComeBack:
		fmt.Fprintln(out, t.Words)
		if s.Phase == back {
			return nil
		}
		s.Phase, s.Boot, s.Why = back, here.Boot, t.why
		return files{c.Data}.write(s)
	case isNone, wasCut, isWaiting, isGood:
	}
	return nil
}

// tried asks the card whether this slot is only tried.
func (c Card) tried(ctx context.Context) (bool, error) {
	if err := c.isCard(); err != nil {
		return false, err
	}
	cmd := exec.CommandContext(ctx, c.Slots, "tried")
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	switch {
	case err == nil:
		return true, nil
	case errors.As(err, &exit) && exit.ExitCode() == 1 && strings.TrimSpace(string(out)) == "":
		return false, nil
	}
	return false, payment.WithHint(fmt.Errorf("ask the card whether this slot is tried: %w: %s", err,
		strings.TrimSpace(string(out))), "the card is damaged: flash it anew")
}

// unfit says what is wrong with the program in a tried slot, whatever the terminal says.
func (c Card) unfit(s State, ours bool) string {
	floor, err := files{c.Data}.floor()
	if err != nil {
		return err.Error()
	}
	if order, ok := compare(c.Version, floor); floor != "" && (!ok || order < 0) {
		return fmt.Sprintf("%s is not allowed on this card: the oldest is %s", c.Version, floor)
	}
	if ours && s.To.Version != c.Version {
		return fmt.Sprintf("the slot holds %s, and %s was looked at", c.Version, s.To.Version)
	}
	return ""
}

// watch asks the terminal until it is known whether the slot is good (""), or why it is not. changed is told
// what it waits for, when that changes.
func (c Card) watch(
	ctx context.Context, j *judge, within time.Duration, changed func(why string) error,
) string {
	client, told := control.NewClient(c.Socket), ""
	for {
		up, err := sinceBoot()
		if err != nil {
			return err.Error()
		}
		asked, cancel := context.WithTimeout(ctx, 10*time.Second)
		s, err := client.Status(asked)
		cancel()
		if err != nil {
			none := control.Fault{Part: control.Itself, Kind: "silent", What: err.Error()}
			s = control.Status{Faults: []control.Fault{none}}
		}
		verdict, why := j.see(s, up)
		switch {
		case verdict == isWell:
			return ""
		case verdict == isBad:
			return why
		case up >= within:
			return fmt.Sprintf("not within %v of the start: %s", within, why)
		case ctx.Err() != nil:
			return "the looking at it was ended: " + why
		}
		if why != told {
			told = why
			if err := changed(why); err != nil {
				return err.Error()
			}
		}
		select {
		case <-ctx.Done():
		case <-time.After(askEvery):
		}
	}
}

// sinceBoot is the time since the machine was started; the clock may not be set yet.
func sinceBoot() (time.Duration, error) {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &t); err != nil {
		return 0, fmt.Errorf("ask for the time since the start: %w", err)
	}
	return time.Duration(t.Nano()), nil
}

type verdict int

const (
	isOpen verdict = iota // not known yet
	isWell
	isBad // for good
)

// judge decides by what the terminal says of itself, answer by answer. The times are since the start of the
// machine.
type judge struct {
	before []control.Fault

	begun     time.Duration // when the terminal's process was started
	known     bool          // begun is
	restarted bool          // it was started again
	faults    []control.Fault
	since     time.Duration // when faults were first the ones that stand now
	stands    bool          // since counts
}

// slack is by how much the start of one process may seem to move, by slow answers.
const slack = 2 * time.Second

// see takes an answer, and says what is known now and why.
func (j *judge) see(s control.Status, now time.Duration) (verdict, string) {
	if !isSilent(s) {
		begun := now - s.Up
		if s.Up <= 0 || begun < -slack {
			return isOpen, "the terminal's answer is not of this start"
		}
		if j.known && (begun > j.begun+slack || begun < j.begun-slack) {
			j.restarted, j.stands = true, false
		}
		if !j.known || begun > j.begun+slack || begun < j.begun-slack {
			j.begun, j.known = begun, true
		}
	} else if j.known {
		j.restarted = true
	}
	if !j.stands || !sameFaults(j.faults, s.Faults) {
		j.faults, j.since, j.stands = s.Faults, now, true
	}
	long := now - j.since
	needed := settled
	if j.restarted {
		needed = patient
	}
	anew := slices.IndexFunc(s.Faults, func(f control.Fault) bool {
		return !slices.ContainsFunc(j.before, f.Same)
	})
	switch {
	case len(s.Faults) == 0 && s.Looked == 0:
		j.since = now // what it shows so far is not enough
		return isOpen, "no picture of the camera was looked at yet"
	case len(s.Faults) == 0 && long >= needed:
		return isWell, ""
	case len(s.Faults) == 0 && j.restarted:
		return isOpen, "the terminal was started again; it has to run for a minute"
	case len(s.Faults) == 0:
		return isOpen, "the terminal is ready; it has to stay so"
	case anew < 0 && long >= patient:
		return isWell, ""
	case anew < 0:
		return isOpen, "it is out of order as before the update: " + s.Faults[0].What
	}
	f := s.Faults[anew]
	why := f.Part + ": " + f.What
	if f.Part == control.Itself {
		return isOpen, why
	}
	if long >= patient {
		return isBad, "it is out of order, and was not before: " + why
	}
	return isOpen, why
}

func isSilent(s control.Status) bool {
	return slices.ContainsFunc(s.Faults, func(f control.Fault) bool {
		return f.Part == control.Itself && f.Kind == "silent"
	})
}

// sameFaults tells whether two lists name the same, in whatever order.
func sameFaults(a, b []control.Fault) bool {
	return len(a) == len(b) && !slices.ContainsFunc(a, func(f control.Fault) bool {
		return !slices.ContainsFunc(b, f.Same)
	})
}
