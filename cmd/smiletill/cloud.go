package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	mathrand "math/rand/v2"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"smiletill/payment/cloud"
	"smiletill/payment/report"
	"smiletill/payment/report/link"
	"smiletill/payment/report/signature"
)

// cloudOptions are the flags of the reference receiver.
type cloudOptions struct {
	data, broker, listen          string
	username, passwordFile        string
	caFile, certFile, keyFile, id string
}

func cloudCommand() *cobra.Command {
	o := &cloudOptions{}
	cmd := &cobra.Command{
		Use: "cloud", GroupID: "tech", Short: "Receive the reports of terminals", Args: cobra.NoArgs,
		Long: "A small receiver of payment reports, for one shop or for trying things out. It takes the events\n" +
			"of terminals whose keys it was given, counts each once, commits it, and only then acknowledges it.",
		Example: "  smiletill cloud key > cloud.pub                      # for the terminals\n" +
			"  smiletill cloud trust demo/shop/till-1 till-1.pub    # of `smiletill key` on the terminal\n" +
			"  smiletill cloud run --broker mqtt://127.0.0.1:1883   # its page: http://127.0.0.1:8090/",
	}
	cmd.PersistentFlags().StringVar(
		&o.data,
		"data",
		"",
		"folder of its database and key (default chosen by user)",
	)
	run := &cobra.Command{
		Use: "run", Short: "Receive until Ctrl-C", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return o.run(cmd) },
	}
	f := run.Flags()
	f.StringVar(&o.broker, "broker", "mqtt://127.0.0.1:1883", "mqtts://HOST:8883, or mqtt:// on this machine")
	f.StringVar(&o.listen, "listen", "127.0.0.1:8090", "address of its page; empty is none")
	f.StringVar(&o.id, "client-id", "smiletill-cloud", "its name at the broker")
	f.StringVar(&o.username, "username", "", "user at the broker")
	f.StringVar(&o.passwordFile, "password-file", "", "file that holds the password")
	f.StringVar(&o.caFile, "ca-file", "", "certificates that sign the broker's")
	f.StringVar(&o.certFile, "cert-file", "", "its own certificate")
	f.StringVar(&o.keyFile, "key-file", "", "the certificate's private key")
	key := &cobra.Command{
		Use: "key", Short: "Print its public key, for the terminals", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			k, err := o.key()
			if err != nil {
				return err
			}
			return printKey(cmd, k, "smiletill cloud")
		},
	}
	cmd.AddCommand(run, key, o.trustCommand(), o.terminalsCommand())
	return cmd
}

func (o *cloudOptions) trustCommand() *cobra.Command {
	return &cobra.Command{
		Use: "trust TENANT/SITE/TERMINAL FILE", Short: "Take the events of a terminal that are signed with a key",
		Long: "Take the events of a terminal that are signed with the key in FILE, which `smiletill key`\n" +
			"printed on the terminal. Bring the file by a way that you trust. It works while the receiver runs.",
		Args: cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			parts := strings.Split(args[0], "/")
			if len(parts) != 3 {
				return &exitError{exitUsage, withHint(fmt.Errorf("%q is no terminal's name", args[0]),
					"write TENANT/SITE/TERMINAL, as in the terminal's configuration: demo/shop/till-1")}
			}
			keys, err := signature.ReadPublic(args[1])
			if err != nil {
				return withHint(err, "it must be what `smiletill key` printed on the terminal")
			}
			a := report.Address{Tenant: parts[0], Site: parts[1], Terminal: parts[2]}
			return o.open(cmd.Context(), slog.New(slog.DiscardHandler), func(r *cloud.Receiver) error {
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

func (o *cloudOptions) terminalsCommand() *cobra.Command {
	return &cobra.Command{
		Use: "terminals", Short: "List the terminals that are known, and what came from each", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return o.open(cmd.Context(), slog.New(slog.DiscardHandler), func(r *cloud.Receiver) error {
				all, err := r.Terminals(cmd.Context())
				if err != nil {
					return err
				}
				w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 8, 2, ' ', 0)
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
						dash(t.Alarm),
					)
				}
				return w.Flush()
			})
		},
	}
}

func (o *cloudOptions) folder() (string, error) {
	dir := o.data
	switch {
	case dir != "":
	case os.Getuid() == 0:
		dir = "/var/lib/smiletill-cloud"
	default:
		home, err := os.UserHomeDir()
		if err != nil {
			return "", withHint(err, "name a folder with --data")
		}
		dir = filepath.Join(home, ".local/state/smiletill-cloud")
	}
	return dir, preparePrivateDir(dir)
}

func (o *cloudOptions) key() (*signature.Key, error) {
	dir, err := o.folder()
	if err != nil {
		return nil, err
	}
	k, err := signature.OpenKey(filepath.Join(dir, "cloud.key"), rand.Reader)
	if err != nil {
		return nil, withHint(err, "put the cloud's key back: the terminals believe no other")
	}
	return k, nil
}

// open opens the receiver for as long as use works with it.
func (o *cloudOptions) open(ctx context.Context, log *slog.Logger, use func(*cloud.Receiver) error) error {
	k, err := o.key()
	if err != nil {
		return err
	}
	dir, err := o.folder()
	if err != nil {
		return err
	}
	options := cloud.Options{
		Broker: o.broker, ClientID: o.id, Username: o.username, File: filepath.Join(dir, "events.db"), Key: k,
		Log: log, Rand: mathrand.New(mathrand.NewPCG(mathrand.Uint64(), mathrand.Uint64())),
	}
	if options.Broker == "" {
		options.Broker = "mqtt://127.0.0.1:1883" // the commands that don't connect
	}
	if o.passwordFile != "" {
		text, err := os.ReadFile(o.passwordFile)
		if err != nil {
			return withHint(
				fmt.Errorf("read --password-file: %w", err),
				"put the broker's password into it, mode 0600",
			)
		}
		options.Password = link.Secret(strings.TrimRight(string(text), "\r\n"))
	}
	if options.TLS, err = link.TLSFiles(o.caFile, o.certFile, o.keyFile); err != nil {
		return err
	}
	r, err := cloud.Open(ctx, options)
	if err != nil {
		return err
	}
	return errors.Join(use(r), r.Close())
}

func (o *cloudOptions) run(cmd *cobra.Command) error {
	log := newLogger(LogConfig{Level: "info", Format: "auto"}, os.Stderr)
	return o.open(cmd.Context(), log, func(r *cloud.Receiver) error {
		g, ctx := errgroup.WithContext(cmd.Context())
		g.Go(func() error { return r.Run(ctx) })
		if o.listen != "" {
			l, err := net.Listen("tcp", o.listen)
			if err != nil {
				return withHint(fmt.Errorf("open the page: %w", err), "choose another address with --listen")
			}
			log.Info("the cloud receives", "broker", o.broker, "page", "http://"+l.Addr().String())
			g.Go(func() error { return servePage(ctx, l, r.Page()) })
		}
		return g.Wait()
	})
}

func servePage(ctx context.Context, l net.Listener, page http.Handler) error {
	s := &http.Server{Handler: page, ReadHeaderTimeout: 5 * time.Second, WriteTimeout: 30 * time.Second}
	defer context.AfterFunc(ctx, func() { _ = s.Close() })()
	if err := s.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve the page: %w", err)
	}
	return nil
}
