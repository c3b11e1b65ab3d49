package cloud

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"smiletill/cmd/smiletill/config"
	"smiletill/payment"
	"smiletill/payment/cloud"
	"smiletill/payment/cloud/broker"
	"smiletill/payment/cloud/fleet"
	"smiletill/payment/report/link"
)

// UpOptions are what a shop's cloud is given beside.
type UpOptions struct {
	Claims string   // host:port at which terminals ask to be claimed
	MQTT   string   // host:port of its own broker; none is started where Options.Broker names another
	Names  []string // by which terminals reach this machine, beside those that it knows itself
}

// hosts are the names and addresses of this machine: the given ones first, then the one from which it reaches
// others, which is where they reach it, if anywhere.
func (u UpOptions) hosts() []string {
	all := slices.Clone(u.Names)
	// Nothing is sent: the kernel says from where it would be.
	if c, err := net.Dial("udp", "192.0.2.1:9"); err == nil {
		if a, ok := c.LocalAddr().(*net.UDPAddr); ok && !a.IP.IsLoopback() {
			all = append(all, a.IP.String())
		}
		_ = c.Close()
	}
	if addresses, err := net.InterfaceAddrs(); err == nil {
		for _, a := range addresses {
			if n, ok := a.(*net.IPNet); ok && !n.IP.IsLoopback() && !n.IP.IsLinkLocalUnicast() {
				all = append(all, n.IP.String())
			}
		}
	}
	if name, err := os.Hostname(); err == nil {
		all = append(all, name, name+".local")
	}
	all = append(all, "localhost", "127.0.0.1", "::1")
	seen := map[string]bool{}
	return slices.DeleteFunc(all, func(h string) bool {
		again := seen[h]
		seen[h] = true
		return again
	})
}

// Up is a whole cloud for a shop: the receiver, its page, the door at which terminals are claimed and, unless
// there is another, a broker with TLS. It says on out what is to be done next.
func (o *Options) Up(ctx context.Context, out io.Writer, u UpOptions) error {
	if err := config.CheckLink(o.ALPN, o.SubscribeQoS); err != nil {
		return err
	}
	dir, err := o.folder()
	if err != nil {
		return err
	}
	authority, err := fleet.OpenAuthority(dir)
	if err != nil {
		return payment.WithHint(err, "put the file back: the terminals' certificates are signed by it")
	}
	hosts := u.hosts()
	cert, err := authority.Server(hosts)
	if err != nil {
		return err
	}
	log := config.Logger(config.LogConfig{Level: "info", Format: "auto"}, os.Stderr)
	s := &shop{o: o, u: u, authority: authority, cert: cert, hosts: hosts, log: log}
	return s.run(ctx, out)
}

// wrongBroker says why terminals would not take a broker's address, or "".
func (UpOptions) wrongBroker(address string) string {
	what, _ := config.Wrong("mqtt.broker", address)
	if what == "" && !strings.HasPrefix(address, "mqtts://") {
		return "it does not speak TLS"
	}
	return what
}

// shop is a cloud that runs.
type shop struct {
	o         *Options
	u         UpOptions
	authority *fleet.Authority
	cert      *tls.Certificate
	hosts     []string
	log       *slog.Logger
	rules     *fleet.Rules // of its own broker; nil: it has none
	door      *fleet.Door
	port      string // of its own broker, and
	near      string // where this process finds it
}

func (s *shop) run(ctx context.Context, out io.Writer) (err error) {
	if s.o.Listen == "" {
		return config.Usage(payment.WithHintf(errors.New("--listen is empty"), "give its page an address"))
	}
	claims, err := listen(s.u.Claims, "--claims")
	if err != nil {
		return err
	}
	defer func() { _ = claims.Close() }()
	o := *s.o
	mine, err := s.authority.Client()
	if err != nil {
		return err
	}
	var own *broker.Broker
	switch {
	case o.Broker == "":
		s.rules = fleet.NewRules(mine)
		if own, err = s.broker(); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, own.Close()) }()
		o.Broker = "mqtts://" + s.near
		o.tls = &tls.Config{RootCAs: s.authority.Pool(), Certificates: []tls.Certificate{*mine}}
	case o.CertFile == "" && o.Username == "":
		// It is shown a certificate that says "cloud", of the authority that signs the terminals'.
		if o.tls, err = link.TLSFiles(o.CAFile, "", ""); err != nil {
			return err
		}
		o.tls.Certificates, o.CAFile = []tls.Certificate{*mine}, ""
	}
	o.waiting = func() []fleet.Waiting { return s.door.Waiting() }
	return o.Open(ctx, s.log, func(r *cloud.Receiver) error {
		if err := s.ready(r, o); err != nil {
			return err
		}
		page, err := listen(o.Listen, "--listen")
		if err != nil {
			return err
		}
		defer func() { _ = page.Close() }()
		s.tell(out, claims.Addr(), page.Addr())
		g, ctx := errgroup.WithContext(ctx)
		g.Go(func() error { return r.Run(ctx) })
		g.Go(func() error { return servePage(ctx, page, r.Page()) })
		g.Go(func() error { return serveClaims(ctx, claims, s.cert, s.door, s.log) })
		if own != nil {
			g.Go(func() error { own.Watch(ctx); return nil })
		}
		return g.Wait()
	})
}

