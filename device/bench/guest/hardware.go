//go:build linux

package main

import (
	"fmt"
	"time"

	"smiletill/device/bench"
	"smiletill/device/bench/remote"
)

// Plug plugs a camera in and waits for the driver's node.
func (a *agent) Plug(p remote.Plug, node *string) error {
	c, err := bench.PlugCamera(p.Port, p.Options)
	if err != nil {
		return err
	}
	c.Show(p.Film)
	a.mu.Lock()
	a.cameras[p.Port] = c
	a.mu.Unlock()
	*node, err = c.Node(10 * time.Second)
	return err
}

func (a *agent) camera(port int) (*bench.Camera, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if c := a.cameras[port]; c != nil {
		return c, nil
	}
	return nil, fmt.Errorf("no camera is plugged into port %d", port)
}

// Unplug pulls a camera out.
func (a *agent) Unplug(port int, at *time.Duration) error {
	c, err := a.camera(port)
	if err != nil {
		return err
	}
	*at = bench.Now()
	return c.Unplug()
}

// Show changes what a camera sees, and what is wrong with it.
func (a *agent) Show(s remote.Scene, at *time.Duration) error {
	c, err := a.camera(s.Port)
	if err != nil {
		return err
	}
	*at = bench.Now()
	if s.Film != nil {
		c.Show(*s.Film)
	}
	c.SetFault(s.Fault)
	return nil
}

// MakeChip makes a chip of GPIO lines.
func (a *agent) MakeChip(q remote.Chip, _ *remote.None) error {
	c, err := bench.MakeChip(q.Label, q.Lines)
	if err != nil {
		return err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.trace == nil {
		if a.trace, err = bench.StartTrace(); err != nil {
			return err
		}
	}
	a.chips[q.Label] = c
	for _, l := range q.Lines {
		a.lines[c.Number(l)] = l
	}
	return nil
}

func (a *agent) chip(label string) (*bench.Chip, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if c := a.chips[label]; c != nil {
		return c, nil
	}
	return nil, fmt.Errorf("no chip %q was made", label)
}

// RemoveChip takes a chip away.
func (a *agent) RemoveChip(label string, _ *remote.None) error {
	c, err := a.chip(label)
	if err != nil {
		return err
	}
	if err := a.read(); err != nil { // while its lines have their names
		return err
	}
	return c.Remove()
}

// Pull pulls a line from outside.
func (a *agent) Pull(l remote.Line, at *time.Duration) error {
	c, err := a.chip(l.Label)
	if err != nil {
		return err
	}
	*at = bench.Now()
	return c.Pull(l.Name, l.High)
}

// High reads a line from outside.
func (a *agent) High(l remote.Line, high *bool) error {
	c, err := a.chip(l.Label)
	if err != nil {
		return err
	}
	*high, err = c.High(l.Name)
	return err
}

// Sent is how many frames of a camera the driver has taken.
func (a *agent) Sent(port int, n *int) error {
	c, err := a.camera(port)
	if err != nil {
		return err
	}
	*n = c.Sent()
	return nil
}

// Changes are the changes of lines since the start, without the first known ones.
func (a *agent) Changes(known int, c *[]remote.Change) error {
	if err := a.read(); err != nil {
		return err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if known < 0 || known > len(a.changes) {
		return fmt.Errorf("changes after the first %d: there are %d", known, len(a.changes))
	}
	*c = a.changes[known:]
	return nil
}

// read takes what the kernel has recorded.
func (a *agent) read() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.trace == nil {
		return nil
	}
	events, err := a.trace.Read()
	if err != nil {
		return err
	}
	for _, e := range events {
		change := remote.Change{At: e.At, High: e.High, Line: a.lines[e.Line]}
		if change.Line == "" {
			change.Line = fmt.Sprintf("line %d", e.Line)
		}
		a.changes = append(a.changes, change)
	}
	return nil
}
