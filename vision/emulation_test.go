//go:build cgo && linux && !notflite

package vision_test

import (
	"encoding/gob"
	"image"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"smiletill/models"
)

// Where Debian's cross compiler and its libraries (libc6-dev-arm64-cross, libstdc++6-arm64-cross) are.
const (
	crossCompiler = "aarch64-linux-gnu-gcc"
	crossRoot     = "/usr/aarch64-linux-gnu"
	emulator      = "qemu-aarch64"
)

// A terminal is a Raspberry Pi: what was measured on x86-64 has to hold there. The processors are those of
// a Pi 4 and a Pi 5, for which XNNPACK takes other kernels (the second has the dot product of int8).
func TestArm64UnderEmulation(t *testing.T) {
	program := buildArm64(t)
	here := compute(t)
	for cpu, hasDot := range map[string]bool{"cortex-a72": false, "cortex-a76": true} {
		t.Run(cpu, func(t *testing.T) {
			t.Parallel()
			out := filepath.Join(t.TempDir(), "computed")
			code := filepath.Join(t.TempDir(), "code") // what it ran
			cmd := exec.Command(emulator, "-cpu", cpu, "-L", crossRoot, "-d", "in_asm", "-D", code, program,
				"-test.run=^TestGolden$", "-golden-out="+out, "-test.v")
			log, err := cmd.CombinedOutput()
			if err != nil || !strings.Contains(string(log), "--- PASS: TestGolden") {
				t.Fatalf("%v: %v\n%s", cmd, err, log)
			}
			f, err := os.Open(out)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			var there computed
			if err := gob.NewDecoder(f).Decode(&there); err != nil {
				t.Fatal(err)
			}
			if there.Arch != "arm64" {
				t.Fatalf("computed on %s", there.Arch)
			}
			if dot := usesDot(t, code); dot != (hasDot && computesInt8(weights(t, models.Embed))) {
				t.Errorf("the kernels use the dot product of int8: %v", dot)
			}
			sameOutputs(t, here, there)
			sameLooks(t, here, there)
		})
	}
}

// usesDot tells whether a list of instructions, as qemu writes it, has SDOT by element (Arm ARM, C7.2: 0100
// 1111 10Lm mmmm 1110 H0nn nnnd dddd), of which XNNPACK's kernels for the dot product are made.
func usesDot(t *testing.T, file string) bool {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	read, found := 0, false
	for line := range strings.Lines(string(b)) {
		f := strings.Fields(line) // address:, word, name, operands
		if len(f) < 2 || !strings.HasPrefix(f[0], "0x") || len(f[1]) != 8 {
			continue
		}
		word, err := strconv.ParseUint(f[1], 16, 32)
		if err == nil {
			read++
		}
		found = found || word&0xffc0f400 == 0x4f80e000
	}
	if read < 1000 {
		t.Fatalf("%d instructions in what qemu says it ran", read)
	}
	return found
}

// buildArm64 compiles this package's tests for arm64, against the library that ships for it.
func buildArm64(t *testing.T) string {
	t.Helper()
	if runtime.GOARCH != "amd64" {
		t.Skipf("compares arm64 with amd64, this is %s", runtime.GOARCH)
	}
	for _, tool := range []string{emulator, crossCompiler, filepath.Join(crossRoot, "lib", "libstdc++.so.6")} {
		if _, err := exec.LookPath(tool); err != nil && !exists(tool) {
			t.Skipf("%s is missing: make tools installs it", tool)
		}
	}
	program := filepath.Join(t.TempDir(), "vision.test")
	cmd := exec.Command("go", "test", "-c", "-o", program, ".")
	cmd.Env = append(os.Environ(), "GOARCH=arm64", "CC="+crossCompiler,
		"CGO_LDFLAGS="+strings.ReplaceAll(os.Getenv("CGO_LDFLAGS"), "linux_amd64", "linux_arm64"))
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build for arm64: %v\n%s", err, out)
	}
	return program
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// sameOutputs allows one quantisation step in every value of every network, on the same input.
func sameOutputs(t *testing.T, here, there computed) {
	t.Helper()
	for _, task := range tasks {
		g := record(here.Outputs[task], outputSteps(weights(t, task)), "")
		if len(there.Outputs[task]) != len(g.Outputs) {
			t.Errorf("%s: %d outputs, on amd64 %d", task, len(there.Outputs[task]), len(g.Outputs))
			continue
		}
		for i, o := range g.Outputs {
			a, b := here.Outputs[task][i], there.Outputs[task][i]
			if len(a) != len(b) {
				t.Errorf("%s: output %d has %d values, on amd64 %d", task, i, len(b), len(a))
				continue
			}
			var worst float64
			different := 0
			for k := range a {
				d := math.Abs(float64(a[k])-float64(b[k])) / o.Step
				if !(d <= 1.01) {
					t.Fatalf("%s: output %d[%d] is %v, on amd64 %v: %.2f steps apart", task, i, k, b[k], a[k], d)
				}
				if worst = max(worst, d); a[k] != b[k] {
					different++
				}
			}
			t.Logf("%s: output %d: %d of %d values differ, by %.5f steps of %.4g at most (quantised: %v)", task, i,
				different, len(a), worst, o.Step, o.Quantised)
		}
	}
}

// sameLooks compares the whole pipeline, in which the crops of arm64 round differently too (fused products
// and sums).
func sameLooks(t *testing.T, here, there computed) {
	t.Helper()
	if len(there.Looks) != len(here.Looks) {
		t.Fatalf("%d looks, on amd64 %d", len(there.Looks), len(here.Looks))
	}
	limits := []struct {
		name  string
		limit float64
	}{{"yaw", 0.5}, {"pitch", 0.5}, {"roll", 0.5}, // degrees
		{"smile", 0.005}, {"eyes open", 0.005}, {"sharpness", 0.001}, {"brightness", 0.001}}
	for i, a := range here.Looks {
		b := there.Looks[i]
		if a.Reason != "" || b.Reason != "" {
			t.Errorf("portrait %d: %q, on amd64 %q; want both to be usable", i, b.Reason, a.Reason)
		}
		if !b.Box.In(a.Box.Inset(-1)) || !a.Box.In(b.Box.Inset(-1)) || b.Box == (image.Rectangle{}) {
			t.Errorf("portrait %d: box %v, on amd64 %v", i, b.Box, a.Box)
		}
		for _, m := range limits {
			x, y := a.Measures[m.name], b.Measures[m.name]
			if d := math.Abs(float64(x) - float64(y)); !(d <= m.limit) {
				t.Errorf("portrait %d: %s %v, on amd64 %v", i, m.name, y, x)
			}
			t.Logf("portrait %d: %s %.5f, on amd64 %.5f", i, m.name, y, x)
		}
		if c := cosine(a.Embedding, b.Embedding); !(c > 0.999) {
			t.Errorf("portrait %d: cosine %v between the embeddings of arm64 and amd64", i, c)
		} else {
			t.Logf("portrait %d: cosine %.7f", i, c)
		}
	}
}

// compute runs all networks and the pipeline on this machine.
func compute(t testing.TB) computed {
	t.Helper()
	c := computed{Arch: runtime.GOARCH, Outputs: map[models.Task][][]float32{}, Looks: sights(t)}
	for _, task := range tasks {
		c.Outputs[task] = outputs(t, task)
	}
	return c
}
