package cli

import (
	"github.com/spf13/cobra"

	"smiletill/cmd/smiletill/cloud"
)

func cloudCommand() *cobra.Command {
	o := &cloud.Options{}
	cmd := &cobra.Command{
		Use: "cloud", GroupID: "tech", Short: "Receive the reports of terminals", Args: cobra.NoArgs,
		Long: "A small receiver of payment reports, for one shop or for trying things out. It takes the events\n" +
			"of terminals whose keys it was given, counts each once, commits it, and only then acknowledges it.",
		Example: "  smiletill cloud key > cloud.pub                      # for the terminals\n" +
			"  smiletill cloud trust demo/shop/till-1 till-1.pub    # of `smiletill key` on the terminal\n" +
			"  smiletill cloud run --broker mqtt://127.0.0.1:1883   # its page: http://127.0.0.1:8090/",
	}
	cmd.PersistentFlags().StringVar(
		&o.Data,
		"data",
		"",
		"folder of its database and key (default chosen by user)",
	)
	run := &cobra.Command{
		Use: "run", Short: "Receive until Ctrl-C", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return o.Run(cmd.Context()) },
	}
	o.Bind(run.Flags(), "mqtt://127.0.0.1:1883")
	key := &cobra.Command{
		Use: "key", Short: "Print its public key, for the terminals", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			k, err := o.Key()
			if err != nil {
				return err
			}
			return printKey(cmd, k, "smiletill cloud")
		},
	}
	trust := &cobra.Command{
		Use: "trust TENANT/SITE/TERMINAL FILE", Short: "Take the events of a terminal that are signed with a key",
		Long: "Take the events of a terminal that are signed with the key in FILE, which `smiletill key`\n" +
			"printed on the terminal. Bring the file by a way that you trust. It works while the receiver runs.",
		Args: cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			return o.Trust(cmd.Context(), cmd.OutOrStdout(), args[0], args[1])
		},
	}
	terminals := &cobra.Command{
		Use: "terminals", Short: "List the terminals that are known, and what came from each", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return o.Terminals(cmd.Context(), cmd.OutOrStdout())
		},
	}
	cmd.AddCommand(upCommand(), run, key, trust, terminals)
	cmd.AddCommand(claimCommands(o)...)
	return cmd
}

// upCommand has options of its own: it starts a broker where no flag names one.
func upCommand() *cobra.Command {
	o, u := &cloud.Options{}, &cloud.UpOptions{}
	cmd := &cobra.Command{
		Use: "up", Short: "Be a shop's whole cloud: receiver, page, broker, and terminals claimed by their code",
		Long: "Be a shop's whole cloud until Ctrl-C: the receiver with its page, a broker with TLS (or yours,\n" +
			"with --broker), and the door at which terminals are claimed by the code on their screen.",
		Example: "  smiletill cloud up\n  smiletill cloud up --broker mqtts://HOST:8883 --ca-file ca.pem",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			o.Data, _ = cmd.Flags().GetString("data")
			return o.Up(cmd.Context(), cmd.OutOrStdout(), *u)
		},
	}
	o.Bind(cmd.Flags(), "")
	u.Bind(cmd.Flags())
	return cmd
}

func claimCommands(o *cloud.Options) []*cobra.Command {
	var q, r cloud.Wish
	claim := &cobra.Command{
		Use: "claim CODE", Short: "Take a terminal in that shows a code",
		Long: "Take a terminal in, by the code that its screen shows: it is given its name, the keys and the\n" +
			"broker. `smiletill cloud up` has to run here.",
		Example: "  smiletill cloud claim K7P-4MX-9TR --tenant acme --site shop --name till-1",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			q.Code = args[0]
			return o.Claim(cmd.Context(), cmd.OutOrStdout(), q)
		},
	}
	q.Bind(claim.Flags())
	replace := &cobra.Command{
		Use: "replace TENANT/SITE/TERMINAL CODE", Short: "Put a terminal that shows a code in another's place",
		Args: cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			r.Old, r.Code = args[0], args[1]
			return o.Claim(cmd.Context(), cmd.OutOrStdout(), r)
		},
	}
	revoke := &cobra.Command{
		Use: "revoke TENANT/SITE/TERMINAL", Short: "Take nothing of a terminal any more", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return o.Revoke(cmd.Context(), cmd.OutOrStdout(), args[0])
		},
	}
	return []*cobra.Command{claim, replace, revoke}
}
