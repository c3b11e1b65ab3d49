//go:build linux

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"smiletill/device/bench"
	"smiletill/device/bench/remote"
)

// agent does what the caller asks for. Its methods are called by net/rpc, several at once.
type agent struct {
	modules int

	clock sync.Once

	mu       sync.Mutex
	trace    *bench.Trace // nil until a chip is made: there is one in a machine, which tests may want before
	programs map[string]*program
	cameras  map[int]*bench.Camera
	chips    map[string]*bench.Chip
	lines    map[int]string // the kernel's numbers
	changes  []remote.Change
}

type program struct {
	cmd   *exec.Cmd
	begun time.Time
	done  chan struct{}
}

func newAgent(modules int) *agent {
	return &agent{modules: modules, programs: map[string]*program{}, cameras: map[int]*bench.Camera{},
		chips: map[string]*bench.Chip{}, lines: map[int]string{}}
}

// Hello says what runs here. The first one sets the clock, which runs slower than the caller's from then on.
func (a *agent) Hello(now time.Time, h *remote.Hello) (err error) {
	a.clock.Do(func() {
		t := unix.NsecToTimeval(now.UnixNano())
		err = unix.Settimeofday(&t)
	})
	if err != nil {
		return fmt.Errorf("set the clock: %w", err)
	}
	var u unix.Utsname
	if err := unix.Uname(&u); err != nil {
		return err
	}
	*h = remote.Hello{Kernel: unix.ByteSliceToString(u.Release[:]), Modules: a.modules, Up: bench.Now()}
	return nil
}

// Mount mounts the data disk. Its file system is made by the caller, in the file that becomes the disk.
func (a *agent) Mount(folder string, _ *remote.None) error {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	const disk = "/dev/vda"
	for end := time.Now().Add(5 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		if _, err := os.Stat(disk); err == nil || time.Now().After(end) {
			break
		}
	}
	return unix.Mount(disk, folder, "ext4", 0, "")
}

// Put writes a file, and the folders to it.
func (a *agent) Put(f remote.File, _ *remote.None) error {
	if err := os.MkdirAll(filepath.Dir(f.Path), 0o755); err != nil {
		return err
	}
	// Another call may start a program meanwhile. Until its exec it would have this file open too, and who runs
	// the file then is told "text file busy".
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	return os.WriteFile(f.Path, f.Data, os.FileMode(f.Mode))
}

// Get reads a file.
func (a *agent) Get(path string, f *remote.File) (err error) {
	f.Data, err = os.ReadFile(path)
	return err
}

func environment(extra []string) []string {
	return append([]string{"PATH=/usr/bin:/usr/sbin:/bin:/sbin", "HOME=/root"}, extra...)
}

// Run runs a program to its end.
func (a *agent) Run(c remote.Command, r *remote.Result) error {
	ctx, stop := context.WithTimeout(context.Background(), c.Timeout)
	defer stop()
	cmd := exec.CommandContext(ctx, c.Argv[0], c.Argv[1:]...)
	cmd.WaitDelay = time.Second
	cmd.Env, cmd.Dir = environment(c.Env), c.Dir
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	start := time.Now()
	err := cmd.Run()
	r.Took, r.Code = time.Since(start), cmd.ProcessState.ExitCode()
	r.Stdout, r.Stderr = out.String(), errs.String()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return nil
	}
	return err
}

// Launch starts a program and leaves it running.
func (a *agent) Launch(p remote.Program, _ *remote.None) error {
	log, err := os.OpenFile(p.Log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer log.Close()
	cmd := exec.Command(p.Argv[0], p.Argv[1:]...)
	cmd.Env, cmd.Stdout, cmd.Stderr = environment(p.Env), log, log
	run := &program{cmd: cmd, begun: time.Now(), done: make(chan struct{})}
	if err := cmd.Start(); err != nil {
		return err
	}
	go func() { _ = cmd.Wait(); close(run.done) }()
	a.mu.Lock()
	defer a.mu.Unlock()
	a.programs[p.Name] = run
	return nil
}

func (a *agent) program(name string) (*program, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if p := a.programs[name]; p != nil {
		return p, nil
	}
	return nil, fmt.Errorf("no program %q was launched", name)
}

// Signal sends a signal to a program that was launched.
func (a *agent) Signal(s remote.Signal, _ *remote.None) error {
	p, err := a.program(s.Name)
	if err != nil {
		return err
	}
	return p.cmd.Process.Signal(syscall.Signal(s.Number))
}

// Await waits for the end of a program that was launched.
func (a *agent) Await(w remote.Wait, r *remote.Result) error {
	p, err := a.program(w.Name)
	if err != nil {
		return err
	}
	select {
	case <-p.done:
		r.Code, r.Took = p.cmd.ProcessState.ExitCode(), time.Since(p.begun)
		return nil
	case <-time.After(w.Timeout):
		return fmt.Errorf("%s still runs after %v", w.Name, w.Timeout)
	}
}

// Off unmounts the data disk and switches the machine off.
func (a *agent) Off(_ remote.None, _ *remote.None) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, p := range a.programs {
		_ = p.cmd.Process.Kill() // it may have ended
	}
	unix.Sync()
	go off()
	return nil
}
