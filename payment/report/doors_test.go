package report_test

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"smiletill/payment/cloud"
	"smiletill/payment/report"
	"smiletill/payment/report/link"
	"smiletill/payment/report/signature"
)

// delivered has a terminal and a cloud meet at a broker.
func delivered(t *testing.T, terminal report.Options, c cloud.Options) (*report.Reporter, *cloud.Receiver) {
	t.Helper()
	box := newOutbox(t)
	box.add(5)
	terminal.Outbox = box
	c.File = filepath.Join(t.TempDir(), "cloud.db")
	receiver := openCloud(t, c)
	run(t, receiver.Run)
	r, _ := startReporter(t, terminal)
	eventually(t, "all are delivered", func() bool { return box.open() == 0 })
	box.add(5)
	eventually(t, "those that came later too", func() bool { return box.open() == 0 })
	if n := count(t, receiver); n != 10 || box.mostCloses() != 1 {
		t.Errorf("counted %d, closed up to %d times", n, box.mostCloses())
	}
	return r, receiver
}

// TestBrokerWithoutRetain: a broker that keeps no message cuts a connection with a retained will. It is tried
// once more without, which the terminal says, and the cloud hears of it all the same.
func TestBrokerWithoutRetain(t *testing.T) {
	needMosquitto(t)
	at, _ := startMosquittoWith(t, loopback(t), "allow_anonymous true\nretain_available false\n")
	r, c := delivered(t, options("mqtt://"+at, nil), cloud.Options{Broker: "mqtt://" + at})
	if s := r.State(); !s.Plain || s.Counts.Lost > 0 {
		t.Errorf("%+v", s)
	}
	eventually(t, "the cloud knows that it is there", func() bool {
		all, err := c.Terminals(t.Context())
		return err == nil && len(all) == 1 && all[0].Online
	})
}

// natsServer is Debian's.
func natsServer(t *testing.T) (mqtt, own, web string) {
	t.Helper()
	program, err := exec.LookPath("nats-server")
	if err != nil {
		t.Skip("nats-server is not installed: apt-get install nats-server")
	}
	mqtt, own, web = loopback(t), loopback(t), loopback(t)
	conf := filepath.Join(t.TempDir(), "nats.conf")
	text := fmt.Sprintf("server_name: test\nlisten: %q\njetstream { store_dir: %q }\nmqtt { listen: %q }\n"+
		"websocket { listen: %q, no_tls: true }\n", own, t.TempDir(), mqtt, web)
	if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, "-c", conf)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // as the other brokers
		_ = cmd.Wait()
	})
	eventually(t, "nats-server listens", func() bool {
		c, err := net.DialTimeout("tcp", mqtt, time.Second)
		return err == nil && c.Close() == nil
	})
	return mqtt, own, web
}

// TestNATS: its MQTT refuses client ids with points, and keeps a consumer for each subscription above QoS 0.
func TestNATS(t *testing.T) {
	at, _, _ := natsServer(t)
	o := options("mqtt://"+at, nil)
	o.Once = true
	// Its first session and subscription wait for JetStream to come up.
	r, _ := delivered(t, o, cloud.Options{Broker: "mqtt://" + at, Once: true})
	if s := r.State(); s.Plain {
		t.Errorf("it keeps messages, and the terminal says %+v", s)
	}
}

// webDoor is a port that MQTT shares with a web server, told apart by ALPN.
func webDoor(t *testing.T, files, to string) string {
	t.Helper()
	pair, err := tls.LoadX509KeyPair(files+".crt", files+".key")
	if err != nil {
		t.Fatal(err)
	}
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{pair},
		NextProtos: []string{"mqtt", "http/1.1"}, MinVersion: tls.VersionTLS12})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			in, err := l.Accept()
			if err != nil {
				return
			}
			go serveDoor(in, to)
		}
	}()
	return l.Addr().String()
}

