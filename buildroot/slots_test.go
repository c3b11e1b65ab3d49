//go:build linux

package buildroot_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

const lib = buildrootTree + "/board/card/overlay/usr/lib/smiletill/"

// card is a folder in place of a card: the first partition, and the command line that the kernel was given.
type card struct {
	t   *testing.T
	dir string
}

func newCard(t *testing.T) *card {
	c := &card{t, t.TempDir()}
	c.boots("A")
	for _, part := range []string{"part/2", "part/3"} {
		if err := os.MkdirAll(filepath.Join(c.dir, part), 0o755); err != nil {
			t.Fatal(err)
		}
		in := "root=PARTUUID=534d4c54-@ROOT@ ro rauc.slot=@SLOT@ quiet\n"
		if err := os.WriteFile(filepath.Join(c.dir, part, "cmdline.in"), []byte(in), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if out, err := c.slots("init"); err != nil {
		t.Fatalf("init: %v %s", err, out)
	}
	return c
}

func (c *card) boots(slot string) {
	c.t.Helper()
	line := "root=PARTUUID=534d4c54-05 ro rauc.slot=" + slot + " quiet\n"
	if err := os.WriteFile(filepath.Join(c.dir, "cmdline"), []byte(line), 0o644); err != nil {
		c.t.Fatal(err)
	}
}

func (c *card) env() []string {
	return append(os.Environ(), "SMILETILL_SELECT="+c.dir,
		"SMILETILL_CMDLINE="+filepath.Join(c.dir, "cmdline"), "SMILETILL_DISK="+filepath.Join(c.dir, "part"),
		"SMILETILL_TREE="+filepath.Join(c.dir, "tree"), "PATH="+os.Getenv("PATH")+":/sbin:/usr/sbin")
}

func (c *card) slots(args ...string) (string, error) {
	cmd := exec.Command("sh", append([]string{lib + "slots"}, args...)...)
	cmd.Env = c.env()
	out, err := cmd.CombinedOutput()
	return strings.TrimSpace(string(out)), err
}

// says fails unless a command of slots answers so.
func (c *card) says(want string, args ...string) {
	c.t.Helper()
	if got, err := c.slots(args...); err != nil || got != want {
		c.t.Errorf("%v answers %q %v, want %q", args, got, err, want)
	}
}

// starts is the partition that the firmware starts, always and when tried.
func (c *card) starts(want string) {
	c.t.Helper()
	data := read(c.t, filepath.Join(c.dir, "autoboot.txt"))
	if len(data) > 512 {
		c.t.Errorf("autoboot.txt has %d bytes, the firmware reads 512", len(data))
	}
	if got := strings.Join(strings.Fields(string(data)), " "); got != want {
		c.t.Errorf("autoboot.txt: %s, want %s", got, want)
	}
}

const (
	alwaysA = "[all] tryboot_a_b=1 boot_partition=2 [tryboot] boot_partition=3"
	alwaysB = "[all] tryboot_a_b=1 boot_partition=3 [tryboot] boot_partition=2"
)

func TestSlots(t *testing.T) {
	c := newCard(t)
	c.starts(alwaysA)
	c.says("A", "get-primary")
	c.says("good", "get-state", "A")
	c.says("bad", "get-state", "B")
	before, err := os.Stat(filepath.Join(c.dir, "autoboot.txt"))
	if err != nil {
		t.Fatal(err)
	}
	// An update was installed into B: it is to be tried, A starts until it is good.
	c.says("", "set-primary", "B")
	c.says("B", "get-primary")
	c.starts(alwaysA)
	line := string(read(t, filepath.Join(c.dir, "part/3/cmdline.txt")))
	if want := "root=PARTUUID=534d4c54-06 ro rauc.slot=B quiet\n"; line != want {
		t.Errorf("slot B starts with %q, want %q", line, want)
	}
	if _, err := os.Stat(filepath.Join(c.dir, "part/2/cmdline.txt")); err == nil {
		t.Error("the command line of slot A, which runs, was written")
	}
	c.isTried(false)
	c.says("", "set-state", "B", "bad") // RAUC, before it writes over what was to be tried
	c.says("A", "get-primary")
	c.says("", "set-primary", "B")
	// It did not come up, and the firmware went back.
	c.says("", "set-state", "B", "good") // said by A: it can't know
	c.starts(alwaysA)
	// The next try comes up, and its terminal works.
	c.boots("B")
	c.isTried(true)
	c.says("good", "get-state", "B")
	c.says("", "set-state", "B", "good")
	c.isTried(false)
	c.starts(alwaysB)
	c.says("B", "get-primary")
	after, err := os.Stat(filepath.Join(c.dir, "autoboot.txt"))
	if err != nil {
		t.Fatal(err)
	}
	if !os.SameFile(before, after) || before.Size() != 512 || after.Size() != 512 {
		t.Errorf("autoboot.txt moved or changed its size: %d, %d", before.Size(), after.Size())
	}
	for _, bad := range [][]string{{"set-primary", "C"}, {"get-state", "x"}, {"nonsense"}, {}} {
		if out, err := c.slots(bad...); err == nil || !strings.Contains(out, "slots:") {
			t.Errorf("%v: %v %s", bad, err, out)
		}
	}
	if err := os.WriteFile(filepath.Join(c.dir, "autoboot.txt"), []byte("[all]\nboot_partition=9\n"),
		0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(c.dir, "pending")); err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	if out, err := c.slots("get-primary"); err == nil || !strings.Contains(out, "write autoboot.txt anew") {
		t.Errorf("a chooser that somebody changed: %v %s", err, out)
	}
}

// isTried fails unless slots says so, as a condition of a unit: by its exit code, and nothing else.
func (c *card) isTried(want bool) {
	c.t.Helper()
	out, err := c.slots("tried")
	if out != "" || (err == nil) != want {
		c.t.Errorf("slots tried: %v %q, want %v", err, out, want)
	}
}

// TestTriedUnread: a slot that can't read the first partition knows by what started it that it is tried.
func TestTriedUnread(t *testing.T) {
	c := newCard(t)
	if err := os.Remove(filepath.Join(c.dir, "autoboot.txt")); err != nil {
		t.Fatal(err)
	}
	if out, err := c.slots("tried"); err == nil || !strings.Contains(out, "which slot starts always") {
		t.Errorf("nothing says it: %v %q", err, out)
	}
	flag := filepath.Join(c.dir, "tree/chosen/bootloader/tryboot")
	if err := os.MkdirAll(filepath.Dir(flag), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, tried := range []bool{false, true} {
		number := []byte{0, 0, 0, 0}
		if tried {
			number[3] = 1
		}
		if err := os.WriteFile(flag, number, 0o644); err != nil {
			t.Fatal(err)
		}
		c.isTried(tried)
	}
	c.boots("B quiet smiletill.tried") // GRUB
	c.isTried(true)
}

// TestNoBundleOfAPi: what names no slot's command line is not made the one to try.
func TestNoBundleOfAPi(t *testing.T) {
	c := newCard(t)
	if err := os.Remove(filepath.Join(c.dir, "part/3/cmdline.in")); err != nil {
		t.Fatal(err)
	}
	if out, err := c.slots("set-primary", "B"); err == nil || !strings.Contains(out, "no cmdline.in") {
		t.Errorf("set-primary: %v %s", err, out)
	}
	c.says("A", "get-primary")
}

// TestDataPartition makes it once, and never over anything.
func TestDataPartition(t *testing.T) {
	tools(t, "/sbin/mkfs.ext4", "/sbin/mkfs.vfat", "/sbin/debugfs")
	c := newCard(t)
	disk := filepath.Join(t.TempDir(), "disk")
	blank := func() {
		t.Helper()
		if err := os.WriteFile(disk, make([]byte, 16<<20), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	run := func() (string, error) {
		cmd := exec.Command("sh", lib+"make-data", disk)
		cmd.Env = c.env()
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	kind := func() string {
		out, _ := exec.Command("/sbin/blkid", "-p", "-o", "value", "-s", "TYPE", disk).Output()
		return strings.TrimSpace(string(out))
	}
	blank()
	// killed in the middle of the first start, at moments a little later each time
	for i := range 10 {
		cmd := exec.Command("sh", lib+"make-data", disk)
		cmd.Env = c.env()
		cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Duration(i) * 3 * time.Millisecond)
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		_ = cmd.Wait()
	}
	if out, err := run(); err != nil || kind() != "ext4" {
		t.Fatalf("the first whole start: %v %q %s", err, kind(), out)
	}
	journal := filepath.Join(t.TempDir(), "journal.db")
	if err := os.WriteFile(journal, []byte("payments"), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("/sbin/debugfs", "-w", "-R", "write "+journal+" journal.db",
		disk).CombinedOutput(); err != nil {
		t.Fatalf("debugfs: %v %s", err, out)
	}
	for range 2 {
		if out, err := run(); err != nil {
			t.Fatalf("a later start: %v %s", err, out)
		}
	}
	if text := output(t, "/sbin/debugfs", "-R", "cat journal.db", disk); text != "payments" {
		t.Errorf("the payments are gone: %q", text)
	}
	blank() // the file system is gone
	if out, err := run(); err == nil || kind() != "" || !strings.Contains(out, "payments may be in it") {
		t.Errorf("a data partition that looks empty: %v %q %s", err, kind(), out)
	}
	if out, err := exec.Command("/sbin/mkfs.vfat", disk).CombinedOutput(); err != nil {
		t.Fatalf("mkfs.vfat: %v %s", err, out)
	}
	if out, err := run(); err == nil || kind() != "vfat" || !strings.Contains(out, "Is this the right card") {
		t.Errorf("another file system: %v %q %s", err, kind(), out)
	}
}

// updater is RAUC with files as slots, and the card's own chooser.
type updater struct {
	*card
	conf string
}

func newUpdater(t *testing.T) *updater {
	t.Helper()
	tools(t, "rauc", "dbus-run-session", "mksquashfs", "openssl")
	u := &updater{card: newCard(t)}
	t.Cleanup(func() { // RAUC that was killed leaves its bundle mounted
		if mounts, err := os.ReadFile("/proc/mounts"); err == nil {
			for line := range strings.Lines(string(mounts)) {
				if at := strings.Fields(line)[1]; strings.HasPrefix(at, u.dir) {
					_ = syscall.Unmount(at, 0)
				}
			}
		}
	})
	for _, who := range []string{"shop", "stranger"} {
		cmd := exec.Command("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
			"-subj", "/CN="+who,
			"-keyout", u.path(who+".key"), "-out", u.path(who+".pem"))
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("openssl: %v %s", err, out)
		}
	}
	// The image's own configuration, on files.
	conf := string(read(t, buildrootTree+"/board/card/overlay/etc/rauc/system.conf"))
	handler, err := filepath.Abs(lib + "slots")
	if err != nil {
		t.Fatal(err)
	}
	pairs := []string{"@BOARD@", "pi4", "/run/rauc", u.path("mount"), "/var/lib/smiletill/rauc.status",
		u.path("status"),
		"/etc/rauc/keyring.pem", u.path("shop.pem"), "/usr/lib/smiletill/slots", handler}
	for n, name := range map[string]string{"5": "root-a", "6": "root-b", "2": "boot-a", "3": "boot-b"} {
		pairs = append(pairs, "/dev/smiletill/"+n, u.path(name))
		if err := os.WriteFile(u.path(name), make([]byte, 8<<20), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	conf = strings.NewReplacer(pairs...).Replace(conf)
	conf = strings.ReplaceAll(conf, "type=vfat", "type=raw") // to mount one needs a device
	u.conf = u.path("system.conf")
	if err := os.WriteFile(u.conf, []byte(conf), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(u.path("mount"), 0o755); err != nil {
		t.Fatal(err)
	}
	return u
}

func (u *updater) path(name string) string { return filepath.Join(u.dir, name) }

// bundle makes an update for a board, signed by somebody.
func (u *updater) bundle(compatible, by string) string {
	u.t.Helper()
	dir := u.t.TempDir()
	manifest := fmt.Sprintf("[update]\ncompatible=%s\nversion=2\n\n[bundle]\nformat=plain\n\n"+
		"[image.rootfs]\nfilename=root.img\n\n[image.boot]\nfilename=boot.img\n", compatible)
	for name, data := range map[string][]byte{"manifest.raucm": []byte(manifest),
		"root.img": []byte(strings.Repeat("the new root ", 300000)),
		"boot.img": []byte(strings.Repeat("new kernel ", 1000))} {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o644); err != nil {
			u.t.Fatal(err)
		}
	}
	file := filepath.Join(u.t.TempDir(), "update.raucb")
	out, err := exec.Command("rauc", "--cert", u.path(by+".pem"), "--key", u.path(by+".key"), "bundle",
		dir, file).
		CombinedOutput()
	if err != nil {
		u.t.Fatalf("rauc bundle: %v %s", err, out)
	}
	return file
}

// install runs RAUC's service and its client on a bus of their own.
func (u *updater) install(file string) *exec.Cmd {
	script := fmt.Sprintf("export DBUS_SYSTEM_BUS_ADDRESS=$DBUS_SESSION_BUS_ADDRESS; "+
		"rauc --conf %s --override-boot-slot=A service & pid=$!; sleep 1; "+
		"rauc --conf %[1]s install %s; code=$?; kill $pid; exit $code", u.conf, file)
	cmd := exec.Command("dbus-run-session", "--", "sh", "-c", script)
	cmd.Env = u.env()
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	return cmd
}

func TestUpdate(t *testing.T) {
	u := newUpdater(t)
	for what, file := range map[string]string{
		"signed by a stranger": u.bundle("smiletill-pi4", "stranger"),
		"for another board":    u.bundle("smiletill-pi5", "shop"),
	} {
		if out, err := u.install(file).CombinedOutput(); err == nil {
			t.Errorf("an update %s was installed:\n%s", what, out)
		}
		u.says("A", "get-primary")
	}
	good := u.bundle("smiletill-pi4", "shop")
	out, err := u.install(good).CombinedOutput()
	if err != nil {
		t.Fatalf("install: %v\n%s", err, out)
	}
	if !strings.HasPrefix(string(read(t, u.path("root-b"))), "the new root") ||
		!strings.HasPrefix(string(read(t, u.path("boot-b"))), "new kernel") {
		t.Error("slot B does not hold the update")
	}
	if read(t, u.path("root-a"))[0] != 0 || read(t, u.path("boot-a"))[0] != 0 {
		t.Error("slot A, which runs, was written to")
	}
	u.says("B", "get-primary")
	u.starts(alwaysA) // until it is good
	if line := string(read(t, u.path("part/3/cmdline.txt"))); !strings.Contains(line, "rauc.slot=B") {
		t.Errorf("slot B starts with %s", line)
	}
}

// TestUpdateCutShort kills the update at several moments: the slot that runs stays the one that starts.
func TestUpdateCutShort(t *testing.T) {
	u := newUpdater(t)
	good := u.bundle("smiletill-pi4", "shop")
	for _, after := range []time.Duration{1000, 1050, 1100, 1200} {
		cmd := u.install(good)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(after * time.Millisecond)
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		_ = cmd.Wait()
		u.starts(alwaysA)
		if read(t, u.path("root-a"))[0] != 0 {
			t.Error("slot A, which runs, was written to")
		}
	}
	if out, err := u.install(good).CombinedOutput(); err != nil {
		t.Errorf("installed again: %v\n%s", err, out)
	}
	u.says("B", "get-primary")
}
