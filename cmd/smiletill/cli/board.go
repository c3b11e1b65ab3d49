package cli

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"smiletill/cmd/smiletill/config"
	"smiletill/cmd/smiletill/trial"
	"smiletill/device/wiring"
	"smiletill/payment"
)

func boardCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use: "board", GroupID: "tech", Short: "List and try the lamps, the buzzer and the buttons",
		Args: cobra.NoArgs,
	}
	list := &cobra.Command{
		Use: "list", Short: "List GPIO chips, and which line each part of the board is on",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := a.load(cmd)
			if err != nil {
				return err
			}
			return trial.ListBoard(cmd.OutOrStdout(), cfg.Board.Kind)
		},
	}
	show := &cobra.Command{
		Use: "show BOARD", Short: "Print a board description, to begin one of your own with",
		Long: "Print one of the board descriptions that the program brings: " + strings.Join(wiring.Kinds(), ", ") +
			".\nSave it, change it, and set board.kind to its path.",
		Args: cobra.ExactArgs(1), ValidArgs: wiring.Kinds(),
		RunE: func(cmd *cobra.Command, args []string) error {
			if !slices.Contains(wiring.Kinds(), args[0]) {
				return config.Usage(payment.WithHintf(fmt.Errorf("no board is called %q", args[0]),
					"there are: %s", strings.Join(wiring.Kinds(), ", ")))
			}
			data, err := wiring.Text(args[0])
			if err == nil {
				_, err = cmd.OutOrStdout().Write(data)
			}
			return err
		},
	}
	seconds := 10
	test := &cobra.Command{
		Use: "test", Short: "Blink each lamp, play a tone, then show what the buttons do",
		Long: "Blink each lamp and play a tone, one after the other; then print what the buttons and the\n" +
			"tamper switch do. Stop the terminal first: it holds the lines.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := a.load(cmd)
			if err != nil {
				return err
			}
			return trial.TestBoard(cmd.Context(), cmd.OutOrStdout(), cfg, time.Duration(seconds)*time.Second)
		},
	}
	test.Flags().IntVar(&seconds, "seconds", seconds, "how long to watch the buttons")
	safe := &cobra.Command{
		Use: "safe", Short: "Switch lamps and buzzer off, for after a crash", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := a.load(cmd)
			if err != nil {
				return err
			}
			return trial.MakeSafe(cfg)
		},
	}
	cmd.AddCommand(bound(list), show, bound(test), bound(safe))
	return cmd
}
