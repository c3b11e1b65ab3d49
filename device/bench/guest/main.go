//go:build linux

package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net/rpc"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"smiletill/device/bench/remote"
)

func main() {
	err := boot()
	fmt.Println("bench guest:", err)
	off() // PID 1 must not end
}

// boot serves until the machine is told to go off.
func boot() error {
	if err := mounts(); err != nil {
		return err
	}
	n, err := loadModules("/modules.list", "/modules")
	if err != nil {
		return err
	}
	if err := network(); err != nil {
		return err
	}
	port, err := openPort(remote.PortName, 10*time.Second)
	if err != nil {
		return err
	}
	s := rpc.NewServer()
	if err := s.RegisterName(remote.Service, newAgent(n)); err != nil {
		return err
	}
	s.ServeConn(port)
	return errors.New("the caller has gone")
}

func mounts() error {
	for _, m := range []struct{ dir, kind string }{
		{"/proc", "proc"}, {"/sys", "sysfs"}, {"/dev", "devtmpfs"}, {"/tmp", "tmpfs"}, {"/run", "tmpfs"},
		{"/sys/kernel/debug", "debugfs"}, {"/sys/kernel/tracing", "tracefs"},
	} {
		if err := unix.Mount(m.kind, m.dir, m.kind, 0, ""); err != nil && !errors.Is(err, unix.EBUSY) {
			return fmt.Errorf("mount %s: %w", m.dir, err)
		}
	}
	return nil
}

// loadModules loads what a list names, one a line: name, then parameters. configfs is mounted with them.
func loadModules(list, dir string) (n int, err error) {
	f, err := os.Open(list)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	for s := bufio.NewScanner(f); s.Scan(); n++ {
		name, parameters, _ := strings.Cut(s.Text(), " ")
		m, err := os.Open(filepath.Join(dir, name+".ko"))
		if err != nil {
			return n, err
		}
		err = unix.FinitModule(int(m.Fd()), strings.TrimSpace(parameters), 0)
		_ = m.Close()
		if err != nil && !errors.Is(err, unix.EEXIST) {
			return n, fmt.Errorf("load module %s: %w", name, err)
		}
	}
	if err := unix.Mount("configfs", "/sys/kernel/config", "configfs", 0, ""); err != nil {
		return n, fmt.Errorf("mount configfs: %w", err)
	}
	return n, nil
}

// openPort waits for the virtio port of a name.
func openPort(name string, timeout time.Duration) (io.ReadWriteCloser, error) {
	for end := time.Now().Add(timeout); ; time.Sleep(10 * time.Millisecond) {
		names, err := filepath.Glob("/sys/class/virtio-ports/*/name")
		if err != nil {
			return nil, err
		}
		for _, file := range names {
			b, err := os.ReadFile(file)
			if err == nil && strings.TrimSpace(string(b)) == name {
				return os.OpenFile("/dev/"+filepath.Base(filepath.Dir(file)), os.O_RDWR, 0)
			}
		}
		if time.Now().After(end) {
			return nil, fmt.Errorf("find the port %s: not within %v", name, timeout)
		}
	}
}

// off switches the machine off.
func off() {
	unix.Sync()
	for {
		if err := unix.Reboot(unix.LINUX_REBOOT_CMD_POWER_OFF); err != nil {
			fmt.Println("bench guest: switch off:", err)
		}
		time.Sleep(time.Second)
	}
}
