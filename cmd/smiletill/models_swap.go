package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"smiletill/models"
	"smiletill/payment"
)

func swapCommand(a *app) *cobra.Command {
	var back, yes bool
	cmd := &cobra.Command{
		Use: "swap DIR | swap --embedded", Short: "Use the models of a folder, or the built-in ones again",
		Long: "Use the models of a folder: it is verified as `models verify` does, copied into the data folder\n" +
			"and taken into use whole or not at all, also by the running terminal. --embedded undoes it.\n" +
			"Customers who were enrolled with another embedding model must be enrolled again: their number is\n" +
			"told first, and nothing changes without --yes.",
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if back == (len(args) == 1) {
				return &exitError{exitUsage, withHint(errors.New("models swap: a folder or --embedded"),
					"name the folder with the new models and their manifest.json, or give --embedded")}
			}
			cfg, err := a.load(cmd)
			if err != nil {
				return err
			}
			if cfg.Paths.ModelsDir != "" {
				return withHint(fmt.Errorf("models swap: paths.models_dir is set (%s)", cfg.Origin("paths.models_dir")),
					"it decides alone: take it out there, or let it name another folder and restart the terminal")
			}
			s := swap{cmd: cmd, cfg: cfg, yes: yes}
			return s.run(append(args, "")[0])
		},
	}
	cmd.Flags().BoolVar(&back, "embedded", false, "use the built-in models again")
	cmd.Flags().BoolVar(&yes, "yes", false, "go on although customers must be enrolled again")
	return cmd
}

// swap is one change of models.
type swap struct {
	cmd *cobra.Command
	cfg Config
	yes bool
}

func (s *swap) say(format string, args ...any) {
	fmt.Fprintf(s.cmd.OutOrStdout(), format+"\n", args...)
}

// run changes to the models of dir, "" for the embedded ones. What was verified is what is installed: the
// files are copied before they are tried out.
func (s *swap) run(dir string) (err error) {
	set, err := models.Open(dir)
	if err != nil {
		return err
	}
	if err := preparePrivateDir(s.cfg.Paths.DataDir); err != nil {
		return err
	}
	copied := ""
	if dir != "" {
		if copied, err = os.MkdirTemp(s.cfg.Paths.DataDir, installedPrefix); err != nil {
			return fmt.Errorf("models swap: %w", err)
		}
		defer func() {
			if err != nil && !inForce(s.cfg, copied) { // the terminal may fail to take what is installed by then
				err = errors.Join(err, os.RemoveAll(copied))
			}
		}()
		if err := set.Save(copied); err != nil {
			return withHint(err, "see that the disk has room and can be written")
		}
	}
	if err := verifySet(s.cmd, set, copied); err != nil {
		return err
	}
	if err := s.consent(set); err != nil {
		return err
	}
	if err := install(s.cfg, copied); err != nil {
		return err
	}
	if dir == "" {
		s.say("the built-in models are in force again")
	} else {
		s.say("installed; `smiletill models swap --embedded` undoes it")
	}
	return s.tellTerminal()
}

// consent tells what changes and refuses what the operator has not agreed to.
func (s *swap) consent(set models.Set) error {
	old, err := openModels(s.cfg)
	if err != nil {
		s.say("\nthe models in force can't be used: %v", err)
	} else {
		changes(s.cmd.OutOrStdout(), old, set)
	}
	all, err := s.customers(set)
	if err != nil {
		return fmt.Errorf("models swap: count the customers: %w", err)
	}
	again, now := 0, set.Model(models.Embed).SHA256
	for _, c := range all {
		if c.Damage == "" && c.Model != now {
			again++
		}
	}
	if again == 0 {
		s.say("no customer has to be enrolled again")
		return nil
	}
	s.say("%d of %d customers have to be enrolled again before they can pay", again, len(all))
	if !s.yes {
		return withHint(errors.New("models swap: nothing was changed"),
			"repeat the command with --yes; ids and names stay, and swapping back makes the templates good again")
	}
	return nil
}

// customers asks the running terminal, or the gallery's files while none has them open.
func (s *swap) customers(set models.Set) (all []customerReply, err error) {
	c := newClient(s.cfg.Paths.ControlSocket)
	if c.running(s.cmd.Context()) {
		if all, err = c.customers(s.cmd.Context()); err == nil {
			return all, nil
		}
	}
	if _, err := os.Lstat(galleryDir(s.cfg)); errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	g, err := openGallery(s.cfg, set, alarmStands(s.cfg), slog.New(slog.DiscardHandler))
	if err != nil {
		return nil, err
	}
	return listCustomers(g), g.Close()
}

// changes prints what another set changes.
func changes(w io.Writer, old, set models.Set) {
	fmt.Fprintln(w)
	for _, task := range models.Tasks() {
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
func (s *swap) tellTerminal() error {
	c := newClient(s.cfg.Paths.ControlSocket)
	ctx, cancel := context.WithTimeout(s.cmd.Context(), 2*time.Minute)
	defer cancel()
	if !c.running(ctx) {
		s.say("no terminal runs here: the next `smiletill run` uses them")
		return nil
	}
	waiting := false
	for {
		err := c.reload(ctx)
		if err == nil {
			break
		}
		if !strings.Contains(err.Error(), payment.ErrBusy.Error()) || ctx.Err() != nil {
			return withHint(fmt.Errorf("models swap: installed, but the terminal has not taken them: %w", err),
				"restart the terminal")
		}
		if !waiting {
			s.say("waiting for the running payment to end")
			waiting = true
		}
		pause(ctx, 500*time.Millisecond)
	}
	for {
		_, err := c.customers(ctx)
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
