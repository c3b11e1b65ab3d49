package setup

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// wire is two networks, a terminal's and a shop's, with a cable between them.
type wire struct {
	t          *testing.T
	till, shop int // files of their namespaces
}

const (
	tillFour, shopFour = "192.168.77.1", "192.168.77.2"
	tillSix, shopSix   = "fd77::1", "fd77::2"
)

// newWire lays it, of the kernel's own network namespaces, which are gone with the test.
func newWire(t *testing.T) *wire {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("only root makes a network")
	}
	if _, err := os.Stat("/usr/sbin/nft"); err != nil {
		t.Skip("nftables is not installed: `make tools` does it")
	}
	// A program that stands still in each: what a thread of this one makes would end with the thread.
	space := func() (pid, file int) {
		cmd := exec.Command("cat")
		cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET}
		in, err := cmd.StdinPipe()
		if err == nil {
			err = cmd.Start()
		}
		if err != nil {
			t.Skipf("this root makes no network: %v", err)
		}
		t.Cleanup(func() { _ = in.Close(); _ = cmd.Wait() })
		f, err := unix.Open(fmt.Sprintf("/proc/%d/ns/net", cmd.Process.Pid), unix.O_RDONLY|unix.O_CLOEXEC, 0)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = unix.Close(f) })
		return cmd.Process.Pid, f
	}
	_, till := space()
	pid, shop := space()
	w := &wire{t, till, shop}
	w.in(till, func() error {
		return run("ip link set lo up", "ip link add eth0 type veth peer name eth0 netns "+strconv.Itoa(pid),
			"ip link set eth0 up", "ip addr add "+tillFour+"/24 dev eth0", "ip addr add "+tillSix+"/64 dev eth0 nodad")
	})
	w.in(shop, func() error {
		return run("ip link set lo up", "ip link set eth0 up", "ip addr add "+shopFour+"/24 dev eth0",
			"ip addr add "+shopSix+"/64 dev eth0 nodad")
	})
	return w
}

func run(lines ...string) error {
	for _, line := range lines {
		f := strings.Fields(line)
		if out, err := exec.Command(f[0], f[1:]...).CombinedOutput(); err != nil {
			return fmt.Errorf("%s: %w %s", line, err, out)
		}
	}
	return nil
}

// in runs something in a network. The thread is not used again.
func (w *wire) in(space int, do func() error) {
	w.t.Helper()
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		if err := unix.Setns(space, unix.CLONE_NEWNET); err != nil {
			done <- err
			return
		}
		done <- do()
	}()
	if err := <-done; err != nil {
		w.t.Fatal(err)
	}
}

// listen has a port of the till's answer, over TCP or UDP, at all of its addresses.
func (w *wire) listen(ports ...int) {
	w.t.Helper()
	w.in(w.till, func() error {
		for _, port := range ports {
			l, err := net.Listen("tcp", fmt.Sprintf("[::]:%d", port))
			if err != nil {
				return err
			}
			w.t.Cleanup(func() { _ = l.Close() })
			go func() {
				for {
					c, err := l.Accept()
					if err != nil {
						return
					}
					_ = c.Close()
				}
			}()
			u, err := net.ListenPacket("udp", fmt.Sprintf("[::]:%d", port))
			if err != nil {
				return err
			}
			w.t.Cleanup(func() { _ = u.Close() })
			go func() {
				b := make([]byte, 16)
				for {
					n, from, err := u.ReadFrom(b)
					if err != nil {
						return
					}
					_, _ = u.WriteTo(b[:n], from)
				}
			}()
		}
		return nil
	})
}

// patience is how long an answer is waited for. What is dropped has none.
const patience = time.Second

// reaches tells whether somebody in a network reaches a port.
func (w *wire) reaches(space int, network, host string, port int) (yes bool) {
	w.t.Helper()
	w.in(space, func() error {
		c, err := net.DialTimeout(network, net.JoinHostPort(host, strconv.Itoa(port)), patience)
		if err != nil {
			return nil
		}
		defer c.Close()
		if network == "udp" {
			_ = c.SetDeadline(time.Now().Add(patience))
			_, _ = c.Write([]byte("?"))
			_, err = c.Read(make([]byte, 16))
		}
		yes = err == nil
		return nil
	})
	return yes
}

