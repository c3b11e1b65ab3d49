package tpmtest

import (
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-tpm/tpm2"
	"github.com/google/go-tpm/tpm2/transport"
	"github.com/google/go-tpm/tpm2/transport/linuxudstpm"
)

// Machine is a machine of which there is only the TPM.
type Machine struct {
	Path string // of its socket
	dir  string
	cmd  *exec.Cmd
}

// startsWithin is how long swtpm may take to listen, on a machine that does much else.
const startsWithin = 30 * time.Second

// New starts a machine with a TPM that was never used. It ends with the test.
func New(t *testing.T) *Machine {
	t.Helper()
	if _, err := exec.LookPath("swtpm"); err != nil {
		t.Skip("swtpm is not installed: apt-get install swtpm swtpm-tools")
	}
	dir, err := os.MkdirTemp("", "tpm") // short: a socket's path has 107 bytes
	if err != nil {
		t.Fatal(err)
	}
	m := &Machine{Path: filepath.Join(dir, "tpm.sock"), dir: dir}
	m.Start(t)
	t.Cleanup(func() {
		m.Stop(t)
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return m
}

// Start puts the power on, after Stop.
func (m *Machine) Start(t *testing.T) {
	t.Helper()
	m.cmd = exec.Command("swtpm", "socket", "--tpm2", "--tpmstate", "dir="+m.dir,
		"--server", "type=unixio,path="+m.Path, "--ctrl", "type=unixio,path="+m.Path+".ctrl",
		"--flags", "not-need-init,startup-clear", "--log", "file="+filepath.Join(m.dir, "log"))
	if err := m.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(startsWithin); ; time.Sleep(5 * time.Millisecond) {
		c, err := net.Dial("unix", m.Path)
		if err == nil {
			if err := c.Close(); err != nil {
				t.Error(err)
			}
			return
		}
		if time.Now().After(end) {
			log, _ := os.ReadFile(filepath.Join(m.dir, "log"))
			t.Fatalf("swtpm does not listen: %v\n%s", err, log)
		}
	}
}

// Stop takes the power away, if it is on.
func (m *Machine) Stop(t *testing.T) {
	t.Helper()
	if m.cmd == nil {
		return
	}
	if err := m.cmd.Process.Kill(); err != nil {
		t.Error(err)
	}
	var killed *exec.ExitError
	if err := m.cmd.Wait(); err != nil && !errors.As(err, &killed) {
		t.Error(err)
	}
	m.cmd = nil
	for _, socket := range []string{m.Path, m.Path + ".ctrl"} { // it leaves them
		if err := os.Remove(socket); err != nil && !errors.Is(err, os.ErrNotExist) {
			t.Error(err)
		}
	}
}

// Clear clears the TPM, as a firmware's menu does.
func (m *Machine) Clear(t *testing.T) {
	t.Helper()
	m.Do(t, func(p transport.TPM) error {
		_, err := tpm2.Clear{AuthHandle: tpm2.AuthHandle{Handle: tpm2.TPMRHLockout,
			Auth: tpm2.PasswordAuth(nil)}}.Execute(p)
		return err
	})
}

// Do gives commands to the TPM.
func (m *Machine) Do(t *testing.T, commands func(transport.TPM) error) {
	t.Helper()
	p, err := linuxudstpm.Open(m.Path)
	if err == nil {
		err = errors.Join(commands(p), p.Close())
	}
	if err != nil {
		t.Fatal(err)
	}
}