// broker starts the shop's own.
func (s *shop) broker() (*broker.Broker, error) {
	b, err := broker.StartSecure(s.u.MQTT, &tls.Config{MinVersion: tls.VersionTLS12,
		Certificates: []tls.Certificate{*s.cert}, ClientCAs: s.authority.Pool()}, s.rules, s.log)
	if err != nil {
		return nil, payment.WithHintf(err, "choose another address with --mqtt, or name a broker with --broker")
	}
	host, port, err := net.SplitHostPort(b.Addr())
	if ip := net.ParseIP(host); ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	s.port, s.near = port, net.JoinHostPort(host, port)
	return b, err
}

// ready makes the door, once the receiver is open.
func (s *shop) ready(r *cloud.Receiver, o Options) error {
	if s.rules != nil {
		s.rules.Open(r.Fleet())
	}
	key, err := o.Key()
	if err != nil {
		return err
	}
	d := fleet.DoorOptions{Authority: s.authority, Certificate: s.cert, Key: key, Log: s.log,
		Broker: func(string) (string, error) { return o.Broker, nil }}
	switch {
	case s.port != "":
		d.Vouch = string(s.authority.PEM())
		d.Broker = func(host string) (string, error) {
			own, err := known(s.hosts, host)
			return "mqtts://" + net.JoinHostPort(own, s.port), err
		}
	case s.u.wrongBroker(o.Broker) != "":
		return config.Usage(payment.WithHintf(fmt.Errorf("terminals can't be sent to this broker: %s",
			s.u.wrongBroker(o.Broker)), "give --broker mqtts://HOST:8883, or leave it out: this command has one"))
	case s.o.CAFile != "":
		text, err := os.ReadFile(s.o.CAFile)
		if err != nil {
			return fmt.Errorf("read who signs the broker's certificate: %w", err)
		}
		d.Vouch = string(text)
	}
	s.door = fleet.NewDoor(r.Fleet(), d)
	return nil
}

// known is a name of this machine that its certificate has, if the one by which a terminal has come is.
func known(hosts []string, host string) (string, error) {
	for _, h := range hosts {
		if strings.EqualFold(h, host) {
			return h, nil
		}
	}
	return "", fmt.Errorf("it came to %q, which this machine does not know as its own: start "+
		"`smiletill cloud up` with --name %s", host, host)
}

// tell says what is to be done next.
func (s *shop) tell(out io.Writer, claims, page net.Addr) {
	_, port, _ := net.SplitHostPort(claims.String())
	host := s.hosts[0]
	if ip, _, err := net.SplitHostPort(claims.String()); err == nil && !net.ParseIP(ip).IsUnspecified() {
		host = ip
	}
	at := "https://" + net.JoinHostPort(host, port)
	others := ""
	for _, h := range s.hosts {
		if ip := net.ParseIP(h); h != host && (ip == nil || !ip.IsLoopback()) && h != "localhost" {
			others += " " + h
		}
	}
	fmt.Fprintf(out, "The cloud is up. Its address for terminals: %s\n"+
		"This machine also knows itself as:%s; --name adds more.\n\n"+
		"  a new card        smiletill flash ... --cloud %s\n"+
		"  a terminal here   cloud = %q under [claim] of its settings\n"+
		"  then              its screen shows a code: type it at http://%s/,\n"+
		"                    or smiletill cloud claim CODE --tenant TENANT --site SITE --name TERMINAL\n\n",
		at, others, at, at, page)
}

func listen(address, flag string) (net.Listener, error) {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return nil, payment.WithHintf(fmt.Errorf("open the cloud's doors: %w", err),
			"choose another address with %s", flag)
	}
	return l, nil
}

// serveClaims serves the door at which terminals are claimed.
func serveClaims(
	ctx context.Context, l net.Listener, cert *tls.Certificate, door http.Handler, log *slog.Logger,
) error {
	s := &http.Server{Handler: door, ReadHeaderTimeout: doorPatience, IdleTimeout: time.Minute,
		MaxHeaderBytes: 16 << 10, ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug),
		TLSConfig: &tls.Config{MinVersion: tls.VersionTLS13, Certificates: []tls.Certificate{*cert}}}
	s.Protocols = new(http.Protocols)
	s.Protocols.SetHTTP1(true) // one request at a time on a connection, of which there are few
	defer context.AfterFunc(ctx, func() { _ = s.Close() })()
	bounded := &few{Listener: l, free: make(chan struct{}, doorMax)}
	if err := s.ServeTLS(bounded, "", ""); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve the door for terminals: %w", err)
	}
	return nil
}

const (
	// doorPatience is how long one who knocks may take to say what he wants.
	doorPatience = 5 * time.Second
	// doorMax bounds the connections that are open at the door.
	doorMax = 200
)
