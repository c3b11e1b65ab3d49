package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"smiletill/cmd/smiletill/columns"
	"smiletill/cmd/smiletill/config"
	"smiletill/cmd/smiletill/control"
	"smiletill/cmd/smiletill/files"
	"smiletill/cmd/smiletill/people"
)

func clerksCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use: "clerks", GroupID: "desk", Short: "Who works here: add, list and remove people, set their PINs",
		Long: "People who work with the terminal have a role: an owner may do all; a clerk takes payments,\n" +
			"gives back and keeps customers; a technician mends the machine. On the pages they are known by\n" +
			"name and PIN: these commands. On this machine they are known as users: whoever is in the group\n" +
			"smiletill-owner, smiletill-clerk or smiletill-technician (usermod -aG, then log in again), and\n" +
			"root, who owns it. The PIN that `smiletill counter pin` sets is of the clerk called counter.",
		Args: cobra.NoArgs,
	}
	for _, c := range []*cobra.Command{addClerk(a), clerkPIN(a), listClerks(a), removeClerk(a)} {
		bindHidden(c)
		cmd.AddCommand(c)
	}
	return cmd
}

func addClerk(a *app) *cobra.Command {
	role := string(people.Clerk)
	cmd := &cobra.Command{
		Use: "add NAME", Short: "Give somebody a role, or another one",
		Long: "Give somebody a role by name, or another role in place of that before.\n" +
			"`smiletill clerks pin NAME` sets the PIN then.",
		Example: "  smiletill clerks add Anna\n  smiletill clerks add Berta --role owner",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			cfg, err := a.load(cmd)
			if err != nil {
				return err
			}
			c := control.Clerk{Name: args[0], Role: role}
			if err := files.DeskOf(cmd.Context(), cfg).AddClerk(cmd.Context(), c); err != nil {
				return err
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s is %s here\n", c.Name, c.Role)
			return err
		},
	}
	cmd.Flags().StringVar(&role, "role", role, "owner, technician or clerk")
	return cmd
}

func clerkPIN(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use: "pin NAME", Short: "Set somebody's PIN",
		Long: "Set the PIN by which somebody is known on the pages. It is typed here, unseen, twice; from a\n" +
			"pipe one line is read. It is kept as an Argon2id hash; three wrong ones lock it, and a new one\n" +
			"ends the lock. Who has a page open under this name is asked for the PIN again.",
		Example: "  smiletill clerks pin Anna\n  smiletill clerks pin Anna --remove",
		Args:    cobra.ExactArgs(1),
	}
	a.changesPIN(cmd, func(args []string) string { return args[0] },
		func(ctx context.Context, cfg config.Config, args []string, digits string) error {
			return files.DeskOf(ctx, cfg).SetClerkPIN(ctx, args[0], digits)
		})
	return cmd
}

func listClerks(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List who has a role by a PIN", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := a.load(cmd)
			if err != nil {
				return err
			}
			all, err := files.DeskOf(cmd.Context(), cfg).Clerks(cmd.Context())
			if err != nil {
				return err
			}
			if len(all) == 0 {
				_, err := fmt.Fprintln(cmd.OutOrStdout(),
					"nobody has a PIN here: `smiletill clerks add NAME` gives a role")
				return err
			}
			t := columns.New(cmd.OutOrStdout())
			fmt.Fprintln(t, "NAME\tROLE\tPIN")
			for _, c := range all {
				set := map[bool]string{true: "set", false: "none yet"}[c.PIN]
				fmt.Fprintf(t, "%s\t%s\t%s\n", c.Name, c.Role, set)
			}
			return t.Flush()
		},
	}
}

func removeClerk(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "remove NAME", Short: "Take somebody's role and PIN away",
		Long: "Take somebody's role and PIN away. Who has a page open under this name loses it. The last\n" +
			"owner stays: make somebody else one first.",
		Example: "  smiletill clerks remove Anna",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			cfg, err := a.load(cmd)
			if err != nil {
				return err
			}
			if err := files.DeskOf(cmd.Context(), cfg).RemoveClerk(cmd.Context(), args[0]); err != nil {
				return err
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s has no role here any more\n", args[0])
			return err
		},
	}
}
