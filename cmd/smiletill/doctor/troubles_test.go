//go:build !notflite

package doctor_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"smiletill/cmd/smiletill/config"
	"smiletill/cmd/smiletill/doctor"
	"smiletill/cmd/smiletill/terminal/terminaltest"
	"smiletill/payment"
	"smiletill/payment/journal"
	"smiletill/payment/report/signature"
)

// TestMain lets this test program be the child that tries delegate libraries, as smiletill itself is.
func TestMain(m *testing.M) { terminaltest.Main(m) }

// unpack reads the parts of a support's file.
func unpack(t *testing.T, packed []byte) map[string]string {
	t.Helper()
	zip, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	for files := tar.NewReader(zip); ; {
		head, err := files.Next()
		if errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(files)
		if err != nil {
			t.Fatal(err)
		}
		all[filepath.Base(head.Name)] = string(text)
	}
}

// stopped is a terminal that does not run and has nothing wrong.
type stopped struct {
	dir string
	doctor.Terminal
}

func newStopped(t *testing.T) *stopped {
	t.Helper()
	s := &stopped{dir: t.TempDir()}
	cfg := config.Default()
	cfg.Terminal.Tenant = "test"
	cfg.Paths = config.PathsConfig{DataDir: filepath.Join(s.dir, "data"),
		ControlSocket: filepath.Join(s.dir, "socket")}
	cfg.MQTT.Broker = refusing(t)
	s.Terminal = doctor.Terminal{Version: "test", Cfg: cfg, Probe: wellProbe(t, nil)}
	write(t, cfg.CloudKeyPath(), cloudKey(t))
	return s
}

// certificate writes one that ended.
func certificate(t *testing.T, path string, end time.Time) {
	t.Helper()
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: end.AddDate(-1, 0, 0), NotAfter: end}
	der, err := x509.CreateCertificate(rand.Reader, c, c, public, private)
	if err != nil {
		t.Fatal(err)
	}
	write(t, path, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})))
}

