package terminaltest

import (
	"context"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"smiletill/cmd/smiletill/cli"
)

// AsProgram names the variable with which a test program that has Main is smiletill itself.
const AsProgram = "TEST_AS_SMILETILL"

// Main lets a test program be the child that tries a delegate library, as smiletill itself is, and smiletill
// itself.
func Main(m *testing.M) {
	if os.Getenv(AsProgram) != "" || len(os.Args) > 1 && os.Args[1] == "delegate-probe" {
		os.Exit(
			cli.Run(
				context.Background(),
				"test",
				os.Args[1:],
				cli.Streams{In: os.Stdin, Out: os.Stdout, Err: os.Stderr},
			),
		)
	}
	os.Exit(m.Run())
}

// Root is the project's top folder.
func Root(t *testing.T) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for ; dir != "/"; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
	}
	t.Fatal("this is not below the project's top folder")
	return ""
}

// Build builds the program as it ships, without the race detector, once for all test programs: whoever comes
// later finds it up to date.
func Build(t *testing.T) string {
	t.Helper()
	out := filepath.Join(Root(t), ".build", "test", "smiletill")
	if err := os.MkdirAll(filepath.Dir(out), 0o755); err != nil {
		t.Fatal(err)
	}
	lock, err := os.Create(out + ".lock")
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Close() // ends the lock
	if err := unix.Flock(int(lock.Fd()), unix.LOCK_EX); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("go", "build", "-o", out, "./cmd/smiletill")
	cmd.Dir = Root(t)
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, text)
	}
	return out
}

// Read gives a file's content.
func Read(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// FreeAddress is a host and port of loopback that nobody listens at.
func FreeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// Start runs a program, whose output goes to the end of a file, until stop kills it. env is besides this
// process's.
func Start(t *testing.T, program, log string, args []string, env ...string) (stop func()) {
	t.Helper()
	out, err := os.OpenFile(log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, args...)
	cmd.Stdout, cmd.Stderr = out, out
	cmd.Env = append(os.Environ(), env...)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return func() {
		_ = cmd.Process.Kill() // SIGKILL
		_ = cmd.Wait()         // says that it was killed
		_ = out.Close()
	}
}
