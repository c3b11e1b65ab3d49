package cli

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"smiletill/cmd/smiletill/config"
	"smiletill/cmd/smiletill/files"
	"smiletill/payment"
)

func customersCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use: "customers", GroupID: "desk", Short: "List enrolled customers, remove them, set their PINs",
		Args: cobra.NoArgs,
	}
	list := &cobra.Command{
		Use: "list", Short: "List enrolled customers", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := a.load(cmd)
			if err != nil {
				return err
			}
			all, err := files.DeskOf(cmd.Context(), cfg).Customers(cmd.Context())
			if err != nil {
				err = fmt.Errorf("list customers: %w", err)
				if len(all) == 0 {
					return err
				}
			}
			return errors.Join(files.Print(cmd.OutOrStdout(), all), err)
		},
	}
	for _, c := range []*cobra.Command{list, removeCommand(a), customersPINCommand(a), forgetCommand(a),
		receiptCommand(a), extractCommand(a), agreedCommand(a), vouchCommand(a), textCommand(a),
		blockCommand(a, true), blockCommand(a, false)} {
		bindHidden(c)
		cmd.AddCommand(c)
	}
	return cmd
}

func removeCommand(a *app) *cobra.Command {
	var yes bool
	cmd := &cobra.Command{
		Use: "remove ID", Short: "Remove a customer and the templates",
		Long: "Remove a customer: the encrypted templates and the PIN are deleted, the face is not known any\n" +
			"more; only enrolling anew brings it back. It asks first: the id is typed once more. A script says\n" +
			"--yes.\n" +
			"Payments stay in the journal under the pseudonym.",
		Example: "  smiletill customers remove c_1f09...\n  smiletill customers remove c_1f09... --yes",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			cfg, err := a.load(cmd)
			if err != nil {
				return err
			}
			id, desk := args[0], files.DeskOf(cmd.Context(), cfg)
			if in := cmd.InOrStdin(); !yes {
				if !typesHere(in) {
					return config.Usage(payment.WithHint(errors.New("nobody is here to be asked, and nothing was removed"),
						"say --yes in a script, or run it in a terminal"))
				}
				if err := files.ConfirmRemoval(cmd.Context(), in, cmd.ErrOrStderr(), desk, id); err != nil {
					return fmt.Errorf("remove customer %s: %w", id, err)
				}
			}
			if err := desk.Remove(cmd.Context(), id); err != nil {
				return fmt.Errorf("remove customer %s: %w", id, err)
			}
			fmt.Fprintf(cmd.OutOrStdout(), "removed %s\n", id)
			return nil
		},
	}
	cmd.Flags().BoolVar(&yes, "yes", false, "remove without asking")
	return cmd
}
