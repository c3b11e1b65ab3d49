package trial

import (
	"fmt"
	"io"
	"io/fs"
	"os"
	"runtime"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"smiletill/cmd/smiletill/columns"
)

// benchMachine says what was measured on. What can't be read is "" or 0.
type benchMachine struct {
	Board        string  `json:"board,omitempty"` // "Raspberry Pi 4 Model B Rev 1.4"
	CPU          string  `json:"cpu,omitempty"`
	Cores        int     `json:"cores"`
	Kernel       string  `json:"kernel,omitempty"`
	Arch         string  `json:"arch"`
	Governor     string  `json:"governor,omitempty"`
	Celsius      float64 `json:"celsius_before,omitempty"`
	CelsiusAfter float64 `json:"celsius_after,omitempty"`
}

// Machine names the processor that something is measured on: "2 x Intel(R) Xeon(R) Processor".
func Machine() string {
	m := readMachine(os.DirFS("/"))
	return fmt.Sprintf("%d x %s", m.Cores, m.CPU)
}

// readMachine reads the files of the system below root.
func readMachine(root fs.FS) benchMachine {
	m := benchMachine{Cores: runtime.NumCPU(), Arch: runtime.GOARCH,
		Board:    firstLine(root, "proc/device-tree/model"),
		Governor: firstLine(root, "sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"),
		Celsius:  celsius(root), CPU: afterColon(root, "proc/cpuinfo", "model name")}
	var u unix.Utsname
	if unix.Uname(&u) == nil {
		m.Kernel = unix.ByteSliceToString(u.Sysname[:]) + " " + unix.ByteSliceToString(u.Release[:])
	}
	return m
}

func firstLine(root fs.FS, name string) string {
	text, err := fs.ReadFile(root, name)
	if err != nil {
		return ""
	}
	line, _, _ := strings.Cut(string(text), "\n")
	return strings.Trim(line, " \x00")
}

// afterColon is the value of the first line "key : value" of a file.
func afterColon(root fs.FS, name, key string) string {
	text, err := fs.ReadFile(root, name)
	if err != nil {
		return ""
	}
	for line := range strings.Lines(string(text)) {
		if k, v, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(k) == key {
			return strings.TrimSpace(v)
		}
	}
	return ""
}

func celsius(root fs.FS) float64 {
	milli, err := strconv.Atoi(firstLine(root, "sys/class/thermal/thermal_zone0/temp"))
	if err != nil {
		return 0
	}
	return float64(milli) / 1000
}

// resident is the physical memory of this process in bytes.
func resident(root fs.FS) int64 {
	kb, err := strconv.ParseInt(strings.TrimSuffix(afterColon(root, "proc/self/status", "VmRSS"), " kB"), 10, 64)
	if err != nil {
		return 0
	}
	return kb << 10
}

func (m benchMachine) String() string {
	parts := []string{m.Board, m.CPU, fmt.Sprintf("%d cores", m.Cores), m.Arch, m.Kernel}
	if m.Governor != "" {
		parts = append(parts, "governor "+m.Governor)
	}
	if m.Celsius != 0 {
		parts = append(parts, fmt.Sprintf("%.0f °C before, %.0f °C after", m.Celsius, m.CelsiusAfter))
	}
	var known []string
	for _, p := range parts {
		if p != "" {
			known = append(known, p)
		}
	}
	return strings.Join(known, ", ")
}

func settingName(xnnpack bool, threads int) string {
	s := "with XNNPACK"
	if !xnnpack {
		s = "without XNNPACK"
	}
	if threads == 1 {
		return s + ", 1 thread"
	}
	return fmt.Sprintf("%s, %d threads", s, threads)
}

// print writes a table for each setting, with the sets side by side.
func (r *benchReport) print(out io.Writer) error {
	decoder := "libturbojpeg"
	if !r.FastJPEG {
		decoder = "image/jpeg, the slower decoder: libturbojpeg is not installed"
	}
	w := columns.New(out)
	fmt.Fprintf(w, "machine\t%s\nsmiletill\t%s\nframes\t%s, 640x480; JPEG by %s\n", r.Machine, r.Version, r.Clip,
		decoder)
	fmt.Fprintf(w, "gallery\t%d customers of 5 templates\n", r.Customers)
	if err := w.Flush(); err != nil {
		return err
	}
	for rest := r.Runs; len(rest) > 0; {
		n := 1 // the runs of the same setting
		for n < len(rest) && rest[n].XNNPACK == rest[0].XNNPACK && rest[n].Threads == rest[0].Threads {
			n++
		}
		if err := printSetting(out, rest[:n]); err != nil {
			return err
		}
		rest = rest[n:]
	}
	if r.Advice != "" {
		if _, err := fmt.Fprintf(out, "\n%s\n", r.Advice); err != nil {
			return err
		}
	}
	return nil
}

func printSetting(out io.Writer, runs []benchRun) error {
	fmt.Fprintf(out, "\n%s\n", settingName(runs[0].XNNPACK, runs[0].Threads))
	w := &columns.Writer{Out: out, Right: true, Min: 10}
	row := func(name string, cells func(r *benchRun) [2]string) {
		fmt.Fprintf(w, "%-40s\t", name)
		for i := range runs {
			c := cells(&runs[i])
			fmt.Fprintf(w, "%s\t%s\t", c[0], c[1])
		}
		fmt.Fprintln(w)
	}
	row("ms", func(r *benchRun) [2]string { return [2]string{r.Models + " p50", "p95"} })
	for i := range stages {
		row(stageName(i), func(r *benchRun) [2]string {
			return [2]string{fmt.Sprintf("%.2f", r.Stages[i].P50), fmt.Sprintf("%.2f", r.Stages[i].P95)}
		})
	}
	for i := range runs[0].Visits {
		row("a visit, liveness "+runs[0].Visits[i].Liveness+": mean", func(r *benchRun) [2]string {
			return [2]string{fmt.Sprintf("%.2f", r.Visits[i].Mean), ""}
		})
	}
	row("allocations a frame", func(r *benchRun) [2]string {
		return [2]string{fmt.Sprintf("%.1f", r.Allocated), ""}
	})
	row("memory of the process, MB", func(r *benchRun) [2]string {
		return [2]string{fmt.Sprintf("%.0f", float64(r.Resident)/1e6), ""}
	})
	row("frames", func(r *benchRun) [2]string { return [2]string{fmt.Sprint(r.Frames), ""} })
	return w.Flush()
}
