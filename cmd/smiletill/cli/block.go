package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"smiletill/cmd/smiletill/control"
)

// blockCommand blocks a customer, or ends that.
func blockCommand(a *app, block bool) *cobra.Command {
	why, word := "", "block"
	cmd := &cobra.Command{
		Use: "block ID", Short: "Take no payment of a customer, who stays enrolled",
		Long: "Take no payment of a customer: the face is known, and each payment is declined, in words that\n" +
			"tell nobody else why. The shop's page says it to the clerk. Who did it and why is a fact that reaches\n" +
			"the cloud. It ends with `smiletill customers unblock`, or when the customer is removed.",
		Example: "  smiletill customers block c_1f09... --why \"lost the phone\"",
	}
	if !block {
		word, cmd.Use, cmd.Short = "unblock", "unblock ID", "Take payments of a blocked customer again"
		cmd.Long = "Take payments of a customer again who was blocked. Who did it and why is a fact too."
		cmd.Example = "  smiletill customers unblock c_1f09... --why \"it is settled\""
	}
	cmd.Args = cobra.ExactArgs(1)
	cmd.RunE = a.asks(func(cmd *cobra.Command, c *control.Client, args []string) error {
		if err := c.Block(cmd.Context(), args[0], block, why); err != nil {
			return err
		}
		_, err := fmt.Fprintf(cmd.OutOrStdout(), "%sed %s\n", word, args[0])
		return err
	})
	cmd.Flags().StringVar(&why, "why", "", "`words` for the fact, which name nobody")
	_ = cmd.MarkFlagRequired("why") // it is there
	return cmd
}
