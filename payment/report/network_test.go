package report_test

import (
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// TestNetworkPartitioned runs partitioned in a process with a network of its own, in which packets can be
// made to vanish.
func TestNetworkPartitioned(t *testing.T) {
	needMosquitto(t)
	for _, tool := range []string{"ip", "tc"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("%s is not installed: apt-get install iproute2", tool)
		}
	}
	if os.Getenv("REPORT_NETWORK") != "" {
		partitioned(t)
		return
	}
	cmd := exec.Command(os.Args[0], "-test.run=^TestNetworkPartitioned$", "-test.v", "-test.timeout=3m")
	cmd.Env = append(os.Environ(), "REPORT_NETWORK=own")
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET}
	if os.Geteuid() != 0 {
		cmd.SysProcAttr.Cloneflags |= syscall.CLONE_NEWUSER
		cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Geteuid(), Size: 1}}
		cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getegid(), Size: 1}}
	}
	out, err := cmd.CombinedOutput()
	if len(out) == 0 && err != nil {
		t.Skipf("no network of its own is allowed here: %v", err)
	}
	t.Logf("%s", out)
	if err != nil {
		t.Error(err)
	}
}

func sh(t *testing.T, line string) {
	t.Helper()
	if out, err := exec.Command("sh", "-c", line).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v %s", line, err, out)
	}
}

// partitioned lets every packet vanish for a while, twice, without any end being told; rows are added all the
// time and never wait, and each is delivered and counted once when the network is back.
func partitioned(t *testing.T) {
	sh(t, "ip link set lo up")
	at, _ := startMosquitto(t, loopback(t))
	c, _ := startCloud(t, "mqtt://"+at, filepath.Join(t.TempDir(), "cloud.db"))
	box := newOutbox(t)
	r, _ := startReporter(t, options("mqtt://"+at, box))
	box.add(5)
	eventually(t, "delivered", func() bool { return box.open() == 0 })
	want := 5
	for round := range 2 {
		// A bucket too small for any packet: nothing leaves, and nobody hears of it.
		sh(t, "tc qdisc add dev lo root tbf rate 8bit burst 1 limit 1")
		slowest := time.Duration(0)
		for range 10 {
			start := time.Now()
			box.add(1)
			slowest = max(slowest, time.Since(start))
		}
		want += 10
		eventually(
			t,
			"the terminal notices",
			func() bool { s := r.State(); return s.Problem != "" && s.Hint != "" },
		)
		s := r.State()
		t.Logf("round %d: the slowest row took %v; the terminal says %q", round, slowest, s.Problem)
		if box.open() != 10 {
			t.Errorf("%d rows are open without a network", box.open())
		}
		sh(t, "tc qdisc del dev lo root")
		start := time.Now()
		eventually(t, "delivered when the network is back", func() bool { return box.open() == 0 })
		t.Logf(
			"round %d: delivered %v after the network was back",
			round,
			time.Since(start).Round(time.Millisecond),
		)
	}
	if n := count(t, c); n != want || box.mostCloses() != 1 {
		t.Errorf("counted %d of %d, closed up to %d times", n, want, box.mostCloses())
	}
}

// slowly carries bytes at so many a second, each way.
func slowly(t *testing.T, to string, rate int) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ln.Close() })
	carry := func(to, from net.Conn) {
		defer func() { _, _ = to.Close(), from.Close() }()
		for {
			n, err := io.CopyN(to, from, int64(rate/20))
			if n > 0 {
				time.Sleep(time.Duration(n) * time.Second / time.Duration(rate))
			}
			if err != nil {
				return
			}
		}
	}
	go func() {
		for {
			near, err := ln.Accept()
			if err != nil {
				return
			}
			// Small buffers, as a slow modem's: else the kernel takes everything at once.
			_ = near.(*net.TCPConn).SetReadBuffer(2048)
			far, err := net.Dial("tcp", to)
			if err != nil {
				_ = near.Close()
				continue
			}
			go carry(far, near)
			go carry(near, far)
		}
	}()
	return "mqtt://" + ln.Addr().String()
}

// TestNetworkOfAKilobyteASecond drains a backlog over such a network, in order, with few repetitions.
func TestNetworkOfAKilobyteASecond(t *testing.T) {
	needMosquitto(t)
	at, _ := startMosquitto(t, loopback(t))
	c, _ := startCloud(t, "mqtt://"+at, filepath.Join(t.TempDir(), "cloud.db"))
	box := newOutbox(t)
	box.add(8)
	o := options(slowly(t, at, 1000), box)
	o.AckTimeout = 0 // as in a terminal
	r, _ := startReporter(t, o)
	start := time.Now()
	eventually(t, "the first row is out", func() bool { return r.State().Counts.Published > 0 })
	box.add(2)
	eventually(t, "all are delivered", func() bool { return box.open() == 0 })
	s := r.State()
	t.Logf("10 rows in %v, %d sendings", time.Since(start).Round(time.Millisecond), s.Counts.Published)
	if count(t, c) != 10 || box.mostCloses() != 1 || s.Counts.Published > 30 {
		t.Errorf(
			"counted %d, closed up to %d times, %d sendings",
			count(t, c),
			box.mostCloses(),
			s.Counts.Published,
		)
	}
}
