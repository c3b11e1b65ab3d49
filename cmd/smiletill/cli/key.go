package cli

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"smiletill/cmd/smiletill/terminal"
	"smiletill/payment"
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
			k, err := terminalKey(cfg.TerminalKeyPath())
			if err != nil {
				return err
			}
			return printKey(cmd, k, terminal.Address(cfg).Source())
		},
	}
	bindHidden(cmd)
	return cmd
}

// terminalKey opens the terminal's key, and makes none.
func terminalKey(path string) (*signature.Key, error) {
	k, err := signature.OpenKey(path, noMore{})
	if errors.Is(err, errNoMore) {
		err = payment.WithHint(fmt.Errorf("this terminal has no key yet (%s)", path),
			"start the terminal once: it makes its key then")
	}
	return k, err
}

func printKey(cmd *cobra.Command, k *signature.Key, whose string) error {
	text, err := signature.EncodePublic(k.Public())
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(cmd.OutOrStdout(), "# %s, key %s\n%s", whose, signature.ID(k.Public()), text)
	return err
}

// noMore is where no key may be made: only the terminal itself does, as the user that owns its files.
type noMore struct{}

var errNoMore = errors.New("no key is made here")

func (noMore) Read([]byte) (int, error) { return 0, errNoMore }
