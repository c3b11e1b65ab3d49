package bench

import (
	"strconv"
	"strings"
	"time"
)

// Event is a line of the kernel's trace: a GPIO line was driven, or somebody wrote a mark.
type Event struct {
	At   time.Duration // since boot, monotonic, in microseconds' steps
	Line int           // the kernel's number of the line; see Chip.Number
	High bool
	Mark string // what was written; empty for a line
}

// ParseEvent reads a line of the trace such as
//
//	smiletill-77 [001] .....    12.345678: gpio_value: 529 set 1
//	guest-1 [000] .....    12.400000: tracing_mark_write: button pressed
//
// ok is false for anything else: comments, other events, lines that were read back ("get").
func ParseEvent(line string) (e Event, ok bool) {
	// The task's name may hold anything, so the event is looked for from its end.
	if head, text, found := strings.Cut(line, ": tracing_mark_write: "); found {
		e.At, ok = stamp(head)
		e.Line, e.Mark = -1, strings.TrimRight(text, "\n")
		return e, ok && e.Mark != ""
	}
	head, text, found := strings.Cut(line, ": gpio_value: ")
	if !found {
		return Event{}, false
	}
	words := strings.Fields(text)
	if len(words) != 3 || words[1] != "set" || words[2] != "0" && words[2] != "1" {
		return Event{}, false
	}
	n, err := strconv.ParseUint(words[0], 10, 31)
	if err != nil {
		return Event{}, false
	}
	e.At, ok = stamp(head)
	e.Line, e.High = int(n), words[2] == "1"
	return e, ok
}

// stamp reads the time at the end of a line's head: seconds, a point, six digits.
func stamp(head string) (time.Duration, bool) {
	text := head[strings.LastIndexByte(head, ' ')+1:]
	whole, fraction, found := strings.Cut(text, ".")
	if !found || len(fraction) != 6 {
		return 0, false
	}
	s, err1 := strconv.ParseUint(whole, 10, 32)
	us, err2 := strconv.ParseUint(fraction, 10, 32)
	if err1 != nil || err2 != nil {
		return 0, false
	}
	return time.Duration(s)*time.Second + time.Duration(us)*time.Microsecond, true
}
