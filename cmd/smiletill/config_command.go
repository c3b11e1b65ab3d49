package main

import (
	_ "embed"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
)

//go:embed smiletill.toml
var exampleConfig string

// configCommand prints the configuration as it is in force. load reads it with the command's flags,
// as every other command does.
func configCommand(load func(*cobra.Command) (Config, error)) *cobra.Command {
	var example bool
	cmd := &cobra.Command{
		Use:   "config",
		Short: "Print the configuration in force and where each value comes from",
		Long: "Print the configuration in force as TOML, with the origin of each value: the file's line, a\n" +
			"variable of the environment, a flag, or the default. It holds no secrets, only names of files.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if example {
				_, err := io.WriteString(cmd.OutOrStdout(), exampleConfig)
				return err
			}
			c, err := load(cmd)
			if err != nil {
				return err
			}
			return c.write(cmd.OutOrStdout())
		},
	}
	cmd.Flags().BoolVar(&example, "example", false, "print the documented example with all defaults instead")
	return cmd
}

// write prints c as TOML that LoadConfig reads back to the same values.
func (c *Config) write(w io.Writer) error {
	section := ""
	for _, o := range c.options() {
		if o.section() != section {
			if section != "" {
				fmt.Fprintln(w)
			}
			section = o.section()
			fmt.Fprintf(w, "[%s]\n", section)
		}
		text := o.text()
		if o.kind() == "string" || o.kind() == "duration" {
			text = tomlQuote(text)
		}
		if _, err := fmt.Fprintf(w, "%-36s # %s\n", o.key()+" = "+text, c.Origin(o.name)); err != nil {
			return fmt.Errorf("print configuration: %w", err)
		}
	}
	return nil
}

// tomlQuote writes text as a basic string of TOML, whose escapes are fewer than Go's.
func tomlQuote(text string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range text {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r < 0x20 || r == 0x7f:
			fmt.Fprintf(&b, "\\u%04X", r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}
