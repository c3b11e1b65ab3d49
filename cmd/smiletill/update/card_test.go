//go:build linux

package update_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"smiletill/cmd/smiletill/terminal/terminaltest"
	"smiletill/payment/journal"
)

// card is a card in a folder: Debian's RAUC with the image's own configuration, files as slots, and the
// card's own script that chooses one. The program of each slot is the real one.
type card struct {
	t        *testing.T
	dir      string
	programs map[string]string // by version
	slot     string            // that runs
	starts   int               // of the machine
	version  string            // that runs
	stop     []func()
	bus      string
}

const overlay = "buildroot/board/card/overlay"

// build builds the program of a version; overlay replaces files of the source, nil: none.
func build(t *testing.T, version string, overlay map[string]string) string {
	t.Helper()
	root := terminaltest.Root(t)
	out := filepath.Join(root, ".build", "test", "update-"+version)
	args := []string{"build", "-o", out, "-ldflags", "-X main.version=" + version}
	if overlay != nil {
		list, err := json.Marshal(map[string]any{"Replace": overlay})
		if err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(t.TempDir(), "overlay.json")
		if err := os.WriteFile(file, list, 0o600); err != nil {
			t.Fatal(err)
		}
		args = append(args, "-overlay", file)
	}
	cmd := exec.Command("go", append(args, "./cmd/smiletill")...)
	cmd.Dir = root
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build %s: %v\n%s", version, err, text)
	}
	return out
}

