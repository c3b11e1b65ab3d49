package cli

import (
	"fmt"
	"os"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"

	"smiletill/cmd/smiletill/config"
	"smiletill/cmd/smiletill/terminal"
)

func runCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use: "run", GroupID: "till", Short: "Be the terminal",
		Long: "Be the terminal: camera, screen, lights, journal and reports, until it is stopped. When a part\n" +
			"fails the screen says so, and the terminal goes on when the part works again.\n" +
			"It takes payments once terminal.tenant, site and id say whose it is.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := a.load(cmd)
			if err != nil {
				return err
			}
			t, err := terminal.New(cfg, terminal.Options{
				Version: a.version, Log: config.Logger(cfg.Log, os.Stderr), NotSetUp: cfg.Commissioned(),
			})
			if err != nil {
				return err
			}
			return t.Run(cmd.Context())
		},
	}
	config.BindFlags(cmd.Flags())
	return cmd
}

func versionCommand(a *app) *cobra.Command {
	var notices bool
	cmd := &cobra.Command{
		Use: "version", GroupID: "tech", Short: "Print the version, or the notices of what is built in",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if notices {
				_, err := fmt.Fprint(cmd.OutOrStdout(), noticesText)
				return err
			}
			_, err := fmt.Fprintf(
				cmd.OutOrStdout(),
				"smiletill %s, %s, %s/%s\n",
				a.version,
				runtime.Version(),
				runtime.GOOS,
				runtime.GOARCH,
			)
			if info, ok := debug.ReadBuildInfo(); ok && err == nil {
				for _, s := range info.Settings {
					if s.Key == "-tags" {
						_, err = fmt.Fprintf(cmd.OutOrStdout(), "built with tags %s\n", s.Value)
					}
				}
			}
			return err
		},
	}
	cmd.Flags().BoolVar(&notices, "notices", false, "print the licences of the parts that are built in")
	return cmd
}
