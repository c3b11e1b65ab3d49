package edgetpu

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"time"
)

// Worked is the line that a child prints when the model has run. Its exit code 0 alone proves nothing: a
// library may call exit.
const Worked = "the delegate works"

const (
	childLimit = 20 * time.Second
	// killGrace is how long a killed child may take to go: one that hangs in a driver may not go at all.
	killGrace = 2 * time.Second
	// outputMax bounds what is kept of a child's output, in bytes; the end of it is.
	outputMax = 4096
)

// Child is a command line that tries the library: it reads a model from its standard input, opens it with
// the library's delegate, runs it once, prints Worked, and exits with 0 or a Verdict.
type Child struct {
	Argv    []string
	Library string // for the words of a Failure
	Runtime string // likewise, "TFLite 2.9.0"
	// Limit is for one child; 0 means 20 s. A first open sends the firmware and waits for the device to come
	// back: a few seconds.
	Limit time.Duration
}

// Probe runs the child with a model. It returns nil if the model ran, a *Failure if not, and ctx's error when
// ctx has ended. It does not wait for a child that can't be killed.
func (c Child) Probe(ctx context.Context, model []byte) error {
	limit := cmp.Or(c.Limit, childLimit)
	limited, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	var out tail
	cmd := exec.CommandContext(limited, c.Argv[0], c.Argv[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(model), &out, &out
	cmd.WaitDelay = killGrace / 2
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	ended := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // Pdeathsig is the death of this thread
		defer runtime.UnlockOSThread()
		ended <- cmd.Run()
	}()
	var err error
	select {
	case err = <-ended:
	case <-limited.Done():
		select {
		case err = <-ended:
		case <-time.After(killGrace):
			return c.late(ctx, limit, "")
		}
	}
	if limited.Err() != nil {
		return c.late(ctx, limit, out.String())
	}
	return c.judge(err, out.String())
}

func (c Child) late(ctx context.Context, limit time.Duration, output string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	said := fmt.Sprintf("killed after %v", limit)
	return &Failure{Verdict: Hung, Library: c.Library, Said: said, Output: output}
}

// judge reads a child's end.
func (c Child) judge(err error, output string) error {
	f := &Failure{Verdict: Odd, Library: c.Library, Output: output}
	var exit *exec.ExitError
	switch {
	case err == nil && strings.Contains("\n"+output+"\n", "\n"+Worked+"\n"):
		return nil
	case err == nil:
		f.Said = "it ended the process"
	case !errors.As(err, &exit):
		f.Said = err.Error()
	default:
		status, _ := exit.Sys().(syscall.WaitStatus)
		code := Verdict(exit.ExitCode())
		switch {
		case status.Signaled():
			s := status.Signal()
			f.Verdict, f.Said = Crashed, fmt.Sprintf("signal %d, %v, with this %s", int(s), s, c.Runtime)
		case code >= NoLibrary && code <= RunFailed:
			f.Verdict, f.Said = code, complaint(output)
		default:
			f.Said = exit.Error()
		}
	}
	return f
}

// complaint is the child's error line.
func complaint(output string) string {
	const mark = "error: "
	at := strings.LastIndex("\n"+output, "\n"+mark)
	if at < 0 {
		return ""
	}
	line, _, _ := strings.Cut(output[at+len(mark):], "\n")
	return line
}

// tail keeps the end of what is written to it.
type tail struct{ b []byte }

func (t *tail) Write(p []byte) (int, error) {
	if over := len(t.b) + len(p) - outputMax; over > 0 {
		t.b = append(t.b[:0], t.b[min(over, len(t.b)):]...)
	}
	t.b = append(t.b, p[max(0, len(p)-outputMax):]...)
	return len(p), nil
}

func (t *tail) String() string { return strings.ToValidUTF8(string(t.b), "?") }
