package vending_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/creack/pty"
	"golang.org/x/term"

	vendingroom "smiletill/cmd/smiletill/vending"
	"smiletill/device/serial"
	"smiletill/payment/vending"
	"smiletill/payment/vending/machine"
	"smiletill/payment/vending/vendingtest"
)

// bench is a simulation that runs, with its port open.
type bench struct {
	t     *testing.T
	typed *io.PipeWriter
	port  *serial.Port
	lines chan string
}

func start(t *testing.T, s vendingroom.Simulation) *bench {
	t.Helper()
	s.Link = filepath.Join(t.TempDir(), "adapter")
	in, typed := io.Pipe()
	out, printed := io.Pipe()
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		ended <- vendingroom.Simulate(ctx, in, printed, s)
		_ = printed.Close()
	}()
	first, err := bufio.NewReader(out).ReadString('\n')
	if err != nil || !strings.Contains(first, s.Link) {
		t.Fatalf("%q, %v: no path", first, err)
	}
	go func() { _, _ = io.Copy(io.Discard, out) }()
	b := &bench{t: t, typed: typed, lines: make(chan string, 1000)}
	if b.port, err = serial.Open(s.Link, 115200); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(b.lines)
		for r := bufio.NewScanner(b.port); r.Scan(); {
			b.lines <- strings.TrimSpace(r.Text())
		}
	}()
	t.Cleanup(func() {
		stop()
		_ = typed.Close()
		if err := errors.Join(<-ended, b.port.Close()); err != nil {
			t.Error(err)
		}
		if _, err := os.Lstat(s.Link); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("the link is still there: %v", err)
		}
	})
	return b
}

// play writes a line ("> C,0"), types one ("$ 1.20 10") or waits for one ("< c,0"), whatever comes before it.
func (b *bench) play(script string) {
	b.t.Helper()
	for _, line := range strings.Split(strings.TrimSpace(script), "\n") {
		mark, text, _ := strings.Cut(strings.TrimSpace(line), " ")
		switch mark {
		case ">":
			if _, err := b.port.Write([]byte(text + "\n")); err != nil {
				b.t.Fatal(err)
			}
		case "$":
			if _, err := fmt.Fprintln(b.typed, text); err != nil {
				b.t.Fatal(err)
			}
		case "<":
			b.wait(text)
		}
	}
}

func (b *bench) wait(text string) {
	b.t.Helper()
	late := time.After(20 * time.Second)
	for {
		select {
		case l, ok := <-b.lines:
			if l == text {
				return
			}
			if !ok {
				b.t.Fatalf("%q never came: the port is closed", text)
			}
		case <-late:
			b.t.Fatalf("%q never came", text)
		}
	}
}

// TestSimulate opens the simulated adapter as a program of somebody's would, in each dialect.
func TestSimulate(t *testing.T) {
	for name, c := range map[string]struct {
		machine machine.Options
		script  string
	}{
		"new firmware": {machine.Options{Decimals: 2}, `
			> V
			< v,4.0.2.0,0123456789ab
			> C,0
			< c,0
			> C,SETCONF,mdb-always-idle=1
			< c,SET,OK
			> C,1
			< c,STATUS,INACTIVE
			< c,1
			< c,STATUS,ENABLED
			$ 1.20 10
			< c,STATUS,VEND,1.20,10
			> C,VEND,-1
			< c,STATUS,ENABLED
			$ 1.20 10
			< c,STATUS,VEND,1.20,10
			$ cancel
			< c,ERR,VEND 1
			$ 0.80 11
			< c,STATUS,VEND,0.80,11
			> C,VEND,0.80
			< r,ACK
			< c,VEND,SUCCESS
			< c,STATUS,IDLE
			< c,STATUS,ENABLED
			$ restart
			$ 1.20 10
			$ soda
			> C,1
			< c,1`},
		"old firmware": {machine.Options{Decimals: 2, Firmware: machine.OldFirmware, AuthoriseFirst: true,
			Quoted: true, Deny: machine.DenyByStop}, `
			> C,0
			< c,STATUS,OFFLINE
			> C,SETCONF,mdb-decimal-places=2
			< c,ERR,"SETCONF -1"
			> C,1
			< c,STATUS,ONLINE
			< c,STATUS,ENABLED
			> C,START,5.00
			< c,STATUS,IDLE,5.00
			$ 1.20 10
			< c,STATUS,VEND,1.20,10
			> C,VEND,-1
			< c,ERR,"VEND -1"
			> C,STOP
			< c,STATUS,ENABLED`},
		"a machine with one decimal that jams": {machine.Options{Decimals: 1,
			Faults: machine.Faults{Jam: 1}}, `
			> C,SETCONF,mdb-always-idle=1
			> C,1
			< c,STATUS,ENABLED
			$ 1.2 10
			< c,STATUS,VEND,0.12,10
			> C,VEND,0.12
			< c,ERR,VEND 3`},
		"both halves on one port": {machine.Options{Decimals: 2, Foreign: true}, `
			> D,2
			> C,SETCONF,mdb-always-idle=1
			> C,1
			< d,STATUS,INIT,1
			> D,READER,1
			< c,STATUS,ENABLED
			> D,REQ,1.20,10
			< d,STATUS,VEND
			> C,VEND,1.20
			< d,STATUS,RESULT,1,1.20
			> D,END
			< c,VEND,SUCCESS`},
	} {
		t.Run(name, func(t *testing.T) {
			start(t, vendingroom.Simulation{Machine: c.machine}).play(c.script)
		})
	}
}

