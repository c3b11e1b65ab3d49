package cli

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"smiletill/cmd/smiletill/config"
	"smiletill/cmd/smiletill/till"
	"smiletill/payment"
)

// registerFlags are the flags of the commands that send a register's messages.
func registerFlags(cmd *cobra.Command, o *till.Options) {
	f := cmd.Flags()
	f.StringVar(&o.URL, "url", "", "where the terminal is (default this machine's: https://127.0.0.1:PORT/nexo)")
	f.StringVar(&o.POIID, "poi", "", "the terminal's POIID (default this machine's)")
	f.StringVar(&o.SaleID, "sale", "smiletill-cli", "SaleID: the name as which this register speaks")
	f.StringVar(
		&o.ServiceID,
		"service-id",
		"",
		"ServiceID of the message, 1 to 10 characters (default a new one)",
	)
	f.StringVar(&o.KeyID, "key-id", "", "KeyIdentifier: encrypt with this key")
	f.IntVar(&o.KeyVersion, "key-version", 1, "KeyVersion")
	f.StringVar(&o.PassphraseFile, "passphrase-file", "", "file with the key's passphrase")
	f.StringVar(&o.Certificate, "certificate", "", "file with the terminal's certificate (PEM)")
	f.StringVar(&o.Fingerprint, "fingerprint", "", "or its SHA-256 in hex")
	f.BoolVar(&o.JSON, "json", false, "print the raw reply, and everything else on stderr")
	f.IntVar(&o.Columns, "columns", 32, "width of receipts: 32 or 48")
	cmd.MarkFlagsMutuallyExclusive("certificate", "fingerprint")
}

// asRegister has a command send messages as a register does.
func asRegister(
	a *app,
	cmd *cobra.Command,
	send func(ctx context.Context, r *till.Register, cfg config.Config, args []string) error,
) *cobra.Command {
	o := &till.Options{}
	registerFlags(cmd, o)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		cfg, err := a.load(cmd)
		if err != nil {
			return err
		}
		o.Out, o.Errs = cmd.OutOrStdout(), cmd.ErrOrStderr()
		r, err := till.Open(cfg, *o)
		if err != nil {
			return err
		}
		return send(cmd.Context(), r, cfg, args)
	}
	return cmd
}

func registerPayCommand(a *app) *cobra.Command {
	reference, tip := "", ""
	cmd := &cobra.Command{
		Use: "pay AMOUNT [CURRENCY]", Short: "Have a terminal take a payment, as a register does",
		Long: "Have a terminal take a payment, and wait for its end. The ServiceID is printed first. If the\n" +
			"connection breaks, the terminal is asked how the payment went until that is known; it is never\n" +
			"sent twice. Ctrl-C aborts it. Exit code 0: approved; 3: not approved; 1: something is broken, or\n" +
			"the end is not known; 2: wrong command line.",
		Example: "  smiletill register pay 1.50 EUR\n" +
			"  smiletill register pay 1.50 EUR --url https://192.168.1.20:8443/nexo --fingerprint 41B7... \\\n" +
			"      --poi smiletill-till-1 --key-id counter-1 --passphrase-file secret",
		Args: cobra.RangeArgs(1, 2),
	}
	cmd.Flags().StringVar(&reference, "reference", "",
		"the register's own number of the sale (default the ServiceID)")
	cmd.Flags().StringVar(&tip, "tip", "", "how much of AMOUNT is the tip")
	return asRegister(
		a,
		cmd,
		func(ctx context.Context, r *till.Register, cfg config.Config, args []string) error {
			currency := cfg.Terminal.Currency
			if len(args) == 2 {
				currency = args[1]
			}
			amount, err := payment.ParseDecimal(args[0], currency)
			if err != nil {
				return config.Usage(err)
			}
			if tip == "" {
				return r.Pay(ctx, amount, nil, reference)
			}
			part, err := payment.ParseDecimal(tip, currency)
			if err != nil {
				return config.Usage(fmt.Errorf("--tip: %w", err))
			}
			return r.Pay(ctx, amount, &part, reference)
		},
	)
}

func registerReverseCommand(a *app) *cobra.Command {
	reason := ""
	cmd := &cobra.Command{
		Use: "reverse TRANSACTION [AMOUNT]", Short: "Give a payment back, in whole or in part",
		Long: "Give a payment back: all that is left of it, or AMOUNT in its currency. TRANSACTION is what the\n" +
			"payment's answer names so (POITransactionID). If the connection breaks, the terminal is asked how\n" +
			"it went; it is never sent twice. Exit code 0: given back; 3: not; 1: broken; 2: wrong command line.",
		Args: cobra.RangeArgs(1, 2),
	}
	cmd.Flags().StringVar(&reason, "reason", "MerchantCancel",
		"CustCancel, Malfunction, MerchantCancel or Unable2Compl")
	return asRegister(a, cmd, func(ctx context.Context, r *till.Register, _ config.Config, args []string) error {
		number := append(args, "")[1]
		if strings.Trim(number, "0123456789.") != "" {
			return config.Usage(
				payment.WithHintf(fmt.Errorf("%q is no amount", number), "write digits and a point, as in 1.50"),
			)
		}
		return r.Reverse(ctx, args[0], number, reason)
	})
}

func registerAbortCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use: "abort SERVICE_ID", Short: "End a payment that runs, and tell how it ended",
		Long: "End the payment that a message of the same --sale began, and tell how it ended. A payment that\n" +
			"had its end already keeps it. Exit code 0: nothing was charged; 3: it was approved before, or is\n" +
			"not known; 1: broken; 2: wrong command line.",
		Args: cobra.ExactArgs(1),
	}
	return asRegister(a, cmd, func(ctx context.Context, r *till.Register, _ config.Config, args []string) error {
		return r.Abort(ctx, args[0])
	})
}

func registerStatusCommand(a *app) *cobra.Command {
	receipt := ""
	cmd := &cobra.Command{
		Use: "status [SERVICE_ID]", Short: "Ask how a payment or a reversal went",
		Long: "Ask how the payment or reversal with a ServiceID went, or the latest of this --sale. Exit code\n" +
			"0: approved or given back; 3: not, not yet, or not known to the terminal; 1: broken; 2: wrong\n" +
			"command line.",
		Args: cobra.MaximumNArgs(1),
	}
	f := cmd.Flags()
	f.StringVar(&receipt, "receipt", "", "print its receipt again: customer or cashier")
	f.Lookup("receipt").NoOptDefVal = "customer"
	return asRegister(a, cmd, func(ctx context.Context, r *till.Register, _ config.Config, args []string) error {
		document, known := map[string]string{
			"": "", "customer": till.CustomerReceipt, "cashier": till.CashierReceipt,
		}[receipt]
		if !known {
			return config.Usage(
				payment.WithHintf(fmt.Errorf("--receipt=%s is no receipt", receipt), "write customer or cashier"),
			)
		}
		if len(args) == 0 {
			return r.Status(ctx, nil, document)
		}
		return r.Status(ctx, &args[0], document)
	})
}

func diagnoseCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use: "diagnose", Short: "Ask a terminal how it does", Args: cobra.NoArgs,
		Long: "Ask a terminal how it does. Exit code 0: it can take payments, or is taking one; 3: it can't;\n" +
			"1: no answer; 2: wrong command line.",
	}
	return asRegister(a, cmd, func(ctx context.Context, r *till.Register, _ config.Config, _ []string) error {
		return r.Diagnose(ctx)
	})
}

func loginCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use: "login", Short: "Begin a session; needed only after a logout", Args: cobra.NoArgs,
	}
	return asRegister(a, cmd, func(ctx context.Context, r *till.Register, _ config.Config, _ []string) error {
		return r.Login(ctx, a.version)
	})
}

func logoutCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use: "logout", Short: "End the session: no payments of this --sale until the next login",
		Args: cobra.NoArgs,
	}
	return asRegister(a, cmd, func(ctx context.Context, r *till.Register, _ config.Config, _ []string) error {
		return r.Logout(ctx)
	})
}

func registerTotalsCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use: "totals", Short: "Add up what came since the last reconciliation", Args: cobra.NoArgs,
	}
	return asRegister(a, cmd, func(ctx context.Context, r *till.Register, _ config.Config, _ []string) error {
		return r.Totals(ctx)
	})
}

func reconcileCommand(a *app) *cobra.Command {
	previous := -1
	cmd := &cobra.Command{
		Use: "reconcile", Short: "Close the period and add it up, or tell an earlier one", Args: cobra.NoArgs,
		Example: "  smiletill register reconcile\n  smiletill register reconcile --previous 12",
	}
	cmd.Flags().IntVar(&previous, "previous", -1,
		"tell the period of this number again; 0 is the last one closed")
	return asRegister(a, cmd, func(ctx context.Context, r *till.Register, _ config.Config, _ []string) error {
		switch {
		case !cmd.Flags().Changed("previous"):
			return r.Reconcile(ctx)
		case previous < 0:
			return config.Usage(
				payment.WithHintf(
					fmt.Errorf("--previous %d is no period", previous),
					"0 is the last one that was closed",
				),
			)
		}
		return r.Reconciled(ctx, previous)
	})
}

func displayCommand(a *app) *cobra.Command {
	long := time.Duration(0)
	cmd := &cobra.Command{
		Use: "display TEXT...", Short: "Show lines on the customer's page while nothing is to be paid",
		Example: "  smiletill register display \"2 coffees  5.80\" \"Total  5.80 EUR\" --for 30s",
		Args:    cobra.MinimumNArgs(1),
	}
	cmd.Flags().DurationVar(&long, "for", 0, "how long, as in 30s (default the terminal's choice)")
	return asRegister(a, cmd, func(ctx context.Context, r *till.Register, _ config.Config, args []string) error {
		return r.Display(ctx, args, long)
	})
}
