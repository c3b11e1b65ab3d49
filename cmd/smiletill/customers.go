package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"smiletill/payment/pin"
	"smiletill/vision/gallery"
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
			var all []customerReply
			if c := newClient(cfg.Paths.ControlSocket); c.running(cmd.Context()) {
				all, err = c.customers(cmd.Context())
			} else {
				err = withPINs(cmd.Context(), cfg, func(g *gallery.Gallery, s *pin.Store) error {
					all = listCustomers(g)
					return notePINs(cmd.Context(), s, all)
				})
			}
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
			if c := newClient(cfg.Paths.ControlSocket); c.running(cmd.Context()) {
				err = c.remove(cmd.Context(), args[0])
			} else {
				err = withPINs(cmd.Context(), cfg, func(g *gallery.Gallery, s *pin.Store) error {
					if err := s.Remove(cmd.Context(), args[0]); err != nil {
						return err
					}
					return g.Remove(args[0])
				})
			}
			if err != nil {
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

// withGallery opens the gallery's files while no terminal runs.
func withGallery(cfg Config, use func(*gallery.Gallery) error) error {
	if err := preparePrivateDir(cfg.Paths.DataDir); err != nil {
		return err
	}
	set, err := openModels(cfg)
	if err != nil {
		return err
	}
	g, err := openGallery(cfg, set, alarmStands(cfg), newLogger(cfg.Log, os.Stderr))
	if err != nil {
		return err
	}
	return errors.Join(use(g), g.Close())
}

func listCustomers(g *gallery.Gallery) []customerReply {
	all := []customerReply{}
	for _, c := range g.List() {
		all = append(all, customerReply{ID: c.ID, Name: c.Name, EnrolledAt: c.EnrolledAt, Templates: c.Templates,
			Model: g.Model()})
	}
	for _, s := range g.Stale() {
		all = append(all, customerReply{ID: s.ID, Name: s.Name, EnrolledAt: s.EnrolledAt, Templates: s.Templates,
			Model: s.Model, Stale: true})
	}
	for _, d := range g.Damaged() {
		all = append(all, customerReply{ID: d.ID, Name: d.Name, Damage: d.Error() + "; " + d.Hint()})
	}
	return all
}

// notePINs says of each who has a PIN.
func notePINs(ctx context.Context, s *pin.Store, all []customerReply) error {
	with, err := s.Customers(ctx)
	for i := range all {
		all[i].PIN = with[all[i].ID]
	}
	return err
}

func printCustomers(w io.Writer, all []customerReply) error {
	if len(all) == 0 {
		_, err := fmt.Fprintln(w, "nobody is enrolled: `smiletill enrol NAME PHOTO PHOTO PHOTO` enrols somebody")
		return err
	}
	t := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
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
		"`smiletill enrol --again ID` enrols one again: id and name stay.\n", were(stale))
	return err
}

// were is how many customers, with its verb.
func were(n int) string {
	if n == 1 {
		return "1 customer was"
	}
	return fmt.Sprintf("%d customers were", n)
}
