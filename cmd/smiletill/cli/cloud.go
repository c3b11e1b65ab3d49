package cli

import (
	"cmp"
	"fmt"
	"log/slog"
	"strings"

	"github.com/spf13/cobra"

	"smiletill/cmd/smiletill/cloud"
	"smiletill/cmd/smiletill/columns"
	"smiletill/cmd/smiletill/config"
	"smiletill/payment"
	receiver "smiletill/payment/cloud"
	"smiletill/payment/report"
	"smiletill/payment/report/signature"
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
	f := run.Flags()
	f.StringVar(&o.Broker, "broker", "mqtt://127.0.0.1:1883", "mqtts://HOST:8883, or mqtt:// on this machine")
	f.StringVar(&o.Listen, "listen", "127.0.0.1:8090", "address of its page; empty is none")
	f.StringVar(&o.ClientID, "client-id", "smiletill-cloud", "its name at the broker")
	f.StringVar(&o.Username, "username", "", "user at the broker")
	f.StringVar(&o.PasswordFile, "password-file", "", "file that holds the password")
	f.StringVar(&o.CAFile, "ca-file", "", "certificates that sign the broker's")
	f.StringVar(&o.CertFile, "cert-file", "", "its own certificate")
	f.StringVar(&o.KeyFile, "key-file", "", "the certificate's private key")
	f.StringVar(&o.ALPN, "alpn", "", "protocol to ask for in the TLS handshake, for brokers on port 443")
	f.IntVar(&o.SubscribeQoS, "subscribe-qos", 1, "quality of service of subscriptions: 1, or 0 at NATS")
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
	cmd.AddCommand(run, key, trustCommand(o), terminalsCommand(o))
	return cmd
}

func trustCommand(o *cloud.Options) *cobra.Command {
	return &cobra.Command{
		Use: "trust TENANT/SITE/TERMINAL FILE", Short: "Take the events of a terminal that are signed with a key",
		Long: "Take the events of a terminal that are signed with the key in FILE, which `smiletill key`\n" +
			"printed on the terminal. Bring the file by a way that you trust. It works while the receiver runs.",
		Args: cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			parts := strings.Split(args[0], "/")
			if len(parts) != 3 {
				return config.Usage(payment.WithHintf(fmt.Errorf("%q is no terminal's name", args[0]),
					"write TENANT/SITE/TERMINAL, as in the terminal's configuration: demo/shop/till-1"))
			}
			keys, err := signature.ReadPublic(args[1])
			if err != nil {
				return payment.WithHintf(err, "it must be what `smiletill key` printed on the terminal")
			}
			a := report.Address{Tenant: parts[0], Site: parts[1], Terminal: parts[2]}
			return o.Open(cmd.Context(), slog.New(slog.DiscardHandler), func(r *receiver.Receiver) error {
				for _, k := range keys {
					if err := r.Trust(cmd.Context(), a, k); err != nil {
						return err
					}
					fmt.Fprintf(cmd.OutOrStdout(), "%s may report with key %s\n", a.Source(), signature.ID(k))
				}
				return nil
			})
		},
	}
}

func terminalsCommand(o *cloud.Options) *cobra.Command {
	return &cobra.Command{
		Use: "terminals", Short: "List the terminals that are known, and what came from each", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return o.Open(cmd.Context(), slog.New(slog.DiscardHandler), func(r *receiver.Receiver) error {
				all, err := r.Terminals(cmd.Context())
				if err != nil {
					return err
				}
				w := columns.New(cmd.OutOrStdout())
				fmt.Fprintln(w, "TERMINAL\tKEYS\tEVENTS\tLAST SEQ\tONLINE\tALARM")
				for _, t := range all {
					fmt.Fprintf(
						w,
						"%s\t%d\t%d\t%d\t%v\t%s\n",
						t.Source,
						t.Keys,
						t.Events,
						t.LastSeq,
						t.Online,
						cmp.Or(t.Alarm, "-"),
					)
				}
				return w.Flush()
			})
		},
	}
}
