package report_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"smiletill/payment/cloud"
	"smiletill/payment/report"
	"smiletill/payment/report/link"
)

func needMosquitto(t *testing.T) {
	t.Helper()
	if _, err := exec.LookPath(mosquitto); err != nil {
		t.Skip("mosquitto is not installed: apt-get install mosquitto mosquitto-clients")
	}
}

// TestTwoDevicesOfOneName lets a copy of a terminal connect: both are thrown out again and again, both say
// why, and when the copy has gone everything is delivered once.
func TestTwoDevicesOfOneName(t *testing.T) {
	needMosquitto(t)
	at, _ := startMosquitto(t, loopback(t))
	c, _ := startCloud(t, "mqtt://"+at, filepath.Join(t.TempDir(), "cloud.db"))
	box, copied := newOutbox(t), newOutbox(t)
	var mu sync.Mutex
	told := map[string]int{}
	o := options("mqtt://"+at, box)
	o.OnTakeover = func(session string) {
		mu.Lock()
		defer mu.Unlock()
		told[session]++
	}
	r, stop := startReporter(t, o)
	eventually(t, "the terminal is there", func() bool { return r.State().Connected })
	// A restart of the same terminal is no takeover.
	stop()
	r, _ = startReporter(t, o)
	box.add(3)
	eventually(t, "delivered", func() bool { return box.open() == 0 })
	if n := r.State().Counts.Takeovers; n != 0 {
		t.Errorf("its own restart is called a takeover, %d times", n)
	}
	twin, stopTwin := startReporter(t, options("mqtt://"+at, copied))
	eventually(t, "the terminal says who ends its connections", func() bool {
		s := r.State()
		return s.Counts.Takeovers > 0 && strings.Contains(s.Problem, "another device connects under this") &&
			strings.Contains(s.Hint, "terminal.id")
	})
	eventually(t, "the copy says so too", func() bool { return twin.State().Counts.Takeovers > 0 })
	box.add(20)
	stopTwin()
	eventually(t, "all are delivered", func() bool { return box.open() == 0 })
	if count(t, c) != 23 || box.mostCloses() != 1 {
		t.Errorf("counted %d, closed up to %d times", count(t, c), box.mostCloses())
	}
	mu.Lock()
	defer mu.Unlock()
	for session, n := range told {
		if n != 1 {
			t.Errorf("session %s was told %d times", session, n)
		}
	}
}

// TestBrokerKilledAfterConfirming kills a mosquitto with persistence as soon as it has confirmed rows, again
// and again: what it has confirmed and not passed on is gone or comes twice, and neither is counted.
func TestBrokerKilledAfterConfirming(t *testing.T) {
	needMosquitto(t)
	addr := loopback(t)
	store := t.TempDir()
	settings := "allow_anonymous true\npersistence true\npersistence_location " + store + "/\n" +
		"autosave_interval 1\nautosave_on_changes true\n"
	at, kill := startMosquittoWith(t, addr, settings)
	box := newOutbox(t)
	box.add(60)
	r, _ := startReporter(t, options("mqtt://"+at, box))
	c := openCloud(t, cloud.Options{Broker: "mqtt://" + at, File: filepath.Join(t.TempDir(), "cloud.db")})
	stopCloud := run(t, c.Run)
	for round := range 6 {
		before := r.State().Counts.Published
		eventually(t, "rows go out", func() bool { return r.State().Counts.Published > before+5 })
		kill()
		box.add(10)
		_, kill = startMosquittoWith(t, addr, settings)
		if round == 2 { // the cloud is away for a while too
			stopCloud()
		} else if round == 3 {
			run(t, c.Run)
		}
	}
	eventually(t, "all are delivered", func() bool { return box.open() == 0 })
	if count(t, c) != 120 || box.mostCloses() != 1 {
		t.Errorf("counted %d, closed up to %d times", count(t, c), box.mostCloses())
	}
}

