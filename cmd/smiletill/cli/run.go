package cli

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"

	"smiletill/cmd/smiletill/claiming"
	"smiletill/cmd/smiletill/config"
	"smiletill/cmd/smiletill/erasure"
	"smiletill/cmd/smiletill/terminal"
	"smiletill/cmd/smiletill/update"
	"smiletill/payment/journal"
)

func runCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use: "run", GroupID: "till", Short: "Be the terminal",
		Long: "Be the terminal: camera, screen, lights, journal and reports, until it is stopped. When a part\n" +
			"fails the screen says so, and the terminal goes on when the part works again.\n" +
			"It takes payments once terminal.tenant, site and id say whose it is.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			for { // once more when it was claimed, or erased: its settings are others then
				if again, err := a.terminal(cmd); !again {
					return err
				}
			}
		},
	}
	config.BindFlags(cmd.Flags())
	return cmd
}

// terminal runs it once; again: it is to start with what it has now.
func (a *app) terminal(cmd *cobra.Command) (again bool, err error) {
	cfg, err := a.load(cmd)
	if err != nil {
		return false, err
	}
	o := terminal.Options{Version: a.version, Log: config.Logger(cfg.Log, os.Stderr)}
	ctx, stop, why := erasure.Attend(cmd.Context(), &cfg, o.Log)
	defer stop()
	if o.NotSetUp = why; why == nil {
		update.Return(ctx, cfg.Paths.DataDir, cfg.JournalPath(), o.Log)
		if o.Claim, err = claiming.New(cfg, a.version, o.Log); err != nil {
			return false, err
		}
		if o.NotSetUp = o.Claim.Wanted(); o.NotSetUp == nil {
			o.NotSetUp = cfg.Commissioned()
		}
	}
	t, err := terminal.New(cfg, o)
	if err == nil {
		err = t.Run(ctx)
	}
	return errors.Is(err, claiming.ErrClaimed) || err == nil && erasure.Again(ctx), err
}

func versionCommand(a *app) *cobra.Command {
	var notices, asJSON bool
	cmd := &cobra.Command{
		Use: "version", GroupID: "tech", Short: "Print the version, or the notices of what is built in",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if notices {
				_, err := fmt.Fprint(cmd.OutOrStdout(), noticesText)
				return err
			}
			if asJSON {
				_, err := fmt.Fprintf(cmd.OutOrStdout(), `{"version":%q,"go":%q,"os":%q,"arch":%q,"journal":%d}`+"\n",
					a.version, runtime.Version(), runtime.GOOS, runtime.GOARCH, journal.Schema())
				return err
			}
			_, err := fmt.Fprintf(cmd.OutOrStdout(), "smiletill %s, %s, %s/%s\n", a.version, runtime.Version(),
				runtime.GOOS, runtime.GOARCH)
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
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON, with the version of the journal that it writes")
	cmd.Flags().BoolVar(&notices, "notices", false, "print the licences of the parts that are built in")
	cmd.MarkFlagsMutuallyExclusive("json", "notices")
	return cmd
}
