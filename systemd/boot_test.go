//go:build linux && !notflite

package systemd_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"smiletill/vision/visits"
)

// TestUnderSystemd installs the Debian package in a small Debian, boots that in a container with systemd as
// its first process, and has the terminal take payments, hang and be killed there. `make systemd-test`
// prepares the folder SMILETILL_SYSTEMD with the Debian (root) and the package, and runs it as root;
// elsewhere it skips.
func TestUnderSystemd(t *testing.T) {
	dir := os.Getenv("SMILETILL_SYSTEMD")
	if dir == "" {
		t.Skip("SMILETILL_SYSTEMD is not set: `make systemd-test` boots systemd in a container")
	}
	b := &box{t: t, root: filepath.Join(t.TempDir(), "root")}
	b.install(dir)
	b.card()
	b.boot()
	b.until("an active terminal", 30*time.Second, func() bool { return b.show("ActiveState") == "active" })
	for _, part := range []struct {
		name string
		run  func(t *testing.T)
	}{
		{"first settings", b.firstSettings}, {"only installed", b.onlyInstalled}, {"takes a payment",
			b.takesPayment},
		{"its files are its own", b.files}, {"its display", b.display},
		{"what it may not reach", b.confined}, {"hung frame loop", b.hangs}, {"killed six times", b.killed},
		{"package again, removed, purged", b.packages},
	} {
		t.Run(part.name, func(t *testing.T) {
			b.t = t
			part.run(t)
		})
		b.t = t
	}
}

// box is a container with systemd in it.
type box struct {
	t      *testing.T
	root   string
	leader string // process of its systemd
}

// A library that is loaded before TensorFlow Lite's: a run of a network never ends while a file is there. It
// stops the frame loop, and only that, in the program as it ships.
const hangSource = `
#define _GNU_SOURCE
#include <dlfcn.h>
#include <unistd.h>
int TfLiteInterpreterInvoke(void *interpreter) {
	while (access("/run/smiletill/hang", F_OK) == 0) usleep(100000);
	int (*real)(void *) = (int (*)(void *))dlsym(RTLD_NEXT, "TfLiteInterpreterInvoke");
	return real(interpreter);
}
`

const boxConfig = `[terminal]
tenant = "test"
site = "shop"
id = "till-1"
name = "The Corner Shop"
[camera]
source = "replay:/srv/customer_smile.mjpeg"
[board]
kind = "none"
[mqtt]
broker = ""
[liveness]
mode = "off" # no screen is there to play a light
`

// install copies the Debian, and installs the package as an administrator would.
func (b *box) install(dir string) {
	b.t.Helper()
	if out, err := exec.Command("cp", "-a", filepath.Join(dir, "root"), b.root).CombinedOutput(); err != nil {
		b.t.Fatalf("copy the Debian: %v: %s", err, out)
	}
	packages, err := filepath.Glob(filepath.Join(dir, "smiletill_*_"+runtime.GOARCH+".deb"))
	if err != nil || len(packages) != 1 {
		b.t.Fatalf("look for the package: %v %v", packages, err)
	}
	data, err := os.ReadFile(packages[0])
	if err != nil {
		b.t.Fatal(err)
	}
	b.write("srv/smiletill.deb", data)
	for _, name := range []string{"customer_smile.mjpeg", "enrol_1.jpg", "enrol_2.jpg", "enrol_3.jpg"} {
		data, err := fs.ReadFile(visits.Files(), name)
		if err != nil {
			b.t.Fatal(err)
		}
		b.write("srv/"+name, data)
	}
	out, err := exec.Command("systemd-nspawn", "-q", "-D", b.root, "--private-network", "--register=no",
		"--keep-unit", "--console=pipe", "dpkg", "-i", "/srv/smiletill.deb").CombinedOutput()
	if err != nil {
		b.t.Fatalf("install the package: %v\n%s", err, out)
	}
	b.t.Logf("dpkg -i:\n%s", out)
	source := filepath.Join(b.t.TempDir(), "hang.c")
	if err := os.WriteFile(source, []byte(hangSource), 0o600); err != nil {
		b.t.Fatal(err)
	}
	library := filepath.Join(b.root, "usr/lib/hang.so")
	if out, err := exec.Command("gcc", "-shared", "-fPIC", "-o", library, source).CombinedOutput(); err != nil {
		b.t.Fatalf("gcc: %v: %s", err, out)
	}
	b.write("etc/systemd/system/smiletill.service.d/test.conf",
		[]byte("[Service]\nEnvironment=LD_PRELOAD=/usr/lib/hang.so\nWatchdogSec=6\n"))
}

