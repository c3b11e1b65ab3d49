package trial

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"smiletill/cmd/smiletill/config"
	"smiletill/cmd/smiletill/control"
	"smiletill/cmd/smiletill/intent"
	"smiletill/models"
	"smiletill/payment"
	"smiletill/payment/journal"
)

// swap is one change of models.
type swap struct {
	cfg config.Config
	o   SwapOptions
	out io.Writer
}

// SwapOptions are what a change of models is given.
type SwapOptions struct {
	Yes bool // go on although customers must be enrolled again
	// Enrolled lists the customers as a terminal with other models would, from the files of one that does not
	// run.
	Enrolled func(models.Set) ([]control.Customer, error)
	// Before is the embedding, by its SHA-256, that a terminal with other models would still know customers by;
	// "" if there is none.
	Before func(models.Set) (string, error)
}

// Swap makes the models of a folder, or a built-in set ("" or models.Small), those of this machine's
// terminal: whole or not at all. It tells what changes, and refuses what its caller has not agreed to.
func Swap(ctx context.Context, cfg config.Config, dir string, o SwapOptions, out io.Writer) error {
	s := swap{cfg: cfg, o: o, out: out}
	return s.run(ctx, dir)
}

func (s *swap) say(format string, args ...any) {
	fmt.Fprintf(s.out, format+"\n", args...)
}

// run changes to the models of dir. What was verified is what is installed: the files of a folder are copied
// before they are tried out.
func (s *swap) run(ctx context.Context, dir string) (fault error) {
	set, err := models.Open(dir)
	if err != nil {
		return err
	}
	if err := s.cfg.PrepareDataDir(); err != nil {
		return err
	}
	use, to := dir, dir
	if !builtIn(dir) {
		copied, err := os.MkdirTemp(s.cfg.Paths.DataDir, config.KeptModels)
		if err != nil {
			return fmt.Errorf("models swap: %w", err)
		}
		use, to = copied, filepath.Base(copied)
		defer func() {
			if fault != nil && !inForce(s.cfg, to) { // the terminal may fail to take what is installed by then
				fault = errors.Join(fault, os.RemoveAll(copied))
			}
		}()
		if err := errors.Join(set.Save(copied), giveAway(copied)); err != nil {
			return payment.WithHintf(err, "see that the disk has room and can be written")
		}
	}
	if err := VerifySet(ctx, set, use, s.out); err != nil {
		return err
	}
	if err := s.consent(ctx, set); err != nil {
		return err
	}
	err = intent.In(s.cfg.Paths.DataDir).ByCommand(ctx, func(note func(journal.Audit) error) error {
		if err := note(journal.Audit{What: journal.ModelsSwapped, Record: set.ManifestSHA256()[:16]}); err != nil {
			return err
		}
		return install(s.cfg, to)
	})
	if err != nil {
		return err
	}
	switch dir {
	case "":
		s.say("the built-in models are in force again")
	case models.Small:
		s.say("the built-in models for small machines are in force; `smiletill models swap --embedded` undoes it")
	default:
		s.say("installed; `smiletill models swap --embedded` undoes it")
	}
	return s.tellTerminal(ctx)
}

// builtIn holds for the sets in this program, of which nothing is copied.
func builtIn(dir string) bool { return dir == "" || dir == models.Small }

// consent tells what changes and refuses what the operator has not agreed to.
func (s *swap) consent(ctx context.Context, set models.Set) error {
	old, err := OpenModels(s.cfg)
	if err != nil {
		s.say("\nthe models in force can't be used: %v", err)
	} else {
		changes(s.out, old, set)
	}
	all, err := s.customers(ctx, set)
	if err != nil {
		return fmt.Errorf("models swap: count the customers: %w", err)
	}
	before, err := s.o.Before(set)
	if err != nil {
		return fmt.Errorf("models swap: look for what the customers are known by: %w", err)
	}
	again, left, now := 0, 0, set.Model(models.Embed).SHA256
	for _, c := range all {
		switch {
		case c.Damage != "" || c.Model == now:
		case c.Model == before:
			left++
		default:
			again++
		}
	}
	if left > 0 {
		s.say("%d of %d customers are left under the model before (%.8s), and pay by it until they come over:\n"+
			"with a payment that asks for the PIN and plays the light, or by `smiletill enrol --again ID`", left,
			len(all), before)
	}
	if again == 0 {
		s.say("no customer has to be enrolled again")
		return nil
	}
	s.say("%d of %d customers have to be enrolled again before they can pay", again, len(all))
	if !s.o.Yes {
		return payment.WithHintf(errors.New("models swap: nothing was changed"),
			"repeat the command with --yes; ids and names stay, and swapping back makes the templates good again")
	}
	return nil
}

// customers asks the running terminal, or the gallery's files while none has them open.
func (s *swap) customers(ctx context.Context, set models.Set) (all []control.Customer, err error) {
	c := control.NewClient(s.cfg.Paths.ControlSocket)
	if c.Running(ctx) {
		if all, err = c.Customers(ctx); err == nil {
			return all, nil
		}
	}
	if _, err := os.Lstat(s.cfg.GalleryDir()); errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return s.o.Enrolled(set)
}

// changes prints what another set changes.
func changes(w io.Writer, old, set models.Set) {
	fmt.Fprintln(w)
	for _, task := range set.Tasks() {
		was, is := old.Model(task), set.Model(task)
		switch {
		case was.SHA256 != is.SHA256:
			fmt.Fprintf(w, "%s: %s %.8s instead of %s %.8s\n", task, is.File, is.SHA256, was.File, was.SHA256)
		case was.Thresholds != is.Thresholds:
			fmt.Fprintf(w, "%s: the same file with other thresholds\n", task)
		default:
			fmt.Fprintf(w, "%s: stays\n", task)
		}
	}
}

// tellTerminal has a running terminal take the models into use.
func (s *swap) tellTerminal(ctx context.Context) error {
	c := control.NewClient(s.cfg.Paths.ControlSocket)
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	if !c.Running(ctx) {
		s.say("no terminal runs here: the next `smiletill run` uses them")
		return nil
	}
	waiting := false
	for {
		err := c.Reload(ctx)
		if err == nil {
			break
		}
		if !strings.Contains(err.Error(), payment.ErrBusy.Error()) || ctx.Err() != nil {
			return payment.WithHintf(
				fmt.Errorf("models swap: installed, but the terminal has not taken them: %w", err),
				"restart the terminal",
			)
		}
		if !waiting {
			s.say("waiting for the running payment to end")
			waiting = true
		}
		pause(ctx, 500*time.Millisecond)
	}
	for {
		_, err := c.Customers(ctx)
		if err == nil {
			s.say("the running terminal uses them now")
			return nil
		}
		if ctx.Err() != nil {
			return fmt.Errorf("models swap: installed, but the terminal does not come back: %w", err)
		}
		pause(ctx, 100*time.Millisecond)
	}
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}
