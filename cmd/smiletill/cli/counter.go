package cli

import (
	"context"

	"github.com/spf13/cobra"

	"smiletill/cmd/smiletill/config"
	"smiletill/cmd/smiletill/files"
)

func counterCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use: "counter", GroupID: "desk", Short: "Take payments without a register: set the clerk's PIN",
		Long: "Without a register, payments are taken and given back on the terminal's page /counter, in a\n" +
			"browser on the terminal itself, or over TLS on a tablet (counter.listen). A PIN of the clerk opens\n" +
			"it; without one it is off.",
		Args: cobra.NoArgs,
	}
	set := &cobra.Command{
		Use: "pin", Short: "Set the clerk's PIN, which switches the counter's page on",
		Long: "Set the PIN that opens the counter's page. It is typed here, unseen, twice; from a pipe one\n" +
			"line is read. It is kept as an Argon2id hash; three wrong ones lock it, and a new one ends the\n" +
			"lock. Whoever has the page open is asked for the new PIN. --remove switches the page off.",
		Example: "  smiletill counter pin\n  smiletill counter pin --remove",
		Args:    cobra.NoArgs,
	}
	a.changesPIN(set, func([]string) string { return "the clerk" },
		func(ctx context.Context, cfg config.Config, _ []string, digits string) error {
			return files.DeskOf(ctx, cfg).SetClerkPIN(ctx, "", digits)
		})
	bindHidden(set)
	cmd.AddCommand(set)
	return cmd
}
