//go:build linux

package remote

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/rpc"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// HostAddress is where the guest finds the host's loopback.
const HostAddress = "10.0.2.2"

// Options say how a guest is started.
type Options struct {
	Guest  string // folder with kernel and initrd, as guest/build.sh makes them
	Run    string // folder for the console's text and the socket; made if it is not there
	Disk   string // file of the data disk; empty for none
	Serial string // terminal of the caller's machine (/dev/pts/4) that is the guest's /dev/ttyS0; empty for none
	Memory int    // MiB; 0 means 1024
}

// Machine is a running guest.
type Machine struct {
	cmd     *exec.Cmd
	agent   *rpc.Client
	console string
	socket  string // folder of the socket
	ended   chan struct{}

	mu      sync.Mutex
	changes []Change // of lines, as far as they were asked for
}

// bootTime is how long a guest may take to answer, and to go off; with a busy core it takes some ten seconds,
// with a tenth of one a minute.
const bootTime = 5 * time.Minute

// Start boots a guest and waits for its agent.
func Start(ctx context.Context, o Options) (_ *Machine, err error) {
	if err := os.MkdirAll(o.Run, 0o755); err != nil {
		return nil, fmt.Errorf("start guest: %w", err)
	}
	// the path of a socket has at most 107 bytes
	dir, err := os.MkdirTemp("", "guest")
	if err != nil {
		return nil, fmt.Errorf("start guest: %w", err)
	}
	m := &Machine{console: filepath.Join(o.Run, "console"), socket: dir, ended: make(chan struct{})}
	m.cmd = exec.CommandContext(ctx, "qemu-system-aarch64", arguments(o, m.console, dir+"/agent")...)
	log, err := os.Create(filepath.Join(o.Run, "qemu.log"))
	if err != nil {
		return nil, errors.Join(fmt.Errorf("start guest: %w", err), os.RemoveAll(dir))
	}
	defer log.Close()
	m.cmd.Stdout, m.cmd.Stderr = log, log
	if err := m.cmd.Start(); err != nil {
		return nil, errors.Join(fmt.Errorf("start guest: %w", err), os.RemoveAll(dir))
	}
	go func() { _ = m.cmd.Wait(); close(m.ended) }()
	if err := m.connect(ctx, dir+"/agent"); err != nil {
		return nil, errors.Join(fmt.Errorf("start guest: %w; its console is in %s", err, m.console), m.Cut())
	}
	return m, nil
}

func arguments(o Options, console, socket string) []string {
	memory := o.Memory
	if memory == 0 {
		memory = 1024
	}
	args := []string{
		// The guest's clock goes by the instructions that it has executed, 1 ns each, and by this machine's clock
		// while it has nothing to do: it never sees what else runs here, and no time-out in it comes of that.
		"-machine", "virt,gic-version=3", "-cpu", "cortex-a76", "-accel", "tcg,thread=single", "-smp", "2",
		"-icount", "shift=0,sleep=on",
		"-m", fmt.Sprint(memory), "-display", "none", "-nodefaults", "-no-reboot",
		"-kernel", filepath.Join(o.Guest, "kernel"), "-initrd", filepath.Join(o.Guest, "initrd"),
		"-append", "console=ttyAMA0 panic=-1 quiet", "-serial", "file:" + console,
		"-device", "virtio-serial-pci", "-chardev", "socket,id=agent,server=on,wait=off,path=" + socket,
		"-device", "virtserialport,chardev=agent,name=" + PortName,
		"-netdev", "user,id=net,ipv6=off", "-device", "virtio-net-pci,netdev=net,romfile=",
	}
	if o.Disk != "" {
		// What the guest wrote to the disk is in the host's cache when QEMU is killed; what it did not write yet
		// is in its own memory, which is what a power cut takes.
		args = append(args, "-drive", "if=none,id=disk,format=raw,cache=writeback,file="+o.Disk,
			"-device", "virtio-blk-pci,drive=disk")
	}
	if o.Serial != "" {
		args = append(args, "-chardev", "serial,id=serial,path="+o.Serial, "-device", "pci-serial,chardev=serial")
	}
	return args
}

// connect waits until the agent answers.
func (m *Machine) connect(ctx context.Context, socket string) error {
	ctx, stop := context.WithTimeout(ctx, bootTime)
	defer stop()
	var conn net.Conn
	for {
		var err error
		if conn, err = (&net.Dialer{}).DialContext(ctx, "unix", socket); err == nil {
			break
		}
		select {
		case <-m.ended:
			return errors.New("qemu has ended")
		case <-ctx.Done():
			return fmt.Errorf("reach its agent: %w", err)
		case <-time.After(20 * time.Millisecond):
		}
	}
	m.agent = rpc.NewClient(conn)
	var h Hello
	if err := m.call(ctx, "Hello", time.Now(), &h); err != nil {
		return fmt.Errorf("the agent in it does not answer: %w", err)
	}
	return nil
}

// call calls a method of the agent.
func (m *Machine) call(ctx context.Context, method string, args, reply any) error {
	c := m.agent.Go(Service+"."+method, args, reply, make(chan *rpc.Call, 1))
	select {
	case <-c.Done:
		return c.Error
	case <-m.ended:
		return fmt.Errorf("%s: the guest has gone off", strings.ToLower(method))
	case <-ctx.Done():
		return fmt.Errorf("%s: %w", strings.ToLower(method), ctx.Err())
	}
}

// Cut is a power cut. A second one does nothing.
func (m *Machine) Cut() error {
	err := m.cmd.Process.Kill()
	if errors.Is(err, os.ErrProcessDone) {
		err = nil
	}
	<-m.ended
	return errors.Join(err, m.close())
}

// Off has the guest unmount its disk and switch itself off.
func (m *Machine) Off(ctx context.Context) error {
	err := m.call(ctx, "Off", None{}, &None{})
	select {
	case <-m.ended:
		return m.close() // going off may be faster than the answer
	case <-ctx.Done():
		return errors.Join(err, ctx.Err(), m.Cut())
	case <-time.After(bootTime):
		return errors.Join(err, errors.New("the guest does not go off"), m.Cut())
	}
}

func (m *Machine) close() error {
	if m.agent != nil {
		_ = m.agent.Close() // its other end is gone
	}
	return os.RemoveAll(m.socket)
}

// Console is the file with the kernel's and the agent's text.
func (m *Machine) Console() string { return m.console }