func (b *box) write(path string, data []byte) {
	b.t.Helper()
	path = filepath.Join(b.root, path)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		b.t.Fatal(err)
	}
	if err := os.WriteFile(path, data, 0o644); err != nil {
		b.t.Fatal(err)
	}
}

// card has the system take its first settings at its start as a card does: from a partition that is mounted
// read-only, into an /etc that stays as it is.
func (b *box) card() {
	b.t.Helper()
	b.write("srv/select/setup.toml", []byte("name = \"till-9\"\n[network]\naddress = \"10.1.2.3/24\"\n"+
		"[time]\nservers = [\"10.1.2.1\"]\n[terminal]\nname = \"The Corner Shop\"\n"))
	b.write("etc/systemd/system/boot-select.mount", []byte("[Mount]\nWhat=/srv/select\nWhere=/boot/select\n"+
		"Type=none\nOptions=bind,ro\n"))
	part, err := os.ReadFile("setup-image.conf")
	if err != nil {
		b.t.Fatal(err)
	}
	b.write("etc/systemd/system/smiletill-setup.service.d/image.conf", part)
	name := filepath.Join(b.root, "etc/hostname")
	if err := os.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		b.t.Fatal(err)
	}
	if err := os.Symlink("../run/hostname", name); err != nil {
		b.t.Fatal(err)
	}
	enable := exec.Command("systemctl", "--root="+b.root, "enable", "smiletill-setup.service",
		"systemd-networkd.service")
	if out, err := enable.CombinedOutput(); err != nil {
		b.t.Fatalf("switch the units on: %v\n%s", err, out)
	}
}

// firstSettings were taken at the start, before the network came up, and without a knot in the units' order.
func (b *box) firstSettings(t *testing.T) {
	if out := b.must("systemctl show --value -p Result smiletill-setup"); strings.TrimSpace(out) != "success" {
		t.Fatalf("%s%s", out, b.must("journalctl --no-pager -u smiletill-setup"))
	}
	for path, want := range map[string]string{
		"/proc/sys/kernel/hostname": "till-9", "/etc/hostname": "till-9",
		"/run/systemd/network/10-smiletill.network":       "Address=10.1.2.3/24",
		"/run/systemd/timesyncd.conf.d/50-smiletill.conf": "NTP=10.1.2.1",
		"/etc/smiletill/smiletill.toml":                   "id = \"till-9\"",
		"/srv/select/setup-report.txt":                    "till-9.local",
	} {
		if got := b.must("cat " + path); !strings.Contains(got, want) {
			t.Errorf("%s lacks %q:\n%s", path, want, got)
		}
	}
	got := strings.TrimSpace(b.must("stat -c '%U %G %a' /etc/smiletill/smiletill.toml"))
	if got != "root root 644" {
		t.Errorf("the configuration is %s", got)
	}
	if out, err := b.sh("touch /boot/select/x"); err == nil {
		t.Errorf("the first partition can be written afterwards: %s", out)
	}
	stamp := func(property, unit string) (at int) {
		out := b.must("systemctl show --value -p " + property + " " + unit)
		if _, err := fmt.Sscan(out, &at); err != nil {
			t.Fatalf("%s of %s: %v", property, unit, err)
		}
		return at
	}
	done := stamp("ExecMainExitTimestampMonotonic", "smiletill-setup.service")
	for unit, property := range map[string]string{"network-pre.target": "ActiveEnterTimestampMonotonic",
		"systemd-networkd.service": "ExecMainStartTimestampMonotonic",
		"smiletill.service":        "ExecMainStartTimestampMonotonic"} {
		if at := stamp(property, unit); done == 0 || at < done {
			t.Errorf("%s came at %d µs, and the settings were there at %d µs", unit, at, done)
		}
	}
	if log := b.must("journalctl --no-pager -b"); strings.Contains(log, "ordering cycle") {
		t.Errorf("the units stand in a circle:\n%s", log)
	}
}

