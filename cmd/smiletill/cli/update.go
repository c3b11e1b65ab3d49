package cli

import (
	"time"

	"github.com/spf13/cobra"

	"smiletill/cmd/smiletill/update"
	"smiletill/payment/journal"
)

func updateCommand(a *app) *cobra.Command {
	var o update.Order
	var within time.Duration
	slots := "/usr/lib/smiletill/slots"
	run := func(do func(update.Card, *cobra.Command, []string) error) func(*cobra.Command, []string) error {
		return func(cmd *cobra.Command, args []string) error {
			cfg, err := a.load(cmd)
			if err != nil {
				return err
			}
			return do(update.Card{Version: a.version, Schema: journal.Schema(), Data: cfg.Paths.DataDir,
				Journal: cfg.JournalPath(), Socket: cfg.Paths.ControlSocket, Slots: slots}, cmd, args)
		}
	}
	cmd := &cobra.Command{Use: "update [BUNDLE]", GroupID: "tech", Args: cobra.MaximumNArgs(1),
		Short: "Bring a card to a newer version, tried once", Long: update.Help, Example: update.Examples,
		RunE: run(func(c update.Card, cmd *cobra.Command, args []string) error {
			return c.Do(cmd.Context(), o.Of(args), cmd.OutOrStdout())
		})}
	confirm := &cobra.Command{Use: "confirm", Short: "Say whether a slot that is only tried is good", Args: cobra.NoArgs,
		Long: update.ConfirmHelp, RunE: run(func(c update.Card, cmd *cobra.Command, _ []string) error {
			return c.Confirm(cmd.Context(), within, cmd.OutOrStdout())
		})}
	restart := &cobra.Command{Use: "restart", Short: "Restart into what was installed, to try it", Args: cobra.NoArgs,
		RunE: run(func(c update.Card, cmd *cobra.Command, _ []string) error {
			return c.Restart(cmd.Context(), o.Wait, cmd.OutOrStdout())
		})}
	o.Bind(cmd.Flags(), &slots)
	confirm.Flags().DurationVar(&within, "within", update.Within, "since the start of the machine")
	for _, c := range []*cobra.Command{cmd, confirm, restart} {
		bindHidden(c)
	}
	cmd.AddCommand(confirm, restart)
	return cmd
}
