//go:build linux

package buildroot_test

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

const terminal = "../.build/bin/smiletill" // of this machine's kind

// played is the data folder of a terminal that had a shop day (payments, a customer) and was cut from its
// power.
func played(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	var said bytes.Buffer
	cmd := exec.Command(terminal, "demo", "--screen", "127.0.0.1:0", "--paths-control-socket", dir+"/control.sock")
	cmd.Env = append(os.Environ(), "TMPDIR="+dir)
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = cmd.Process.Kill(); _ = cmd.Wait() }()
	late := time.AfterFunc(3*time.Minute, func() { _ = cmd.Process.Kill() })
	defer late.Stop()
	for b := make([]byte, 4096); !strings.Contains(said.String(), "visits ended"); {
		n, err := out.Read(b)
		said.Write(b[:n])
		if err != nil {
			t.Fatalf("the shop day: %v\n%s", err, last(said.String()))
		}
	}
	found, err := filepath.Glob(dir + "/smiletill-demo-*/data")
	if err != nil || len(found) != 1 {
		t.Fatalf("the day's data: %v %v", found, err)
	}
	return found[0]
}

// seed puts a data folder on the data partition, as the terminal's own.
func (c *booted) seed(data string) {
	c.t.Helper()
	owner := regexp.MustCompile(`User:\s*(\d+)\s+Group:\s*(\d+)`).FindStringSubmatch(
		output(c.t, "/sbin/debugfs", "-R", "stat /register.key", c.offset(7)))
	if owner == nil {
		c.t.Fatal("the data partition has no file of the terminal's")
	}
	var script strings.Builder
	err := filepath.WalkDir(data, func(path string, d fs.DirEntry, err error) error {
		name, _ := filepath.Rel(data, path)
		switch {
		case err != nil || name == ".":
			return err
		case d.IsDir():
			fmt.Fprintf(&script, "mkdir %s\nsif %[1]s mode 040700\n", name)
		case strings.HasSuffix(name, "-shm") || strings.HasSuffix(name, ".lock"):
			return nil
		default:
			fmt.Fprintf(&script, "rm %s\nwrite %s %[1]s\nsif %[1]s mode 0100600\n", name, path)
		}
		fmt.Fprintf(&script, "sif %s uid %s\nsif %[1]s gid %s\n", name, owner[1], owner[2])
		return nil
	})
	if err != nil {
		c.t.Fatal(err)
	}
	c.debugfs(script.String())
	if got := kept(c.t, c.offset(7)); got != c.day {
		c.t.Fatalf("on the data partition is\n%s, want\n%s", got, c.day)
	}
}

// debugfs runs commands on the data partition. What it complains about shows in what is there afterwards.
func (c *booted) debugfs(script string) {
	c.t.Helper()
	cmd := exec.Command("/sbin/debugfs", "-w", "-f", "-", c.offset(7))
	cmd.Stdin = strings.NewReader(script)
	if out, err := cmd.CombinedOutput(); err != nil {
		c.t.Fatalf("debugfs: %v %s", err, out)
	}
}

// kept is what a data partition holds: the payments and customers, when the journal is sound. A file system
// that was cut from its power is put right in place, from its own journal, as the next start would.
func kept(t *testing.T, partition string) string {
	t.Helper()
	check := exec.Command("/sbin/e2fsck", "-p", partition)
	if out, err := check.CombinedOutput(); err != nil && check.ProcessState.ExitCode() != 1 {
		t.Fatalf("e2fsck: %v %s", err, out)
	}
	dir := t.TempDir()
	output(t, "/sbin/debugfs", "-R", "rdump / "+dir, partition)
	return holdings(t, dir)
}

// holdings are the payments and customers in a data folder, whose journal has to be sound.
func holdings(t *testing.T, dir string) string {
	t.Helper()
	verify := exec.Command(terminal, "journal", "verify", "--paths-data-dir", dir)
	if out, err := verify.CombinedOutput(); err != nil {
		t.Fatalf("the journal: %v %s", err, out)
	}
	return output(t, terminal, "journal", "list", "--paths-data-dir", dir) +
		output(t, terminal, "customers", "list", "--paths-data-dir", dir)
}
