package link

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
	"math/big"
	mathrand "math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	mqtt "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/packets"

	"smiletill/payment/cloud/broker"
)

const patience = 20 * time.Second

// guard is a broker's access rule: user "till" with password "1234" may do all but read topics that begin
// with "secret".
type guard struct{ mqtt.HookBase }

func (*guard) ID() string           { return "guard" }
func (*guard) Provides(b byte) bool { return b == mqtt.OnConnectAuthenticate || b == mqtt.OnACLCheck }

func (*guard) OnConnectAuthenticate(_ *mqtt.Client, p packets.Packet) bool {
	return string(p.Connect.Username) == "till" && string(p.Connect.Password) == "1234"
}

func (*guard) OnACLCheck(_ *mqtt.Client, topic string, write bool) bool {
	return write || !strings.HasPrefix(topic, "secret")
}

func startBroker(t *testing.T, c *tls.Config) (addr string, stop func()) {
	t.Helper()
	s := mqtt.New(&mqtt.Options{Logger: slog.New(slog.DiscardHandler)})
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if c != nil {
		ln = tls.NewListener(ln, c)
	}
	l := broker.NewListener(ln)
	if err := errors.Join(s.AddHook(new(guard), nil), s.AddListener(l), s.Serve()); err != nil {
		t.Fatal(err)
	}
	closed := false
	stop = func() {
		if !closed {
			closed = true
			_ = s.Close()
		}
	}
	t.Cleanup(stop)
	return l.Address(), stop
}

func dial(t *testing.T, o Options) (*Link, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if o.ClientID == "" {
		o.ClientID = "till"
	}
	if o.Username == "" {
		o.Username, o.Password = "till", "1234"
	}
	l, err := Dial(ctx, o)
	if err == nil {
		t.Cleanup(l.Close)
	}
	return l, err
}

func wantTrouble(t *testing.T, err error, what, hint string) {
	t.Helper()
	var h interface{ Hint() string }
	if !errors.As(err, &h) || !strings.Contains(err.Error(), what) || !strings.Contains(h.Hint(), hint) {
		t.Errorf("got %v, want %q with the hint %q", err, what, hint)
	}
}

// authority makes certificates for one test.
type authority struct {
	t    *testing.T
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{t: t}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test authority"}, IsCA: true,
		BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	var der []byte
	a.key, der = a.sign(template, nil, nil)
	var err error
	if a.cert, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	return a
}

func (a *authority) sign(
	template, parent *x509.Certificate, by *ecdsa.PrivateKey,
) (*ecdsa.PrivateKey, []byte) {
	a.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		a.t.Fatal(err)
	}
	if parent == nil {
		parent, by = template, key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, by)
	if err != nil {
		a.t.Fatal(err)
	}
	return key, der
}

// leaf makes a certificate that is valid until end, for servers and clients.
func (a *authority) leaf(ip net.IP, end time.Time) tls.Certificate {
	a.t.Helper()
	key, der := a.sign(&x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "leaf"}, IPAddresses: []net.IP{ip},
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
		NotBefore:   time.Now().Add(-2 * time.Hour), NotAfter: end,
	}, a.cert, a.key)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

func (a *authority) pool() *x509.CertPool {
	p := x509.NewCertPool()
	p.AddCert(a.cert)
	return p
}

func TestTLS(t *testing.T) {
	ca, stranger := newAuthority(t), newAuthority(t)
	here, later, past := net.IPv4(127, 0, 0, 1), time.Now().Add(time.Hour), time.Now().Add(-time.Hour)
	good := ca.leaf(here, later)
	server := func(cert tls.Certificate) *tls.Config {
		return &tls.Config{Certificates: []tls.Certificate{cert}, ClientCAs: ca.pool(),
			ClientAuth: tls.RequireAndVerifyClientCert}
	}
	old := server(good)
	old.MinVersion, old.MaxVersion = tls.VersionTLS10, tls.VersionTLS11
	lax := &tls.Config{RootCAs: ca.pool(), Certificates: []tls.Certificate{good}, MinVersion: tls.VersionTLS10}
	client := &tls.Config{RootCAs: ca.pool(), Certificates: []tls.Certificate{good}}
	for _, c := range []struct {
		name           string
		server, client *tls.Config
		what, hint     string
	}{
		{"unknown authority", server(stranger.leaf(here, later)), client, "not signed by", "authority file"},
		{"system's authorities", server(good), nil, "not signed by the authority", "authority file"},
		{"expired", server(ca.leaf(here, past)), client, "not valid at this time", "clock first"},
		{"other name", server(ca.leaf(net.IPv4(127, 0, 0, 2), later)), client, "another name", "broker's name"},
		{"no client certificate", server(good), &tls.Config{RootCAs: ca.pool()}, "ended the TLS", "certificate"},
		{"client of a stranger", server(good), &tls.Config{RootCAs: ca.pool(),
			Certificates: []tls.Certificate{stranger.leaf(here, later)}}, "ended the TLS handshake", "certificate"},
		{"TLS 1.1 alone", old, lax, "ended the TLS handshake", ""},
		{"no TLS at all", nil, client, "does not speak TLS", "port"},
		{"good", server(good), client, "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			addr, _ := startBroker(t, c.server)
			_, err := dial(t, Options{Broker: "mqtts://" + addr, TLS: c.client})
			if c.what == "" {
				if err != nil {
					t.Fatal(err)
				}
				return
			}
			wantTrouble(t, err, c.what, c.hint)
		})
	}
}

