package cli

import (
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"smiletill/cmd/smiletill/config"
	"smiletill/cmd/smiletill/vending"
	"smiletill/payment/vending/machine"
)

func vendingCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use: "vending", GroupID: "tech", Short: "Try a vending machine's adapter, or be one", Args: cobra.NoArgs,
	}
	cmd.AddCommand(vendingTestCommand(a), vendingSimulateCommand())
	return cmd
}

func vendingTestCommand(a *app) *cobra.Command {
	t := vending.Trial{Settle: 15 * time.Second}
	cmd := &cobra.Command{
		Use: "test", Short: "Try the adapter and the machine: one choice denied, one product given away",
		Long: "Find the adapter, print its versions, set it up as [vending] says, and have you choose a product\n" +
			"twice: the first choice is denied, the second product falls for nothing. Says which of wiring,\n" +
			"address, mode, decimals or scale is wrong. Without vending.port the port is found (auto).",
		Example: "  smiletill vending test --price 0.80   # what the machine shows for the cheapest product",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := a.load(cmd)
			if err != nil {
				return err
			}
			return vending.Try(cmd.Context(), cmd.OutOrStdout(), cfg, t)
		},
	}
	cmd.Flags().StringVar(&t.Price, "price", "", "what the machine shows for the product you choose, as in 0.80")
	cmd.Flags().StringVar(&t.Sniff, "sniff", "", "file for all that goes over the line, the bus included")
	cmd.Flags().DurationVar(&t.Wait, "wait", 2*time.Minute, "how long you have to choose")
	_ = cmd.MarkFlagRequired("price") // it is there
	return bound(cmd)
}

// choice is a flag that takes one of some words.
type choice struct {
	words []string
	value *int
}

func (c choice) String() string {
	if c.value == nil {
		return ""
	}
	return c.words[*c.value]
}
func (c choice) Type() string { return "word" }
func (c choice) Set(s string) error {
	i := slices.Index(c.words, s)
	if i < 0 {
		return fmt.Errorf("it is one of %v", c.words)
	}
	*c.value = i
	return nil
}

func vendingSimulateCommand() *cobra.Command {
	var s vending.Simulation
	var firmware, deny, mode int
	cmd := &cobra.Command{
		Use: "simulate", Short: "Be an adapter with a vending machine behind it, on a pseudo-terminal",
		Long: "Be an adapter that speaks MDB for a cashless reader, with a machine behind it, for programs that\n" +
			"have neither. The port's path is printed; --link gives it a name. A customer chooses when a price\n" +
			"and a product's number are typed (1.20 10), or with --every; \"cancel\" is a customer who wants it\n" +
			"back, \"restart\" an adapter that loses power. With --machine-link a program is the machine: it\n" +
			"speaks the D half on a port of its own. Faults are chances, 0 to 1.",
		Example: "  smiletill vending simulate --link /tmp/adapter --every 20s\n" +
			"  smiletill vending simulate --firmware old --deny stop --quoted --jam 0.2 --garble 0.01",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			s.Machine.Firmware, s.Machine.Deny = machine.Firmware(firmware), machine.Deny(deny)
			s.Machine.AuthoriseFirst = mode == 1
			f := s.Machine.Faults
			for _, c := range []float64{f.Jam, f.Silence, f.Restart, f.Garble, f.Double, f.Lose} {
				if c < 0 || c > 1 {
					return config.Usage(fmt.Errorf("simulate a machine: %v is no chance: use 0 to 1", c))
				}
			}
			if d := s.Machine.Decimals; d < 0 || d > 3 {
				return config.Usage(fmt.Errorf("simulate a machine: --decimals %d: use 0 to 3", d))
			}
			return vending.Simulate(cmd.Context(), cmd.InOrStdin(), cmd.OutOrStdout(), s)
		},
	}
	f, m := cmd.Flags(), &s.Machine
	f.StringVar(&s.Link, "link", "", "path for the reader's port (default one of the system's)")
	f.StringVar(&s.MachineLink, "machine-link", "", "path for the machine's port: a program is the machine")
	f.DurationVar(&s.Every, "every", 0, "how often a customer chooses (default when a line is typed)")
	f.StringVar(&s.Price, "price", "1.20", "price of what is chosen then")
	f.StringVar(&s.Item, "item", "10", "its number")
	f.BoolVar(&s.Quiet, "quiet", false, "don't print r,ACK, which comes all the time")
	f.Var(choice{[]string{"new", "old"}, &firmware}, "firmware", "new, or old (ONLINE and OFFLINE)")
	f.Var(choice{[]string{"both", "vend", "stop"}, &deny}, "deny",
		"words for a no: vend (C,VEND,-1), stop or both")
	f.Var(choice{[]string{"always-idle", "authorise-first"}, &mode}, "mode", "always-idle or authorise-first")
	f.BoolVar(&m.Quoted, "quoted", false, "put errors in quotes")
	f.IntVar(&m.Address, "address", 0x10, "where the machine looks for a reader; 16 is 0x10")
	f.IntVar(&m.Decimals, "decimals", 2, "of the machine's prices")
	f.DurationVar(&m.Motor, "motor", 3*time.Second, "how long a product takes to fall")
	f.DurationVar(&m.Patience, "patience", time.Minute, "how long the machine waits for a yes")
	f.DurationVar(&m.Chatter, "chatter", 500*time.Millisecond, "between two r,ACK; 0 is none")
	f.Uint64Var(&m.Seed, "seed", 1, "of the faults")
	f.Float64Var(&m.Faults.Jam, "jam", 0, "of a product that doesn't fall")
	f.Float64Var(&m.Faults.Silence, "silence", 0, "of a vend whose end is never told")
	f.Float64Var(&m.Faults.Restart, "restart", 0, "of an order at which the adapter loses power")
	f.Float64Var(&m.Faults.Garble, "garble", 0, "of a line with a wrong byte")
	f.Float64Var(&m.Faults.Double, "double", 0, "of a line that comes twice")
	f.Float64Var(&m.Faults.Lose, "lose", 0, "of a line that doesn't come")
	return cmd
}
