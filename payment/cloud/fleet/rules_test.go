package fleet_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"database/sql"
	"encoding/pem"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	_ "modernc.org/sqlite"

	"smiletill/payment/cloud/broker"
	"smiletill/payment/cloud/fleet"
	"smiletill/payment/report"
	"smiletill/payment/report/link"
)

// gate is a broker with the rules of a fleet.
type gate struct {
	t         *testing.T
	fleet     *fleet.Fleet
	db        *sql.DB
	authority *fleet.Authority
	broker    *broker.Broker
	cloud     *tls.Certificate
}

func newGate(t *testing.T) *gate {
	t.Helper()
	dir := t.TempDir()
	db, err := sql.Open("sqlite", filepath.Join(dir, "events.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	db.SetMaxOpenConns(1)
	if _, err := db.ExecContext(t.Context(), fleet.Schema); err != nil {
		t.Fatal(err)
	}
	g := &gate{t: t, fleet: fleet.On(db), db: db}
	if g.authority, err = fleet.OpenAuthority(dir); err != nil {
		t.Fatal(err)
	}
	if g.cloud, err = g.authority.Client(); err != nil {
		t.Fatal(err)
	}
	server, err := g.authority.Server([]string{"127.0.0.1"})
	if err != nil {
		t.Fatal(err)
	}
	rules := fleet.NewRules(g.cloud)
	rules.Open(g.fleet)
	g.broker, err = broker.StartSecure("127.0.0.1:0", &tls.Config{MinVersion: tls.VersionTLS12,
		Certificates: []tls.Certificate{*server}, ClientCAs: g.authority.Pool()}, rules,
		slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = g.broker.Close() })
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { g.broker.Watch(ctx); close(done) }()
	t.Cleanup(func() { stop(); <-done })
	return g
}

// dial connects with a certificate.
func (g *gate) dial(c *tls.Certificate, id string, will *link.Will) (*link.Link, error) {
	t := &tls.Config{RootCAs: g.authority.Pool(), MinVersion: tls.VersionTLS12}
	if c != nil {
		t.Certificates = []tls.Certificate{*c}
	}
	l, err := link.Dial(g.t.Context(), link.Options{Broker: g.broker.URL(), ClientID: id, TLS: t, Will: will})
	if err == nil {
		g.t.Cleanup(l.Close)
	}
	return l, err
}

// in is dial of one that is let in.
func (g *gate) in(c *tls.Certificate, id string, will *link.Will) *link.Link {
	g.t.Helper()
	l, err := g.dial(c, id, will)
	if err != nil {
		g.t.Fatal(err)
	}
	return l
}

// terminal has a certificate that the fleet knows.
func (g *gate) terminal(a report.Address) *tls.Certificate {
	g.t.Helper()
	text, key, err := fleet.Certify(g.t.Context(), g.fleet, g.authority, a)
	if err != nil {
		g.t.Fatal(err)
	}
	block, _ := pem.Decode([]byte(text))
	leaf, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		g.t.Fatal(err)
	}
	return &tls.Certificate{Certificate: [][]byte{block.Bytes}, PrivateKey: key, Leaf: leaf}
}

// TestBrokerLetsIn: who is let in, under which id, to which topics.
func TestBrokerLetsIn(t *testing.T) {
	t.Parallel()
	g := newGate(t)
	one := report.Address{Tenant: "acme", Site: "shop", Terminal: "till-1"}
	two := report.Address{Tenant: "acme", Site: "shop", Terminal: "till-2"}
	first := g.terminal(one)
	g.terminal(two)
	other, err := fleet.OpenAuthority(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	stranger, err := other.Client()
	if err != nil {
		t.Fatal(err)
	}
	unknown, err := g.authority.Client() // of the same authority, and kept nowhere
	if err != nil {
		t.Fatal(err)
	}
	server, err := g.authority.Server(nil)
	if err != nil {
		t.Fatal(err)
	}
	status := func(a report.Address) *link.Will {
		return &link.Will{Topic: a.Topic(report.ChannelStatus), Payload: []byte("{}")}
	}
	for _, c := range []struct {
		name string
		cert *tls.Certificate
		id   string
		will *link.Will
	}{
		{"no certificate", nil, one.ClientID(), nil},
		{"another authority's", stranger, one.ClientID(), nil},
		{"kept nowhere", unknown, one.ClientID(), nil},
		{"a server's", server, one.ClientID(), nil},
		{"another's id", first, two.ClientID(), nil},
		{"the cloud's id", first, "smiletill-cloud", nil},
		{"a will for another", first, one.ClientID(), status(two)},
		{"a will as the cloud", first, one.ClientID(), &link.Will{Topic: two.Topic(report.ChannelAck),
			Payload: []byte("{}")}},
	} {
		if _, err := g.dial(c.cert, c.id, c.will); err == nil {
			t.Errorf("%s: it is let in", c.name)
		}
	}
	cloud := g.in(g.cloud, "smiletill-cloud", nil)
	for _, filter := range []string{"v1/+/+/+/payment", "v1/+/+/+/status"} {
		if err := cloud.Subscribe(t.Context(), filter); err != nil {
			t.Error(err)
		}
	}
	l := g.in(first, one.ClientID(), status(one))
	for _, topic := range []string{"#", "v1/#", "v1/+/+/+/payment", two.Topic(report.ChannelAck),
		two.Topic(report.ChannelStatus), one.Topic(report.ChannelPayment)} {
		if err := l.Subscribe(t.Context(), topic); err == nil {
			t.Errorf("a terminal reads %s", topic)
		}
	}
	for _, c := range []report.Channel{report.ChannelAck, report.ChannelStatus} {
		if err := l.Subscribe(t.Context(), one.Topic(c)); err != nil {
			t.Errorf("a terminal does not read its own %s: %v", c, err)
		}
	}
	if _, err := l.Publish(t.Context(), one.Topic(report.ChannelPayment), false, []byte("fact")); err != nil {
		t.Error(err)
	}
	select {
	case m := <-cloud.Inbox():
		if m.Topic != one.Topic(report.ChannelPayment) || string(m.Payload) != "fact" {
			t.Errorf("the cloud hears %s", m.Topic)
		}
	case <-time.After(20 * time.Second):
		t.Fatal("the cloud hears nothing")
	}
	for _, topic := range []string{two.Topic(report.ChannelPayment), two.Topic(report.ChannelStatus),
		one.Topic(report.ChannelAck), "a/b"} {
		liar := g.in(first, one.ClientID(), nil)                      // in the place of the one before
		_, _ = liar.Publish(t.Context(), topic, false, []byte("lie")) // the connection may be cut already
		select {
		case <-liar.Lost():
		case <-time.After(20 * time.Second):
			t.Errorf("whoever writes %s stays connected", topic)
		}
	}
	for range len(cloud.Inbox()) {
		if m := <-cloud.Inbox(); string(m.Payload) == "lie" {
			t.Errorf("the cloud hears a lie at %s", m.Topic)
		}
	}
	l = g.in(first, one.ClientID(), nil)
	if err := g.fleet.Revoke(t.Context(), one, "anna"); err != nil {
		t.Fatal(err)
	}
	select {
	case <-l.Lost():
	case <-time.After(20 * time.Second):
		t.Error("a revoked terminal stays connected")
	}
	if _, err := g.dial(first, one.ClientID(), nil); err == nil {
		t.Error("a revoked terminal is let in")
	}
}
