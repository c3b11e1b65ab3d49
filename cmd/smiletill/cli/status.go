package cli

import (
	"errors"
	"time"

	"github.com/spf13/cobra"

	"smiletill/cmd/smiletill/config"
	"smiletill/cmd/smiletill/control"
	"smiletill/cmd/smiletill/doctor"
)

func statusCommand(a *app) *cobra.Command {
	var readyFor time.Duration
	var asJSON bool
	cmd := &cobra.Command{
		Use: "status", GroupID: "tech", Short: "Say whether the terminal takes payments, and how each part does",
		Long: "Ask the running terminal whether it takes payments, and how each part does. Exit code 0: it\n" +
			"does; 1: it is out of order, starting, or does not run.\n" +
			"--ready-for waits until it has taken payments for so long without a break, as an update does\n" +
			"before it is called good.",
		Example: "  smiletill status\n  smiletill status --ready-for 1m",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := a.load(cmd)
			if err != nil {
				return err
			}
			if readyFor < 0 {
				return config.Usage(errors.New("--ready-for is a time, like 1m"))
			}
			c := control.NewClient(cfg.Paths.ControlSocket)
			if readyFor > 0 {
				return doctor.WaitReady(cmd.Context(), c, readyFor, cmd.OutOrStdout())
			}
			s, err := c.Status(cmd.Context())
			if err != nil {
				return err
			}
			return doctor.PrintStatus(cmd.OutOrStdout(), s, asJSON)
		},
	}
	cmd.Flags().DurationVar(&readyFor, "ready-for", 0, "wait until it has been ready for so long")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	cmd.MarkFlagsMutuallyExclusive("ready-for", "json")
	bindHidden(cmd)
	return cmd
}
