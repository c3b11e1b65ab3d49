package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"smiletill/cmd/smiletill/files"
	"smiletill/cmd/smiletill/reporting"
	"smiletill/cmd/smiletill/vault"
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
			k, err := files.TerminalKey(cfg)
			if err != nil {
				return err
			}
			return printKey(cmd, k, reporting.Address(cfg).Source())
		},
	}
	unseal := &cobra.Command{
		Use: "unseal", Short: "Have the keys be as without a TPM, of a stopped terminal", Args: cobra.NoArgs,
		Long: "Take back that the terminal's secrets (its key, the faces' and the PINs') are sealed to this\n" +
			"machine's TPM: before its mainboard is replaced, or an older version comes. On this one they\n" +
			"stay so; another one seals them at its first start, unless security.tpm is \"off\".",
		Example: "  sudo systemctl stop smiletill\n  sudo smiletill key unseal",
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := a.load(cmd)
			if err != nil {
				return err
			}
			return vault.Of(cfg).Unseal(cmd.Context(), cmd.OutOrStdout())
		},
	}
	bindHidden(cmd)
	bindHidden(unseal)
	cmd.AddCommand(unseal)
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
