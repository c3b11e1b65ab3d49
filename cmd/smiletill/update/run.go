package update

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"smiletill/cmd/smiletill/control"
	"smiletill/cmd/smiletill/intent"
	"smiletill/payment"
	"smiletill/payment/journal"
)

// Card is the card that is updated.
type Card struct {
	Version string // of the program that runs
	Schema  int    // of the journal that it writes
	Data    string // the data folder
	Journal string // the journal's file
	Socket  string // the terminal's
	Slots   string // the card's own script that knows how its board chooses a slot
}

// Order is what `smiletill update` is asked to do.
type Order struct {
	Wish
	Bundle    string        // a file, a folder or a URL; "" with Stick
	Stick     string        // label of a stick on which bundles are looked for
	NoRestart bool          // it is left to the technician
	Wait      time.Duration // how long for the terminal to be idle
}

// holdFor is how long a terminal takes no payments for an update at most.
const holdFor = 30 * time.Minute

// Do looks at a bundle, installs it and restarts into it.
func (c Card) Do(ctx context.Context, o Order, out io.Writer) error {
	here, s, err := c.here(ctx)
	if err != nil {
		return err
	}
	lock, err := c.lock()
	if err != nil {
		return err
	}
	defer lock.Close()
	if err := c.clean(); err != nil {
		return fmt.Errorf("begin the update: %w", err)
	}
	if o.Stick != "" {
		return c.fromStick(ctx, o, here, s, out)
	}
	if info, err := os.Stat(o.Bundle); err == nil && info.IsDir() {
		installed, err := c.fromFolder(ctx, o.Bundle, o, here, s, out)
		if err != nil || !installed {
			return err
		}
		return c.restart(ctx, o, out)
	}
	path, err := c.source(ctx, o.Bundle, out)
	if err != nil {
		return err
	}
	// Removed before the restart, which may come before this returns.
	err = errors.Join(c.one(ctx, path, name(o.Bundle), o, here, s, out), os.Remove(path))
	if err != nil {
		return err
	}
	return c.restart(ctx, o, out)
}

// here says where this runs, if it is a card.
func (c Card) here(ctx context.Context) (Here, slots, error) {
	s, err := c.askSlots(ctx)
	if err != nil {
		return Here{}, slots{}, err
	}
	here := findHere()
	if here.Slot != "" && here.Slot != s.booted {
		return Here{}, slots{}, fmt.Errorf("the kernel was started as slot %s, RAUC says %s", here.Slot, s.booted)
	}
	here.Slot = s.booted
	if os.Geteuid() != 0 {
		return Here{}, slots{}, fmt.Errorf("update this card: %w", fs.ErrPermission)
	}
	return here, s, nil
}