// newCard is a card whose slot A runs v1.0.0; there is a v2.0.0 too.
func newCard(t *testing.T) *card {
	t.Helper()
	for _, tool := range []string{"rauc", "dbus-run-session", "mksquashfs", "openssl"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("%s is not installed", tool)
		}
	}
	if os.Getuid() != 0 {
		t.Skip("RAUC mounts the bundle: needs root")
	}
	c := &card{t: t, dir: terminaltest.ShortDir(t), version: "v1.0.0", programs: map[string]string{
		"v1.0.0": build(t, "v1.0.0", nil), "v2.0.0": build(t, "v2.0.0", nil)}}
	for _, who := range []string{"shop", "stranger"} {
		c.run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN="+who,
			"-keyout", c.path(who+".key"), "-out", c.path(who+".pem"))
	}
	root := terminaltest.Root(t)
	conf := string(terminaltest.Read(t, filepath.Join(root, overlay, "etc/rauc/system.conf")))
	pairs := []string{"@BOARD@", "pi4", "/run/rauc", c.path("mount"), "/var/lib/smiletill/rauc.status",
		c.path("status"), "/etc/rauc/keyring.pem", c.path("shop.pem"), "/usr/lib/smiletill/slots", c.slots(),
		"type=vfat", "type=raw"}
	for n, name := range map[string]string{"5": "root-a", "6": "root-b", "2": "boot-a", "3": "boot-b"} {
		pairs = append(pairs, "/dev/smiletill/"+n, c.path(name))
		c.write(name, string(make([]byte, 8<<20)))
	}
	c.write("system.conf", strings.NewReplacer(pairs...).Replace(conf))
	c.write("smiletill.toml", "")
	for _, dir := range []string{"mount", "select", "bin", "data", "disk/2", "disk/3"} {
		if err := os.MkdirAll(c.path(dir), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	c.write("disk/2/cmdline.in", "rauc.slot=@SLOT@")
	c.write("disk/3/cmdline.in", "rauc.slot=@SLOT@")
	c.script("rauc", "exec /usr/bin/rauc --conf "+c.path("system.conf")+` "$@"`)
	// A restart ends whatever ordered it.
	c.script("systemctl", `echo "$@" >`+c.path("restarted")+"; kill -TERM $PPID")
	t.Cleanup(c.off)
	c.write("cmdline", "rauc.slot=A")
	c.run("sh", c.slots(), "init")
	c.start("A", "v1.0.0")
	return c
}

func (c *card) path(name string) string { return filepath.Join(c.dir, name) }

func (c *card) slots() string {
	return filepath.Join(terminaltest.Root(c.t), overlay, "usr/lib/smiletill/slots")
}

func (c *card) write(name, text string) {
	c.t.Helper()
	if err := os.WriteFile(c.path(name), []byte(text), 0o600); err != nil {
		c.t.Fatal(err)
	}
}

func (c *card) script(name, text string) {
	c.t.Helper()
	if err := os.WriteFile(c.path("bin/"+name), []byte("#!/bin/sh\n"+text+"\n"), 0o700); err != nil {
		c.t.Fatal(err)
	}
}

func (c *card) run(name string, args ...string) string {
	c.t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Env = c.env()
	out, err := cmd.CombinedOutput()
	if err != nil {
		c.t.Fatalf("%s %v: %v\n%s", name, args, err, out)
	}
	return string(out)
}

func (c *card) env() []string {
	return append(os.Environ(), "PATH="+c.path("bin")+":"+os.Getenv("PATH")+":/sbin:/usr/sbin",
		"SMILETILL_SELECT="+c.path("select"), "SMILETILL_CMDLINE="+c.path("cmdline"),
		"SMILETILL_DISK="+c.path("disk"),
		fmt.Sprintf("SMILETILL_BOOT=start-%d", c.starts), "DBUS_SYSTEM_BUS_ADDRESS="+c.bus)
}

// start is a start of the machine in a slot, with the program that is in it.
func (c *card) start(slot, version string) {
	c.t.Helper()
	c.off()
	c.slot, c.version = slot, version
	c.starts++
	c.write("cmdline", "root=x rauc.slot="+slot+" quiet\n")
	cmd := exec.Command("dbus-run-session", "--", "sh", "-c", `echo "$DBUS_SESSION_BUS_ADDRESS"; `+
		`DBUS_SYSTEM_BUS_ADDRESS=$DBUS_SESSION_BUS_ADDRESS exec rauc --override-boot-slot=`+slot+` service 2>>`+
		c.path("rauc.log"))
	cmd.Env = c.env()
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	out, err := cmd.StdoutPipe()
	if err != nil {
		c.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		c.t.Fatal(err)
	}
	c.stop = append(c.stop, func() {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		_ = cmd.Wait()
		c.unmount()
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		c.t.Fatal(err)
	}
	c.bus = strings.TrimSpace(line)
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		ask := exec.Command("rauc", "status")
		ask.Env = c.env()
		ask.Path = c.path("bin/rauc")
		out, err := ask.CombinedOutput()
		if err == nil {
			break
		}
		if time.Now().After(end) {
			c.t.Fatalf("RAUC does not come up: %v\n%s", err, out)
		}
	}
}

// unmount takes away what a RAUC that was killed has left mounted.
func (c *card) unmount() {
	mounts, _ := os.ReadFile("/proc/mounts")
	for line := range strings.Lines(string(mounts)) {
		if at := strings.Fields(line)[1]; strings.HasPrefix(at, c.dir) {
			_ = unix.Unmount(at, unix.MNT_DETACH)
		}
	}
}

// off ends all that runs.
func (c *card) off() {
	for i := len(c.stop) - 1; i >= 0; i-- {
		c.stop[i]()
	}
	c.stop = nil
}

// flags say where this card's files are.
func (c *card) flags() []string {
	return []string{"--config", c.path("smiletill.toml"), "--paths-data-dir", c.path("data"),
		"--paths-control-socket", c.path("s")}
}

// command is a command line of the program that runs.
func (c *card) command(args ...string) *exec.Cmd {
	args = append(append([]string{}, args...), c.flags()...)
	if args[0] == "update" {
		args = append(args, "--slots", c.slots())
	}
	cmd := exec.Command(c.programs[c.version], args...)
	cmd.Env = c.env()
	return cmd
}

// cli runs one.
func (c *card) cli(args ...string) (code int, said string) {
	c.t.Helper()
	var out bytes.Buffer
	cmd := c.command(args...)
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	if cmd.ProcessState == nil {
		c.t.Fatalf("%v: %v", args, err)
	}
	return cmd.ProcessState.ExitCode(), out.String()
}

// terminal starts the terminal, which is off with the machine.
func (c *card) terminal(flags ...string) {
	c.t.Helper()
	args := append(append([]string{"run"}, c.flags()...), "--screen-listen", "127.0.0.1:0",
		"--board-kind", "none", "--register-listen", "", "--log-level", "warn")
	c.stop = append(c.stop, terminaltest.Start(c.t, c.programs[c.version], c.path("terminal.log"),
		append(args, flags...), c.env()...))
}

// named gives the terminal its name and a camera, a film.
func (c *card) named() {
	c.t.Helper()
	film := filepath.Join(terminaltest.Root(c.t), "vision/visits/clips/customer_smile.mjpeg")
	c.write("smiletill.toml", fmt.Sprintf("[terminal]\ntenant = \"test\"\nsite = \"s\"\nid = \"t\"\n"+
		"[liveness]\nmode = \"off\"\n[camera]\nloop = true\nsource = \"replay:%s\"\n", film))
}

// bundle makes one; by is who signs it, words its description: journal=now is the version of this program's.
func (c *card) bundle(compatible, version, words, by string) string {
	c.t.Helper()
	dir := c.t.TempDir()
	words = strings.ReplaceAll(words, "=now", fmt.Sprint("=", journal.Schema()))
	manifest := fmt.Sprintf("[update]\ncompatible=%s\nversion=%s\ndescription=%s\n\n[bundle]\nformat=plain\n\n"+
		"[image.rootfs]\nfilename=root.img\n\n[image.boot]\nfilename=boot.img\n", compatible, version, words)
	for name, text := range map[string]string{"manifest.raucm": manifest,
		"root.img": strings.Repeat("root of "+version+" ", 200000), "boot.img": strings.Repeat("kernel ", 1000)} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			c.t.Fatal(err)
		}
	}
	file := filepath.Join(c.t.TempDir(), "smiletill-"+version+".raucb")
	c.run("rauc", "--cert", c.path(by+".pem"), "--key", c.path(by+".key"), "bundle", dir, file)
	return file
}

