package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"smiletill/cmd/smiletill/control"
)

func tamperCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use: "tamper", GroupID: "tech", Short: "End the alarm after the case was opened", Args: cobra.NoArgs,
	}
	reset := &cobra.Command{
		Use: "reset", Short: "End the alarm: the case was looked at and is closed",
		Long: "End the alarm of the running terminal. Faces are read again and payments are taken.\n" +
			"It is refused while the case is open.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := a.load(cmd)
			if err != nil {
				return err
			}
			if err := control.NewClient(cfg.Paths.ControlSocket).ResetTamper(cmd.Context()); err != nil {
				return err
			}
			fmt.Fprintln(cmd.OutOrStdout(), "no alarm: the terminal takes payments again")
			return nil
		},
	}
	bindHidden(reset)
	cmd.AddCommand(reset)
	return cmd
}
