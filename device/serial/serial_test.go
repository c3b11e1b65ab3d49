package serial_test

import (
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/creack/pty"

	"smiletill/device/serial"
)

// plug makes a port: the far end of a pseudo-terminal, under a name that stays.
func plug(t *testing.T, link string) *os.File {
	t.Helper()
	far, near, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	_ = os.Remove(link)
	if err := errors.Join(os.Symlink(near.Name(), link), near.Close()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = far.Close() }) // it may be unplugged already
	return far
}

func TestFind(t *testing.T) {
	root := t.TempDir()
	dir := filepath.Join(root, "dev", "serial", "by-id")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	find := func(source, want, hint string) {
		t.Helper()
		got, err := serial.Find(os.DirFS(root), source)
		var h interface{ Hint() string }
		advised := errors.Is(err, serial.ErrNoPort) && errors.As(err, &h) && strings.Contains(h.Hint(), hint)
		if got != want || (err != nil) != (want == "") || err != nil && !advised {
			t.Errorf("%s: %q, %v; want %q and a hint with %q", source, got, err, want, hint)
		}
	}
	add := func(name, node string) {
		t.Helper()
		if err := errors.Join(os.WriteFile(filepath.Join(root, "dev", node), nil, 0o600),
			os.Symlink("../../"+node, filepath.Join(dir, name))); err != nil {
			t.Fatal(err)
		}
	}
	find("auto", "", "no serial port at all")
	find("/dev/ttyACM0", "", "plug the adapter in")
	if err := os.WriteFile(filepath.Join(root, "dev", "ttyAMA0"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	find("auto", "/dev/ttyAMA0", "")
	find("/dev/ttyACM0", "", "there are: /dev/ttyAMA0")
	add("usb-FTDI_Scale-if00", "ttyUSB0")
	find("auto", "/dev/serial/by-id/usb-FTDI_Scale-if00", "")
	add("usb-Silicon_Labs_Printer-if00", "ttyUSB1")
	find("auto", "", "name one: /dev/serial/by-id/usb-FTDI_Scale-if00, /dev/serial/by-id/usb-Silicon")
	add("usb-Qibixx_MDB-HAT_0-if00", "ttyACM0")
	find("auto", "/dev/serial/by-id/usb-Qibixx_MDB-HAT_0-if00", "")
	find("/dev/ttyACM0", "/dev/ttyACM0", "")
	add("usb-Qibixx_MDB-HAT_1-if00", "ttyACM1")
	find("auto", "", "MDB-HAT_0-if00, ")
}

func TestPortIsOnePrograms(t *testing.T) {
	link := filepath.Join(t.TempDir(), "adapter")
	plug(t, link)
	p, err := serial.Open(link, 115200)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := serial.Open(link, 115200); !errors.Is(err, serial.ErrBusy) {
		t.Errorf("opened twice: %v", err)
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	if p, err = serial.Open(link, 115200); err != nil {
		t.Fatal("closed, and not to be had:", err)
	}
	if err := p.Close(); err != nil {
		t.Error(err)
	}
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	var h interface{ Hint() string }
	_, err = serial.Open(file, 115200)
	if !errors.As(err, &h) || !strings.Contains(err.Error(), "no serial port") {
		t.Errorf("a file was opened: %v", err)
	}
}

// TestWhoHasThePortIsNamed: a program that locks nothing.
func TestWhoHasThePortIsNamed(t *testing.T) {
	link := filepath.Join(t.TempDir(), "adapter")
	plug(t, link)
	near, err := os.OpenFile(link, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	other := exec.Command("cat")
	other.Stdin = near
	if err := errors.Join(other.Start(), near.Close()); err != nil {
		t.Fatal(err)
	}
	_, err = serial.Open(link, 115200)
	if !errors.Is(err, serial.ErrBusy) || !strings.Contains(err.Error(), "cat (process ") {
		t.Error(err)
	}
	if err := other.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = other.Wait() // it was killed
	p, err := serial.Open(link, 115200)
	if err != nil {
		t.Fatal("the other program has ended:", err)
	}
	if err := p.Close(); err != nil {
		t.Error(err)
	}
}

// heard collects what a link tells.
type heard struct {
	opened chan string
	data   chan string
	lost   chan error
}

func run(t *testing.T, link string) (*serial.Link, heard) {
	t.Helper()
	h := heard{make(chan string, 10), make(chan string, 1000), make(chan error, 10)}
	l := &serial.Link{
		Source: link, Baud: 115200,
		Opened: func(path string) { h.opened <- path },
		Data:   func(b []byte) { h.data <- string(b) },
		Lost:   func(err error) { h.lost <- err },
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { defer close(ended); l.Run(ctx) }()
	t.Cleanup(func() { stop(); <-ended })
	return l, h
}

func wait[T any](t *testing.T, c chan T, what string) T {
	t.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(20 * time.Second):
		t.Fatal("never came:", what)
		panic("unreachable")
	}
}

// TestUnpluggedAndReplugged: a port that is not there yet, comes, goes and comes back as another node.
func TestUnpluggedAndReplugged(t *testing.T) {
	link := filepath.Join(t.TempDir(), "adapter")
	l, h := run(t, link)
	if err := wait(t, h.lost, "that there is no port"); !errors.Is(err, serial.ErrNoPort) {
		t.Error(err)
	}
	if err := l.Write([]byte("V\n")); !errors.Is(err, serial.ErrClosed) {
		t.Error(err)
	}
	for round := range 2 {
		far := plug(t, link)
		if got := wait(t, h.opened, "an open port"); got != link {
			t.Errorf("opened %s", got)
		}
		if err := l.Write([]byte("C,0\r\n")); err != nil {
			t.Fatal(err)
		}
		buf := make([]byte, 5)
		if _, err := io.ReadFull(far, buf); err != nil || string(buf) != "C,0\r\n" { // raw: nothing is translated
			t.Fatalf("%q, %v", buf, err)
		}
		if _, err := far.WriteString("c,0\r\n"); err != nil {
			t.Fatal(err)
		}
		for got := ""; got != "c,0\r\n"; {
			got += wait(t, h.data, "what the adapter says")
		}
		if err := far.Close(); err != nil {
			t.Fatal(err)
		}
		if err := wait(t, h.lost, "that the port is gone"); err == nil {
			t.Error("lost without a reason in round", round)
		}
		if err := os.Remove(link); err != nil {
			t.Fatal(err)
		}
		wait(t, h.lost, "that there is no port any more")
	}
}

// TestDeviceThatTakesNothing: a write ends, and the port is opened anew.
func TestDeviceThatTakesNothing(t *testing.T) {
	link := filepath.Join(t.TempDir(), "adapter")
	plug(t, link)
	l, h := run(t, link)
	wait(t, h.opened, "an open port")
	line := []byte(strings.Repeat("x", 4000))
	for range 100 { // the kernel takes some
		if err := l.Write(line); err != nil {
			if !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Error(err)
			}
			wait(t, h.lost, "that it takes nothing")
			return
		}
	}
	t.Error("400 kB were taken by nobody")
}