func serveDoor(in net.Conn, to string) {
	defer func() { _ = in.Close() }()
	secure, ok := in.(*tls.Conn)
	if !ok || secure.Handshake() != nil {
		return
	}
	if secure.ConnectionState().NegotiatedProtocol != "mqtt" {
		_, _ = io.WriteString(in, "HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n")
		return
	}
	out, err := net.Dial("tcp", to)
	if err != nil {
		return
	}
	go relay(in, out, 1<<40)
	relay(out, in, 1<<40)
}

// TestDoorWithALPN: MQTT on a web server's port, when it is asked for by name.
func TestDoorWithALPN(t *testing.T) {
	m := newMaker(t)
	at, _ := embedded(t, loopback(t))
	url := "mqtts://" + webDoor(t, m.server(nil), at)
	files := link.Files{CA: m.ca()}
	for _, c := range []struct{ alpn, says string }{
		{"", "this port speaks HTTP"}, {"x-other", `the name (ALPN) "x-other"`}, {"mqtt", ""},
	} {
		o := options(url, newOutbox(t))
		o.Files, o.ALPN = files, c.alpn
		if c.says == "" {
			delivered(t, o, cloud.Options{Broker: url, Files: files, ALPN: c.alpn})
			continue
		}
		r, stop := startReporter(t, o)
		eventually(t, "the terminal says "+c.says, func() bool {
			s := r.State()
			return strings.Contains(s.Problem, c.says) && strings.Contains(s.Hint, "MQTT")
		})
		stop()
	}
}

// TestWrongPorts: each door that is not the MQTT one is told in words of its own.
func TestWrongPorts(t *testing.T) {
	web, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: http.NotFoundHandler(), ReadHeaderTimeout: time.Minute}
	go func() { _ = server.Serve(web) }()
	t.Cleanup(func() { _ = server.Close() })
	doors := map[string]struct{ at, says, do string }{
		"a web server": {web.Addr().String(), "speaks HTTP", "port"},
	}
	if _, err := exec.LookPath("nats-server"); err == nil {
		_, own, web := natsServer(t)
		doors["NATS's own"] = struct{ at, says, do string }{own, "NATS's own clients", "section mqtt"}
		doors["WebSocket"] = struct{ at, says, do string }{web, "speaks HTTP", "WebSocket"}
	}
	for name, door := range doors {
		t.Run(name, func(t *testing.T) {
			_, err := link.Dial(t.Context(), link.Options{Broker: "mqtt://" + door.at, ClientID: "x",
				Timeout: 2 * time.Second})
			var trouble *link.Trouble
			if !errors.As(err, &trouble) || !strings.Contains(trouble.What, door.says) ||
				!strings.Contains(trouble.Advice, door.do) {
				t.Errorf("%v; %+v", err, trouble)
			}
		})
	}
}

