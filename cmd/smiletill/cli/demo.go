package cli

import (
	"errors"
	"os"
	"syscall"

	"github.com/spf13/cobra"

	"smiletill/cmd/smiletill/demo"
	"smiletill/payment"
)

func demoCommand(a *app) *cobra.Command {
	var once bool
	var address string
	cmd := &cobra.Command{
		Use: "demo", GroupID: "till",
		Short: "Play a shop day on a simulated board, with a broker and a cloud of its own",
		Long: "Play a shop day: a simulated board, a replayed camera, an MQTT broker and a small cloud on\n" +
			"loopback, all in this process and in a temporary folder.\n" +
			"Then it stays up for `smiletill pay`, until Ctrl-C.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if a.configPath == "" {
				a.configPath = os.DevNull // a shop of its own: not that of a terminal that is installed here
			}
			f, option := cmd.Flags(), "--screen-listen"
			if !f.Changed("screen-listen") {
				option = "--screen"
				// By its option, so that it is checked as any other address.
				if err := f.Set("screen-listen", address); err != nil {
					return err
				}
			}
			cfg, err := a.load(cmd)
			if err != nil {
				return err
			}
			err = demo.Run(cmd.Context(), cfg, a.version, once, cmd.OutOrStdout())
			if errors.Is(err, syscall.EADDRINUSE) {
				err = payment.WithHintf(err, "another program uses the address: stop it, or choose another with %s",
					option)
			}
			return err
		},
	}
	cmd.Flags().BoolVar(
		&once,
		"once",
		false,
		"end after the shop day; exit code 0 only if every visit ended as it must",
	)
	cmd.Flags().StringVar(
		&address,
		"screen",
		"127.0.0.1:8080",
		"address of the customer's page; port 0 takes a free one",
	)
	bindHidden(cmd)
	cmd.MarkFlagsMutuallyExclusive("screen", "screen-listen")
	return cmd
}
