package cli

import (
	"encoding/json"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"smiletill/cmd/smiletill/config"
	"smiletill/cmd/smiletill/control"
	"smiletill/cmd/smiletill/enrolment"
	"smiletill/cmd/smiletill/files"
	"smiletill/cmd/smiletill/people"
	"smiletill/payment/pin"
)

// What a customer has a right to: to know what is stored, to take the consent back, to a receipt.

func forgetCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "forget ID", Short: "Erase a customer at the customer's wish, with a signed receipt",
		Long: "Erase a customer who takes the consent back: face, name, smile, consent, PIN and digits.\n" +
			"Payments stay under the pseudonym. What is printed is the receipt, signed with the terminal's key:\n" +
			"`smiletill customers receipt FILE` checks it. It is refused while a payment runs.",
		Example: "  smiletill customers forget c_1f09... > receipt.json",
		Args:    cobra.ExactArgs(1),
		RunE: a.asks(func(cmd *cobra.Command, c *control.Client, args []string) error {
			r, err := c.Forget(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			return printJSON(cmd, r)
		}),
	}
}

// asks is a command that asks the running terminal.
func (a *app) asks(
	do func(cmd *cobra.Command, c *control.Client, args []string) error,
) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		cfg, err := a.load(cmd)
		if err != nil {
			return err
		}
		return do(cmd, control.NewClient(cfg.Paths.ControlSocket), args)
	}
}

func printJSON(cmd *cobra.Command, v any) error {
	out := json.NewEncoder(cmd.OutOrStdout())
	out.SetIndent("", "  ")
	return out.Encode(v)
}

func receiptCommand(a *app) *cobra.Command {
	key := ""
	cmd := &cobra.Command{
		Use: "receipt FILE", Short: "Check the receipt of what was erased of a customer",
		Long: "Check that a receipt was signed by a terminal and is as it was, and print what it says. Without\n" +
			"--key it is held against this terminal's own key.",
		Example: "  smiletill customers receipt receipt.json --key till-1.pub",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			cfg, err := a.load(cmd)
			if err != nil {
				return err
			}
			keys, err := files.ReceiptKeys(cfg, key)
			if err != nil {
				return err
			}
			text, err := os.ReadFile(args[0])
			if err != nil {
				return fmt.Errorf("read the receipt: %w", err)
			}
			r, gone, err := enrolment.CheckReceipt(text, keys)
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s erased customer %s on %s, as %s asked: %d templates\n"+
				"with the name; smile %t, consent %t, PIN %t, digits %t. %d payments stay under the pseudonym,\n"+
				"%d of them not reported then.\n", r.Source, gone.Customer, r.Time, gone.By, gone.Templates, gone.Smile,
				gone.Consent, gone.PIN, gone.Digits, gone.Payments, gone.Unreported)
			return err
		},
	}
	cmd.Flags().StringVar(&key, "key", "", "`file` of the terminal's public key, as smiletill key prints it")
	return cmd
}

func extractCommand(a *app) *cobra.Command {
	faces := false
	cmd := &cobra.Command{
		Use: "extract ID", Short: "Print all that is stored about a customer, for the customer",
		Long: "Print, as JSON, all that is stored about a customer: name, what was agreed to, payments, what\n" +
			"was done and by whom, and what there is of face, smile, PIN and digits. --faces prints the templates\n" +
			"themselves too: whoever has them can look for the face elsewhere.",
		Example: "  smiletill customers extract c_1f09... > extract.json",
		Args:    cobra.ExactArgs(1),
		RunE: a.asks(func(cmd *cobra.Command, c *control.Client, args []string) error {
			e, err := c.Extract(cmd.Context(), args[0], faces)
			if err != nil {
				return err
			}
			return printJSON(cmd, e)
		}),
	}
	cmd.Flags().BoolVar(&faces, "faces", false, "the templates themselves too")
	return cmd
}

func agreedCommand(a *app) *cobra.Command {
	agreed := control.Agreed{}
	cmd := &cobra.Command{
		Use: "agreed ID LANGUAGE", Short: "Keep that an enrolled customer has read the text and agreed",
		Long: "Keep that a customer who was enrolled before anybody was asked has read the text in a language,\n" +
			"en or de, and agreed. `smiletill status` counts those of whom nothing is known.",
		Example: "  smiletill customers agreed c_1f09... de --explained-by Anna",
		Args:    cobra.ExactArgs(2),
		RunE: a.asks(func(cmd *cobra.Command, c *control.Client, args []string) error {
			texts, err := c.Texts(cmd.Context())
			if err != nil {
				return err
			}
			t, err := people.Rules{Texts: texts}.Text(args[1])
			if err != nil {
				return config.Usage(err)
			}
			agreed.Version, agreed.Lang = t.Version, t.Lang
			if err := c.Agree(cmd.Context(), args[0], agreed); err != nil {
				return err
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "kept: %s agreed to text %s on %s\n", args[0], t.Version,
				time.Now().Format(time.DateOnly))
			return err
		}),
	}
	cmd.Flags().StringVar(&agreed.Explained, "explained-by", "", "who explained it; else who runs this")
	cmd.Flags().StringVar(&agreed.Paper, "paper", "", "the shop's reference of the signed paper")
	return cmd
}

func vouchCommand(a *app) *cobra.Command {
	as := ""
	cmd := &cobra.Command{
		Use: "vouch ID", Short: "Say, as a second person, that a customer's new face is to be taken",
		Long: "Say that a customer is to be enrolled again although the new face is not the old one. It counts\n" +
			"once, for ten minutes, for somebody else's `smiletill enrol --again ID --new-pin --agreed en`.\n" +
			"Who vouches is the user who runs this, or with --as a clerk, whose PIN is typed unseen.",
		Example: "  smiletill customers vouch c_1f09... --as Anna",
		Args:    cobra.ExactArgs(1),
		RunE: a.asks(func(cmd *cobra.Command, c *control.Client, args []string) error {
			digits := ""
			if as != "" {
				var err error
				typed := unseen{"PIN", "PIN of " + as + ": ", false, pin.Check}
				if digits, err = typed.ask(cmd.InOrStdin(), cmd.ErrOrStderr()); err != nil {
					return err
				}
			}
			if err := c.Vouch(cmd.Context(), args[0], as, digits); err != nil {
				return err
			}
			_, err := fmt.Fprintf(cmd.OutOrStdout(),
				"for ten minutes: smiletill enrol --again %s --new-pin --agreed en (or de)\n", args[0])
			return err
		}),
	}
	cmd.Flags().StringVar(&as, "as", "", "a clerk's name")
	return cmd
}

func textCommand(a *app) *cobra.Command {
	lang := "en"
	cmd := &cobra.Command{
		Use: "text", Short: "Print what a customer agrees to before the face is taken", Args: cobra.NoArgs,
		Long: "Print the text that a customer reads and agrees to before being enrolled, as it is in force\n" +
			"here: the program's, or the shop's own (consent.text_en, consent.text_de).",
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := a.load(cmd)
			if err != nil {
				return err
			}
			rules, err := people.ReadRules(cfg.Consent.Paper, cfg.Consent.Files())
			if err != nil {
				return err
			}
			t, err := rules.Text(lang)
			if err != nil {
				return config.Usage(err)
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s\n(version %s)\n", t.Body, t.Version)
			return err
		},
	}
	cmd.Flags().StringVar(&lang, "lang", lang, "en or de")
	return cmd
}