// cloudKey is a public key as the cloud prints it.
func cloudKey(t *testing.T) string {
	t.Helper()
	text, err := signature.EncodePublic(terminaltest.NewKey(t).Public())
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// parked leaves an approval behind that the cloud refuses.
func parked(t *testing.T, path string) {
	t.Helper()
	j, err := journal.Open(t.Context(), path, journal.Options{Terminal: "till-1"})
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	amount, err := payment.ParseAmount("1.50 EUR")
	if err != nil {
		t.Fatal(err)
	}
	p, err := payment.Open(payment.Request{ID: "one", Amount: amount}, now, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	if err := j.Commit(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	for _, e := range []payment.Event{payment.Recognised{Customer: "c1"},
		payment.Consented{Evidence: payment.Evidence{Customer: "c1", MatchFrames: 9, SmileFrames: 4, Since: now,
			At: now}}} {
		if p, err = payment.Next(p, e, now); err != nil {
			t.Fatal(err)
		}
	}
	if err := j.Commit(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	rows, err := j.Outbox().Pending(t.Context(), 0, 1)
	if err != nil || len(rows) != 1 {
		t.Fatal(rows, err)
	}
	if err := errors.Join(j.Outbox().Park(t.Context(), rows[0].Seq, "refused"), j.Close()); err != nil {
		t.Fatal(err)
	}
}

// TestTroublesAreToldApart plants a trouble each, and has the support's file name it, and no other.
func TestTroublesAreToldApart(t *testing.T) {
	data := func(s *stopped, name string) string { return filepath.Join(s.Cfg.Paths.DataDir, name) }
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody := closed.Addr().String()
	if err := closed.Close(); err != nil {
		t.Fatal(err)
	}
	troubles := []struct {
		name, words string
		plant       func(t *testing.T, s *stopped)
	}{
		{"disk full", "the disk is full", func(_ *testing.T, s *stopped) {
			s.Probe.Disk = func(string) (doctor.Disk, error) { return doctor.Disk{Free: 4096, Size: 8 << 30}, nil }
		}},
		{"clock", "nothing keeps the clock right", func(_ *testing.T, s *stopped) {
			s.Probe.ClockSet = func() bool { return false }
		}},
		{"voltage", "the voltage was too low", func(t *testing.T, s *stopped) {
			s.Probe.Root = wellRoot(t, map[string]string{
				"/sys/devices/platform/soc/soc:firmware/get_throttled": "50000"})
		}},
		{"camera gone", "no such camera", func(t *testing.T, s *stopped) {
			s.Probe.Root = wellRoot(t, map[string]string{"/dev/video0": "",
				"/sys/class/video4linux/video0/name": "", "/sys/class/video4linux/video0/index": ""})
		}},
		{"certificate ended", "client's certificate", func(t *testing.T, s *stopped) {
			s.Cfg.MQTT.CertFile = data(s, "client.crt")
			certificate(t, s.Cfg.MQTT.CertFile, noon.Add(-time.Hour))
		}},
		{"no authority", "mqtt.ca_file names it", func(_ *testing.T, s *stopped) {
			s.Cfg.MQTT.CAFile = data(s, "ca.pem")
		}},
		{"no certificate", "holds no certificate", func(t *testing.T, s *stopped) {
			s.Cfg.MQTT.CertFile = data(s, "client.crt")
			write(t, s.Cfg.MQTT.CertFile, "-----BEGIN NOTHING-----\n")
		}},
		{"model damaged", "the manifest has sha256", func(t *testing.T, s *stopped) {
			s.Cfg.Paths.ModelsDir = terminaltest.CopyModels(t)
			files, err := filepath.Glob(s.Cfg.Paths.ModelsDir + "/*.tflite")
			if err != nil || len(files) == 0 {
				t.Fatal(files, err)
			}
			text := terminaltest.Read(t, files[0])
			text[len(text)/2] ^= 1
			write(t, files[0], string(text))
		}},
		{"alarm", "the case was opened", func(t *testing.T, s *stopped) {
			write(t, s.Cfg.TamperPath(), `{"since":"2026-11-30T10:00:00Z"}`)
		}},
		{"backlog parked", "can't be delivered (parked)", func(t *testing.T, s *stopped) {
			parked(t, s.Cfg.JournalPath())
		}},
		{"key for all", "others may read", func(t *testing.T, s *stopped) {
			write(t, s.Cfg.TerminalKeyPath(), "key")
			if err := os.Chmod(s.Cfg.TerminalKeyPath(), 0o644); err != nil {
				t.Fatal(err)
			}
		}},
		{"gallery of other models", "of other models", func(t *testing.T, s *stopped) {
			write(t, filepath.Join(s.Cfg.GalleryDir(), "c_"+strings.Repeat("a", 26)+".face"),
				"smtface\x01"+strings.Repeat("x", 200))
		}},
		{"broker gone", "the broker can't be reached", func(t *testing.T, s *stopped) {
			s.Cfg.MQTT.Broker = "mqtt://" + nobody
			write(t, s.Cfg.CloudKeyPath(), cloudKey(t))
		}},
		{"settings", "load configuration", func(_ *testing.T, s *stopped) {
			_, s.CfgErr = config.Load("/nowhere/smiletill.toml", nil, nil)
		}},
	}
	well := newStopped(t).Examine(t.Context())
	if n := len(well.Findings); n < 8 || well.Findings[0].Part != "terminal" ||
		well.Findings[1].Level == "fault" || well.Findings[1].Level == "warning" {
		t.Fatalf("of one that is well but stopped: %+v", well.Findings)
	}
	for _, c := range troubles {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := newStopped(t)
			c.plant(t, s)
			var packed bytes.Buffer
			if err := s.Support(t.Context(), &packed); err != nil {
				t.Fatal(err)
			}
			page := unpack(t, packed.Bytes())["doctor.txt"]
			for _, other := range troubles {
				if strings.Contains(page, other.words) != (other.name == c.name) {
					t.Errorf("%q is told: %t\n%s", other.words, other.name != c.name, page)
				}
			}
			lines := strings.Split(page, "\n")
			for i, l := range lines {
				if strings.Contains(l, c.words) && (!strings.HasPrefix(l, "FAULT") && !strings.HasPrefix(l, "WARNING") ||
					!strings.Contains(lines[i+1], "-> ")) {
					t.Errorf("without level or advice: %s\n%s", l, lines[i+1])
				}
			}
		})
	}
}

// TestATerminalThatHangs: it takes connections and never answers; it is told, its files are read, and the
// support's file is made.
func TestATerminalThatHangs(t *testing.T) {
	t.Parallel()
	s := newStopped(t)
	s.Probe.Patience = 50 * time.Millisecond
	silent, err := net.Listen("unix", s.Cfg.Paths.ControlSocket)
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	var packed bytes.Buffer
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := s.Support(ctx, &packed); err != nil || ctx.Err() != nil {
		t.Fatal(err, ctx.Err())
	}
	page := unpack(t, packed.Bytes())["doctor.txt"]
	for _, w := range []string{"FAULT    terminal", "it runs, but does not answer", "-> ",
		"models", "its files were read"} {
		if !strings.Contains(page, w) {
			t.Errorf("no %q in\n%s", w, page)
		}
	}
}

// TestWhatCanNotBeSeenIsNoFault: a path that can't be looked at is unknown, with what to do, and no alarm.
func TestWhatCanNotBeSeenIsNoFault(t *testing.T) {
	t.Parallel()
	s := newStopped(t)
	s.Cfg.Paths.DataDir = filepath.Join(s.dir, "plain")
	write(t, s.Cfg.Paths.DataDir, "no folder: not a directory is what a path below it says")
	for _, f := range s.Examine(t.Context()).Findings {
		if f.Part == "case" && (f.Level != "unknown" || f.Do == "" || strings.Contains(f.What, "opened")) {
			t.Errorf("the case: %+v", f)
		}
	}
	s = newStopped(t)
	s.CfgErr = fmt.Errorf("load configuration: %w",
		&fs.PathError{Op: "open", Path: s.dir, Err: fs.ErrPermission})
	for _, f := range s.Examine(t.Context()).Findings {
		if f.Part == "settings" && (f.Level != "unknown" || f.Do == "") {
			t.Errorf("settings that this user may not read: %+v", f)
		}
	}
}

// TestSupportFileIsItsUsers: made with sudo it is the file of who asked, and nobody else's.
func TestSupportFileIsItsUsers(t *testing.T) {
	uid, gid := os.Getuid(), os.Getgid()
	if uid == 0 { // nobody else gives files away
		uid, gid = 54321, 54322
	}
	t.Setenv("SUDO_UID", strconv.Itoa(uid))
	t.Setenv("SUDO_GID", strconv.Itoa(gid))
	s := newStopped(t)
	file := filepath.Join(s.dir, "support.tar.gz")
	if err := s.SupportFile(t.Context(), file, io.Discard); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(file)
	if err != nil {
		t.Fatal(err)
	}
	if own, ok := info.Sys().(*syscall.Stat_t); !ok || int(own.Uid) != uid || int(own.Gid) != gid ||
		info.Mode().Perm() != 0o600 {
		t.Errorf("%+v %v", own, info.Mode())
	}
}
