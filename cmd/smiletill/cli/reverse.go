package cli

import (
	"fmt"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"smiletill/cmd/smiletill/control"
)

func reverseCommand(a *app) *cobra.Command {
	var q control.ReversalRequest
	cmd := &cobra.Command{
		Use: "reverse PAYMENT [AMOUNT]", GroupID: "till", Short: "Give a payment back, in whole or in part",
		Long: "Give an approved payment back: all that is left of it, or AMOUNT in its currency. It is\n" +
			"journalled and reported as a payment is. With --id a command that is repeated gives back once.",
		Example: "  smiletill reverse order-17\n" +
			"  smiletill reverse order-17 2.50 --reference \"one of two returned\"",
		Args: cobra.RangeArgs(1, 2),
		RunE: func(cmd *cobra.Command, args []string) error {
			cfg, err := a.load(cmd)
			if err != nil {
				return err
			}
			q.PaymentID = args[0]
			if len(args) == 2 {
				q.Amount = args[1]
			}
			if q.ID == "" {
				q.ID = uuid.NewString()
			}
			done, err := control.NewClient(cfg.Paths.ControlSocket).Reverse(cmd.Context(), q)
			if err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "reversed %s %s of payment %s, to customer %s (reversal %s)\n", done.Amount,
				done.Currency, done.PaymentID, done.Customer, done.ID)
			return nil
		},
	}
	cmd.Flags().StringVar(&q.ID, "id", "", "id of the reversal; the same id gives back once (default a new one)")
	cmd.Flags().StringVar(&q.Reference, "reference", "", "your own words, kept with it")
	bindHidden(cmd)
	return cmd
}
