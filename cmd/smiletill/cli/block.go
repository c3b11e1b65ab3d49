package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"smiletill/cmd/smiletill/control"
)

// blockCommand blocks a customer, or ends that.
func blockCommand(a *app, block bool) *cobra.Command {
	why := ""
	cmd := &cobra.Command{
		Use: "block ID", Short: "Take no payment of a customer, who stays enrolled",
		Long: "Take no payment of a customer: the face is known, and each payment is declined, in words that tell\n" +
			"nobody else why. The shop's page says it to the clerk. Who did it and why is a fact that reaches the\n" +
			"cloud. It ends with `smiletill customers unblock`, or when the customer is removed.",
		Example: "  smiletill customers block c_1f09... --why \"asked for it: lost the bank card\"",
		Args:    cobra.ExactArgs(1),
		RunE: a.asks(func(cmd *cobra.Command, c *control.Client, args []string) error {
			if err := c.Block(cmd.Context(), args[0], block, why); err != nil {
				return err
			}
			done := "blocked %s\n"
			if !block {
				done = "unblocked %s\n"
			}
			_, err := fmt.Fprintf(cmd.OutOrStdout(), done, args[0])
			return err
		}),
	}
	if !block {
		cmd.Use, cmd.Short = "unblock ID", "Take payments of a blocked customer again"
		cmd.Long = "Take payments of a customer again who was blocked. Who did it and why is a fact too."
		cmd.Example = "  smiletill customers unblock c_1f09... --why \"has a new bank card\""
	}
	cmd.Flags().StringVar(&why, "why", "", "`words` for the fact, which name nobody")
	_ = cmd.MarkFlagRequired("why") // it is there
	return cmd
}
