//go:build linux

package remote

import (
	"context"
	"fmt"
	"syscall"
	"time"

	"smiletill/device/bench"
)

// Hello asks what runs in the guest, and the first time sets its clock.
func (m *Machine) Hello(ctx context.Context) (h Hello, err error) {
	return h, m.call(ctx, "Hello", time.Now(), &h)
}

// Mount makes a file system on the data disk if it has none, and mounts it.
func (m *Machine) Mount(ctx context.Context, folder string) error {
	return m.call(ctx, "Mount", folder, &None{})
}

// Put writes a file, and the folders to it.
func (m *Machine) Put(ctx context.Context, path string, data []byte, mode uint32) error {
	return m.call(ctx, "Put", File{Path: path, Data: data, Mode: mode}, &None{})
}

// Get reads a file.
func (m *Machine) Get(ctx context.Context, path string) ([]byte, error) {
	var f File
	err := m.call(ctx, "Get", path, &f)
	return f.Data, err
}

// Run runs a program to its end; that it failed is no error of Run.
func (m *Machine) Run(ctx context.Context, c Command) (r Result, err error) {
	if c.Timeout == 0 {
		c.Timeout = time.Minute
	}
	return r, m.call(ctx, "Run", c, &r)
}

// Launch starts a program and leaves it running.
func (m *Machine) Launch(ctx context.Context, p Program) error {
	return m.call(ctx, "Launch", p, &None{})
}

// Signal sends a signal to a program that was launched.
func (m *Machine) Signal(ctx context.Context, name string, s syscall.Signal) error {
	return m.call(ctx, "Signal", Signal{name, int(s)}, &None{})
}

// Await waits for the end of a program that was launched.
func (m *Machine) Await(ctx context.Context, name string, timeout time.Duration) (r Result, err error) {
	return r, m.call(ctx, "Await", Wait{name, timeout}, &r)
}

// Plug plugs a camera in and waits for the driver's node.
func (m *Machine) Plug(ctx context.Context, p Plug) (node string, err error) {
	return node, m.call(ctx, "Plug", p, &node)
}

// Unplug pulls a camera out. It gives the time at which it was pulled.
func (m *Machine) Unplug(ctx context.Context, port int) (at time.Duration, err error) {
	return at, m.call(ctx, "Unplug", port, &at)
}

// Show changes what a camera sees. It gives the time of that.
func (m *Machine) Show(ctx context.Context, port int, f bench.Film) (at time.Duration, err error) {
	return at, m.call(ctx, "Show", Scene{Port: port, Film: &f}, &at)
}

// Fault makes a camera's frames bad, or good again. It gives the time of that.
func (m *Machine) Fault(ctx context.Context, port int, f bench.Fault) (at time.Duration, err error) {
	return at, m.call(ctx, "Show", Scene{Port: port, Fault: f}, &at)
}

// MakeChip makes a chip of GPIO lines.
func (m *Machine) MakeChip(ctx context.Context, label string, lines []string) error {
	return m.call(ctx, "MakeChip", Chip{label, lines}, &None{})
}

// RemoveChip takes a chip away.
func (m *Machine) RemoveChip(ctx context.Context, label string) error {
	return m.call(ctx, "RemoveChip", label, &None{})
}

// Pull pulls a line from outside. It gives the time just before.
func (m *Machine) Pull(ctx context.Context, l Line) (at time.Duration, err error) {
	return at, m.call(ctx, "Pull", l, &at)
}

// High reads a line from outside.
func (m *Machine) High(ctx context.Context, label, line string) (high bool, err error) {
	return high, m.call(ctx, "High", Line{Label: label, Name: line}, &high)
}

// Sent is how many frames of a camera the guest's driver has taken: how far the guest has come, whatever its
// emulation costs.
func (m *Machine) Sent(ctx context.Context, port int) (n int, err error) {
	return n, m.call(ctx, "Sent", port, &n)
}

// Changes are the lines' changes since the guest began, oldest first. Who asks often gets them no later for
// it: only what is new comes from the guest, since a tone is a thousand changes.
func (m *Machine) Changes(ctx context.Context) ([]Change, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var more []Change
	err := m.call(ctx, "Changes", len(m.changes), &more)
	m.changes = append(m.changes, more...)
	return m.changes, err
}

// Must gives an error when a program did not end with code 0.
func (r Result) Must() error {
	if r.Code == 0 {
		return nil
	}
	return fmt.Errorf("exit code %d\n%s%s", r.Code, r.Stdout, r.Stderr)
}
