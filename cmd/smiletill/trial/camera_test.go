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
	"smiletill/vision"
	"smiletill/vision/visits"
)

// recording writes a film of a customer for camera.source.
func recording(t *testing.T) string { return recordingOf(t, "customer_smile") }

// recordingOf writes a film in which somebody is from its first picture to its last: a busy machine may look
// at two pictures alone.
func recordingOf(t *testing.T, name string) string {
	clip, err := visits.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	var film []byte
	for _, f := range clip.Frames[len(clip.Frames)/2:] {
		film = append(film, f...)
	}
	file := filepath.Join(t.TempDir(), name+".mjpeg")
	if err := os.WriteFile(file, film, 0o600); err != nil {
		t.Fatal(err)
	}
	return "replay:" + file
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

// The region where customers' faces count is drawn in the pictures that are kept, and whoever stands outside
// is counted.
func TestCameraTestDrawsTheRegion(t *testing.T) {
	t.Parallel()
	sheet := filepath.Join(t.TempDir(), "sheet.jpg")
	test := []string{"camera", "test", "--seconds", "1", "--camera-source", recordingOf(t, "two_people")}
	code, out, text := smiletill(t, append(test, "--camera-region", "0,0,0.6,1", "--sheet", sheet)...)
	if code != 0 {
		t.Fatalf("exit code %d: %s", code, text)
	}
	for _, want := range []string{
		"camera.region is 0 to 0.6 of the width, 0 to 1 of the height", "1 face outside the region (in ",
		"face    good",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("it does not say %q:\n%s", want, out)
		}
	}
	f, err := os.Open(sheet)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	m, err := jpeg.Decode(f)
	if err != nil {
		t.Fatal(err)
	}
	for x, yellow := range map[int]bool{0: true, 100: false, 191: true, 200: false} { // of 320, half way down
		r, g, b, _ := m.At(x, 120).RGBA()
		if got := r>>8 > 0xc0 && g>>8 > 0x98 && b>>8 < 0x60; got != yellow {
			t.Errorf("the region's edge at %d: %v (%x %x %x)", x, got, r>>8, g>>8, b>>8)
		}
	}
	code, out, text = smiletill(t, test...)
	if code != 0 || strings.Contains(out, "region  ") || !strings.Contains(out, "several_faces") {
		t.Errorf("without a region: exit code %d, %s%s", code, out, text)
	}
}

// An empty shop says nothing of how the camera hangs; where people stand wrongly there is advice.
func TestCameraTestOfNobodyAndOfTwo(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		film, region, says string
		not                string
	}{
		{"idle", "", "nobody stood there alone", "camera.rotate ="},
		{"customer_smile", "0,0,0.4,1", "somebody was seen outside camera.region alone", "nobody was seen"},
		{"two_people", "", "one person alone, please", "region  set"},
	} {
		code, out, text := smiletill(t, "camera", "test", "--seconds", "1", "--camera-source",
			recordingOf(t, c.film), "--camera-region", c.region)
		if code != 0 || !strings.Contains(out, c.says) || strings.Contains(out, c.not) {
			t.Errorf("%s: exit code %d, %s%s", c.film, code, out, text)
		}
	}
}

// Where a region must have something of the picture is where a face may be at all.
func TestRegionsReachWhereFacesCount(t *testing.T) {
	t.Parallel()
	out := vision.DefaultThresholds().CentreMax
	for edge, good := range map[float32]bool{0.5 - out + 0.21: true, 0.5 - out + 0.19: false} {
		code, _, text := smiletill(t, "config", "--camera-region", fmt.Sprintf("0,0,%.2f,1", edge))
		if (code == 0) != good {
			t.Errorf("0 to %v: exit code %d, %s", edge, code, text)
		}
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
		{"test --camera-region 0.9,0,1,1", 2, "nobody could pay in 0.9,0,1,1"},
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
