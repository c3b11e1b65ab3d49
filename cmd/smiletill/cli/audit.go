package cli

import (
	"github.com/spf13/cobra"

	"smiletill/cmd/smiletill/books"
	"smiletill/payment/journal"
)

func auditCommand(a *app) *cobra.Command {
	limit := 20
	cmd := &cobra.Command{
		Use: "audit", Short: "List what was done to the terminal, and who did it",
		Args: cobra.NoArgs,
		Long: "List what was done to the terminal besides payments, newest first: to customers, clerks and\n" +
			"registers, to its settings, models and program, to its case; and by whom, where that is known. Each\n" +
			"is a fact of the journal and reaches the cloud. Changes made while the terminal did not run are found\n" +
			"at its start.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.readJournal(cmd, func(r *journal.Reader, _ string) error {
				all, err := r.Audits(cmd.Context(), limit)
				if err != nil {
					return err
				}
				return books.Audits(cmd.OutOrStdout(), all)
			})
		},
	}
	cmd.Flags().IntVarP(&limit, "limit", "n", limit, "how many; negative lists all")
	return cmd
}
