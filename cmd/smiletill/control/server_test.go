package control_test

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"smiletill/cmd/smiletill/control"
	"smiletill/payment"
)

// What a crash left is replaced; a file that is no socket is never removed.
func TestListenRemovesSocketsAlone(t *testing.T) {
	dir, err := os.MkdirTemp("", "c") // a path short enough for a socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	file := filepath.Join(dir, "journal.db")
	if err := os.WriteFile(file, []byte("payments"), 0o600); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(dir, "link")
	if err := os.Symlink(file, link); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{file, link} {
		_, err := control.Listen(path)
		if err == nil || !strings.Contains(err.Error(), "no socket") ||
			!strings.Contains(payment.HintOf(err), "paths.control_socket") {
			t.Errorf("%s: %v, hint %q", path, err, payment.HintOf(err))
		}
		if b, err := os.ReadFile(path); err != nil || string(b) != "payments" {
			t.Errorf("%s holds %q, %v", path, b, err)
		}
	}
	left := filepath.Join(dir, "s")
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: left, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := control.Listen(left); err != nil {
		t.Errorf("what a crash left: %v", err)
	}
}