// ours is a bundle for this card by whom it knows.
func (c *card) ours(version string) string {
	c.t.Helper()
	return c.bundle("smiletill-pi4", version, "journal=now floor=v1.0.0", "shop")
}

// always is the slot that starts when nobody asks for another.
func (c *card) always() string {
	c.t.Helper()
	text := string(terminaltest.Read(c.t, c.path("select/autoboot.txt")))
	if strings.HasPrefix(text, "[all]\ntryboot_a_b=1\nboot_partition=2\n") {
		return "A"
	}
	return "B"
}

// state is what is kept of the last update.
func (c *card) state() (s struct{ Phase, Why string }) {
	c.t.Helper()
	if err := json.Unmarshal(terminaltest.Read(c.t, c.path("data/update/state.json")), &s); err != nil {
		c.t.Fatal(err)
	}
	return s
}

// restarted tells whether the restart into the tried slot was ordered, and forgets it.
func (c *card) restarted() bool {
	c.t.Helper()
	text, err := os.ReadFile(c.path("restarted"))
	_ = os.Remove(c.path("restarted"))
	return err == nil && strings.Contains(string(text), "reboot --reboot-argument=0 tryboot")
}

// eventually waits until something is so.
func (c *card) eventually(what string, is func() bool) {
	c.t.Helper()
	for end := time.Now().Add(30 * time.Second); !is(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			c.t.Fatalf("in vain: %s\n%s", what, c.log())
		}
	}
}

func (c *card) log() string {
	text, _ := os.ReadFile(c.path("terminal.log"))
	return string(text)
}