func TestTLSFiles(t *testing.T) {
	ca, dir := newAuthority(t), t.TempDir()
	leaf := ca.leaf(net.IPv4(127, 0, 0, 1), time.Now().Add(time.Hour))
	key, err := x509.MarshalPKCS8PrivateKey(leaf.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	file := func(name, kind string, der []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	caFile := file("ca.pem", "CERTIFICATE", ca.cert.Raw)
	certFile := file("cert.pem", "CERTIFICATE", leaf.Certificate[0])
	keyFile := file("key.pem", "PRIVATE KEY", key)

	for name, files := range map[string][3]string{
		"no such authority": {dir + "/none.pem", "", ""},
		"key as authority":  {keyFile, "", ""},
		"cert without key":  {caFile, certFile, ""},
		"key without cert":  {caFile, "", keyFile},
		"another's cert":    {caFile, caFile, keyFile},
	} {
		_, err := TLSFiles(files[0], files[1], files[2])
		t.Run(name, func(t *testing.T) { wantTrouble(t, err, "read", "") })
	}
	c, err := TLSFiles(caFile, certFile, keyFile)
	if err != nil {
		t.Fatal(err)
	}
	addr, _ := startBroker(t, &tls.Config{Certificates: []tls.Certificate{leaf}, ClientCAs: ca.pool(),
		ClientAuth: tls.RequireAndVerifyClientCert})
	if _, err := dial(t, Options{Broker: "mqtts://" + addr, TLS: c}); err != nil {
		t.Fatal(err)
	}
}

func TestDialRefused(t *testing.T) {
	addr, stop := startBroker(t, nil)
	_, err := dial(t, Options{Broker: "mqtt://" + addr, Username: "till", Password: "wrong"})
	wantTrouble(t, err, "refuses this terminal's credentials", "user name, password")
	stop()
	_, err = dial(t, Options{Broker: "mqtt://" + addr})
	wantTrouble(t, err, "refuses connections", "broker runs")
	_, err = dial(t, Options{Broker: "mqtts://no-such-host.invalid"})
	wantTrouble(t, err, "name is not found", "network")
	if said := fmt.Sprint(err); strings.Contains(said, "lookup") || strings.Contains(said, "dial tcp") {
		t.Errorf("a technician is told a program's words: %s", said)
	}
}

// A server that accepts and says nothing ends neither Dial's patience nor its context's.
func TestDialOfASilentServer(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ln.Close() })
	began := time.Now()
	_, err = dial(t, Options{Broker: "mqtt://" + ln.Addr().String(), Timeout: 100 * time.Millisecond})
	wantTrouble(t, err, "does not answer in time", "network")

	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	_, err = Dial(ctx, Options{Broker: "mqtt://" + ln.Addr().String(), ClientID: "till"})
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, want the context's error", err)
	}
	if d := time.Since(began); d > 5*time.Second {
		t.Errorf("took %v", d)
	}
}

func TestSubscribeRefused(t *testing.T) {
	addr, _ := startBroker(t, nil)
	l, err := dial(t, Options{Broker: "mqtt://" + addr})
	if err != nil {
		t.Fatal(err)
	}
	err = l.Subscribe(t.Context(), "secret/topic")
	wantTrouble(t, err, "refuses the subscription", "access rules")
	if err := l.Subscribe(t.Context(), "open/topic"); err != nil {
		t.Fatal(err)
	}
}

