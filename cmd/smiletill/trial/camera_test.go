//go:build !notflite

package trial_test

import (
	"bytes"
	"fmt"
	"image"
	"image/jpeg"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"smiletill/cmd/smiletill/trial"
	"smiletill/device/camera"
	"smiletill/vision/visits"
)

// recording writes a film of a customer, who is there from its first picture to its last, for camera.source:
// a busy machine may look at two pictures alone.
func recording(t *testing.T) string {
	clip, err := visits.Open("customer_smile")
	if err != nil {
		t.Fatal(err)
	}
	var film []byte
	for _, f := range clip.Frames[24:] {
		film = append(film, f...)
	}
	name := filepath.Join(t.TempDir(), "customer.mjpeg")
	if err := os.WriteFile(name, film, 0o600); err != nil {
		t.Fatal(err)
	}
	return "replay:" + name
}

func TestCameraTest(t *testing.T) {
	t.Parallel()
	source, sheet := recording(t), filepath.Join(t.TempDir(), "sheet.jpg")
	code, out, text := smiletill(
		t,
		"camera",
		"test",
		"--camera-source",
		source,
		"--camera-loop",
		"--seconds",
		"2",
		"--sheet",
		sheet,
	)
	if code != 0 {
		t.Fatalf("exit code %d: %s", code, text)
	}
	for _, want := range []string{"pictures a second", "0 damaged", "light   good", "fit for a payment", sheet} {
		if !strings.Contains(out, want) {
			t.Errorf("it does not say %q:\n%s", want, out)
		}
	}
	f, err := os.Open(sheet)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var kept int // fewer than a sheet holds, where the machine is slow
	for line := range strings.Lines(out) {
		if n, err := fmt.Sscanf(line, "%d pictures are in", &kept); n == 1 && err == nil {
			break
		}
	}
	if kept < 2 || kept > trial.SheetColumns*trial.SheetRows {
		t.Errorf("%d pictures were kept of two seconds", kept)
	}
	m, err := jpeg.Decode(f)
	rows := (kept + trial.SheetColumns - 1) / trial.SheetColumns
	if err != nil || m.Bounds().Dx() != trial.SheetColumns*320 || m.Bounds().Dy() != rows*240 {
		t.Errorf("contact sheet of %d pictures: %v, %v", kept, m.Bounds(), err)
	}
	if info, err := f.Stat(); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the sheet shows people and has mode %v, %v", info.Mode(), err)
	}
	code, _, text = smiletill(t, "camera", "test", "--camera-source", source, "--seconds", "1", "--sheet", sheet)
	if code != 1 || !strings.Contains(text, "does not exist yet") {
		t.Errorf("a file was overwritten: exit code %d, %s", code, text)
	}
}

// A camera that hangs on its side or upside down is told, with what to set; one that hangs upright is not.
func TestCameraTestNamesATurnedPicture(t *testing.T) {
	t.Parallel()
	clip, err := visits.Open("customer_smile")
	if err != nil {
		t.Fatal(err)
	}
	for _, degrees := range []int{0, 90, 180, 270} {
		var pictures []image.Image
		for _, data := range clip.Frames[len(clip.Frames)/2:] {
			m, err := jpeg.Decode(bytes.NewReader(data))
			if err != nil {
				t.Fatal(err)
			}
			pictures = append(pictures, camera.Turn(m, (360-degrees)/90)) // as such a camera gives them
		}
		got, says, err := trial.TurnedBy(pictures)
		if err != nil || got != degrees {
			t.Errorf("to be turned by %d: %d, %v", degrees, got, err)
		}
		want := "set camera.rotate = " + strconv.Itoa((degrees+90)%360) // one that is turned by 90 already
		if degrees == 0 {
			want = "camera.rotate is 90"
		}
		if !strings.Contains(says, want) {
			t.Errorf("%d degrees: %q, want %q", degrees, says, want)
		}
	}
}

func TestCameraCommandsRefuse(t *testing.T) {
	t.Parallel()
	empty := filepath.Join(t.TempDir(), "empty.mjpeg")
	if err := os.WriteFile(empty, []byte("no picture"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args string
		code int
		says string
	}{
		{"test --seconds 0", 2, "use 1 to 600"},
		{"test --camera-format H264", 2, "camera.format"},
		{"test --camera-rotate 45", 2, "write 0, 90, 180 or 270"},
		{"test --camera-source C920", 2, `"card:NAME"`},
		{"test --camera-source card:no-such-camera", 1, "no such camera: looked for card:no-such-camera"},
		{"list --camera-source card:no-such-camera", 1, "looked for card:no-such-camera"},
		{"test --camera-source /dev/video-none", 1, "plug the camera in"},
		{"test --camera-source replay:" + empty, 1, "hint:"},
	} {
		code, _, text := smiletill(t, append([]string{"camera"}, strings.Fields(c.args)...)...)
		if code != c.code || !strings.Contains(text, c.says) {
			t.Errorf("%s: exit code %d, %s; want %d, %q", c.args, code, text, c.code, c.says)
		}
	}
}
