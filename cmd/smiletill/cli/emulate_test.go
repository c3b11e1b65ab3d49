//go:build linux && !notflite

package cli_test

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	crand "crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
	"math/big"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"smiletill/cmd/smiletill/config"
	"smiletill/cmd/smiletill/demo"
	rig "smiletill/device/bench"
	"smiletill/device/bench/remote"
	"smiletill/payment/cloud"
	"smiletill/payment/report/signature"
)

// TestEmulatedShopDay boots Debian's arm64 kernel in QEMU, installs the arm64 package in it and plays a shop
// day on the kernel's real camera and GPIO drivers. `make emulate` prepares what it needs in the folder
// SMILETILL_EMULATE and runs it; elsewhere it skips.
func TestEmulatedShopDay(t *testing.T) {
	dir := os.Getenv("SMILETILL_EMULATE")
	if dir == "" {
		t.Skip("SMILETILL_EMULATE is not set: `make emulate` plays a shop day in an emulated machine")
	}
	ctx, stop := context.WithTimeout(t.Context(), wholeDay)
	defer stop()
	d := &emulation{t: t, dir: dir, started: time.Now(), films: map[string]rig.Film{}, slow: quickest}
	if err := d.prepare(ctx); err != nil {
		t.Fatal(err)
	}
	d.play(ctx)
	if d.m != nil {
		if err := d.m.Cut(); err != nil {
			t.Error(err)
		}
	}
	if err := d.report(); err != nil {
		t.Fatal(err)
	}
	if d.failed != "" {
		t.Fatalf("%q did not end as it must; the report above says more", d.failed)
	}
}

// emulation is a shop whose terminal runs in an emulated machine; broker and cloud are on this one.
type emulation struct {
	t       *testing.T
	dir     string // of kernel, package and test programs
	started time.Time
	m       *remote.Machine
	boots   int
	port    int    // of the broker
	ca      []byte // that signed its certificate
	cloud   *cloud.Receiver
	keys    string // folder of the terminal's and the cloud's keys
	films   map[string]rig.Film
	street  *street
	slow    int // frames that a picture of a smile is shown for
	scenes  []sceneResult
	figures []figure
	failed  string
}

// wholeDay bounds the day on this machine's clock, of which it needs a tenth. Nothing else in it goes by that
// clock: an emulated machine has as much time as it takes for what it does.
const wholeDay = 40 * time.Minute

// shopCamera is what the virtual camera calls itself.
const shopCamera = "Corner Shop Camera"

func (d *emulation) say(format string, args ...any) {
	fmt.Printf("%6.1f s  %s\n", time.Since(d.started).Seconds(), fmt.Sprintf(format, args...))
}

func (d *emulation) path(parts ...string) string {
	return filepath.Join(append([]string{d.dir}, parts...)...)
}

// prepare makes the disk, the broker, the cloud and the films.
func (d *emulation) prepare(ctx context.Context) error {
	disk := d.path("data.img")
	if err := os.RemoveAll(disk); err != nil {
		return err
	}
	f, err := os.Create(disk)
	if err != nil {
		return err
	}
	if err := errors.Join(f.Truncate(64<<20), f.Close()); err != nil {
		return err
	}
	mkfs := exec.CommandContext(ctx, "mkfs.ext4", "-q", "-L", "smiletill-data", disk)
	mkfs.Env = append(os.Environ(), "PATH="+os.Getenv("PATH")+":/sbin:/usr/sbin")
	if out, err := mkfs.CombinedOutput(); err != nil {
		return fmt.Errorf("make the data disk: %w: %s", err, out)
	}
	if err := d.film(); err != nil {
		return err
	}
	if err := d.startBroker(); err != nil {
		return err
	}
	if err := d.startMachine(); err != nil {
		return err
	}
	return d.startCloud()
}

