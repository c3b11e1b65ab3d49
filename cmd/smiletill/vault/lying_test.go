package vault

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"testing"

	"smiletill/device/tpm"
	"smiletill/device/tpm/tpmtest"
)

// forgetful is a TPM that is another one as soon as it has sealed something: it opens nothing of it.
func forgetful(t *testing.T) (path string) {
	t.Helper()
	now, then := tpmtest.New(t), tpmtest.New(t)
	path = now.Path + ".forgetful"
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() {
		to, sealed := now.Path, false
		for {
			c, err := l.Accept()
			if errors.Is(err, net.ErrClosed) {
				done <- nil
				return
			}
			if err == nil {
				if sealed {
					to = then.Path
				}
				err = relay(c, to, &sealed)
			}
			if err != nil {
				done <- err
				return
			}
		}
	}()
	t.Cleanup(func() {
		if err := errors.Join(l.Close(), <-done); err != nil {
			t.Error(err)
		}
	})
	return path
}

// relay gives the commands of a connection to a TPM, and notes whether one of them was TPM2_Create.
func relay(c net.Conn, path string, sealed *bool) (err error) {
	defer func() { err = errors.Join(err, c.Close()) }()
	p, err := net.Dial("unix", path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.Close()) }()
	for {
		command, err := message(c)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err == nil {
			const create = 0x153
			*sealed = *sealed || binary.BigEndian.Uint32(command[6:]) == create
			_, err = p.Write(command)
		}
		var answer []byte
		if err == nil {
			answer, err = message(p)
		}
		if err == nil {
			_, err = c.Write(answer)
		}
		if err != nil {
			return err
		}
	}
}

// message reads a command or an answer: a tag, the length of all of it, a code, and the rest.
func message(from io.Reader) ([]byte, error) {
	head := make([]byte, 10)
	if _, err := io.ReadFull(from, head); err != nil {
		return nil, err
	}
	rest := make([]byte, int(binary.BigEndian.Uint32(head[2:]))-len(head))
	_, err := io.ReadFull(from, rest)
	return append(head, rest...), err
}

// A TPM that does not open what it has just sealed is not believed: no key is left to it, neither one that is
// there nor one that is made now.
func TestForgetfulTPM(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	key := terminal(t, dir)
	cfg := at(dir, forgetful(t))
	if err := Of(cfg).Settle(false, quiet()); err == nil {
		t.Error("it was believed")
	}
	if got, err := keys(cfg); err != nil || !bytes.Equal(got, key) {
		t.Errorf("afterwards: %v", err)
	}
	fresh := filepath.Join(t.TempDir(), "data")
	if err := os.Mkdir(fresh, 0o700); err != nil {
		t.Fatal(err)
	}
	cfg = at(fresh, forgetful(t))
	if _, err := keys(cfg); err == nil {
		t.Error("a new key was left to it")
	}
	if _, err := os.Stat(cfg.TerminalKeyPath()); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a key that opens nowhere lies there: %v", err)
	}
}

// A key's old file, which a power cut has left, is not overwritten while what took its place does not open.
func TestOldKeyStaysWhileTheNewDoesNotOpen(t *testing.T) {
	m := tpmtest.New(t)
	dir := filepath.Join(t.TempDir(), "data")
	terminal(t, dir)
	cfg := at(dir, m.Path)
	plain, err := os.ReadFile(cfg.TerminalKeyPath())
	if err != nil {
		t.Fatal(err)
	}
	err = Of(cfg).settle(quiet(), func() error {
		if is, err := begins(cfg.TerminalKeyPath()); err != nil || is {
			return errCut // it is in place, and the old one is there too
		}
		return nil
	})
	if !errors.Is(err, errCut) {
		t.Fatal(err)
	}
	other := tpmtest.New(t)
	if err := Of(at(dir, other.Path)).Settle(false, quiet()); !errors.Is(err, tpm.ErrOther) {
		t.Errorf("on another machine: %v", err)
	}
	_, was := Of(cfg).files()[0].beside()
	if got, err := os.ReadFile(was); err != nil || !bytes.Equal(got, plain) {
		t.Errorf("the only key is gone: %v", err)
	}
}