func TestLossAndUseAfterwards(t *testing.T) {
	addr, stop := startBroker(t, nil)
	l, err := dial(t, Options{Broker: "mqtt://" + addr})
	if err != nil {
		t.Fatal(err)
	}
	if l.Err() != nil {
		t.Errorf("lost already: %v", l.Err())
	}
	stop()
	select {
	case <-l.Lost():
	case <-time.After(patience):
		t.Fatal("the loss is not noticed")
	}
	wantTrouble(t, l.Err(), "connection lost", "payments go on")
	if _, err := l.Publish(t.Context(), "a", false, nil); err == nil {
		t.Error("published on a lost link")
	}
	if err := l.Subscribe(t.Context(), "a"); err == nil {
		t.Error("subscribed on a lost link")
	}
	l.Close()
	l.Close()
}

// The inbox drops what its owner does not take; the connection lives on.
func TestInboxIsBounded(t *testing.T) {
	addr, _ := startBroker(t, nil)
	l, err := dial(t, Options{Broker: "mqtt://" + addr, Inbox: 2})
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Subscribe(t.Context(), "a"); err != nil {
		t.Fatal(err)
	}
	for i := range 10 {
		if _, err := l.Publish(t.Context(), "a", false, fmt.Append(nil, i)); err != nil {
			t.Fatal(err)
		}
	}
	for end := time.Now().Add(patience); l.Dropped() < 8; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("dropped %d, want 8", l.Dropped())
		}
	}
	for i := range 2 {
		if m := <-l.Inbox(); string(m.Payload) != fmt.Sprint(i) {
			t.Errorf("message %d: %s", i, m.Payload)
		}
	}
}

func TestCheckRefuses(t *testing.T) {
	for _, o := range []Options{
		{Broker: "", ClientID: "a"}, {Broker: "127.0.0.1:1883", ClientID: "a"},
		{Broker: "mqtt://:1883", ClientID: "a"},
		{Broker: "mqtt://192.0.2.1", ClientID: "a"}, {Broker: "mqtt://localhost", ClientID: "a"},
		{Broker: "tcp://127.0.0.1", ClientID: "a"}, {Broker: "mqtt://u:p@127.0.0.1", ClientID: "a"},
		{Broker: "mqtt://127.0.0.1"}, {Broker: "mqtts://%zz", ClientID: "a"},
	} {
		err := o.Check()
		if !errors.Is(err, ErrOptions) {
			t.Errorf("%+v: %v, want ErrOptions", o, err)
			continue
		}
		wantTrouble(t, err, "check the broker's settings", "")
	}
	for broker, want := range map[string]target{
		"mqtt://127.0.0.1":    {"127.0.0.1:1883", "127.0.0.1", false},
		"mqtt://[::1]:99":     {"[::1]:99", "::1", false},
		"mqtts://b.example":   {"b.example:8883", "b.example", true},
		"mqtts://192.0.2.1:1": {"192.0.2.1:1", "192.0.2.1", true},
	} {
		if got, err := (Options{Broker: broker, ClientID: "a"}).check(); err != nil || got != want {
			t.Errorf("%s: %v, %v", broker, got, err)
		}
	}
}

func TestSecretDoesNotPrint(t *testing.T) {
	o := Options{Password: "hunter2"}
	var log strings.Builder
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "options", o, "password", o.Password)
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "password", o.Password)
	js, err := json.Marshal(map[string]any{"password": o.Password})
	if err != nil {
		t.Fatal(err)
	}
	all := fmt.Sprintf("%v %+v %#v %s %q %s %s", o, o, o, o.Password, o.Password, log.String(), js)
	if strings.Contains(all, "hunter2") || strings.Count(all, redacted) < 7 {
		t.Error(all)
	}
}

func TestBackoff(t *testing.T) {
	b := Backoff{First: time.Second, Most: time.Minute, Rand: mathrand.New(mathrand.NewPCG(1, 2))}
	distinct := map[time.Duration]bool{}
	for n := range 200 {
		full := time.Minute
		if n < 6 {
			full = time.Second << n
		}
		d := b.Delay(n)
		if d < full/2 || d > full {
			t.Errorf("attempt %d: %v, want %v to %v", n, d, full/2, full)
		}
		distinct[d] = true
	}
	if len(distinct) < 150 {
		t.Errorf("%d distinct delays of 200: terminals would return together", len(distinct))
	}
	tiny := Backoff{First: 1, Most: 1, Rand: b.Rand}
	if d := tiny.Delay(1 << 30); d != 1 {
		t.Errorf("got %v", d)
	}
}

func TestSleep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		began := time.Now()
		if !Sleep(ctx, 10*time.Second) || time.Since(began) != 10*time.Second {
			t.Errorf("slept %v", time.Since(began))
		}
		if Sleep(ctx, time.Hour) || time.Since(began) != time.Minute {
			t.Errorf("slept on to %v after the context's end", time.Since(began))
		}
	})
}
