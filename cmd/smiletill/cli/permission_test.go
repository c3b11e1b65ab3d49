package cli_test

import (
	"bytes"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"smiletill/cmd/smiletill/cli"
)

// TestAnotherUserIsToldOfSudo has an ordinary user type the commands of a technician: settings, data folder
// and control socket are another user's, and every hint says how to come by them, not to change them.
func TestAnotherUserIsToldOfSudo(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("it has to become another user: needs root")
	}
	dir := t.TempDir()
	for d := dir; d != "/tmp" && d != "/"; d = filepath.Dir(d) {
		if err := os.Chmod(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	settings, data, run := filepath.Join(dir, "etc"), filepath.Join(dir, "data"), filepath.Join(dir, "run")
	for at, mode := range map[string]os.FileMode{settings: 0o750, data: 0o700, run: 0o700} {
		if err := os.Mkdir(at, mode); err != nil {
			t.Fatal(err)
		}
	}
	file := filepath.Join(settings, "smiletill.toml")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	socket := filepath.Join(run, "control.sock")
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	public := filepath.Join(dir, "open.toml")
	if err := os.WriteFile(public, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	becomeNobody(t)
	hint := func(args ...string) string {
		var out, errs bytes.Buffer
		if code := cli.Run(t.Context(), "test", args, cli.Streams{Out: &out, Err: &errs}); code == 0 {
			t.Errorf("%v: another user may: %s", args, out.String())
		}
		_, said, _ := strings.Cut(errs.String(), "hint:")
		if !strings.Contains(said, "sudo") || strings.Contains(errs.String(), "user can read") {
			t.Errorf("%v says nothing of sudo: %s", args, errs.String())
		}
		return said
	}
	if said := hint("config", "--config", file); !strings.Contains(said, settings+" is for root") {
		t.Errorf("the folder that forbids it is not named: %s", said)
	}
	if said := hint("run", "--config", file); !strings.Contains(said, "systemctl start smiletill") {
		t.Errorf("the terminal itself is not to be run by sudo: %s", said)
	}
	for _, line := range []string{
		"pay 1.00 EUR", "reverse x", "tamper reset", "customers list", "customers remove --yes c_1",
		"counter pin --remove", "customers pin c_1 --remove", "journal list", "journal verify", "journal export",
		"journal unpark 1", "journal quarantine", "totals", "key", "register list", "register pair Counter",
		"register unpair counter", "register certificate", "register diagnose", "models list", "status",
	} {
		hint(append(strings.Fields(line), "--config", public, "--paths-data-dir", data,
			"--paths-control-socket", socket)...)
	}
}

// becomeNobody gives this process no rights until the test ends.
func becomeNobody(t *testing.T) {
	t.Helper()
	const nobody = 65534
	groups, err := syscall.Getgroups()
	if err != nil {
		t.Fatal(err)
	}
	for _, err := range []error{
		syscall.Setgroups(nil), syscall.Setresgid(nobody, nobody, 0), syscall.Setresuid(nobody, nobody, 0),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() {
		for _, err := range []error{
			syscall.Setresuid(0, 0, 0), syscall.Setresgid(0, 0, 0), syscall.Setgroups(groups),
		} {
			if err != nil {
				t.Error(err)
			}
		}
	})
}
