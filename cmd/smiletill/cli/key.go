package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"smiletill/cmd/smiletill/files"
	"smiletill/cmd/smiletill/reporting"
	"smiletill/payment/report/signature"
)

func keyCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use: "key", GroupID: "tech", Short: "Print this terminal's public key, for the cloud", Args: cobra.NoArgs,
		Long: "Print the public half of the key that this terminal signs its reports with. The cloud has to\n" +
			"know it: there, run `smiletill cloud trust` with the terminal's name and a file of what this prints.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := a.load(cmd)
			if err != nil {
				return err
			}
			k, err := files.TerminalKey(cfg.TerminalKeyPath())
			if err != nil {
				return err
			}
			return printKey(cmd, k, reporting.Address(cfg).Source())
		},
	}
	bindHidden(cmd)
	return cmd
}

func printKey(cmd *cobra.Command, k *signature.Key, whose string) error {
	text, err := signature.EncodePublic(k.Public())
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(cmd.OutOrStdout(), "# %s, key %s\n%s", whose, signature.ID(k.Public()), text)
	return err
}
