package remote

import (
	"time"

	"smiletill/device/bench"
)

// PortName is the virtio port by which the guest's agent and its caller speak.
const PortName = "smiletill.bench"

// Service is the name under which the agent's methods are called.
const Service = "Guest"

// None is for methods that take or give nothing.
type None struct{}

// Hello is what the guest says of itself.
type Hello struct {
	Kernel  string        // 6.1.0-56-arm64
	Modules int           // loaded at start
	Up      time.Duration // since the kernel began
}

// File is a file to write in the guest, or that was read there.
type File struct {
	Path string
	Data []byte
	Mode uint32
}

// Command is a program to run to its end.
type Command struct {
	Argv    []string
	Env     []string
	Dir     string
	Timeout time.Duration // it is killed after that
}

// Result is how a program ended.
type Result struct {
	Code           int // -1: by a signal
	Stdout, Stderr string
	Took           time.Duration
}

// Program is one to start under a name, with a file that its output is appended to.
type Program struct {
	Name, Log string
	Argv      []string
	Env       []string
}

// Signal is sent to a program that was started.
type Signal struct {
	Name   string
	Number int
}

// Wait is for the end of a program that was started.
type Wait struct {
	Name    string
	Timeout time.Duration
}

// Plug is a camera to plug in.
type Plug struct {
	Port    int
	Options bench.Options
	Film    bench.Film
}

// Scene is what a camera sees from now on, and what is wrong with it.
type Scene struct {
	Port  int
	Film  *bench.Film // nil: as before
	Fault bench.Fault
}

// Chip is one to make.
type Chip struct {
	Label string
	Lines []string
}

// Line is one of a chip, and a level to pull it to.
type Line struct {
	Label, Name string
	High        bool
}

// Change is that the program drove a line to a level.
type Change struct {
	At   time.Duration // since boot, monotonic
	Line string
	High bool
}
