//go:build !notflite

package trial_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"smiletill/cmd/smiletill/control"
	"smiletill/cmd/smiletill/terminal/terminaltest"
	"smiletill/models"
	"smiletill/payment"
	"smiletill/vision/visits"
)

// another makes a model that computes the same and has another hash: what follows a flatbuffer does not
// count. Its thresholds are those of a network that nobody knows.
func another(m *models.Model, data []byte) []byte {
	m.Thresholds.Match, m.Thresholds.Verify, m.Thresholds.SameFace = 0.61, 0.54, 0.46
	return append(bytes.Clone(data), 0, 0, 0, 0)
}

// noGraph takes the list of graphs (field 2 of the root table) out of a model: TFLite 2.9.0 follows a null
// pointer then.
func noGraph(model []byte) []byte {
	b := bytes.Clone(model)
	at := binary.LittleEndian.Uint32(b)
	fields := at - binary.LittleEndian.Uint32(b[at:])
	binary.LittleEndian.PutUint16(b[fields+4+2*2:], 0)
	return b
}

// till is a terminal as a technician has it: the program, and a configuration file.
type till struct {
	t       *testing.T
	program string
	dir     string
	config  string
	socket  string
	*control.Client
}

func newTill(t *testing.T) *till {
	t.Helper()
	dir, socket := t.TempDir(), filepath.Join(terminaltest.ShortDir(t), "s")
	film := filepath.Join(dir, "film.mjpeg")
	clip, err := visits.Open("customer_smile")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(film, bytes.Join(clip.Frames, nil), 0o600); err != nil {
		t.Fatal(err)
	}
	config := filepath.Join(dir, "smiletill.toml")
	text := fmt.Sprintf("[terminal]\ntenant = \"test\"\nsite = \"shop\"\nid = \"till-1\"\n"+
		"[board]\nkind = \"none\"\n[paths]\ndata_dir = %q\ncontrol_socket = %q\n[camera]\nsource = %q\n"+
		"realtime = false\n"+ // the film waits for a busy machine
		"[screen]\nlisten = \"127.0.0.1:0\"\n[mqtt]\nbroker = \"\"\n"+
		"[liveness]\nmode = \"off\"\n[payment]\ntimeout = \"12s\"\n"+
		"[log]\nlevel = \"warn\"\n", filepath.Join(dir, "data"), socket, "replay:"+film)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return &till{t: t, program: terminaltest.Build(t), dir: dir, config: config, socket: socket,
		Client: control.NewClient(socket)}
}

// photos writes the customer's to files.
func (l *till) photos() (files []string) {
	l.t.Helper()
	for _, n := range []string{"enrol_1", "enrol_2", "enrol_3"} {
		data, err := visits.Photo(n)
		if err == nil {
			files = append(files, filepath.Join(l.dir, n+".jpg"))
			err = os.WriteFile(files[len(files)-1], data, 0o600)
		}
		if err != nil {
			l.t.Fatal(err)
		}
	}
	return files
}

