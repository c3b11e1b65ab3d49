package cli

import (
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"smiletill/cmd/smiletill/columns"
	"smiletill/cmd/smiletill/config"
	"smiletill/cmd/smiletill/storage"
	"smiletill/cmd/smiletill/terminal"
	"smiletill/payment"
	"smiletill/payment/register"
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
			return pairRegister(cmd, cfg, args[0], id, file)
		},
	}
	cmd.Flags().StringVar(&id, "key-id", "", "KeyIdentifier (default made of the name)")
	cmd.Flags().StringVar(&file, "passphrase-file", "", "file with a passphrase of your own (default a new one)")
	return cmd
}

func pairRegister(cmd *cobra.Command, cfg config.Config, name, id, file string) error {
	if err := config.CheckText(name); err != nil {
		return config.Usage(fmt.Errorf("name of the register: %w", err))
	}
	if id == "" {
		id = register.KeyIDOf(name)
	}
	if err := config.CheckID(id); err != nil {
		return config.Usage(fmt.Errorf("--key-id: %w", err))
	}
	passphrase := register.NewPassphrase()
	if file != "" {
		var err error
		if passphrase, err = register.ReadPassphrase(file); err != nil {
			return err
		}
	}
	var key *register.Key
	var older bool
	err := changePairings(cfg, func(all register.Pairings) (register.Pairings, error) {
		for _, one := range all {
			if one.Key.ID != id {
				continue
			}
			if one.Name != name {
				return nil, payment.WithHintf(fmt.Errorf("the key %q is that of register %q", id, one.Name),
					"choose another with --key-id")
			}
			older = true
		}
		var err error
		all, key, err = all.Pair(name, id, passphrase, time.Now())
		return all, err
	})
	if err != nil {
		return err
	}
	certificate, err := terminal.OpenCertificate(cfg)
	if err != nil {
		return fmt.Errorf("the register is paired, but: %w", err)
	}
	info, err := certificate.Info()
	if err != nil {
		return err
	}
	p := printout{w: cmd.OutOrStdout()}
	p.say("%q is paired. Type this into the register:\n\n", name)
	printKeyOf(&p, cfg, key, passphrase, file, info)
	p.say("\n")
	if file == "" {
		p.say("The passphrase is not shown again: it has small letters, the digits 2 to 7 and the hyphens.\n")
	}
	if !cfg.ReachesOthers() {
		p.say("Only programs on this machine reach this address: for a register elsewhere set\n" +
			"register.listen = \"0.0.0.0:8443\" and start the terminal again.\n")
	}
	if older {
		p.say("Its older keys still count: when the register has this one, run\n"+
			"  smiletill register unpair %s --version %d\n", id, key.Version-1)
	}
	return p.err
}

// printKeyOf prints the block of what has to be typed into a register.
func printKeyOf(
	p *printout, cfg config.Config, key *register.Key, passphrase, file string, info register.Info,
) {
	if file != "" {
		passphrase = "as in " + file
	}
	p.say("  address        %s\n", cfg.OwnURL())
	p.say("  POIID          %s\n", cfg.POIID())
	p.say("  KeyIdentifier  %s\n", key.ID)
	p.say("  KeyVersion     %d\n", key.Version)
	p.say("  passphrase     %s\n", passphrase)
	p.say("  certificate    SHA-256 ")
	printFingerprint(p, info.Fingerprint, "                         ")
	p.say("  its PEM        smiletill register certificate --pem\n")
}

// printFingerprint prints a fingerprint in groups, four lines of four; indent begins the later ones.
func printFingerprint(p *printout, hex, indent string) {
	groups := strings.Fields(register.Grouped(hex))
	for i := 0; i < len(groups); i += 8 {
		if i > 0 {
			p.say("%s", indent)
		}
		p.say("%s\n", strings.Join(groups[i:min(i+8, len(groups))], " "))
	}
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
			removed, left := 0, 0
			err = changePairings(cfg, func(all register.Pairings) (register.Pairings, error) {
				all, removed = all.Unpair(args[0], version)
				left = len(all)
				if removed == 0 {
					return nil, payment.WithHintf(fmt.Errorf("no register is paired with key %q", args[0]),
						"`smiletill register list` lists the keys")
				}
				return all, nil
			})
			if err != nil {
				return err
			}
			p := printout{w: cmd.OutOrStdout()}
			p.say("%s of %s removed: the terminal refuses messages with it within two seconds\n",
				keys(removed), args[0])
			if left == 0 && cfg.ReachesOthers() {
				p.say("no register is paired any more: the terminal stops listening for registers\n")
			}
			return p.err
		},
	}
	cmd.Flags().IntVar(&version, "version", 0, "only this KeyVersion (default all)")
	return cmd
}

func keys(n int) string {
	if n == 1 {
		return "the key"
	}
	return fmt.Sprintf("%d keys", n)
}

func pairedCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List the registers that are paired", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := a.load(cmd)
			if err != nil {
				return err
			}
			all, err := register.LoadPairings(cfg.PairingsPath())
			if err != nil {
				return err
			}
			if len(all) == 0 {
				_, err := fmt.Fprintln(cmd.OutOrStdout(),
					"no register is paired: `smiletill register pair NAME` pairs one")
				return err
			}
			t := columns.New(cmd.OutOrStdout())
			fmt.Fprintln(t, "NAME\tKEY\tVERSION\tSINCE")
			for _, one := range all {
				fmt.Fprintf(t, "%s\t%s\t%d\t%s\n", one.Name, one.Key.ID, one.Key.Version,
					one.At.Local().Format(time.DateTime))
			}
			return t.Flush()
		},
	}
}

// changePairings changes the file of paired registers.
func changePairings(cfg config.Config, change func(register.Pairings) (register.Pairings, error)) error {
	if err := cfg.PrepareDataDir(); err != nil {
		return err
	}
	return storage.WithHint(register.ChangePairings(cfg.PairingsPath(), change))
}
