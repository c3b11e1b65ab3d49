package cloud_test

import (
	"context"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"smiletill/cmd/smiletill/claiming"
	"smiletill/cmd/smiletill/cloud"
	"smiletill/cmd/smiletill/config"
	"smiletill/cmd/smiletill/front"
	"smiletill/cmd/smiletill/reporting"
	"smiletill/payment"
	"smiletill/payment/cloud/fleet"
	"smiletill/payment/report"
	"smiletill/payment/report/link"
	"smiletill/payment/report/signature"
)

const patience = 30 * time.Second

func until(t *testing.T, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !is(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("not in time: ", what)
		}
	}
}

// free is an address of loopback that nobody listens at.
func free(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}

// up runs a shop's cloud.
func up(t *testing.T, o cloud.Options, claims string) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		ended <- o.Up(ctx, io.Discard, cloud.UpOptions{Claims: claims, MQTT: "127.0.0.1:0"})
	}()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error("cloud up: ", err)
		}
	})
}

// codeOf has a terminal show a code that asks at an address.
func codeOf(t *testing.T, claims string) (code string, stop func()) {
	t.Helper()
	cfg := config.Default()
	cfg.Paths.DataDir, cfg.Claim.Cloud = filepath.Join(t.TempDir(), "data"), "https://"+claims
	c, err := claiming.New(cfg, "test", slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	f, ended := front.New(), make(chan error, 1)
	go func() { ended <- c.Run(ctx, f) }()
	until(t, "a code", func() bool {
		one, _ := f.FaultOf(front.PartsCause)
		code = one.Code
		return code != ""
	})
	return code, func() { cancel(); <-ended }
}

// claimOne has a new terminal claimed by the cloud in a folder, and gives its settings then.
func claimOne(t *testing.T, o cloud.Options, claims, name string) config.Config {
	t.Helper()
	file, data := filepath.Join(t.TempDir(), "t.toml"), filepath.Join(t.TempDir(), "data")
	text := fmt.Sprintf("[paths]\ndata_dir = %q\n[claim]\ncloud = \"https://%s\"\n", data, claims)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg, err := config.Load(file, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	c, err := claiming.New(cfg, "test", slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	f, ended := front.New(), make(chan error, 1)
	go func() { ended <- c.Run(t.Context(), f) }()
	code := ""
	until(t, "a code", func() bool {
		one, _ := f.FaultOf(front.PartsCause)
		code = one.Code
		return code != ""
	})
	var out strings.Builder
	err = o.Claim(t.Context(), &out, cloud.Wish{Code: code, Tenant: "acme", Site: "shop", Name: name})
	if err != nil || !strings.Contains(out.String(), "acme/shop/"+name+" is claimed") {
		t.Fatalf("%v, %s", err, out.String())
	}
	if err := <-ended; !errors.Is(err, claiming.ErrClaimed) {
		t.Fatal(err)
	}
	if cfg, err = config.Load(file, nil, nil); err != nil {
		t.Fatal(err)
	}
	return cfg
}

// acknowledged has a claimed terminal report a fact by what it was given, and waits for the cloud's word.
func acknowledged(t *testing.T, cfg config.Config) {
	t.Helper()
	a := reporting.Address(cfg)
	l, err := link.Dial(t.Context(), link.Options{Broker: cfg.MQTT.Broker, ClientID: a.ClientID(),
		Files: link.Files{CA: cfg.MQTT.CAFile, Cert: cfg.MQTT.CertFile, Key: cfg.MQTT.KeyFile}})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	k, err := signature.OpenKey(cfg.TerminalKeyPath(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	event, err := report.Encode(a, report.Row{Seq: 1, ID: "e1", Kind: "approved", PaymentID: "order-1",
		Hash: "ab", Body: json.RawMessage(`{"amount_minor":100,"currency":"EUR","kind":"approved"}`)},
		report.KeySigner{Key: k})
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Subscribe(t.Context(), a.Topic(report.ChannelAck)); err != nil {
		t.Fatal(err)
	}
	var ack report.Ack
	until(t, "an acknowledgement", func() bool {
		if _, err := l.Publish(t.Context(), a.Topic(report.ChannelPayment), false, event); err != nil {
			t.Fatal(err)
		}
		select {
		case m := <-l.Inbox():
			if ack, err = report.ParseAck(m.Payload); err != nil {
				t.Fatal(err)
			}
		case <-time.After(100 * time.Millisecond): // the cloud may not have subscribed yet
		}
		return ack.ID == "e1"
	})
	if err := report.OpenKeyFile(cfg.CloudKeyPath(), true).VerifyAck(a.Source(), ack); err != nil {
		t.Error(err)
	}
}

// TestUp: two terminals are claimed, and report over the cloud's own broker.
func TestUp(t *testing.T) {
	t.Parallel()
	claims := free(t)
	o := cloud.Options{Data: filepath.Join(t.TempDir(), "cloud"), Listen: "127.0.0.1:0", SubscribeQoS: 1}
	up(t, o, claims)
	for _, name := range []string{"till-1", "till-2"} {
		acknowledged(t, claimOne(t, o, claims, name))
	}
	var out strings.Builder
	if err := o.Terminals(t.Context(), &out); err != nil ||
		strings.Count(out.String(), "smiletill:/acme/shop/till-") != 2 {
		t.Errorf("%v\n%s", err, out.String())
	}
	if err := o.Revoke(t.Context(), io.Discard, "acme/shop/till-9"); payment.HintOf(err) == "" {
		t.Errorf("nobody is revoked: %v", err)
	}
}

// TestUpWithABrokerOfOnesOwn: the certificates that a cloud gives are good for a mosquitto that trusts its
// authority, with the rules that the project ships.
func TestUpWithABrokerOfOnesOwn(t *testing.T) {
	t.Parallel()
	const mosquitto = "/usr/sbin/mosquitto"
	if _, err := exec.LookPath(mosquitto); err != nil {
		t.Skip("mosquitto is not installed: apt-get install mosquitto")
	}
	data := filepath.Join(t.TempDir(), "cloud")
	if err := os.Mkdir(data, 0o700); err != nil {
		t.Fatal(err)
	}
	a, err := fleet.OpenAuthority(data)
	if err != nil {
		t.Fatal(err)
	}
	server, err := a.Server([]string{"127.0.0.1"})
	if err != nil {
		t.Fatal(err)
	}
	key, err := x509.MarshalPKCS8PrivateKey(server.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	dir, at := t.TempDir(), free(t)
	rules, err := filepath.Abs("../../../payment/report/testdata/mosquitto.acl")
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(at)
	file := func(name string) string { return filepath.Join(dir, name) }
	for name, text := range map[string]string{
		"ca.pem":     string(a.PEM()),
		"server.pem": string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate[0]})),
		"server.key": string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key})),
		"m.conf": "user root\nlistener " + port + " 127.0.0.1\ncafile " + file("ca.pem") + "\ncertfile " +
			file("server.pem") + "\nkeyfile " + file("server.key") + "\nrequire_certificate true\n" +
			"use_identity_as_username true\nacl_file " + rules + "\n",
	} {
		if err := os.WriteFile(file(name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.CommandContext(t.Context(), mosquitto, "-c", file("m.conf"))
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	until(t, "mosquitto listens", func() bool {
		c, err := net.Dial("tcp", at)
		return err == nil && c.Close() == nil
	})
	o, claims := cloud.Options{Data: data, Listen: "127.0.0.1:0", SubscribeQoS: 1, Broker: "mqtts://" + at,
		CAFile: file("ca.pem")}, free(t)
	up(t, o, claims)
	acknowledged(t, claimOne(t, o, claims, "till-1"))
}

// TestUpRefuses: what would send terminals nowhere is said before anything is served.
func TestUpRefuses(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = taken.Close() }()
	for name, c := range map[string]struct {
		o cloud.Options
		u cloud.UpOptions
	}{
		"clear text": {cloud.Options{Broker: "mqtt://127.0.0.1:1883", Listen: "127.0.0.1:0", SubscribeQoS: 1},
			cloud.UpOptions{Claims: "127.0.0.1:0"}},
		"no page": {cloud.Options{SubscribeQoS: 1}, cloud.UpOptions{Claims: "127.0.0.1:0", MQTT: "127.0.0.1:0"}},
		"taken door": {cloud.Options{Listen: "127.0.0.1:0", SubscribeQoS: 1},
			cloud.UpOptions{Claims: taken.Addr().String(), MQTT: "127.0.0.1:0"}},
		"taken broker": {cloud.Options{Listen: "127.0.0.1:0", SubscribeQoS: 1},
			cloud.UpOptions{Claims: "127.0.0.1:0", MQTT: taken.Addr().String()}},
		"taken page": {cloud.Options{Listen: taken.Addr().String(), SubscribeQoS: 1},
			cloud.UpOptions{Claims: "127.0.0.1:0", MQTT: "127.0.0.1:0"}},
		"bad quality": {cloud.Options{Listen: "127.0.0.1:0", SubscribeQoS: 7},
			cloud.UpOptions{Claims: "127.0.0.1:0"}},
	} {
		c.o.Data = filepath.Join(t.TempDir(), "cloud")
		if err := c.o.Up(t.Context(), io.Discard, c.u); err == nil || payment.HintOf(err) == "" {
			t.Errorf("%s: %v, hint %q", name, err, payment.HintOf(err))
		}
	}
	o := cloud.Options{Data: filepath.Join(t.TempDir(), "cloud")}
	for _, code := range []string{"", "K7P", "0000"} {
		err := o.Claim(t.Context(), io.Discard, cloud.Wish{Code: code})
		if !errors.As(err, new(*config.UsageError)) || payment.HintOf(err) == "" {
			t.Errorf("%q: %v", code, err)
		}
	}
}

// TestUpByAnotherName: a terminal that has come by a name which the cloud's certificate does not have is
// offered nothing, and whoever typed the code is told which name is missing.
func TestUpByAnotherName(t *testing.T) {
	t.Parallel()
	port := func(at string) string { _, p, _ := net.SplitHostPort(at); return p }
	claims := free(t)
	o := cloud.Options{Data: filepath.Join(t.TempDir(), "cloud"), Listen: "127.0.0.1:0", SubscribeQoS: 1}
	up(t, o, claims)
	strange := "127.0.0.2:" + port(claims) // handed on to the cloud
	l, err := net.Listen("tcp", strange)
	if err != nil {
		t.Skip("this machine has no other loopback address: ", err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			to, err := net.Dial("tcp", claims)
			if err != nil {
				_ = c.Close()
				continue
			}
			go func() { _, _ = io.Copy(to, c); _ = to.Close() }()
			go func() { _, _ = io.Copy(c, to); _ = c.Close() }()
		}
	}()
	code, stop := codeOf(t, strange)
	defer stop()
	err = o.Claim(t.Context(), io.Discard, cloud.Wish{Code: code, Tenant: "acme", Site: "shop", Name: "till-1"})
	if err == nil || !strings.Contains(err.Error(), "--name 127.0.0.2") {
		t.Errorf("%v", err)
	}
}
