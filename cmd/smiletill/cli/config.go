package cli

import (
	"io"

	"github.com/spf13/cobra"

	"smiletill/cmd/smiletill/config"
)

// configCommand prints the configuration as it is in force. load reads it with the command's flags,
// as every other command does.
func configCommand(load func(*cobra.Command) (config.Config, error)) *cobra.Command {
	var example bool
	cmd := &cobra.Command{
		Use:   "config",
		Short: "Print the configuration in force and where each value comes from",
		Long: "Print the configuration in force as TOML, with the origin of each value: the file's line, a\n" +
			"variable of the environment, a flag, or the default. It holds no secrets, only names of files.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if example {
				_, err := io.WriteString(cmd.OutOrStdout(), config.Example)
				return err
			}
			c, err := load(cmd)
			if err != nil {
				return err
			}
			return c.Write(cmd.OutOrStdout())
		},
	}
	cmd.Flags().BoolVar(&example, "example", false, "print the documented example with all defaults instead")
	return cmd
}
