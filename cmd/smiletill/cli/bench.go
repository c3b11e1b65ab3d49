package cli

import (
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"smiletill/cmd/smiletill/config"
	"smiletill/cmd/smiletill/trial"
	"smiletill/payment"
)

func benchCommand(a *app) *cobra.Command {
	o := trial.BenchOptions{Version: a.version, Each: 3 * time.Second, Customers: 100}
	cmd := &cobra.Command{
		Use: "bench", GroupID: "tech", Short: "Measure how fast this machine looks at a frame",
		Long: "Measure how fast this machine looks at a frame, stage by stage and as a whole, from the\n" +
			"camera's bytes to the decision: with one and two threads, with and without XNNPACK. The frames\n" +
			"are of a film that is built in; the camera is not used, and nothing is stored. Stop the terminal\n" +
			"first, or both are slower. --sets measures the two built-in sets of models as payments use them,\n" +
			"and says which to take.",
		Example: "  smiletill bench\n  smiletill bench --sets\n" +
			"  smiletill bench --compare /opt/float-models --json > pi4.json",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := a.load(cmd)
			if err != nil {
				return err
			}
			if o.Each < 0 || o.Each > time.Minute {
				return config.Usage(payment.WithHintf(fmt.Errorf("--each %s", o.Each), "give 0s to 1m"))
			}
			if o.Customers < 1 || o.Customers > 1000 {
				return config.Usage(payment.WithHintf(fmt.Errorf("--customers %d", o.Customers), "give 1 to 1000"))
			}
			if o.Sets && o.Compare != "" {
				return config.Usage(payment.WithHintf(errors.New("bench: --sets and --compare"), "give one of them"))
			}
			return trial.Bench(cmd.Context(), cfg, o, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	bindHidden(cmd)
	cmd.Flags().StringVar(&o.Compare, "compare", "", "folder of models, with a manifest, to measure, too")
	cmd.Flags().BoolVar(&o.Sets, "sets", false, "measure the built-in sets of models, and say which to take")
	cmd.Flags().BoolVar(&o.JSON, "json", false, "print JSON, to keep")
	cmd.Flags().DurationVar(&o.Each, "each", o.Each, "how long to measure each setting")
	cmd.Flags().IntVar(&o.Customers, "customers", o.Customers, "how many are in the gallery")
	return cmd
}