// boot starts systemd in namespaces of its own, without a network.
func (b *box) boot() {
	b.t.Helper()
	cmd := exec.Command("systemd-nspawn", "-q", "-D", b.root, "--private-network", "--register=no",
		"--keep-unit", "--console=pipe", "-b", "--hostname=till")
	whole := b.t
	log, err := os.Create(filepath.Join(whole.TempDir(), "console"))
	if err != nil {
		b.t.Fatal(err)
	}
	defer log.Close()
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		b.t.Fatal(err)
	}
	whole.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM) // an orderly end of the container
		ended := time.AfterFunc(20*time.Second, func() { _ = cmd.Process.Kill() })
		_ = cmd.Wait()
		ended.Stop()
		if text, _ := os.ReadFile(log.Name()); whole.Failed() {
			whole.Logf("the container's console:\n%s", text)
		}
	})
	b.until("systemd in the container", 30*time.Second, func() bool {
		children, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%[1]d/children", cmd.Process.Pid))
		if err != nil {
			b.t.Fatalf("the container has ended: %v", err)
		}
		if b.leader, _, _ = strings.Cut(string(children), " "); b.leader == "" {
			return false
		}
		out, _ := b.sh("systemctl is-system-running")
		return strings.HasPrefix(out, "running") || strings.HasPrefix(out, "degraded")
	})
}