// startBroker starts mosquitto with TLS for the terminal and without for the cloud, on loopback both.
func (d *emulation) startBroker() error {
	dir := d.t.TempDir()
	cert, key, err := brokerCertificate(net.ParseIP(remote.HostAddress))
	if err != nil {
		return err
	}
	d.ca = cert
	d.port = 20000 + rand.IntN(10000)
	conf := fmt.Sprintf("allow_anonymous true\npersistence false\nlog_dest stderr\n"+
		"listener %d 127.0.0.1\nlistener %d 127.0.0.1\ncertfile %s/cert.pem\nkeyfile %s/key.pem\n",
		d.port+1, d.port, dir, dir)
	for name, data := range map[string][]byte{"cert.pem": cert, "key.pem": key, "conf": []byte(conf)} {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o644); err != nil { // mosquitto changes its user
			return err
		}
	}
	for p := dir; strings.HasPrefix(p, os.TempDir()+"/"); p = filepath.Dir(p) {
		if err := os.Chmod(p, 0o755); err != nil {
			return err
		}
	}
	log, err := os.Create(d.path("broker.log"))
	if err != nil {
		return err
	}
	defer log.Close()
	cmd := exec.Command("/usr/sbin/mosquitto", "-c", filepath.Join(dir, "conf"))
	cmd.Stderr = log
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start the broker: %w", err)
	}
	d.t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	for range 100 {
		if c, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", d.port)); err == nil {
			return c.Close()
		}
		time.Sleep(50 * time.Millisecond)
	}
	return fmt.Errorf("the broker does not listen; %s says why", d.path("broker.log"))
}

// brokerCertificate is a self-signed certificate for an address, and its key, as PEM.
func brokerCertificate(ip net.IP) (cert, key []byte, err error) {
	k, err := ecdsa.GenerateKey(elliptic.P256(), crand.Reader)
	if err != nil {
		return nil, nil, err
	}
	tmpl := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "shop day"}, IPAddresses: []net.IP{ip},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour), IsCA: true,
		BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(crand.Reader, tmpl, tmpl, &k.PublicKey, k)
	if err != nil {
		return nil, nil, err
	}
	private, err := x509.MarshalPKCS8PrivateKey(k)
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}), err
}

// alarmTold waits until the terminal's status message at the broker says what is wrong.
func (d *emulation) alarmTold(ctx context.Context, words string) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	cmd := exec.CommandContext(ctx, "mosquitto_sub", "-h", "127.0.0.1", "-p", strconv.Itoa(d.port+1),
		"-t", "v1/+/+/+/status")
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	defer func() { _ = cmd.Process.Kill(); _ = cmd.Wait() }()
	last := ""
	for s := bufio.NewScanner(out); s.Scan(); {
		if last = s.Text(); strings.Contains(last, words) {
			return nil
		}
	}
	return fmt.Errorf("the terminal's status at the broker does not say %q: %s", words, last)
}

func (d *emulation) startCloud() error {
	k, err := signature.NewKey(crand.Reader)
	if err != nil {
		return err
	}
	c, err := cloud.Open(d.t.Context(), cloud.Options{
		Broker: fmt.Sprintf("mqtt://127.0.0.1:%d", d.port+1), File: filepath.Join(d.t.TempDir(), "cloud.db"),
		Key: k, Log: slog.New(slog.DiscardHandler), Rand: rand.New(rand.NewPCG(1, 2)),
	})
	if err != nil {
		return err
	}
	d.cloud = c
	d.keys = d.t.TempDir()
	cfg := config.Default()
	cfg.Terminal.Tenant = "acme"
	if err := demo.Introduce(d.t.Context(), c, cfg, filepath.Join(d.keys, "data")); err != nil {
		return err
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- c.Run(ctx) }()
	d.t.Cleanup(func() {
		stop()
		if err := errors.Join(<-ended, c.Close()); err != nil {
			d.t.Errorf("end of the cloud: %v", err)
		}
	})
	return nil
}