// TestRenewedCredentials: certificate, password and the cloud's key are those that are there at a connection,
// on both sides; a certificate that ends soon is told.
func TestRenewedCredentials(t *testing.T) {
	needMosquitto(t)
	m, dir := newMaker(t), t.TempDir()
	passwords := filepath.Join(dir, "passwords")
	if err := os.WriteFile(passwords, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, user := range []string{"till", "cloud"} {
		out, err := exec.Command("mosquitto_passwd", "-b", passwords, user, "right").CombinedOutput()
		if err != nil {
			t.Fatalf("%v %s", err, out)
		}
	}
	door := m.server(nil)
	at, _ := startMosquittoWith(t, loopback(t), "require_certificate true\nallow_anonymous false\n"+
		"password_file "+passwords+"\ncafile "+m.ca()+"\ncertfile "+door+".crt\nkeyfile "+door+".key\n")
	put := func(name, from string) {
		t.Helper()
		text, err := os.ReadFile(from)
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, name+".new"), text, 0o600)
		}
		if err == nil {
			err = os.Rename(filepath.Join(dir, name+".new"), filepath.Join(dir, name))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	files := func(who string) link.Files {
		return link.Files{CA: m.ca(), Cert: filepath.Join(dir, who+".crt"), Key: filepath.Join(dir, who+".key"),
			Password: filepath.Join(dir, who+".password")}
	}
	old := m.client("old", expired)
	for _, who := range []string{"till", "cloud"} {
		put(who+".crt", old+".crt")
		put(who+".key", old+".key")
		write(who+".password", "wrong\n")
	}
	box := newOutbox(t)
	box.add(3)
	o := options("mqtts://"+at, box)
	o.Username, o.Files = "till", files("till")
	keys := report.OpenKeyFile(filepath.Join(dir, "cloud.pub"), false)
	o.Verifier, o.TroubleEvery = keys, 20*time.Millisecond
	r, _ := startReporter(t, o)
	c := openCloud(t, cloud.Options{Broker: "mqtts://" + at, File: filepath.Join(dir, "cloud.db"),
		Username: "cloud", Files: files("cloud")})
	run(t, c.Run)
	says := func(words string) {
		t.Helper()
		eventually(t, "the terminal says "+words, func() bool { return strings.Contains(r.State().Problem, words) })
	}
	says("ended the TLS handshake")
	if e := r.State().Ending; e == nil || !e.Urgent || !strings.Contains(e.What, "ended on") {
		t.Errorf("%+v", e)
	}
	for _, who := range []string{"till", "cloud"} {
		// Before the authority's, which ends in an hour: the end that comes first is told.
		renewed := m.client(who, func(c *x509.Certificate) { c.NotAfter = time.Now().Add(time.Hour / 2) })
		put(who+".crt", renewed+".crt")
		put(who+".key", renewed+".key")
	}
	says("refuses this terminal's credentials")
	for _, who := range []string{"till", "cloud"} {
		write(who+".password", "right\n")
	}
	eventually(t, "the cloud counts", func() bool { return count(t, c) == 3 })
	if box.open() != 3 {
		t.Error("an acknowledgement was believed without a key")
	}
	write("cloud.pub", string(publicPEM(t, key(2))))
	eventually(t, "all are delivered", func() bool { return box.open() == 0 })
	eventually(t, "the cloud knows what ends", func() bool {
		all, err := c.Terminals(t.Context())
		return err == nil && len(all) == 1 && strings.Contains(all[0].Alarm, "till.crt) ends on") &&
			strings.Contains(all[0].Alarm, "in less than 3 days")
	})
}

// TestCertificatesEnd: what is told of certificates, and when.
func TestCertificatesEnd(t *testing.T) {
	m := newMaker(t)
	now := time.Now()
	until := func(left time.Duration) string {
		return m.client("x", func(c *x509.Certificate) { c.NotAfter = now.Add(left) }) + ".crt"
	}
	const day = 24 * time.Hour
	bundle := filepath.Join(t.TempDir(), "bundle.pem")
	var all []byte
	for _, one := range []string{until(-day), until(400 * day), until(2 * day)} {
		text, err := os.ReadFile(one)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, text...)
	}
	if err := os.WriteFile(bundle, all, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		files  link.Files
		says   string
		urgent bool
	}{
		"none":    {link.Files{}, "", false},
		"long":    {link.Files{Cert: until(15 * day)}, "", false},
		"14 days": {link.Files{Cert: until(14*day - time.Minute)}, "in less than 14 days", false},
		"3 days":  {link.Files{Cert: until(3*day - time.Minute)}, "in less than 3 days", true},
		"over":    {link.Files{Cert: until(-time.Minute)}, "ended on", true},
		"the authority's": {link.Files{Cert: until(10 * day), CA: until(2 * day)},
			"may sign the broker's", true},
		"one of the authorities'": {link.Files{CA: bundle}, "", false},
		"not there":               {link.Files{Cert: bundle + ".not"}, "", false},
	} {
		e := c.files.Ending(now)
		if (e == nil) != (c.says == "") || e != nil && (!strings.Contains(e.What, c.says) || e.Urgent != c.urgent) {
			t.Errorf("%s: %+v, want %q", name, e, c.says)
		}
	}
}

func publicPEM(t *testing.T, k *signature.Key) []byte {
	t.Helper()
	text, err := signature.EncodePublic(k.Public())
	if err != nil {
		t.Fatal(err)
	}
	return text
}