// lock keeps a second update out until it is closed.
func (c Card) lock() (*os.File, error) {
	f := files{c.Data}
	if err := f.make(); err != nil {
		return nil, err
	}
	lock, err := os.OpenFile(f.path("lock"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("begin the update: %w", err)
	}
	if err := unix.Flock(int(lock.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		err = payment.WithHint(errors.New("another update runs"), "wait for it to end")
		return nil, errors.Join(err, lock.Close())
	}
	return lock, nil
}

// one looks at a bundle, installs it and writes that down. It does not restart.
func (c Card) one(
	ctx context.Context, path, source string, o Order, here Here, s slots, out io.Writer,
) error {
	f, err := look(ctx, path)
	if err != nil {
		return err
	}
	if err := c.check(f, o.Wish, here, s, out); err != nil {
		return err
	}
	fmt.Fprintf(out, "%s: version %s for %s, signed; %s runs in slot %s\n", source, f.Version, f.Board,
		c.Version, here.Slot)
	if f.Journal > c.Schema {
		fmt.Fprintf(out, "it brings the journal to version %d (now %d) and keeps a copy for the way back\n",
			f.Journal, c.Schema)
	}
	if f.NoBack {
		fmt.Fprintln(out, "there is no way back from it")
	}
	state := State{Phase: installing, From: program{c.Version, here.Slot},
		To: program{f.Version, s.other()}, Source: source, Floor: f.Floor, At: time.Now().UTC(),
		Boot: here.Boot}
	holding, letGo, err := c.hold(ctx, o.Wait, &state, out)
	if err != nil {
		return err
	}
	defer letGo()
	err = files{c.Data}.write(state)
	if err == nil {
		err = intent.In(c.Data).ByCommand(ctx, func(note func(journal.Audit) error) error {
			if err := note(journal.Audit{What: journal.ProgramUpdated, Program: f.Version}); err != nil {
				return err
			}
			return install(holding, path, func(line string) { fmt.Fprintln(out, line) })
		})
	}
	if err == nil {
		err = c.sure(ctx, f.Version, s.other())
	}
	if err != nil {
		return err
	}
	state.Phase, state.At = installed, time.Now().UTC()
	if err := (files{c.Data}).write(state); err != nil {
		return err
	}
	fmt.Fprintf(out, "installed: %s in slot %s\n", f.Version, s.other())
	return nil
}

// check refuses a bundle that must not be installed.
func (c Card) check(f facts, w Wish, here Here, s slots, out io.Writer) error {
	now := card{board: s.board, version: c.Version, schema: c.Schema}
	var err error
	if now.floor, err = (files{c.Data}).floor(); err != nil {
		return err
	}
	last, err := files{c.Data}.read()
	if errors.Is(err, errDamaged) {
		fmt.Fprintf(out, "%v: it is begun anew\n", err)
	} else if err != nil {
		return err
	}
	now.last = last.Tell(here)
	if now.free, err = free(c.Data); err != nil {
		return err
	}
	if info, err := os.Stat(c.Journal); err == nil {
		now.copied = info.Size()
	}
	return refusal(f, now, w)
}

// sure says whether RAUC has put into the slot what was looked at: a stick may give other bytes when it is
// read again.
func (c Card) sure(ctx context.Context, version, slot string) error {
	s, err := c.askSlots(ctx)
	if err == nil && s.holds[slot] == version {
		return nil
	}
	if err == nil {
		err = fmt.Errorf("slot %s holds %q now, and %s was looked at: it is not started", slot, s.holds[slot],
			version)
	}
	_, undone := rauc(ctx, "status", "mark-active", "booted")
	return errors.Join(err, undone)
}

// hold has the terminal take no more payments, when the running one has ended. A terminal that does not run,
// or is out of order, may be updated all the same: that may mend it.
func (c Card) hold(
	ctx context.Context, wait time.Duration, s *State, out io.Writer,
) (holding context.Context, letGo func(), err error) {
	client := control.NewClient(c.Socket)
	status, err := client.Status(ctx)
	if err != nil {
		fmt.Fprintf(out, "the terminal does not answer (%v): it is updated all the same\n", err)
		return ctx, func() {}, nil
	}
	s.Faults = standing(status)
	for _, f := range s.Faults {
		fmt.Fprintf(out, "the terminal is out of order (%s: %s): it is updated all the same\n", f.Part, f.What)
	}
	ctx, cancel := context.WithCancel(ctx)
	held, ended := make(chan struct{}), make(chan error, 1)
	go func() {
		told := false
		ended <- client.Hold(ctx, wait, func(word string) {
			if word == control.Held && !told {
				told = true
				close(held)
			} else if word != control.Held {
				fmt.Fprintln(out, word)
			}
		})
	}()
	select {
	case <-held:
		return ctx, cancel, nil
	case err := <-ended:
		cancel()
		return nil, nil, err
	}
}

// standing are the faults that a tried slot may have too. That the terminal is starting, or hangs, is none.
func standing(s control.Status) []control.Fault {
	var all []control.Fault
	for _, f := range s.Faults {
		if f.Part != control.Itself {
			all = append(all, f)
		}
	}
	return all
}

// Restart restarts into the slot that was installed, to try it.
func (c Card) Restart(ctx context.Context, wait time.Duration, out io.Writer) error {
	here, s, err := c.here(ctx)
	if err != nil {
		return err
	}
	lock, err := c.lock()
	if err != nil {
		return err
	}
	defer lock.Close()
	state, err := files{c.Data}.read()
	if err != nil {
		return err
	}
	if state.Phase != installed || state.seen(here) != isWaiting {
		return payment.WithHint(errors.New("no update waits for a restart"),
			"install one: `sudo smiletill update BUNDLE`")
	}
	if err := c.sure(ctx, state.To.Version, s.other()); err != nil {
		return err
	}
	return c.restart(ctx, Order{Wait: wait}, out)
}

// restart orders the restart into the slot that is to be tried, and waits for it to come.
func (c Card) restart(ctx context.Context, o Order, out io.Writer) error {
	if o.NoRestart {
		_, err := fmt.Fprintln(out, "it is tried when `sudo smiletill update restart` has restarted into it")
		return err
	}
	f := files{c.Data}
	state, err := f.read()
	if err != nil {
		return err
	}
	_, letGo, err := c.hold(ctx, o.Wait, &state, io.Discard)
	if err != nil {
		return err
	}
	defer letGo()
	// Where each start uses the try up, a restart by hand may have done so since.
	if _, err := rauc(ctx, "status", "mark-active", "other"); err != nil {
		return inWords(fmt.Errorf("choose the slot: %w", err))
	}
	state.Phase, state.Boot, state.At = restarting, findHere().Boot, time.Now().UTC()
	if err := f.write(state); err != nil {
		return err
	}
	fmt.Fprintf(out, "restarting into slot %s to try %s; within three minutes it is good, or %s is back\n",
		state.To.Slot, state.To.Version, state.From.Version)
	// The restart ends this program too, maybe before that one has returned.
	cmd := exec.CommandContext(context.WithoutCancel(ctx), "systemctl", "reboot", "--reboot-argument=0 tryboot")
	if text, err := cmd.CombinedOutput(); err != nil {
		state.Phase = installed
		return payment.WithHint(errors.Join(fmt.Errorf("restart: %w: %s", err, strings.TrimSpace(string(text))),
			f.write(state)), "`sudo smiletill update restart` tries it again")
	}
	// The restart ends this program. Held until then, the terminal takes no payment in between.
	select {
	case <-ctx.Done():
	case <-time.After(restartIn):
	}
	return nil
}

// restartIn is how long an ordered restart may take to end this program.
const restartIn = 30 * time.Second

// free is how many bytes are left where a folder is.
func free(dir string) (int64, error) {
	var s unix.Statfs_t
	if err := unix.Statfs(dir, &s); err != nil {
		return 0, fmt.Errorf("look at the space in %s: %w", dir, err)
	}
	return int64(s.Bavail) * s.Bsize, nil
}

func ownedByUs(info fs.FileInfo) bool {
	st, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(st.Uid) == os.Geteuid()
}

// name is a bundle's name without its place.
func name(bundle string) string { return filepath.Base(strings.TrimRight(bundle, "/")) }
