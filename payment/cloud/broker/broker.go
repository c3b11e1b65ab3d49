package broker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"sync"

	mqtt "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/packets"
)

// ErrNotLoopback is what Start returns for an address that others could reach.
var ErrNotLoopback = errors.New("not a loopback address")

// Broker is a running broker.
type Broker struct {
	addr, scheme string
	server       *mqtt.Server
	rules        Rules // nil: everybody may do everything
	close        func() error
}

// Start listens on addr, an IP address and port such as 127.0.0.1:1883; port 0 takes a free one. Of the
// server's own log only warnings and errors reach log.
func Start(addr string, log *slog.Logger) (*Broker, error) {
	ap, err := netip.ParseAddrPort(addr)
	if err != nil {
		return nil, fmt.Errorf("start broker on %q: %w", addr, err)
	}
	if !ap.Addr().Unmap().IsLoopback() {
		return nil, fmt.Errorf("start broker on %s: %w: this broker lets everybody in", addr, ErrNotLoopback)
	}
	ln, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("start broker: %w", err)
	}
	s := mqtt.New(&mqtt.Options{Logger: slog.New(quiet{log.Handler()})})
	return serve(s, ln, ln, new(everybody), "mqtt://")
}

// serve starts a server on what lies over a listener: itself, or TLS.
func serve(s *mqtt.Server, ln, over net.Listener, guest mqtt.Hook, scheme string) (*Broker, error) {
	if err := errors.Join(
		s.AddHook(guest, nil),
		s.AddHook(new(order), nil),
		s.AddListener(NewListener(over)),
		s.Serve(),
	); err != nil {
		return nil, errors.Join(fmt.Errorf("start broker on %s: %w", ln.Addr(), err), s.Close(), ln.Close())
	}
	return &Broker{addr: ln.Addr().String(), scheme: scheme, server: s,
		close: sync.OnceValue(s.Close)}, nil
}

// Addr is the address and port that it listens on.
func (b *Broker) Addr() string { return b.addr }

// URL is the address as clients want it.
func (b *Broker) URL() string { return b.scheme + b.addr }

// Close ends all connections and forgets everything, messages that were acknowledged included. A second Close
// does nothing.
func (b *Broker) Close() error {
	if err := b.close(); err != nil {
		return fmt.Errorf("close broker: %w", err)
	}
	return nil
}

// everybody lets every client connect, publish and subscribe. The server's own hook of this kind comes with a
// parser of YAML.
type everybody struct{ mqtt.HookBase }

func (*everybody) ID() string { return "everybody" }

func (*everybody) Provides(b byte) bool {
	return b == mqtt.OnConnectAuthenticate || b == mqtt.OnACLCheck
}

func (*everybody) OnConnectAuthenticate(*mqtt.Client, packets.Packet) bool { return true }

func (*everybody) OnACLCheck(*mqtt.Client, string, bool) bool { return true }

// quiet lets warnings and errors through, but for the packet that the server adds to some: it holds what a
// terminal has reported.
type quiet struct{ slog.Handler }

// Handle leaves the packet out.
func (q quiet) Handle(ctx context.Context, r slog.Record) error {
	bare := slog.NewRecord(r.Time, r.Level, r.Message, r.PC)
	r.Attrs(func(a slog.Attr) bool {
		if a.Key != "pk" {
			bare.AddAttrs(a)
		}
		return true
	})
	return q.Handler.Handle(ctx, bare)
}

func (q quiet) Enabled(ctx context.Context, l slog.Level) bool {
	return l >= slog.LevelWarn && q.Handler.Enabled(ctx, l)
}

func (q quiet) WithAttrs(a []slog.Attr) slog.Handler { return quiet{q.Handler.WithAttrs(a)} }

func (q quiet) WithGroup(name string) slog.Handler { return quiet{q.Handler.WithGroup(name)} }
