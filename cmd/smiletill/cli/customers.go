package cli

import (
	"context"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"smiletill/cmd/smiletill/columns"
	"smiletill/cmd/smiletill/config"
	"smiletill/cmd/smiletill/control"
	"smiletill/cmd/smiletill/terminal"
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
			all, err := customersOf(cmd.Context(), cfg).Customers(cmd.Context())
			if err != nil {
				return fmt.Errorf("list customers: %w", err)
			}
			return printCustomers(cmd.OutOrStdout(), all)
		},
	}
	remove := &cobra.Command{
		Use: "remove ID", Short: "Remove a customer and the templates",
		Long: "Remove a customer: the encrypted templates are deleted, the face is not known any more.\n" +
			"Payments stay in the journal under the pseudonym.",
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			cfg, err := a.load(cmd)
			if err != nil {
				return err
			}
			if err := customersOf(cmd.Context(), cfg).Remove(cmd.Context(), args[0]); err != nil {
				return fmt.Errorf("remove customer %s: %w", args[0], err)
			}
			fmt.Fprintf(cmd.OutOrStdout(), "removed %s\n", args[0])
			return nil
		},
	}
	for _, c := range []*cobra.Command{list, remove, customersPINCommand(a)} {
		bindHidden(c)
		cmd.AddCommand(c)
	}
	return cmd
}

// desk is where enrolled customers are kept: the running terminal, or its files while none runs.
type desk interface {
	control.People
	SetPIN(ctx context.Context, id, digits string) error
	SetClerkPIN(ctx context.Context, digits string) error
}

func customersOf(ctx context.Context, cfg config.Config) desk {
	if c := control.NewClient(cfg.Paths.ControlSocket); c.Running(ctx) {
		return c
	}
	return terminal.NewFiles(cfg, config.Logger(cfg.Log, os.Stderr))
}

func printCustomers(w io.Writer, all []control.Customer) error {
	if len(all) == 0 {
		_, err := fmt.Fprintln(w, "nobody is enrolled: `smiletill enrol NAME PHOTO PHOTO PHOTO` enrols somebody")
		return err
	}
	t := columns.New(w)
	fmt.Fprintln(t, "ID\tNAME\tENROLLED\tTEMPLATES\tPIN\tSTATE")
	stale := 0
	for _, c := range all {
		pinSet := "no"
		if c.PIN {
			pinSet = "yes"
		}
		when := c.EnrolledAt.Local().Format(time.DateTime)
		switch {
		case c.Damage != "":
			fmt.Fprintf(t, "%s\t%s\t\t\t\tunusable: %s\n", c.ID, c.Name, c.Damage)
		case c.Stale:
			stale++
			fmt.Fprintf(
				t,
				"%s\t%s\t%s\t%d\t%s\tmust be enrolled again (model %.8s)\n",
				c.ID,
				c.Name,
				when,
				c.Templates,
				pinSet,
				c.Model,
			)
		default:
			fmt.Fprintf(t, "%s\t%s\t%s\t%d\t%s\tcan pay\n", c.ID, c.Name, when, c.Templates, pinSet)
		}
	}
	if err := t.Flush(); err != nil || stale == 0 {
		return err
	}
	_, err := fmt.Fprintf(w, "\n%s enrolled with another model than the terminal uses now.\n"+
		"`smiletill enrol --again ID` enrols one again: id and name stay.\n", control.Were(stale))
	return err
}
