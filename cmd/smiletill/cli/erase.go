package cli

import (
	"github.com/spf13/cobra"

	"smiletill/cmd/smiletill/erasure"
)

func eraseCommands(a *app) []*cobra.Command {
	const how = "An owner or a technician shows to be there (a PIN, or a button of the board). It is refused\n" +
		"while a payment runs, and while reports wait unless --lose was typed. Keys go first. A running\n" +
		"terminal lets its files go, and starts as a new one; a power cut only delays it. A signed receipt\n" +
		"says what was erased."
	reset := a.erases(&erasure.Order{}, &cobra.Command{
		Use: "factory-reset", Short: "Erase all that the terminal knows: it is ready for another shop",
		Long:    "Erase faces, PINs, keys, journal, registers and settings, and the network's passwords.\n" + how,
		Example: "  sudo smiletill factory-reset --as Berta --receipt /media/stick/till-3.json",
	})
	key := ""
	check := &cobra.Command{
		Use: "receipt FILE", Short: "Check the receipt of an erased terminal", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return erasure.Check(cmd.OutOrStdout(), args[0], key)
		},
	}
	check.Flags().StringVar(&key, "key", "", "`file` of the terminal's public key, as smiletill key prints it")
	reset.AddCommand(check)
	return []*cobra.Command{reset, a.erases(&erasure.Order{Leaves: true}, &cobra.Command{
		Use: "decommission", Short: "Take the terminal out of service: the cloud revokes it, then it is erased",
		Long:    "Tell the cloud that the terminal leaves service, which revokes it, and then erase it.\n" + how,
		Example: "  sudo smiletill decommission --as Berta --receipt /media/stick/till-3.json",
	})}
}

func (a *app) erases(o *erasure.Order, cmd *cobra.Command) *cobra.Command {
	cmd.GroupID, cmd.Args = "tech", cobra.NoArgs
	o.Bind(cmd.Flags())
	bindHidden(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		cfg, err := a.load(cmd)
		if err != nil {
			return err
		}
		o.Settings = a.configPath
		return erasure.Do(cmd.Context(), cfg, *o, cmd.InOrStdin(), cmd.OutOrStdout(), cmd.ErrOrStderr())
	}
	return cmd
}
