//go:build !notflite

package terminal_test

import (
	"fmt"
	"image"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"smiletill/cmd/smiletill/terminal"
	"smiletill/cmd/smiletill/terminal/terminaltest"
	"smiletill/device/camera"
	"smiletill/device/screen"
	"smiletill/models"
	"smiletill/vision"
	"smiletill/vision/edgetpu"
	"smiletill/vision/networks"
	"smiletill/vision/tflite/plugintest"
	"smiletill/vision/visits"
)

// What a delegate library may do, done by a real one, in a real child and in this process: the frames are
// looked at all the same, and the state and the log say why.
func TestDelegateLibraries(t *testing.T) {
	t.Parallel()
	set, err := models.Open(terminaltest.CompiledDetector(t))
	if err != nil {
		t.Fatal(err)
	}
	face := picture(t, "enrol_1")
	alone, err := networks.OpenLooker(set)
	if err != nil {
		t.Fatal(err)
	}
	defer alone.Close()
	want := sight(t, alone, face)
	inUse := fmt.Sprint(
		terminaltest.DetectorRELUs*5 + 1,
	) // the child's run does not count; the first three are done twice
	for _, c := range []struct {
		name   string
		macros []string
		first  string // the state when it has been tried
		then   string // and after ten frames
		level  screen.Level
	}{
		{"works", nil, "Edge TPU, 1 of 3 models", "Edge TPU, 1 of 3 models", screen.LevelOK},
		{"is ready at the third try", []string{"READY_AT=3", `COUNT_FILE="` + t.TempDir() + `/n"`},
			"Edge TPU, 1 of 3 models", "Edge TPU, 1 of 3 models", screen.LevelOK},
		{"leaves everything to the CPU", []string{"TAKE_NOTHING"}, "detect: the Edge TPU library takes none",
			"CPU after a failure", screen.LevelWarning},
		{"crashes", []string{"CRASH_CREATE"}, "the Edge TPU library crashed (signal 11, segmentation fault, with " +
			"this TFLite 2.", "CPU after a failure", screen.LevelWarning},
		{"aborts", []string{"ABORT_CREATE", "CHATTY"}, "crashed (signal 6", "CPU after a failure",
			screen.LevelWarning},
		{"ends the process", []string{"EXIT_CREATE"}, "it ended the process", "CPU after a failure",
			screen.LevelWarning},
		{"is no delegate", []string{"NO_DESTROY"}, "can't be used: it is no delegate of TensorFlow Lite",
			"CPU after a failure", screen.LevelWarning},
		{"fails on the model", []string{"FAIL_PREPARE"}, "detect: the Edge TPU library refuses it: the test's " +
			"delegate does not like this model", "CPU after a failure", screen.LevelWarning},
		{"fails at the first run", []string{"FAIL_RUN_FROM=1"}, "detect: it failed on the Edge TPU",
			"CPU after a failure", screen.LevelWarning},
		{"fails when in use", []string{"FAIL_RUN_FROM=" + inUse}, "Edge TPU, 1 of 3 models",
			"CPU after a failure: detect: a run on the Edge TPU failed", screen.LevelWarning},
		{"hangs when in use", []string{"HANG_RUN_FROM=" + inUse}, "Edge TPU, 1 of 3 models", "no answer within 1s",
			screen.LevelWarning},
		{"computes something else", []string{"BIAS=1"}, "Edge TPU, 1 of 3 models",
			"CPU after a failure: detect: its compiled form is of another network", screen.LevelWarning},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var log strings.Builder
			a := networks.NewAccelerator(plugintest.Build(t, c.macros...), slog.New(slog.NewTextHandler(&log, nil)))
			l, err := networks.OpenLookerOn(set, models.Set{}, a, false)
			if err != nil {
				t.Fatal(err)
			}
			if got := sight(t, l, face); got != want {
				t.Errorf("on the CPU %+v, want %+v", got, want)
			}
			a.Run(t.Context())
			if s := a.State(); !strings.Contains(s.Text, c.first) {
				t.Errorf("state %+v, want %q", s, c.first)
			}
			for i := range 10 {
				if got := sight(t, l, face); !near(got, want) {
					t.Errorf("frame %d: %+v, want %+v", i, got, want)
				}
			}
			row := terminal.AcceleratorRow(a.State())
			if !strings.Contains(row.Value, c.then) || row.Level != c.level ||
				(row.Do == "") != (c.level == screen.LevelOK) {
				t.Errorf("the technician sees %+v, want %q", row, c.then)
			}
			n := strings.Count(log.String(), "going on with the CPU")
			if (n == 1) != (c.level != screen.LevelOK) || n > 1 || log.Len() > 16<<10 {
				t.Errorf("log:\n%s", log.String())
			}
			if err := l.Close(); (err != nil) != (c.name == "hangs when in use") {
				t.Errorf("close: %v", err)
			}
		})
	}
}

