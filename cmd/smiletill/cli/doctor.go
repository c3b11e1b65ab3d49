package cli

import (
	"os"

	"github.com/spf13/cobra"

	"smiletill/cmd/smiletill/config"
	"smiletill/cmd/smiletill/doctor"
)

// doctorCommands are those that say what is wrong.
func doctorCommands(a *app) []*cobra.Command {
	asJSON, logs := false, doctor.Logs{}
	examine := &cobra.Command{
		Use: "doctor", Short: "Say on one page what is wrong, and what to do", Long: doctor.Help,
		Example: "  sudo smiletill doctor", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.examined(cmd).Examine(cmd.Context()).Print(cmd.OutOrStdout(), asJSON)
		},
	}
	examine.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	lines := &cobra.Command{
		Use: "logs [FILE]", Short: "Print the log as lines to read", Long: doctor.LogsHelp,
		Example: "  sudo smiletill logs --since 2h\n  sudo smiletill logs --follow", Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				logs.File = args[0]
			}
			logs.Redact = doctor.NewRedactor("", a.examined(cmd).Placed().Cfg, nil)
			return logs.Print(cmd.Context(), cmd.InOrStdin(), cmd.OutOrStdout())
		},
	}
	lines.Flags().StringVar(&logs.Since, "since", "24h", "from when on")
	lines.Flags().BoolVarP(&logs.Follow, "follow", "f", false, "go on with what comes, until interrupted")
	support := &cobra.Command{
		Use: "support FILE", Short: "Write one file for who helps from afar, without secrets",
		Long: doctor.SupportHelp, Example: "  sudo smiletill support till-3.tar.gz", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.examined(cmd).SupportFile(cmd.Context(), args[0], cmd.OutOrStdout())
		},
	}
	all := []*cobra.Command{examine, lines, support}
	for _, c := range all {
		bindHidden(grouped("tech", c))
	}
	return all
}

// examined is the terminal of a command's settings, or of none that can be read: that is a finding too.
func (a *app) examined(cmd *cobra.Command) doctor.Terminal {
	cfg, err := config.Load(a.configPath, cmd.Flags(), os.Environ())
	return doctor.Terminal{Version: a.version, Cfg: cfg, CfgErr: err, Probe: doctor.Here()}
}
