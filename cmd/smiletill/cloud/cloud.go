package cloud

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	mathrand "math/rand/v2"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/pflag"
	"golang.org/x/sync/errgroup"

	"smiletill/cmd/smiletill/config"
	"smiletill/payment"
	"smiletill/payment/cloud"
	"smiletill/payment/cloud/fleet"
	"smiletill/payment/report/link"
	"smiletill/payment/report/signature"
)

// Options say what the receiver connects to, and where its files are.
type Options struct {
	Data         string // folder of its database and key; "" chooses
	Broker       string // mqtts://HOST:PORT, or mqtt:// on this machine
	ClientID     string // its name at the broker
	Listen       string // host:port of its page; "" is none
	Username     string
	PasswordFile string
	CAFile       string // certificates that sign the broker's
	CertFile     string // its own certificate, and
	KeyFile      string // the private key
	ALPN         string // the protocol to ask for in the TLS handshake
	SubscribeQoS int    // 0 or 1

	tls     *tls.Config            // in place of the files, for a broker of this process
	waiting func() []fleet.Waiting // terminals that show a code; nil: none can
}

// Bind gives the flags of the receiver; broker is where it connects to if nobody says.
func (o *Options) Bind(f *pflag.FlagSet, broker string) {
	f.StringVar(&o.Broker, "broker", broker, "mqtts://HOST:8883, or mqtt:// on this machine")
	f.StringVar(&o.Listen, "listen", "127.0.0.1:8090", "address of its page; empty is none")
	f.StringVar(&o.ClientID, "client-id", "smiletill-cloud", "its name at the broker")
	f.StringVar(&o.Username, "username", "", "user at the broker")
	f.StringVar(&o.PasswordFile, "password-file", "", "file that holds the password")
	f.StringVar(&o.CAFile, "ca-file", "", "certificates that sign the broker's")
	f.StringVar(&o.CertFile, "cert-file", "", "its own certificate")
	f.StringVar(&o.KeyFile, "key-file", "", "the certificate's private key")
	f.StringVar(&o.ALPN, "alpn", "", "protocol to ask for in the TLS handshake, for brokers on port 443")
	f.IntVar(&o.SubscribeQoS, "subscribe-qos", 1, "quality of service of subscriptions: 1, or 0 at NATS")
}

// Bind gives the flags of a shop's cloud.
func (u *UpOptions) Bind(f *pflag.FlagSet) {
	f.StringVar(&u.Claims, "claims", "0.0.0.0:8444", "address at which terminals ask to be claimed")
	f.StringVar(&u.MQTT, "mqtt", "0.0.0.0:8883", "address of its own broker, where --broker names none")
	f.StringArrayVar(&u.Names, "name", nil,
		"name or address by which terminals reach this machine; repeat for more")
}

// Bind gives the flags of what is typed to claim a terminal.
func (q *Wish) Bind(f *pflag.FlagSet) {
	f.StringVar(&q.Tenant, "tenant", "", "whose terminal it is (default: as the last one)")
	f.StringVar(&q.Site, "site", "", "shop that it stands in (default: as the last one)")
	f.StringVar(&q.Name, "name", "", "what it is called there (default: what its settings say)")
}

func (o *Options) folder() (string, error) {
	dir := o.Data
	switch {
	case dir != "":
	case os.Getuid() == 0:
		dir = "/var/lib/smiletill-cloud"
	default:
		home, err := os.UserHomeDir()
		if err != nil {
			return "", payment.WithHintf(err, "name a folder with --data")
		}
		dir = filepath.Join(home, ".local/state/smiletill-cloud")
	}
	return dir, config.PreparePrivateDir(dir)
}

// Key gives the key that the cloud signs its acknowledgements with; it is made where there is none.
func (o *Options) Key() (*signature.Key, error) {
	dir, err := o.folder()
	if err != nil {
		return nil, err
	}
	k, err := signature.OpenKey(filepath.Join(dir, "cloud.key"), rand.Reader)
	if err != nil {
		return nil, payment.WithHintf(err, "put the cloud's key back: the terminals believe no other")
	}
	return k, nil
}

// Open opens the receiver for as long as use works with it.
func (o *Options) Open(ctx context.Context, log *slog.Logger, use func(*cloud.Receiver) error) error {
	k, err := o.Key()
	if err != nil {
		return err
	}
	dir, err := o.folder()
	if err != nil {
		return err
	}
	options := cloud.Options{
		Broker: o.Broker, ClientID: o.ClientID, Username: o.Username, File: filepath.Join(dir, "events.db"), Key: k,
		Files: link.Files{CA: o.CAFile, Cert: o.CertFile, Key: o.KeyFile, Password: o.PasswordFile},
		ALPN:  o.ALPN, Once: o.SubscribeQoS == 0, TLS: o.tls, Waiting: o.waiting,
		Money: func(minor int64, currency string) string {
			return payment.Amount{Minor: minor, Currency: currency}.String()
		},
		Log: log, Rand: mathrand.New(mathrand.NewPCG(mathrand.Uint64(), mathrand.Uint64())),
	}
	if options.Broker == "" {
		options.Broker = "mqtt://127.0.0.1:1883" // the commands that don't connect
	}
	r, err := cloud.Open(ctx, options)
	if err != nil {
		return err
	}
	return errors.Join(use(r), r.Close())
}

// Run receives, and shows the page, until ctx ends.
func (o *Options) Run(ctx context.Context) error {
	if err := config.CheckLink(o.ALPN, o.SubscribeQoS); err != nil {
		return err
	}
	log := config.Logger(config.LogConfig{Level: "info", Format: "auto"}, os.Stderr)
	return o.Open(ctx, log, func(r *cloud.Receiver) error {
		if o.Listen == "" {
			return r.Run(ctx)
		}
		l, err := net.Listen("tcp", o.Listen)
		if err != nil {
			return payment.WithHintf(fmt.Errorf("open the page: %w", err), "choose another address with --listen")
		}
		if !config.OnlyHere(o.Listen) {
			log.Warn("the page answers to this machine alone, wherever it listens", "listen", o.Listen,
				"hint", "from elsewhere: ssh -L 8090:127.0.0.1:8090 MACHINE, then http://127.0.0.1:8090/")
		}
		log.Info("the cloud receives", "broker", o.Broker, "page", "http://"+l.Addr().String())
		g, ctx := errgroup.WithContext(ctx)
		g.Go(func() error { return r.Run(ctx) })
		g.Go(func() error { return servePage(ctx, l, r.Page()) })
		return g.Wait()
	})
}

// servePage serves the page until ctx ends.
func servePage(ctx context.Context, l net.Listener, page http.Handler) error {
	s := &http.Server{Handler: page, ReadHeaderTimeout: doorPatience, WriteTimeout: 30 * time.Second}
	defer context.AfterFunc(ctx, func() { _ = s.Close() })()
	if err := s.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve the page: %w", err)
	}
	return nil
}
