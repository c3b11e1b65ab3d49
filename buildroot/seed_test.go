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
	"strconv"
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
	cmd := exec.Command(terminal, "demo", "--screen", "127.0.0.1:0",
		"--paths-control-socket", dir+"/control.sock")
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
		t.Fatalf("the day's data: %v %v\n%s", found, err, last(said.String()))
	}
	return found[0]
}

// seed makes the data partition of a card that was used: a file system on all that is left of the card, with
// what is in a data folder as the terminal's own. dir is where the card was made.
func (c *booted) seed(data, dir string) {
	c.t.Helper()
	cmd := exec.Command("sh", lib+"grow-data", c.image)
	cmd.Env = append(os.Environ(), "PATH="+os.Getenv("PATH")+":/sbin:/usr/sbin")
	if out, err := cmd.CombinedOutput(); err != nil {
		c.t.Fatalf("grow-data: %v %s", err, out)
	}
	start := c.manifest.Partitions[6].Start
	output(c.t, "/sbin/mkfs.ext4", "-q", "-F", "-E", fmt.Sprint("offset=", start), c.image,
		fmt.Sprint((size-start)>>10, "k"))
	c.put(1, "data-made", "The data partition was made.\n")
	owner := regexp.MustCompile(`(?m)^smiletill:[^:]*:(\d+):(\d+):`).FindStringSubmatch(
		string(read(c.t, filepath.Join(dir, "root/etc/passwd"))))
	if owner == nil {
		c.t.Fatal("the card has no user for the terminal")
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
			fmt.Fprintf(&script, "write %s %s\nsif %[2]s mode 0100600\n", path, name)
		}
		fmt.Fprintf(&script, "sif %s uid %s\nsif %[1]s gid %s\n", name, owner[1], owner[2])
		return nil
	})
	if err != nil {
		c.t.Fatal(err)
	}
	fmt.Fprintf(&script, "sif / uid %s\nsif / gid %s\nsif / mode 040700\n", owner[1], owner[2])
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
	output(t, "chown", "-R", strconv.Itoa(os.Geteuid()), dir) // keys of others are not read
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