// boot starts the machine with the data disk, and installs the package in it.
func (d *emulation) boot(ctx context.Context) (err error) {
	d.boots++
	d.m, err = remote.Start(ctx, remote.Options{
		Guest: d.path("guest"), Run: d.path("run", strconv.Itoa(d.boots)), Disk: d.path("data.img"),
		Serial: d.street.link,
	})
	if err != nil {
		return err
	}
	if err := d.m.Mount(ctx, "/var/lib/smiletill"); err != nil {
		return fmt.Errorf("mount the data disk: %w", err)
	}
	archive, err := filepath.Glob(d.path("package", "*.tar.gz"))
	if err != nil || len(archive) != 1 {
		return fmt.Errorf("look for the arm64 package: found %v, %w", archive, err)
	}
	data, err := os.ReadFile(archive[0])
	if err != nil {
		return err
	}
	if err := d.m.Put(ctx, "/tmp/smiletill.tar.gz", data, 0o644); err != nil {
		return err
	}
	_, err = d.sh(ctx, "cd / && gzip -dc /tmp/smiletill.tar.gz | tar -x && "+
		"rm /tmp/smiletill.tar.gz && chmod 700 /var/lib/smiletill && rm -rf /var/lib/smiletill/lost+found")
	if err != nil {
		return fmt.Errorf("install the package: %w", err)
	}
	if err := d.m.Put(ctx, "/etc/smiletill/ca.pem", d.ca, 0o644); err != nil {
		return err
	}
	// The terminal's key is on its disk, and stays there; the cloud's is in its configuration.
	for from, to := range map[string]string{
		"terminal.key": "/var/lib/smiletill/terminal.key", "cloud.pub": "/etc/smiletill/cloud.pub",
	} {
		data, err := os.ReadFile(filepath.Join(d.keys, "data", from))
		if err != nil {
			return err
		}
		if err := d.m.Put(ctx, to, data, 0o600); err != nil {
			return err
		}
	}
	board, err := description()
	if err != nil {
		return err
	}
	if err := d.m.Put(ctx, "/etc/smiletill/board.toml", []byte(board), 0o644); err != nil {
		return err
	}
	return d.m.Put(ctx, "/etc/smiletill/smiletill.toml", []byte(d.config()), 0o644)
}

// config is the terminal's configuration: what a technician writes, and for the bench that its camera is a
// program.
func (d *emulation) config() string {
	return fmt.Sprintf(`[terminal]
tenant = "acme"
site = "shop"
id = "till-1"
name = "The Corner Shop"
[camera]
source = "card:%s"
test_source = true
[board]
kind = "/etc/smiletill/board.toml"
[payment]
timeout = "5m"
[vending]
port = "%s"
timeout = "5m" # a smile takes its time there
[liveness]
mode = "off" # the machine has no screen
[mqtt]
broker = "mqtts://%s:%d"
ca_file = "/etc/smiletill/ca.pem"
cloud_key_file = "/etc/smiletill/cloud.pub"
[log]
format = "json"
`, shopCamera, vendingPort, remote.HostAddress, d.port)
}

// sh runs a line of shell in the guest.
func (d *emulation) sh(ctx context.Context, line string) (string, error) {
	const tools = "mkdir -p /bb; [ -e /bb/tar ] || /bin/busybox --install -s /bb; PATH=/bb:$PATH; "
	r, err := d.m.Run(ctx, remote.Command{Argv: []string{"/bin/busybox", "sh", "-c", tools + line}})
	if err == nil {
		err = r.Must()
	}
	return r.Stdout, err
}

// till runs a command of smiletill in the guest.
func (d *emulation) till(ctx context.Context, args ...string) (remote.Result, error) {
	argv := append([]string{"/usr/bin/smiletill"}, args...)
	return d.m.Run(ctx, remote.Command{Argv: argv, Timeout: wholeDay})
}