// A library that hangs in the child: the parent does not wait.
func TestDelegateHangsInChild(t *testing.T) {
	t.Parallel()
	lib := plugintest.Build(t, "HANG_CREATE")
	argv := []string{"/proc/self/exe", "delegate-probe", "--library", lib}
	began := time.Now()
	child := edgetpu.Child{Argv: argv, Library: lib, Limit: time.Second}
	err := child.Probe(t.Context(), plugintest.CustomModel())
	if err == nil || !strings.Contains(err.Error(), "doesn't answer: killed after 1s") {
		t.Errorf("%v", err)
	}
	if d := time.Since(began); d > 10*time.Second {
		t.Errorf("waited %v", d)
	}
}

// The command by itself, as a technician calls it.
func TestDelegateProbeCommand(t *testing.T) {
	t.Parallel()
	model := filepath.Join(t.TempDir(), "model.tflite")
	if err := os.WriteFile(model, plugintest.CustomModel(), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, library, model, says string
		code                       edgetpu.Verdict
	}{
		{"no library", "/nowhere/lib.so", model, "library not found: /nowhere/lib.so", edgetpu.NoLibrary},
		{"no delegate", "libc.so.6", model, "tflite_plugin_", edgetpu.BadLibrary},
		{"no device", plugintest.Build(t, "NO_DEVICE"), model, "no test device answers", edgetpu.NoDevice},
		{"no model", plugintest.Build(t), "/etc/passwd", "TFL3", edgetpu.Refused},
		{"no file", plugintest.Build(t), "/nowhere/model", "no such file", 1},
		{"works", plugintest.Build(t), model, edgetpu.Worked, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			out, code := asChild(t, "delegate-probe", "--library", c.library, "--model", c.model)
			hinted := strings.Contains(out, "hint:")
			if code != int(c.code) || !strings.Contains(out, c.says) || hinted != (c.code >= edgetpu.NoLibrary) {
				t.Errorf("exit code %d, want %d with %q:\n%s", code, c.code, c.says, out)
			}
		})
	}
}

func picture(t *testing.T, name string) image.Image {
	t.Helper()
	data, err := visits.Photo(name)
	if err != nil {
		t.Fatal(err)
	}
	img, err := camera.DecodePhoto(data, 640)
	if err != nil {
		t.Fatal(err)
	}
	return img
}

// sighting is what a frame shows, in a form that can be compared.
type sighting struct {
	faces  int
	reason vision.Reason
	box    image.Rectangle
}

func sight(t *testing.T, l *networks.Looker, img image.Image) (s sighting) {
	t.Helper()
	err := l.Look(img, vision.Detect, func(l vision.Look) { s = sighting{l.Faces, l.Reason, l.Box} })
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// near allows for roundings: the compiled form is float, the other need not be.
func near(a, b sighting) bool {
	return a.faces == b.faces && a.reason == b.reason && a.box.Inset(-6).Union(b.box) == a.box.Inset(-6) &&
		b.box.Inset(-6).Union(a.box) == b.box.Inset(-6)
}

// asChild runs this program as the child that it can be.
func asChild(t *testing.T, args ...string) (out string, code int) {
	t.Helper()
	cmd := exec.Command("/proc/self/exe", args...)
	text, err := cmd.CombinedOutput()
	if cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return string(text), cmd.ProcessState.ExitCode()
}
