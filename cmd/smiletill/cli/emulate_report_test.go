//go:build linux && !notflite

package cli_test

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"
)

// sceneResult is how a scene ended.
type sceneResult struct {
	name string
	took time.Duration
	err  error
}

// figure is a time that the kernel's clock measured.
type figure struct {
	what  string
	times []time.Duration
}

// measured adds a time to a figure.
func (d *emulation) measured(what string, t time.Duration) {
	for i := range d.figures {
		if d.figures[i].what == what {
			d.figures[i].times = append(d.figures[i].times, t)
			return
		}
	}
	d.figures = append(d.figures, figure{what, []time.Duration{t}})
}

// scene plays one, unless one before it failed: the later ones stand on the earlier ones.
func (d *emulation) scene(ctx context.Context, name string, play func(context.Context) error) {
	if d.failed != "" {
		return
	}
	start := time.Now()
	err := play(ctx)
	d.scenes = append(d.scenes, sceneResult{name, time.Since(start), err})
	if err == nil {
		d.say("ok    %s", name)
		return
	}
	d.failed = name
	d.say("FAIL  %s: %v", name, err)
	d.keepEvidence(ctx)
}

// keepEvidence saves what the guest knows, and shows the ends of it.
func (d *emulation) keepEvidence(ctx context.Context) {
	if d.m == nil {
		return
	}
	log, err := d.m.Get(ctx, tillLog)
	if err != nil {
		d.say("the terminal's log can't be read: %v", err)
	}
	var lamps bytes.Buffer
	if changes, err := d.m.Changes(ctx); err == nil {
		for _, c := range changes {
			if c.Line != lineBuzzer { // a tone is a thousand changes
				fmt.Fprintf(&lamps, "%12.6f  %-8s %v\n", c.At.Seconds(), c.Line, c.High)
			}
		}
	}
	console, err := os.ReadFile(d.m.Console())
	if err != nil {
		d.say("the console can't be read: %v", err)
	}
	for _, e := range []struct {
		name string
		data []byte
	}{{"terminal.log", log}, {"lines.txt", lamps.Bytes()}, {"console.txt", console}} {
		if err := os.WriteFile(d.path(e.name), e.data, 0o644); err != nil {
			d.say("keep %s: %v", e.name, err)
			continue
		}
		lines := strings.Split(strings.TrimSpace(string(e.data)), "\n")
		lines = lines[max(0, len(lines)-25):]
		fmt.Printf("--- the end of %s\n%s\n", d.path(e.name), strings.Join(lines, "\n"))
	}
}

// report prints how the day went and keeps it in the bench's folder.
func (d *emulation) report() error {
	var b bytes.Buffer
	w := tabwriter.NewWriter(&b, 0, 8, 2, ' ', 0)
	fmt.Fprintf(w, "\nSCENE\tRESULT\tSECONDS\n")
	for _, s := range d.scenes {
		result := "ok"
		if s.err != nil {
			result = "FAILED"
		}
		fmt.Fprintf(w, "%s\t%s\t%5.1f\n", s.name, result, s.took.Seconds())
	}
	fmt.Fprintf(w, "\nTIME IN THE GUEST\tMEDIAN\tLONGEST\tOF\n")
	for _, f := range d.figures {
		slices.Sort(f.times)
		fmt.Fprintf(w, "%s\t%s\t%s\t%d\n", f.what, milliseconds(f.times[len(f.times)/2]),
			milliseconds(f.times[len(f.times)-1]), len(f.times))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	fmt.Fprintf(&b, "\n%d boots, %.0f s in all, on %s, %d cores.\nThe processor is emulated: the times prove "+
		"the order of things, and say nothing of a Pi's speed.\n", d.boots, time.Since(d.started).Seconds(),
		cpuName(), runtime.NumCPU())
	fmt.Print(b.String())
	return os.WriteFile(d.path("report.txt"), bytes.TrimLeft(b.Bytes(), "\n"), 0o644)
}

func milliseconds(t time.Duration) string {
	return strconv.FormatFloat(float64(t.Microseconds())/1000, 'f', 1, 64) + " ms"
}

func cpuName() string {
	info, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return runtime.GOARCH
	}
	_, name, _ := strings.Cut(string(info), "model name")
	name, _, _ = strings.Cut(name, "\n")
	return cmp.Or(strings.Trim(name, "\t :"), runtime.GOARCH)
}
