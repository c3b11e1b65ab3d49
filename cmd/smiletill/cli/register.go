package cli

import (
	"github.com/spf13/cobra"

	"smiletill/cmd/smiletill/pairing"
)

func registerCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use: "register", GroupID: "tech", Short: "Pair cash registers, or be one", Args: cobra.NoArgs,
		Long: "On the terminal: pair cash registers with it, and show the certificate that they pin.\n" +
			"As a register: send the messages that a register sends, to this terminal or to another one.",
		Example: "  smiletill register pair \"Counter 1\"    # prints what has to be typed into the register\n" +
			"  smiletill register certificate --code\n" +
			"  smiletill register pay 1.50 EUR        # to the terminal of this machine",
	}
	cmd.AddGroup(&cobra.Group{ID: "pairing", Title: "On the terminal:"},
		&cobra.Group{ID: "register", Title: "As a register:"})
	for _, c := range []*cobra.Command{
		pairCommand(a), unpairCommand(a), pairedCommand(a), certificateCommand(a),
	} {
		c.GroupID = "pairing"
		bindHidden(c)
		cmd.AddCommand(c)
	}
	for _, c := range []*cobra.Command{registerPayCommand(a), registerAbortCommand(a), registerStatusCommand(a),
		registerReverseCommand(a), diagnoseCommand(a), loginCommand(a), logoutCommand(a), registerTotalsCommand(a),
		reconcileCommand(a), displayCommand(a)} {
		c.GroupID = "register"
		bindHidden(c)
		cmd.AddCommand(c)
	}
	return cmd
}

func pairCommand(a *app) *cobra.Command {
	var id, file string
	cmd := &cobra.Command{
		Use: "pair NAME", Short: "Let a register in: print what has to be typed into it",
		Long: "Make a key for a register and print everything that has to be typed into it. The passphrase is\n" +
			"shown this once and kept nowhere. A name that is paired already gets a further key; the old one\n" +
			"counts until it is unpaired, so that a register can be changed over. The running terminal knows\n" +
			"the key within two seconds.",
		Example: "  smiletill register pair \"Counter 1\"\n" +
			"  smiletill register pair \"Counter 2\" --key-id shop-7 --passphrase-file secret",
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			cfg, err := a.load(cmd)
			if err != nil {
				return err
			}
			return pairing.Pair(cmd.Context(), cmd.OutOrStdout(), cfg, args[0], id, file)
		},
	}
	cmd.Flags().StringVar(&id, "key-id", "", "KeyIdentifier (default made of the name)")
	cmd.Flags().StringVar(&file, "passphrase-file", "", "file with a passphrase of your own (default a new one)")
	return cmd
}

func unpairCommand(a *app) *cobra.Command {
	version := 0
	cmd := &cobra.Command{
		Use: "unpair ID", Short: "Take a register's key away: its messages are refused from then on",
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			cfg, err := a.load(cmd)
			if err != nil {
				return err
			}
			return pairing.Unpair(cmd.Context(), cmd.OutOrStdout(), cfg, args[0], version)
		},
	}
	cmd.Flags().IntVar(&version, "version", 0, "only this KeyVersion (default all)")
	return cmd
}

func pairedCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List the registers that are paired", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := a.load(cmd)
			if err != nil {
				return err
			}
			return pairing.List(cmd.OutOrStdout(), cfg)
		},
	}
}

func certificateCommand(a *app) *cobra.Command {
	var pem, code, renew, yes bool
	cmd := &cobra.Command{
		Use: "certificate", Short: "Show the certificate by which registers know this terminal", Args: cobra.NoArgs,
		Long: "Show the certificate by which registers know this terminal: a register pins it by its\n" +
			"fingerprint, or is given the PEM. --renew makes a new one: every register has to be given it.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := a.load(cmd)
			if err != nil {
				return err
			}
			if renew {
				if err := pairing.Renew(cmd.InOrStdin(), cmd.ErrOrStderr(), cfg, yes); err != nil {
					return err
				}
			}
			switch {
			case pem:
				return pairing.PEM(cmd.OutOrStdout(), cfg)
			case code:
				return pairing.Code(cmd.OutOrStdout(), cfg)
			}
			return pairing.Certificate(cmd.OutOrStdout(), cfg)
		},
	}
	f := cmd.Flags()
	f.BoolVar(&pem, "pem", false, "print the certificate itself")
	f.BoolVar(&code, "code", false, "draw a QR code of address, POIID and fingerprint")
	f.BoolVar(&renew, "renew", false, "make a new key and certificate, after a confirmation")
	f.BoolVar(&yes, "yes", false, "renew without asking")
	cmd.MarkFlagsMutuallyExclusive("pem", "code")
	return cmd
}
