package broker

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log/slog"
	"net"
	"time"

	mqtt "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/packets"
)

const (
	// clientsMax is how many are connected at once: a shop has some ten terminals.
	clientsMax = 500
	// packetMax bounds a message, in bytes: a report has at most 64 KiB.
	packetMax = 256 << 10
	// handshakeFor is how long TLS may take, and asking whether somebody is admitted.
	handshakeFor = 10 * time.Second
	// sweepEvery is the time between looks at who is admitted no more.
	sweepEvery = time.Second
)

// Rules say who a client's certificate lets in, and to what.
type Rules interface {
	// Admits is asked when a client connects, with its id and the topic of its will ("" for none).
	Admits(ctx context.Context, c *x509.Certificate, clientID, will string) bool
	// Keeps is asked again and again of one that is connected.
	Keeps(ctx context.Context, c *x509.Certificate) bool
	// May is asked for each topic that is written, each filter that is subscribed, each message that is handed
	// out.
	May(c *x509.Certificate, topic string, write bool) bool
}

// StartSecure listens on addr with TLS, which demands a certificate of clients, and does what rules say.
func StartSecure(addr string, t *tls.Config, rules Rules, log *slog.Logger) (*Broker, error) {
	ln, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("start broker: %w", err)
	}
	t = t.Clone()
	t.ClientAuth = tls.RequireAndVerifyClientCert
	c := mqtt.NewDefaultServerCapabilities()
	c.MaximumClients, c.MaximumPacketSize, c.SharedSubAvailable = clientsMax, packetMax, 0
	c.MaximumSessionExpiryInterval = 0
	s := mqtt.New(&mqtt.Options{Logger: slog.New(quiet{log.Handler()}), Capabilities: c})
	b, err := serve(s, ln, tls.NewListener(ln, t), &members{rules: rules, log: log}, "mqtts://")
	if err == nil {
		b.rules = rules
	}
	return b, err
}

// Watch puts out whoever is admitted no more, until ctx ends.
func (b *Broker) Watch(ctx context.Context) {
	tick := time.NewTicker(sweepEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		for _, cl := range b.server.Clients.GetAll() {
			c := certificate(cl)
			if cl.Closed() || c != nil && b.rules.Keeps(ctx, c) || ctx.Err() != nil {
				continue
			}
			_ = b.server.DisconnectClient(cl, packets.ErrNotAuthorized) // its error is that it was put out
		}
	}
}

// members lets in whoever has a certificate that is good, to its own topics.
type members struct {
	mqtt.HookBase
	rules Rules
	log   *slog.Logger
}

func (*members) ID() string { return "members" }

func (*members) Provides(b byte) bool {
	return b == mqtt.OnConnectAuthenticate || b == mqtt.OnACLCheck
}

// certificate is that of a client; nil: it has none.
func certificate(cl *mqtt.Client) *x509.Certificate {
	conn, ok := cl.Net.Conn.(*tls.Conn)
	if !ok {
		return nil
	}
	if chain := conn.ConnectionState().PeerCertificates; len(chain) > 0 {
		return chain[0]
	}
	return nil
}

func (m *members) OnConnectAuthenticate(cl *mqtt.Client, pk packets.Packet) bool {
	ctx, cancel := context.WithTimeout(context.Background(), handshakeFor)
	defer cancel()
	c, will := certificate(cl), ""
	if pk.Connect.WillFlag {
		will = pk.Connect.WillTopic
	}
	if c != nil && m.rules.Admits(ctx, c, cl.ID, will) {
		return true
	}
	m.log.Warn("the broker does not let a client in: its certificate is not, or no more, that of a terminal "+
		"which is known here", "remote", cl.Net.Remote, "client", cl.ID)
	return false
}

func (m *members) OnACLCheck(cl *mqtt.Client, topic string, write bool) bool {
	c := certificate(cl)
	return c != nil && m.rules.May(c, topic, write)
}
