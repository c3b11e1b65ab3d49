package config

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"smiletill/payment"
)

// TestTerminalIsToldWhoseAFileIs reads files that root made as the user that a terminal runs as: cloud.pub
// with umask 077 in the terminal's own folder, and one in a folder that is root's.
func TestTerminalIsToldWhoseAFileIs(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("it has to become another user: needs root")
	}
	const terminal = 65534 // nobody
	dir := t.TempDir()
	for d := dir; d != "/tmp" && d != "/"; d = filepath.Dir(d) {
		if err := os.Chmod(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	data, other := filepath.Join(dir, "data"), filepath.Join(dir, "other")
	key, hidden := filepath.Join(data, "cloud.pub"), filepath.Join(other, "cloud.pub")
	if err := errors.Join(os.Mkdir(data, 0o700), os.Mkdir(other, 0o700), os.WriteFile(key, nil, 0o600),
		os.WriteFile(hidden, nil, 0o644), os.Chown(data, terminal, terminal)); err != nil {
		t.Fatal(err)
	}
	for _, err := range []error{syscall.Setgroups(nil), syscall.Setresgid(terminal, terminal, 0),
		syscall.Setresuid(terminal, terminal, 0)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() {
		if err := errors.Join(syscall.Setresuid(0, 0, 0), syscall.Setresgid(0, 0, 0)); err != nil {
			t.Error(err)
		}
	})
	for _, c := range []struct{ path, says string }{
		{key, "the file is for root alone: sudo chown nobody " + key},
		{hidden, "the folder " + other + " is for root alone"},
	} {
		_, err := os.ReadFile(c.path)
		err = ForTerminal(fmt.Errorf("read public key: %w", payment.WithHint(err, "make another")))
		if hint := payment.HintOf(err); !strings.Contains(hint, c.says) || !strings.Contains(hint, "user nobody") {
			t.Errorf("%v: %s; want %s", err, hint, c.says)
		}
	}
	if _, err := os.ReadFile("/no/such"); payment.HintOf(ForTerminal(err)) != "" {
		t.Errorf("what is not there is nobody's: %s", payment.HintOf(ForTerminal(err)))
	}
}
