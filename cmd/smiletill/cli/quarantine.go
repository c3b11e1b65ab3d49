package cli

import (
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"smiletill/cmd/smiletill/books"
	"smiletill/cmd/smiletill/config"
	"smiletill/cmd/smiletill/enrolment"
	"smiletill/cmd/smiletill/intent"
	"smiletill/cmd/smiletill/witness"
	"smiletill/payment/journal"
)

func quarantineCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "quarantine", Short: "Move a damaged journal aside and go on with all that is whole in it",
		Long: "Move the files of a damaged journal into a folder beside it, as they are, and make a new\n" +
			"journal of every fact that can be proved whole by its hash. All approvals and reversals among\n" +
			"them are reported once more; the cloud counts each once. What is missing is said. A sound\n" +
			"journal is left alone.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := a.load(cmd)
			if err != nil {
				return err
			}
			q, err := journal.Quarantine(cmd.Context(), cfg.JournalPath(), time.Now(),
				progressLine(cmd.ErrOrStderr(), "read %d of %d bytes", time.Now()))
			if err != nil {
				return err
			}
			return books.Quarantined(cmd.OutOrStdout(), q)
		},
	}
}

func journalReconcileCommand(a *app) *cobra.Command {
	var why string
	c := &cobra.Command{
		Use: "reconcile", Short: "Go on with older data that were put back",
		Long: "A terminal takes no payment when its files are older than it has seen them, or when the cloud\n" +
			"has acknowledged more of it than its journal holds: an older copy was put back, or they were\n" +
			"lost. The remedy is to put back the newest copy. If there is none, this writes down who goes on\n" +
			"with them and why. Of a journal that lacks payments it keeps the files in a folder beside it and\n" +
			"makes a new one of every fact in them, all reported once more, with numbers above those that\n" +
			"were there. Customers who had been removed, and are there again, are removed again.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := a.load(cmd)
			if err != nil {
				return err
			}
			return reconcile(cmd, cfg, why)
		},
	}
	c.Flags().StringVar(&why, "because", "", "why, for the journal and the cloud")
	_ = c.MarkFlagRequired("because") // an error is a flag that isn't there
	return c
}

// reconcile goes on with older data: the journal first, then what the running terminal has found of the rest.
func reconcile(cmd *cobra.Command, cfg config.Config, why string) error {
	told, err := witness.ReadTold(cfg.Paths.DataDir)
	if err != nil {
		return err
	}
	book := intent.In(cfg.Paths.DataDir)
	var q journal.Quarantined
	of := []witness.Finding{{Store: witness.Journal}}
	err = enrolment.GoOn(cmd.Context(), book, of, why, func() (err error) {
		q, err = journal.Reconcile(cmd.Context(), cfg.JournalPath(), time.Now(),
			progressLine(cmd.ErrOrStderr(), "read %d of %d bytes", time.Now()))
		return err
	})
	if errors.Is(err, journal.ErrInStep) && len(told.Found) > 0 {
		if err = enrolment.GoOn(cmd.Context(), book, told.Found, why, nil); err == nil {
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "older data go on: %s\n\nnext: the terminal takes payments "+
				"again by itself within seconds, or start it\n", witness.Stores(told.Found))
		}
		return err
	}
	if err != nil {
		return err
	}
	return books.Reconciled(cmd.OutOrStdout(), q)
}
