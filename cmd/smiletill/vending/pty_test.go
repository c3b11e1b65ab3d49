package vending

import (
	"bufio"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// A signal that comes while the port is looked at loses no line: the machine said that its product fell, and
// on a busy computer the reader's half was not told, so that the vend was taken back.
func TestSignalsLoseNoLine(t *testing.T) {
	p, err := newPseudo(filepath.Join(t.TempDir(), "adapter"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = p.close() }()
	looks := 0
	p.poll = func(fds []unix.PollFd, timeout int) (int, error) {
		if looks++; looks%3 != 0 {
			return -1, unix.EINTR
		}
		return unix.Poll(fds, timeout)
	}
	near, err := os.OpenFile(p.link, os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = near.Close() }()
	if err := near.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if err := p.write("c,VEND,SUCCESS"); err != nil {
		t.Fatal(err)
	}
	if can, err := p.ready(unix.POLLOUT, 0); err != nil || can&unix.POLLOUT == 0 {
		t.Errorf("it can't be written: %x, %v", can, err)
	}
	if err := p.write("c,STATUS,IDLE"); err != nil {
		t.Fatal(err)
	}
	in := bufio.NewScanner(near)
	for _, want := range []string{"c,VEND,SUCCESS", "c,STATUS,IDLE"} {
		if !in.Scan() || in.Text() != want {
			t.Fatalf("heard %q, want %q", in.Text(), want)
		}
	}
}