// open are the ports of the till that the shop reaches, of those that listen, by either address.
func (w *wire) open(ports ...int) string {
	w.t.Helper()
	ways := []struct{ network, host, name string }{{"tcp", tillFour, "4"}, {"tcp", tillSix, "6"},
		{"udp", tillFour, "u4"}, {"udp", tillSix, "u6"}}
	found := make([]string, len(ports)*len(ways))
	var asked sync.WaitGroup
	for i := range found {
		asked.Go(func() {
			port, to := ports[i/len(ways)], ways[i%len(ways)]
			if w.reaches(w.shop, to.network, to.host, port) {
				found[i] = to.name + ":" + strconv.Itoa(port)
			}
		})
	}
	asked.Wait()
	return strings.Join(slices.DeleteFunc(found, func(s string) bool { return s == "" }), " ")
}

// firewall has the till's firewall made, with a key of somebody or none, and these doors.
func (w *wire) firewall(keys, settings string) (err error) {
	w.t.Helper()
	p := place{w.t, w.t.TempDir(), ""}
	p.write(filepath.Join(p.root, "etc/smiletill/smiletill.toml"), settings)
	p.write(filepath.Join(p.root, sshRun, sshKeys), keys)
	w.in(w.till, func() error {
		err = Target{Root: p.root}.Do(context.Background(), Order{Firewall: true}, nil, nil)
		return nil
	})
	return err
}

// TestFirewall: real connections through the kernel's own filter.
func TestFirewall(t *testing.T) {
	w := newWire(t)
	all := []int{22, 5353, 8080, 8443, 8444, 9000}
	w.listen(all...)
	const whole = "4:8080 6:8080 u4:8080 u6:8080 4:9000 6:9000 u4:9000 u6:9000"
	for tries := 10; ; tries-- { // until the cable is up
		got := w.open(8080, 9000)
		if got == whole {
			break
		}
		if tries == 0 {
			t.Fatalf("without it the shop reaches %s", got)
		}
	}
	const names = "u4:5353 u6:5353"
	for _, tc := range []struct{ name, keys, settings, want string }{
		{"as shipped", "", "", names},
		{"a key", anna, "", "4:22 6:22 " + names},
		{"a register of the shop", "", "[register]\nlisten = \"0.0.0.0:8443\"\n", names + " 4:8443"},
		{"a counter on all addresses", anna, "[counter]\nlisten = \"[::]:8444\"\n",
			"4:22 6:22 " + names + " 4:8444 6:8444"},
		{"one address", "", "[screen]\nlisten = \"" + tillFour + ":8080\"\n", names + " 4:8080"},
		{"one address, IPv6", "", "[screen]\nlisten = \"[" + tillSix + "]:8080\"\n", names + " 6:8080"},
		{"shut again", "", "[screen]\nlisten = \"[::1]:8080\"\n", names},
	} {
		if err := w.firewall(tc.keys, tc.settings); err != nil {
			t.Errorf("%s: %v", tc.name, err)
		}
		if got := w.open(all...); got != tc.want {
			t.Errorf("%s: the shop reaches %s, want %s", tc.name, got, tc.want)
		}
	}
	if !w.reaches(w.till, "tcp", "127.0.0.1", 8080) || !w.reaches(w.till, "tcp", "::1", 8444) {
		t.Error("it does not reach itself")
	}
	w.in(w.shop, func() error { // and its own connections have their answers
		l, err := net.Listen("tcp", "[::]:8883")
		if err == nil {
			t.Cleanup(func() { _ = l.Close() })
		}
		return err
	})
	if !w.reaches(w.till, "tcp", shopFour, 8883) || !w.reaches(w.till, "tcp", shopSix, 8883) {
		t.Error("it does not reach the broker")
	}
}

// TestFirewallFails: a mistake in the settings, or rules that the kernel refuses, leave the technician's way
// in, and shut the terminal's own doors.
func TestFirewallFails(t *testing.T) {
	w := newWire(t)
	w.listen(22, 8443)
	shut := func(what string) {
		t.Helper()
		if got := w.open(22, 8443); got != "4:22 6:22" {
			t.Errorf("%s: the shop reaches %s", what, got)
		}
	}
	const register = "[register]\nlisten = \"0.0.0.0:8443\"\n"
	for _, settings := range []string{register + "[payment]\namount_max = \"a lot\"\n", "register = \n"} {
		if err := w.firewall(anna, settings); err == nil || !strings.Contains(err.Error(), "smiletill.toml:") {
			t.Errorf("%q: %v", settings, err)
		}
		shut(settings)
	}
	if err := w.firewall(anna, register); err != nil {
		t.Fatal(err)
	}
	w.in(w.till, func() error { // all or none: what was in force stays until the next try
		if err := nft(t.Context(), rules(false, []string{"tcp dport 8443 accpet"})); err == nil {
			return errors.New("nft takes it")
		}
		return nil
	})
	if got := w.open(22, 8443); got != "4:22 6:22 4:8443" {
		t.Errorf("after rules that were refused the shop reaches %s", got)
	}
}