func TestSimulateKeepsFiles(t *testing.T) {
	file := filepath.Join(t.TempDir(), "mine")
	if err := os.WriteFile(file, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	s := vendingroom.Simulation{Link: file}
	err := vendingroom.Simulate(t.Context(), strings.NewReader(""), io.Discard, s)
	if text, _ := os.ReadFile(file); !errors.Is(err, os.ErrExist) || string(text) != "x" {
		t.Errorf("%v, and the file has %q", err, text)
	}
}

// line is a wire: a pseudo-terminal of the kernel's, and the port that a terminal opens. What was written is
// read before anything else happens, so that the day's time is its own.
type line struct {
	far   *os.File
	port  *serial.Port
	heard vending.Splitter
	bytes int
}

func (l *line) carry(from io.Writer, to io.Reader, text string) ([]byte, error) {
	if _, err := io.WriteString(from, text); err != nil {
		return nil, err
	}
	got := make([]byte, len(text))
	_, err := io.ReadFull(to, got)
	l.bytes += len(got)
	return got, err
}

func (l *line) ToAdapter(text string) ([]string, error) {
	got, err := l.carry(l.port, l.far, text+"\n")
	return []string{strings.TrimSpace(string(got))}, err
}

func (l *line) ToReader(lines []string) ([]vending.Line, error) {
	got, err := l.carry(l.far, l.port, strings.Join(lines, "\r\n")+"\r\n")
	return l.heard.Feed(got), err
}

// TestDayOnALine plays days of choices with every fault over a real pseudo-terminal. The seed is printed;
// SIM_SEED=n repeats it.
func TestDayOnALine(t *testing.T) {
	seed := uint64(time.Now().UnixNano() % 1_000_000)
	if s := os.Getenv("SIM_SEED"); s != "" {
		if _, err := fmt.Sscan(s, &seed); err != nil {
			t.Fatal(err)
		}
	}
	for i, mode := range []vending.Mode{vending.AlwaysIdle, vending.AuthoriseFirst} {
		far, near, err := pty.Open()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := term.MakeRaw(int(near.Fd())); err != nil {
			t.Fatal(err)
		}
		name := near.Name()
		if err := near.Close(); err != nil {
			t.Fatal(err)
		}
		port, err := serial.Open(name, 115200)
		if err != nil {
			t.Fatal(err)
		}
		l := &line{far: far, port: port}
		r, err := vendingtest.Run(vendingtest.Options{
			Seed: seed, Choices: 300, Unplug: 0.03, Stop: 0.03,
			Set: vending.Settings{Address: 0x10, Timeout: time.Minute, Mode: mode,
				Scale: vending.Scale{Currency: "EUR", Decimals: 2, Factor: 1}},
			Machine: machine.Options{
				Decimals: 2, Motor: 3 * time.Second, AuthoriseFirst: mode == vending.AuthoriseFirst,
				Firmware: machine.Firmware(i), Quoted: i == 1, Deny: machine.Deny(i),
				Faults: machine.Faults{
					Jam: 0.1, Silence: 0.05, Restart: 0.01, Garble: 0.02, Double: 0.05, Lose: 0.02,
				},
			},
		}, l)
		if err := errors.Join(err, port.Close(), far.Close()); err != nil {
			t.Fatal(err)
		}
		t.Logf("SIM_SEED=%d, %d bytes: %+v", seed, l.bytes, r)
		for _, v := range r.Violations {
			t.Errorf("SIM_SEED=%d: %s", seed, v)
		}
		if r.Chosen < 300 || r.Approved < 100 {
			t.Errorf("SIM_SEED=%d: too little was tried", seed)
		}
	}
}