// TestBrokerRules runs a broker with the rules of testdata/mosquitto.acl: terminals may do their own work,
// and nothing to each other.
func TestBrokerRules(t *testing.T) {
	needMosquitto(t)
	const mine, other = "acme/kiosk-1/till_2", "acme/kiosk-1/till_3"
	passwords := filepath.Join(t.TempDir(), "passwords")
	if err := os.WriteFile(passwords, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, user := range []string{mine, other, "cloud"} {
		out, err := exec.Command("mosquitto_passwd", "-b", passwords, user, "secret").CombinedOutput()
		if err != nil {
			t.Fatalf("%v %s", err, out)
		}
	}
	rules, err := filepath.Abs("testdata/mosquitto.acl")
	if err != nil {
		t.Fatal(err)
	}
	at, _ := startMosquittoWith(
		t,
		loopback(t),
		"allow_anonymous false\npassword_file "+passwords+"\nacl_file "+rules+"\n",
	)
	url := "mqtt://" + at
	file := filepath.Join(t.TempDir(), "cloud.db")
	c := openCloud(t, cloud.Options{Broker: url, File: file, Username: "cloud", Password: "secret"})
	run(t, c.Run)
	<-c.Ready()

	// The other terminal speaks for this one, and listens in.
	intruder, err := link.Dial(
		t.Context(),
		link.Options{Broker: url, ClientID: "x", Username: other, Password: "secret",
			Inbox: 64},
	)
	if err != nil {
		t.Fatal(err)
	}
	defer intruder.Close()
	for _, channel := range []report.Channel{report.ChannelPayment, report.ChannelStatus, report.ChannelAck} {
		_ = intruder.Subscribe(t.Context(), here().Topic(channel)) // mosquitto grants it and delivers nothing
	}
	box := newOutbox(t)
	box.add(5)
	o := options(url, box)
	o.Username, o.Password = mine, "secret"
	r, _ := startReporter(t, o)
	eventually(t, "delivered under the rules", func() bool { return box.open() == 0 })
	say(t, intruder, here().Topic(report.ChannelPayment), []byte(`{"specversion":"1.0"}`))
	say(t, intruder, here().Topic(report.ChannelStatus), []byte(`{"status":"online","session":"intruder"}`))
	// Signed well, as a broker that reads along could repeat one: the rules alone keep it from getting here.
	say(
		t,
		intruder,
		here().Topic(report.ChannelAck),
		ackOf(t, key(2), report.Ack{ID: "event-99", Hash: "h", Seq: 99}),
	)
	box.add(5)
	eventually(t, "delivered again", func() bool { return box.open() == 0 })
	if n := len(intruder.Inbox()); n != 0 {
		t.Errorf("the other terminal read %d messages of this one: %s", n, (<-intruder.Inbox()).Topic)
	}
	if s := r.State(); s.Counts.Takeovers != 0 || s.Counts.Unknown+s.Counts.Forged+s.Counts.Malformed != 0 {
		t.Errorf("something of the other terminal came through: %+v", s.Counts)
	}
	if n := count(t, c); n != 10 || box.mostCloses() != 1 {
		t.Errorf("counted %d, closed up to %d times", n, box.mostCloses())
	}
}

// maker makes certificates, as files and for a client.
type maker struct {
	t    *testing.T
	dir  string
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newMaker(t *testing.T) *maker {
	m := &maker{t: t, dir: t.TempDir()}
	m.make(
		"ca",
		&x509.Certificate{IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign},
		nil,
	)
	return m
}

// make signs a certificate of that common name; change may spoil it.
func (m *maker) make(name string, c *x509.Certificate, change func(*x509.Certificate)) string {
	m.t.Helper()
	c.SerialNumber, c.Subject = big.NewInt(time.Now().UnixNano()), pkix.Name{CommonName: name}
	c.NotBefore, c.NotAfter = time.Now().Add(-2*time.Hour), time.Now().Add(time.Hour)
	if change != nil {
		change(c)
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		m.t.Fatal(err)
	}
	parent, by := m.cert, m.key
	if parent == nil {
		parent, by = c, key
	}
	der, err := x509.CreateCertificate(rand.Reader, c, parent, &key.PublicKey, by)
	if err != nil {
		m.t.Fatal(err)
	}
	if m.cert == nil {
		m.key = key
		if m.cert, err = x509.ParseCertificate(der); err != nil {
			m.t.Fatal(err)
		}
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		m.t.Fatal(err)
	}
	base := filepath.Join(m.dir, strings.ReplaceAll(name, "/", "_")+fmt.Sprint(time.Now().UnixNano()))
	for suffix, block := range map[string]*pem.Block{
		".crt": {Type: "CERTIFICATE", Bytes: der}, ".key": {Type: "PRIVATE KEY", Bytes: secret},
	} {
		if err := os.WriteFile(base+suffix, pem.EncodeToMemory(block), 0o600); err != nil {
			m.t.Fatal(err)
		}
	}
	return base
}

func (m *maker) ca() string {
	files, _ := filepath.Glob(filepath.Join(m.dir, "ca*.crt"))
	return files[0]
}

func (m *maker) server(change func(*x509.Certificate)) string {
	return m.make("broker", &x509.Certificate{
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}, change)
}

func (m *maker) client(name string, change func(*x509.Certificate)) string {
	return m.make(name, &x509.Certificate{KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}, change)
}

func expired(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Hour) }

// TestCertificates gives terminal and broker certificates that are wrong in one way each: nothing is
// delivered and the reason is told; with the right ones everything is delivered, once, by the rules.
func TestCertificates(t *testing.T) {
	needMosquitto(t)
	ours, stranger := newMaker(t), newMaker(t)
	rules, err := filepath.Abs("testdata/mosquitto.acl")
	if err != nil {
		t.Fatal(err)
	}
	const mine = "acme/kiosk-1/till_2"
	broker, terminal := ours.server(nil), ours.client(mine, nil)
	for _, c := range []struct {
		name, broker, terminal, ca, says string
	}{
		{"good", broker, terminal, ours.ca(), ""},
		{"broker of a foreign authority", stranger.server(nil), terminal, ours.ca(), "not signed by the authority"},
		{"terminal expects a foreign authority", broker, terminal, stranger.ca(), "not signed by the authority"},
		{"broker's has expired", ours.server(expired), terminal, ours.ca(), "not valid at this time"},
		{"broker's is for another name", ours.server(func(c *x509.Certificate) {
			c.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 2)}
		}), terminal, ours.ca(), "another name"},
		{"terminal's has expired", broker, ours.client(mine, expired), ours.ca(), "ended the TLS handshake"},
		{"terminal's is a stranger's", broker, stranger.client(mine, nil), ours.ca(), "ended the TLS handshake"},
		{"terminal's is no client's", broker, ours.server(func(c *x509.Certificate) {
			c.Subject.CommonName = mine
		}), ours.ca(), "ended the TLS handshake"},
		{"terminal has none", broker, "", ours.ca(), "ended the TLS handshake"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			tlsConfig, err := link.TLSFiles(c.ca, suffix(c.terminal, ".crt"), suffix(c.terminal, ".key"))
			if err != nil {
				t.Fatal(err)
			}
			at, _ := startMosquittoWith(t, loopback(t), "require_certificate true\nuse_identity_as_username true\n"+
				"cafile "+ours.ca()+"\ncertfile "+c.broker+".crt\nkeyfile "+c.broker+".key\nacl_file "+rules+"\n")
			deliverByTLS(t, "mqtts://"+at, tlsConfig, ours, c.says)
		})
	}
}

