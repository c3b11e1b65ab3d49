package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"smiletill/cmd/smiletill/columns"
	"smiletill/cmd/smiletill/config"
	"smiletill/cmd/smiletill/control"
	"smiletill/payment"
)

func statusCommand(a *app) *cobra.Command {
	var readyFor time.Duration
	var asJSON bool
	cmd := &cobra.Command{
		Use: "status", GroupID: "tech", Short: "Say whether the terminal takes payments, and how each part does",
		Long: "Ask the running terminal whether it takes payments, and how each part does. Exit code 0: it\n" +
			"does; 1: it is out of order, starting, or does not run.\n" +
			"--ready-for waits until it has taken payments for so long without a break, as an update does\n" +
			"before it is called good.",
		Example: "  smiletill status\n  smiletill status --ready-for 1m",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := a.load(cmd)
			if err != nil {
				return err
			}
			if readyFor < 0 {
				return config.Usage(errors.New("--ready-for is a time, like 1m"))
			}
			c := control.NewClient(cfg.Paths.ControlSocket)
			if readyFor > 0 {
				return waitReady(cmd.Context(), c, readyFor, cmd.OutOrStdout())
			}
			s, err := c.Status(cmd.Context())
			if err != nil {
				return err
			}
			return printStatus(cmd.OutOrStdout(), s, asJSON)
		},
	}
	cmd.Flags().DurationVar(&readyFor, "ready-for", 0, "wait until it has been ready for so long")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	cmd.MarkFlagsMutuallyExclusive("ready-for", "json")
	bindHidden(cmd)
	return cmd
}

func printStatus(w io.Writer, s control.Status, asJSON bool) error {
	if asJSON {
		e := json.NewEncoder(w)
		e.SetIndent("", "  ")
		if err := e.Encode(s); err != nil {
			return fmt.Errorf("print the status: %w", err)
		}
	} else if err := printParts(w, s); err != nil {
		return err
	}
	if !s.Ready {
		return payment.WithHint(errors.New(s.Line), s.Do)
	}
	return nil
}

func printParts(w io.Writer, s control.Status) error {
	if s.Ready {
		fmt.Fprintln(w, s.Line)
	}
	t := columns.New(w)
	for _, p := range s.Parts {
		fmt.Fprintf(t, "%s\t%s\t%s\n", p.Name, p.Level, p.Value)
		if p.Do != "" && p.Level != "ok" {
			fmt.Fprintf(t, "\t\t-> %s\n", p.Do)
		}
	}
	if err := t.Flush(); err != nil {
		return fmt.Errorf("print the status: %w", err)
	}
	return nil
}

// waitReady returns when the terminal has taken payments for so long; what keeps it from that is told when it
// changes.
func waitReady(ctx context.Context, c *control.Client, long time.Duration, out io.Writer) error {
	since, told := time.Time{}, ""
	for tick := min(time.Second, long/4); ; {
		s, err := c.Status(ctx)
		switch {
		case ctx.Err() != nil:
			return payment.WithHint(errors.New("the waiting was ended; the terminal was not ready for "+long.String()),
				"`smiletill status` says what is wrong")
		case err != nil:
			s = control.Status{Line: err.Error()}
		}
		if s.Line != told {
			told = s.Line
			fmt.Fprintln(out, told)
		}
		switch now := time.Now(); {
		case !s.Ready:
			since = time.Time{}
		case since.IsZero() || s.Up < now.Sub(since): // another process than before
			since = now
		case now.Sub(since) >= long:
			return nil
		}
		select {
		case <-ctx.Done():
		case <-time.After(tick):
		}
	}
}
