package cli

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"smiletill/payment/journal"
)

func backCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "back", Short: "After going back to an older smiletill: take the journal of before the newer one",
		Long: "A newer smiletill brings the journal to its form when it starts, which an older one can't read;\n" +
			"it keeps a copy of before. Where nothing was paid, declined or given back since, this puts the copy\n" +
			"back, so that the older smiletill goes on. Otherwise it refuses, changes nothing and says which\n" +
			"program knows the payments: with the copy they would be forgotten and could be charged again.\n" +
			"Stop the terminal first. The newer journal is kept beside it.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := a.load(cmd)
			if err != nil {
				return err
			}
			done, err := journal.Back(cmd.Context(), cfg.JournalPath(), time.Now())
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "back to schema %d: all %d facts are there, nothing was written "+
				"since\nthe newer journal is kept in %s\nstart the terminal\n", done.Schema, done.Facts, done.Kept)
			return err
		},
	}
}
