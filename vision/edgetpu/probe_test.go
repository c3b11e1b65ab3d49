package edgetpu

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
)

// Children that are shells: what a parent sees of a child is the same.
func TestProbe(t *testing.T) {
	big := make([]byte, 4<<20)
	for _, c := range []struct {
		name, script string
		verdict      Verdict // 0: it works
		said         string
		hint         string
	}{
		{"killed by a fault", "kill -SEGV $$", Crashed, "signal 11, segmentation fault, with this TFLite 2.9.0",
			"switch"},
		{"aborted", "kill -ABRT $$", Crashed, "signal 6", "switch"},
		{"hangs", "sleep 60 >/dev/null 2>&1", Hung, "killed after", "cable"},
		{"hangs and keeps our pipe", "sleep 60", Hung, "killed after", "cable"},
		{"ends without a word", "exit 0", Odd, "it ended the process", "cable"},
		{"fails after the word", "echo the delegate works; exit 3", Odd, "exit status 3", "cable"},
		{"crashes after the word", "echo the delegate works; kill -SEGV $$", Crashed, "signal 11", "switch"},
		{"a code of nobody's", "exit 3", Odd, "exit status 3", "cable"},
		{"a code of the parent's", fmt.Sprintf("exit %d", Crashed), Odd, "exit status 100", "cable"},
		{"a code past the last", fmt.Sprintf("exit %d", RunFailed+1), Odd, "exit status", "cable"},
		{"says what is wrong", fmt.Sprintf("echo error: one >&2; echo 'error: two'; echo hint; exit %d", NoDevice),
			NoDevice, "two", "cable"},
		{"says nothing", fmt.Sprintf("exit %d", Refused), Refused, "", "compile"},
		{"no library", fmt.Sprintf("exit %d", NoLibrary), NoLibrary, "", "install"},
		{"works without looking", "echo " + Worked, 0, "", ""},
		{"works and talks on", "echo " + Worked + "; echo bye", 0, "", ""},
		{"reads all and works", "test $(wc -c) = 4194304 && echo " + Worked, 0, "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			child := Child{Argv: []string{"/bin/sh", "-c", c.script}, Library: "libx.so", Runtime: "TFLite 2.9.0"}
			if c.verdict == Hung {
				child.Limit = 100 * time.Millisecond
			}
			err := child.Probe(t.Context(), big)
			if c.verdict == 0 {
				if err != nil {
					t.Fatal(err)
				}
				return
			}
			var f *Failure
			if !errors.As(err, &f) || f.Verdict != c.verdict || !strings.Contains(f.Said, c.said) {
				t.Fatalf("%v, want verdict %d with %q", err, c.verdict, c.said)
			}
			if !strings.Contains(f.Hint(), c.hint) {
				t.Errorf("hint %q, want %q", f.Hint(), c.hint)
			}
		})
	}
}

func TestProbeWithoutChild(t *testing.T) {
	err := Child{Argv: []string{"/nowhere/smiletill"}}.Probe(t.Context(), nil)
	var f *Failure
	if !errors.As(err, &f) || f.Verdict != Odd || !strings.Contains(f.Said, "no such file") {
		t.Errorf("%v", err)
	}
}

func TestProbeIsCalledOff(t *testing.T) {
	ctx, stop := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer stop()
	err := Child{Argv: []string{"/bin/sh", "-c", "sleep 60"}}.Probe(ctx, nil)
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v", err)
	}
}

// Much talk is kept within bounds, its end is what stays.
func TestProbeOutputIsBounded(t *testing.T) {
	const talk = "i=0; while [ $i -lt 3000 ]; do echo line $i; i=$((i+1)); done; echo error: last; exit %d"
	script := fmt.Sprintf(talk, Refused)
	err := Child{Argv: []string{"/bin/sh", "-c", script}}.Probe(t.Context(), nil)
	var f *Failure
	if !errors.As(err, &f) || len(f.Output) > outputMax || f.Said != "last" ||
		!strings.Contains(f.Output, "line 2999") {
		t.Fatalf("%v with %d bytes", err, len(f.Output))
	}
}

func TestTail(t *testing.T) {
	var w tail
	for range 3 {
		for _, n := range []int{0, 1, outputMax - 1, 5, outputMax, outputMax + 7, 3} {
			if got, err := w.Write([]byte(strings.Repeat("x", n) + "\xff")); got != n+1 || err != nil {
				t.Fatalf("Write of %d = %d, %v", n+1, got, err)
			}
			if s := w.String(); len(s) > outputMax || !strings.HasSuffix(s, "?") {
				t.Fatalf("after %d: %d bytes that end with %q", n, len(s), s[max(0, len(s)-3):])
			}
		}
	}
}