// sh runs a line of shell in the container.
func (b *box) sh(line string) (string, error) {
	ctx, stop := context.WithTimeout(context.Background(), time.Minute)
	defer stop()
	cmd := exec.CommandContext(ctx, "nsenter", "-t", b.leader, "-m", "-u", "-i", "-n", "-p", "-r", "-w",
		"sh", "-c", "export PATH=/usr/sbin:/usr/bin:/sbin:/bin; "+line)
	cmd.Env = []string{"HOME=/root"}
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func (b *box) must(line string) string {
	b.t.Helper()
	out, err := b.sh(line)
	if err != nil {
		b.t.Fatalf("%s: %v\n%s", line, err, out)
	}
	return out
}

// show gives a property of the service.
func (b *box) show(property string) string {
	out, err := b.sh("systemctl show --value -p " + property + " smiletill")
	if err != nil {
		b.t.Logf("systemctl show: %v %s", err, out)
	}
	return strings.TrimSpace(out)
}

func (b *box) until(what string, limit time.Duration, ok func() bool) time.Duration {
	b.t.Helper()
	for start := time.Now(); ; time.Sleep(200 * time.Millisecond) {
		if ok() {
			return time.Since(start)
		}
		if time.Since(start) > limit {
			out := ""
			if b.leader != "" {
				out, _ = b.sh("systemctl status --no-pager smiletill; journalctl --no-pager -n 40")
			}
			b.t.Fatalf("%s: not within %v\n%s", what, limit, out)
		}
	}
}

// ready waits until systemd shows that payments are taken.
func (b *box) ready() {
	b.t.Helper()
	b.until("ready for payments", 15*time.Second, func() bool {
		return strings.HasPrefix(b.show("StatusText"), "ready for payments")
	})
}

// onlyInstalled is the terminal of a technician who has written nothing down: it serves, and takes no
// payment; then the service is told whose it is.
func (b *box) onlyInstalled(t *testing.T) {
	b.until("words on what is missing", 15*time.Second, func() bool {
		return strings.Contains(b.show("StatusText"), "not set up")
	})
	out, err := b.sh("smiletill pay 1.50 EUR --id early")
	if err == nil || !strings.Contains(out, "terminal.tenant") {
		t.Errorf("a payment: %v %s", err, out)
	}
	if out, err := b.sh("smiletill status"); err == nil {
		t.Errorf("an active unit is taken for a ready terminal: %s", out)
	}
	b.must("useradd -m pi")
	out, err = b.sh("setpriv --reuid=pi --regid=pi --clear-groups env HOME=/home/pi smiletill journal list")
	if err == nil || !strings.Contains(out, "sudo") {
		t.Errorf("another user is not told of sudo: %v %s", err, out)
	}
	b.write("etc/smiletill/smiletill.toml", []byte(boxConfig))
	b.must("systemctl restart smiletill")
	b.ready()
	b.must("smiletill status --ready-for 2s")
}

func (b *box) takesPayment(t *testing.T) {
	b.ready()
	b.must("smiletill enrol 'Grace Hopper' --agreed en /srv/enrol_1.jpg /srv/enrol_2.jpg /srv/enrol_3.jpg")
	b.pays(t, "first")
}

// display has the unit of the display read its settings, which are not the browser's to read, wait for what
// nobody has plugged in, and then draw, with the compositor and the browser of a card, on a display that is
// none. A picture of it has to follow the terminal.
func (b *box) display(t *testing.T) {
	b.must("for g in video render input audio; do groupadd -rf $g; done") // as udev's package does
	b.must("systemctl start smiletill-kiosk")
	b.until("the wait for a display", 20*time.Second, func() bool {
		out, _ := b.sh("journalctl --no-pager -u smiletill-kiosk")
		if strings.Contains(out, "permission denied") {
			t.Fatalf("it may not read its settings:\n%s", out)
		}
		return strings.Contains(out, "waiting for one")
	})
	b.must("systemctl stop smiletill-kiosk")
	b.write("srv/class/drm/card0-HDMI-A-1/status", []byte("connected\n"))
	const parts = "/run/systemd/system/smiletill-kiosk.service.d"
	b.write("run.conf", []byte("[Service]\nBindReadOnlyPaths=/srv/class:/sys/class\n"+
		"Environment=WLR_BACKENDS=headless WLR_RENDERER=pixman\n"))
	b.must("mkdir -p " + parts + " && mv /run.conf " + parts)
	b.must("systemctl daemon-reload && systemctl start smiletill-kiosk")
	const page, dark = "\xff\xc7\x2e", "\x1c\x1e\x24" // device/screen/page/app.css
	b.shows("the customer's page", page)
	b.must("systemctl stop smiletill")
	b.shows("that the terminal is gone", dark)
	b.must("systemctl start smiletill")
	b.shows("the page again", page)
	if out := b.must("cat /proc/[0-9]*/comm | grep -c WPEWeb"); strings.TrimSpace(out) != "1" {
		t.Errorf("the page has %s processes", strings.TrimSpace(out))
	}
	if n := strings.TrimSpace(b.must("systemctl show --value -p NRestarts smiletill-kiosk")); n != "0" {
		t.Errorf("started again %s times", n)
	}
	b.must("systemctl stop smiletill-kiosk")
}

// shows waits until most of the display has a colour (three bytes).
func (b *box) shows(what, colour string) {
	b.t.Helper()
	b.until(what, time.Minute, func() bool {
		_, err := b.sh("XDG_RUNTIME_DIR=/run/smiletill-kiosk WAYLAND_DISPLAY=wayland-1 grim -t ppm /srv/d.ppm")
		picture, _ := os.ReadFile(filepath.Join(b.root, "srv/d.ppm"))
		return err == nil && strings.Count(string(picture), colour) > len(picture)/3/2
	})
}

func (b *box) pays(t *testing.T, id string) {
	t.Helper()
	if out, err := b.sh("smiletill pay 1.50 EUR --id " + id); err != nil || !strings.Contains(out, "approved") {
		t.Errorf("payment %s: %v\n%s", id, err, out)
	}
}

func (b *box) files(t *testing.T) {
	for path, want := range map[string]string{
		"/var/lib/smiletill": "smiletill smiletill 700", "/run/smiletill": "smiletill smiletill 711",
		"/var/lib/smiletill/journal.db":          "smiletill smiletill 600",
		"/etc/smiletill":                         "root smiletill 750",
		"/run/smiletill/control.sock":            "smiletill smiletill 666", // the kernel says who asks
		"/var/lib/smiletill/gallery":             "smiletill smiletill 700",
		"/usr/bin/smiletill":                     "root root 755",
		"/var/lib/smiletill/gallery/gallery.key": "smiletill smiletill 600",
	} {
		if got := strings.TrimSpace(b.must("stat -c '%U %G %a' " + path)); got != want {
			t.Errorf("%s is %q, want %q", path, got, want)
		}
	}
}

// confined looks from inside the service's own namespaces, as its user.
func (b *box) confined(t *testing.T) {
	inside := "nsenter -t " + b.show("MainPID") + " -m setpriv --reuid=smiletill --clear-groups "
	for _, bad := range []string{"cat /etc/shadow", "touch /etc/x", "touch /usr/x", "ls /root", "cat /dev/mem"} {
		if out, err := b.sh(inside + bad); err == nil {
			t.Errorf("%s: it may: %s", bad, out)
		}
	}
	if out, err := b.sh(inside + "touch /var/lib/smiletill/x && rm /var/lib/smiletill/x"); err != nil {
		b.t.Errorf("this test could not fail: %v %s", err, out)
	}
	caps := b.must("grep CapEff /proc/" + b.show("MainPID") + "/status")
	if !strings.Contains(caps, "0000000000000000") {
		t.Errorf("it has capabilities: %s", caps)
	}
}

// hangs stops the frame loop in the middle of a payment: the watchdog ends the terminal, which comes back by
// itself and takes the next payment.
func (b *box) hangs(t *testing.T) {
	before := b.show("MainPID")
	b.must("touch /run/smiletill/hang")
	if out, err := b.sh("timeout 40 smiletill pay 1.50 EUR --id hung"); err == nil {
		t.Errorf("a payment was taken by a terminal that hangs: %s", out)
	}
	took := b.until("the watchdog ends it", 40*time.Second, func() bool {
		pid := b.show("MainPID")
		return pid != before && pid != "0"
	})
	b.must("rm -f /run/smiletill/hang")
	b.until("active again", 20*time.Second, func() bool { return b.show("ActiveState") == "active" })
	t.Logf("ended %v after the caller of the payment had no answer", took.Round(time.Second))
	if log := b.must("journalctl --no-pager -u smiletill"); !strings.Contains(log, "Watchdog timeout") ||
		!strings.Contains(log, "looking at frames") {
		t.Errorf("the log does not name what hung:\n%s", log)
	}
	b.ready() // it is active before its journal is open
	for line := range strings.Lines(b.must("smiletill journal list")) {
		if strings.Contains(line, "hung") && !strings.Contains(line, "expired") {
			t.Errorf("the payment that hung did not expire: %s", line)
		}
	}
	b.pays(t, "after-the-hang")
}

// killed kills it faster than systemd's usual limit of five starts in ten seconds allows.
func (b *box) killed(t *testing.T) {
	for i := range 6 {
		before := b.show("MainPID")
		b.must("kill -KILL " + before)
		b.until(fmt.Sprintf("start %d", i+1), 20*time.Second, func() bool {
			pid := b.show("MainPID")
			return pid != before && pid != "0" && b.show("ActiveState") == "active"
		})
	}
	b.ready()
	b.pays(t, "after-six-kills")
	if out := b.must("smiletill journal verify"); !strings.Contains(out, "3 approved") {
		t.Errorf("the journal after it: %s", out)
	}
}

// packages installs the package over itself, removes and purges it: what the technician has set stays over an
// upgrade, and payments stay whatever is done.
func (b *box) packages(t *testing.T) {
	before := b.show("MainPID")
	b.must("dpkg -i /srv/smiletill.deb </dev/null")
	if b.must("cat /etc/smiletill/smiletill.toml") != boxConfig {
		t.Error("the upgrade changed the configuration")
	}
	b.until("the upgrade starts it anew", 20*time.Second, func() bool {
		pid := b.show("MainPID")
		return pid != before && pid != "0" && b.show("ActiveState") == "active"
	})
	b.must("dpkg -r smiletill")
	if b.show("ActiveState") == "active" {
		t.Error("it runs on after it was removed")
	}
	out := b.must("dpkg -P smiletill")
	if !strings.Contains(out, "faces") || !strings.Contains(out, "gallery.key") ||
		!strings.Contains(out, "terminal.key") {
		t.Errorf("the purge does not say what stays: %s", out)
	}
	b.must("test -s /var/lib/smiletill/journal.db && test -s /var/lib/smiletill/gallery/gallery.key")
	if _, err := b.sh("test -e /usr/bin/smiletill"); !errors.As(err, new(*exec.ExitError)) {
		t.Error("the program is still there")
	}
}