// does runs a command line and returns what it says.
func (l *till) does(wantCode int, args ...string) string {
	l.t.Helper()
	ctx, cancel := context.WithTimeout(l.t.Context(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, l.program, append([]string{"--config", l.config}, args...)...)
	out, err := cmd.CombinedOutput()
	if code := cmd.ProcessState.ExitCode(); code != wantCode {
		l.t.Fatalf("%q: exit code %d (%v), want %d\n%s", args, code, err, wantCode, out)
	}
	return string(out)
}

func (l *till) says(wantCode int, want string, args ...string) string {
	l.t.Helper()
	out := l.does(wantCode, args...)
	if !strings.Contains(out, want) {
		l.t.Errorf("%q says\n%s\nwant %q", args, out, want)
	}
	return out
}

func (l *till) start() {
	l.t.Helper()
	cmd := exec.Command(l.program, "--config", l.config, "run")
	var log bytes.Buffer
	cmd.Stderr = &log
	if err := cmd.Start(); err != nil {
		l.t.Fatal(err)
	}
	l.t.Cleanup(func() {
		if err := errors.Join(cmd.Process.Signal(os.Interrupt), cmd.Wait()); err != nil {
			l.t.Errorf("run: %v\n%s", err, log.String())
		}
		if strings.Contains(log.String(), "INFO:") {
			l.t.Errorf("the runtime's chatter is in the log:\n%s", log.String())
		}
	})
	for range 200 {
		if _, err := l.Customers(l.t.Context()); err == nil {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	l.t.Fatalf("the terminal does not start\n%s", log.String())
}

// A shop brings its own embedding model to a running terminal, enrols its customer again, and goes back.
func TestSwapAndEnrolAgain(t *testing.T) {
	t.Parallel()
	l := newTill(t)
	photos := l.photos()
	l.does(0, append([]string{"enrol", "--agreed", "en", "Grace Hopper"}, photos...)...)
	l.start()
	l.does(0, "pay", "1.00", "EUR")
	id := strings.Fields(strings.Split(l.says(0, "can pay", "customers", "list"), "\n")[1])[0]

	own := terminaltest.CopyModels(t)
	terminaltest.Remake(t, own, models.Embed, another)
	out := l.says(0, "1 of 1 customers are left under the model before", "models", "swap", own)
	if !strings.Contains(out, "the running terminal uses them now") {
		t.Errorf("models swap:\n%s", out)
	}
	if err := os.RemoveAll(own); err != nil { // it has been copied
		t.Fatal(err)
	}
	l.says(0, "the shop's own", "models", "list")
	l.says(0, "the models are good", "models", "verify")
	l.says(0, "can pay, by the model before", "customers", "list")
	l.does(0, "pay", "1.20", "EUR")
	l.says(0, "enrolled Grace Hopper as "+id, append([]string{"enrol", "--again", id}, photos...)...)
	l.says(0, "can pay\n", "customers", "list")
	l.does(0, "pay", "1.30", "EUR")

	// The shop's own set stays as long as a customer is known by it.
	l.says(0, "1 of 1 customers are left under the model before", "models", "swap", "--embedded")
	l.says(0, "can pay, by the model before", "customers", "list")
	l.does(0, "pay", "1.35", "EUR")
	l.says(0, "enrolled Grace Hopper as "+id, "enrol", "--again", id) // by the camera
	l.says(0, "no customer has to be enrolled again", "models", "swap", "--embedded")
	p, err := l.Begin(t.Context(), control.PaymentRequest{ID: "last", Amount: "1.40", Currency: "EUR"})
	if err != nil {
		t.Fatal(p, err)
	}
	l.says(1, "models", "models", "swap", "/nowhere")
	p, err = l.Wait(t.Context(), "last", time.Minute)
	if err != nil || p.State != string(payment.StateApproved) {
		t.Errorf("the last payment: %+v %v", p, err)
	}
	left, err := filepath.Glob(filepath.Join(l.dir, "data", "models*"))
	if err != nil || len(left) != 0 {
		t.Errorf("back at the embedded models, and there are %v, %v", left, err)
	}
}

// A slow machine takes the small set, and goes back: nothing is copied, and customers of the other set are
// told of, with the command that brings their models back.
func TestSwapToTheSmallSet(t *testing.T) {
	t.Parallel()
	l := newTill(t)
	photos := l.photos()
	l.says(0, "for small machines are in force", "models", "swap", "--embedded", "small")
	l.says(0, "the models are good", "models", "verify")
	out := l.says(0, "`smiletill models swap --embedded` takes it", "models", "list")
	if !strings.Contains(out, "embed     file          mobilefacenet_int8") ||
		!strings.Contains(out, "MB   in force") {
		t.Errorf("models list:\n%s", out)
	}
	l.does(0, append([]string{"enrol", "--agreed", "en", "Grace Hopper"}, photos...)...)
	l.start()
	l.does(0, "pay", "1.00", "EUR")
	l.says(0, "1 of 1 customers are left under the model before", "models", "swap", "--embedded")
	l.says(0, "can pay, by the model before", "customers", "list")
	l.does(0, "pay", "1.10", "EUR")
	l.says(0, "the running terminal uses them now", "models", "swap", "--embedded", "small")
	l.does(0, "pay", "1.20", "EUR") // the templates are good again
	left, err := filepath.Glob(filepath.Join(l.dir, "data", "models*"))
	if err != nil || len(left) != 1 {
		t.Errorf("the small set is in force, and there are %v, %v", left, err)
	}
}

func TestVerifyAndSwapRefuse(t *testing.T) {
	t.Parallel()
	l := newTill(t)
	for _, c := range []struct {
		name, says string
		spoil      func(dir string)
	}{
		{"altered file", "the manifest has sha256", func(dir string) {
			if err := os.WriteFile(filepath.Join(dir, "facemesh_int8.tflite"), []byte("TFL3"), 0o600); err != nil {
				t.Fatal(err)
			}
		}},
		{"foreign file with its hash", "identifier", func(dir string) {
			terminaltest.Remake(t, dir, models.Mesh,
				func(*models.Model, []byte) []byte { return bytes.Repeat([]byte("PNG!"), 99) })
		}},
		{"cut short, with its hash", "facemesh_int8.tflite", func(dir string) {
			terminaltest.Remake(t, dir, models.Mesh, func(_ *models.Model, b []byte) []byte { return b[:len(b)/2] })
		}},
		{"the mesh in the detector's place", "input 0 is float32 [1 192 192 3]", func(dir string) {
			mesh, err := os.ReadFile(filepath.Join(dir, "facemesh_int8.tflite"))
			if err != nil {
				t.Fatal(err)
			}
			terminaltest.Remake(t, dir, models.Detect, func(*models.Model, []byte) []byte { return mesh })
		}},
		{"another type", "its manifest says int8", func(dir string) {
			terminaltest.Remake(t, dir, models.Embed, func(m *models.Model, b []byte) []byte {
				m.Inputs[0].Type, m.Inputs[0].Scale = "int8", 0.007
				return b
			})
		}},
		{"made to crash the runtime", "crashed on them (SIGSEGV)", func(dir string) {
			terminaltest.Remake(t, dir, models.Mesh, func(_ *models.Model, b []byte) []byte { return noGraph(b) })
		}},
		{"fed wrongly", "cosine", func(dir string) {
			terminaltest.Remake(t, dir, models.Embed, func(m *models.Model, b []byte) []byte {
				m.Preprocess.Subtract, m.Preprocess.Divide = 0, 1
				return b
			})
		}},
		{"thresholds of another model", "cosine", func(dir string) {
			terminaltest.Remake(t, dir, models.Embed, func(m *models.Model, b []byte) []byte {
				m.Thresholds.Match, m.Thresholds.Verify = 0.998, 0.997
				return b
			})
		}},
		{"a threshold that lets anybody in", "threshold match is 0.31, at least 0.", func(dir string) {
			terminaltest.Remake(t, dir, models.Embed, func(m *models.Model, b []byte) []byte {
				m.Thresholds.Match, m.Thresholds.Verify = 0.31, 0.31
				return b
			})
		}},
		{"no margin to the second best", "threshold margin is 0.001", func(dir string) {
			terminaltest.Remake(t, dir, models.Embed, func(m *models.Model, b []byte) []byte {
				m.Thresholds.Margin = 0.001
				return b
			})
		}},
		{"a network changed by a byte, with its own threshold", "threshold verify", func(dir string) {
			terminaltest.Remake(t, dir, models.Embed, func(m *models.Model, b []byte) []byte {
				m.Thresholds.Verify = 0.4
				return append(b, 0)
			})
		}},
		{"changed by a byte, with the built-in one's thresholds", "at least 0.586 is wanted", func(dir string) {
			terminaltest.Remake(t, dir, models.Embed, func(_ *models.Model, b []byte) []byte { return append(b, 0) })
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := terminaltest.CopyModels(t)
			c.spoil(dir)
			for _, args := range [][]string{{"models", "verify", dir}, {"models", "swap", "--yes", dir}} {
				out := l.says(1, c.says, args...)
				if !strings.Contains(out, "hint:") || strings.Contains(out, "goroutine") {
					t.Errorf("%q says\n%s", args, out)
				}
			}
			if left, _ := filepath.Glob(filepath.Join(l.dir, "data", "models*")); len(left) != 0 {
				t.Errorf("a refused set left %v", left)
			}
		})
	}
	l.says(2, "--embedded", "models", "swap")
	l.says(2, "--embedded", "models", "swap", "--embedded", "/x")
	l.says(2, "--embedded small", "models", "swap", "--embedded", "smal")
	l.says(1, "paths.models_dir is set", "models", "swap", "--embedded", "--paths-models-dir", "/x")
	l.says(0, "no customer has to be enrolled again", "models", "swap", terminaltest.CopyModels(t))
	l.says(0, "no terminal runs here", "models", "swap", "--embedded")
	l.says(0, "no terminal runs here", "models", "swap", "--embedded") // twice is harmless
}

// A technician interrupts the wait for the terminal, or it fails: what is in force by then must stay whole.
func TestSwapStaysWhenTheTerminalDoesNotAnswer(t *testing.T) {
	t.Parallel()
	l := newTill(t)
	socket, err := net.Listen("unix", l.socket)
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close()
	go func() { // takes every call, and hangs up
		for {
			c, err := socket.Accept()
			if err != nil {
				return
			}
			c.Close()
		}
	}()
	dir := terminaltest.CopyModels(t)
	terminaltest.Remake(
		t,
		dir,
		models.Mesh,
		func(m *models.Model, data []byte) []byte { m.Licence = "ours"; return data },
	)
	l.says(1, "installed, but the terminal has not taken them", "models", "swap", "--yes", dir)
	l.says(0, "ours", "models", "list")
}
