package cli

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/spf13/cobra"

	"smiletill/cmd/smiletill/config"
	"smiletill/payment"
)

// configCommand prints the configuration as it is in force. load reads it with the command's flags,
// as every other command does.
func configCommand(load func(*cobra.Command) (config.Config, error)) *cobra.Command {
	var example bool
	var write string
	cmd := &cobra.Command{
		Use:   "config",
		Short: "Print the configuration in force and where each value comes from",
		Long: "Print the configuration in force as TOML, with the origin of each value: the file's line, a\n" +
			"variable of the environment, a flag, or the default. It holds no secrets, only names of files.",
		Example: "  smiletill config\n  smiletill config --example\n" +
			"  sudo smiletill config --write /etc/smiletill/smiletill.toml   # where no package has put it",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if write != "" {
				return writeExample(write, cmd.OutOrStdout())
			}
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
	cmd.Flags().StringVar(&write, "write", "", "write the documented example into a new file, never over one")
	cmd.MarkFlagsMutuallyExclusive("example", "write")
	return cmd
}

// writeExample makes a configuration file. One that is there is somebody's work.
func writeExample(path string, out io.Writer) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	switch {
	case errors.Is(err, fs.ErrExist):
		return payment.WithHintf(fmt.Errorf("write the example: %s is there already", path),
			"edit it (sudoedit %s); `smiletill config --example` shows every key", path)
	case errors.Is(err, fs.ErrNotExist):
		return payment.WithHint(fmt.Errorf("write the example: %w", err), "make the folder first")
	case err != nil:
		return fmt.Errorf("write the example: %w", err)
	}
	_, err = io.WriteString(f, config.Example)
	if err := errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("write the example: %w", errors.Join(err, os.Remove(path)))
	}
	fmt.Fprintf(out, "%s: say in it whose terminal this is, then start the terminal\n", path)
	return nil
}
