//go:build linux

package buildroot_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/binary"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// What an emulated machine finds in its network: QEMU's own, which leads nowhere but to the broker.
const (
	cardAddress   = "10.0.2.15"
	brokerAddress = "10.0.2.100"
)

// shopNet is what stands around a card: a broker and a cloud, a technician's key, a cable that carries ssh to
// the card and the card's connections to the broker, and lets a test hear what is said by multicast.
type shopNet struct {
	t          *testing.T
	dir        string // short: the paths of sockets are
	ssh        int    // port of this machine that leads to the card's 22
	plain, tls int    // of the broker, for the cloud and for terminals
	ears       *net.UnixConn
}

func newShop(t *testing.T) *shopNet {
	t.Helper()
	dir, err := os.MkdirTemp("", "shop")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	s := &shopNet{t: t, dir: dir, ssh: free(t), plain: free(t), tls: free(t)}
	output(t, "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "anna@laptop", "-f", s.at("id"))
	s.broker()
	s.cloud()
	s.ears, err = net.ListenUnixgram("unixgram", &net.UnixAddr{Name: s.at("ears"), Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = s.ears.Close()
		_ = exec.Command("ssh", append([]string{"-O", "exit"}, s.technician()...)...).Run()
	})
	return s
}

func (s *shopNet) at(name string) string { return filepath.Join(s.dir, name) }

func (s *shopNet) write(name, text string, mode os.FileMode) {
	s.t.Helper()
	if err := os.WriteFile(s.at(name), []byte(text), mode); err != nil {
		s.t.Fatal(err)
	}
}

// free is a port of this machine that nobody listens on.
func free(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// runs starts a program for as long as the test takes.
func (s *shopNet) runs(name string, args ...string) {
	s.t.Helper()
	log, err := os.Create(s.at(filepath.Base(name) + ".log"))
	if err != nil {
		s.t.Fatal(err)
	}
	defer log.Close()
	cmd := exec.Command(name, args...)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { _ = cmd.Wait(); close(ended) }()
	s.t.Cleanup(func() {
		select {
		case <-ended:
			s.t.Errorf("%v ended before the test:\n%s", cmd.Args, read(s.t, log.Name()))
		default:
			_ = cmd.Process.Kill()
			<-ended
		}
	})
}

// broker is a real one: TLS for terminals, without it for the cloud, both on this machine alone.
func (s *shopNet) broker() {
	s.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		s.t.Fatal(err)
	}
	c := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "shop"},
		IPAddresses: []net.IP{net.ParseIP(brokerAddress)},
		NotBefore:   time.Now().Add(-time.Hour), NotAfter: time.Now().Add(90 * 24 * time.Hour), IsCA: true,
		BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, c, c, &key.PublicKey, key)
	if err != nil {
		s.t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		s.t.Fatal(err)
	}
	s.write("ca.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})), 0o644)
	s.write("broker.key", string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret})), 0o644)
	s.write("broker.conf", fmt.Sprintf("allow_anonymous true\npersistence false\nlog_dest stderr\n"+
		"listener %d 127.0.0.1\nlistener %d 127.0.0.1\ncertfile %s\nkeyfile %s\n", s.plain, s.tls, s.at("ca.pem"),
		s.at("broker.key")), 0o644)
	for p := s.dir; strings.HasPrefix(p, os.TempDir()+"/"); p = filepath.Dir(p) { // mosquitto changes its user
		if err := os.Chmod(p, 0o755); err != nil {
			s.t.Fatal(err)
		}
	}
	s.runs("/usr/sbin/mosquitto", "-c", s.at("broker.conf"))
	// What the card sends to brokerAddress comes here: QEMU starts one of these for each connection.
	s.write("relay", fmt.Sprintf("#!/bin/bash\nexec 3<>/dev/tcp/127.0.0.1/%d || exit 1\n"+
		"cat <&3 &\ncat >&3\nkill $!\n", s.tls), 0o755)
	for range 100 {
		if c, err := net.Dial("tcp", "127.0.0.1:"+strconv.Itoa(s.tls)); err == nil {
			_ = c.Close()
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	s.t.Fatalf("the broker does not listen:\n%s", read(s.t, s.at("mosquitto.log")))
}

// cloud is the project's own receiver, as an operator starts it.
func (s *shopNet) cloud() {
	s.t.Helper()
	s.write("cloud.pub", output(s.t, terminal, "cloud", "key", "--data", s.at("cloud")), 0o644)
	s.runs(terminal, "cloud", "run", "--data", s.at("cloud"), "--listen", "127.0.0.1:"+strconv.Itoa(free(s.t)),
		"--broker", "mqtt://127.0.0.1:"+strconv.Itoa(s.plain))
}

// cable is what a machine needs to be in this network: one card of its own.
func (s *shopNet) cable() []string {
	return []string{"-netdev", fmt.Sprintf("user,id=out,restrict=on,hostfwd=tcp:127.0.0.1:%d-:22,"+
		"guestfwd=tcp:%s:8883-cmd:%s", s.ssh, brokerAddress, s.at("relay")),
		"-netdev", fmt.Sprintf("dgram,id=ears,local.type=unix,local.path=%s,remote.type=unix,remote.path=%s",
			s.at("mouth"), s.at("ears")),
		"-netdev", "hubport,id=one,hubid=0,netdev=out", "-netdev", "hubport,id=two,hubid=0,netdev=ears",
		"-netdev", "hubport,id=three,hubid=0", "-device", "virtio-net-pci,netdev=three,romfile="}
}

// stick is a stick called CONFIG with first settings, and what plugs it in.
func (s *shopNet) stick(settings string) []string {
	s.t.Helper()
	if err := os.WriteFile(s.at("stick"), make([]byte, 8<<20), 0o600); err != nil {
		s.t.Fatal(err)
	}
	s.write("setup.toml", settings, 0o644)
	output(s.t, "/sbin/mkfs.vfat", "-n", "CONFIG", s.at("stick"))
	output(s.t, "mcopy", "-i", s.at("stick"), s.at("setup.toml"), "::setup.toml")
	return []string{"-drive", "if=none,id=stick,format=raw,file=" + s.at("stick"),
		"-device", "usb-storage,drive=stick"}
}

// report is what stands on the stick.
func (s *shopNet) report() string {
	s.t.Helper()
	return output(s.t, "mtype", "-i", s.at("stick"), "::setup-report.txt")
}

// said is what a command on the card printed, and its exit code.
type said struct {
	text string
	code int
}

// technician is what ssh is given to be the technician on the card.
func (s *shopNet) technician() []string {
	return []string{"-S", s.at("mux"), "-i", s.at("id"), "-p", strconv.Itoa(s.ssh),
		"-o", "IdentitiesOnly=yes", "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=accept-new",
		"-o", "UserKnownHostsFile=" + s.at("known"), "-o", "ConnectTimeout=60", "-o", "LogLevel=ERROR",
		"-o", "KexAlgorithms=curve25519-sha256", "technician@127.0.0.1"}
}

// on runs a command on the card as the technician. Who can't log in has code 255. All commands go by one
// login, which stays: an emulated processor needs many seconds for each.
func (s *shopNet) on(ctx context.Context, command ...string) said {
	if _, err := os.Stat(s.at("mux")); err != nil {
		log := filepath.Join(s.dir, "ssh.log")
		login := exec.CommandContext(ctx, "sh", append([]string{"-c", `exec ssh "$@" >"$0" 2>&1`, log,
			"-f", "-N", "-M"}, s.technician()...)...)
		if login.Run() != nil {
			text, _ := os.ReadFile(log)
			return said{string(text), 255}
		}
	}
	cmd := exec.CommandContext(ctx, "ssh", append(s.technician(), command...)...)
	cmd.WaitDelay = time.Second
	out, err := cmd.CombinedOutput()
	var ended *exec.ExitError
	switch {
	case errors.As(err, &ended):
		return said{string(out), ended.ExitCode()}
	case err != nil:
		return said{string(out) + err.Error(), 255}
	}
	return said{string(out), 0}
}

// until has a command of the card repeated until it says so.
func (s *shopNet) until(what string, patience time.Duration, is func(said) bool, command ...string) said {
	s.t.Helper()
	ctx, stop := context.WithTimeout(s.t.Context(), patience)
	defer stop()
	for {
		got := s.on(ctx, command...)
		if is(got) {
			return got
		}
		select {
		case <-ctx.Done():
			s.t.Fatalf("%s: not within %v; %v says (code %d):\n%s", what, patience, command, got.code,
				last(got.text))
		case <-time.After(time.Second):
		}
	}
}

// resolve asks for a name by multicast DNS (RFC 6762), and gives the address that is answered.
func (s *shopNet) resolve(name string, patience time.Duration) string {
	s.t.Helper()
	to := &net.UnixAddr{Name: s.at("mouth"), Net: "unixgram"}
	b := make([]byte, 2048)
	for end := time.Now().Add(patience); time.Now().Before(end); {
		if _, err := s.ears.WriteToUnix(question(name), to); err != nil {
			s.t.Fatal(err)
		}
		_ = s.ears.SetReadDeadline(time.Now().Add(3 * time.Second))
		for {
			n, err := s.ears.Read(b)
			if err != nil {
				break
			}
			if ip := answer(b[:n], name); ip != "" {
				return ip
			}
		}
	}
	return ""
}

// labels is a name as DNS writes it.
func labels(name string) (b []byte) {
	for part := range strings.SplitSeq(name, ".") {
		b = append(append(b, byte(len(part))), part...)
	}
	return append(b, 0)
}

// question is a frame from 10.0.2.9 to 224.0.0.251, UDP, that asks for the address of a name.
func question(name string) []byte {
	be := binary.BigEndian
	dns := append([]byte{0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0}, append(labels(name), 0, 1, 0, 1)...)
	udp := be.AppendUint16(nil, 5353)
	udp = be.AppendUint16(udp, 5353)
	udp = be.AppendUint16(udp, uint16(8+len(dns)))
	udp = append(append(udp, 0, 0), dns...) // without a checksum
	ip := append([]byte{0x45, 0, 0, 0, 0, 0, 0, 0, 255, 17, 0, 0}, 10, 0, 2, 9, 224, 0, 0, 251)
	be.PutUint16(ip[2:], uint16(20+len(udp)))
	sum := uint32(0)
	for i := 0; i < len(ip); i += 2 {
		sum += uint32(be.Uint16(ip[i:]))
	}
	be.PutUint16(ip[10:], ^uint16(sum+sum>>16))
	frame := []byte{1, 0, 0x5e, 0, 0, 251, 0x52, 0x55, 10, 0, 2, 9, 8, 0}
	return append(append(frame, ip...), udp...)
}

// answer is the address that a frame gives for a name, or "".
func answer(frame []byte, name string) string {
	const head = 14 + 20 + 8
	if len(frame) < head+12 || frame[12] != 8 || frame[13] != 0 || frame[23] != 17 || frame[head+2]&0x80 == 0 {
		return ""
	}
	// the record: name, type A, class IN with the bit that flushes, time to live, 4 bytes
	_, rest, ok := bytes.Cut(frame[head+12:], append(labels(name), 0, 1, 0x80, 1))
	if !ok || len(rest) < 10 {
		return ""
	}
	return net.IP(rest[6:10]).String()
}
