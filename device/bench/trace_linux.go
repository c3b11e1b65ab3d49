package bench

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

const tracing = "/sys/kernel/tracing/"

// Trace is the kernel's record of every level that a program gives to a GPIO line, with the kernel's time
// stamps, and of marks that the bench writes into the same record. There is one in a machine. It is not for
// several goroutines at once, except Mark.
type Trace struct {
	pipe   int // trace_pipe, which never blocks
	marker *os.File
	rest   []byte // the beginning of a line whose end is not there yet
}

// StartTrace begins the record. The clock is the one that Now reads.
func StartTrace() (*Trace, error) {
	for _, s := range []struct{ file, value string }{
		{"tracing_on", "0"}, {"trace", ""}, {"trace_clock", "mono"},
		{"buffer_size_kb", "4096"}, // a processor; a tone writes 2000 events a second of some 30 bytes
		{"events/gpio/gpio_value/enable", "1"}, {"tracing_on", "1"},
	} {
		if err := os.WriteFile(tracing+s.file, []byte(s.value), 0); err != nil {
			return nil, fmt.Errorf("start trace: %w", err)
		}
	}
	pipe, err := unix.Open(tracing+"trace_pipe", unix.O_RDONLY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("start trace: open trace_pipe: %w", err)
	}
	marker, err := os.OpenFile(tracing+"trace_marker", os.O_WRONLY, 0)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("start trace: %w", err), unix.Close(pipe))
	}
	return &Trace{pipe: pipe, marker: marker}, nil
}

// Mark writes a line into the record, which the kernel stamps with the time of now.
func (t *Trace) Mark(text string) error {
	if _, err := t.marker.WriteString(text); err != nil {
		return fmt.Errorf("mark the trace: %w", err)
	}
	return nil
}

// Read gives what has been recorded since the last Read, oldest first.
func (t *Trace) Read() ([]Event, error) {
	buf := make([]byte, 1<<16)
	for {
		n, err := unix.Read(t.pipe, buf)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil && !errors.Is(err, unix.EAGAIN) {
			return nil, fmt.Errorf("read trace: %w", err)
		}
		if n <= 0 {
			break
		}
		t.rest = append(t.rest, buf[:n]...)
	}
	var events []Event
	for {
		line, rest, whole := bytes.Cut(t.rest, []byte{'\n'})
		if !whole {
			return events, nil
		}
		t.rest = rest
		if e, ok := ParseEvent(string(line)); ok {
			events = append(events, e)
		}
	}
}

// Close ends the record.
func (t *Trace) Close() error {
	return errors.Join(os.WriteFile(tracing+"events/gpio/gpio_value/enable", []byte("0"), 0),
		t.marker.Close(), unix.Close(t.pipe))
}

// Now is the time on the trace's clock.
func Now() time.Duration {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &t); err != nil {
		panic(err) // the clock and the pointer are good
	}
	return time.Duration(t.Nano())
}