func suffix(name, s string) string {
	if name == "" {
		return ""
	}
	return name + s
}

// deliverByTLS tries to deliver, and wants to hear why it can't, or that it could.
func deliverByTLS(t *testing.T, url string, client *tls.Config, ours *maker, says string) {
	t.Helper()
	box := newOutbox(t)
	box.add(5)
	o := options(url, box)
	o.TLS = client
	r, _ := startReporter(t, o)
	if says != "" {
		eventually(t, "the terminal says "+says, func() bool {
			s := r.State()
			return strings.Contains(s.Problem, says) && s.Hint != ""
		})
		if s := r.State(); s.Counts.Published != 0 || box.open() != 5 {
			t.Errorf("something went out all the same: %+v", s.Counts)
		}
		return
	}
	cloudFiles := ours.client("cloud", nil)
	cloudTLS, err := link.TLSFiles(ours.ca(), cloudFiles+".crt", cloudFiles+".key")
	if err != nil {
		t.Fatal(err)
	}
	c := openCloud(t, cloud.Options{Broker: url, File: filepath.Join(t.TempDir(), "cloud.db"), TLS: cloudTLS})
	run(t, c.Run)
	eventually(t, "all are delivered", func() bool { return box.open() == 0 })
	if count(t, c) != 5 || box.mostCloses() != 1 {
		t.Errorf("counted %d, closed up to %d times", count(t, c), box.mostCloses())
	}
}
