package bench_test

import (
	"bytes"
	"image"
	"image/jpeg"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/blackjack/webcam"

	"smiletill/device/bench"
)

// onBench skips a test that needs the kernel's drivers where they are not.
func onBench(t *testing.T) {
	t.Helper()
	if os.Getenv(bench.Env) == "" {
		t.Skipf("%s is not set: this needs a kernel with vhci-hcd, uvcvideo and gpio-sim", bench.Env)
	}
}

func picture(t *testing.T, shade uint8) bench.Picture {
	t.Helper()
	m := image.NewGray(image.Rect(0, 0, 640, 480))
	for i := range m.Pix {
		m.Pix[i] = shade + uint8(i%7)
	}
	var b bytes.Buffer
	if err := jpeg.Encode(&b, m, nil); err != nil {
		t.Fatal(err)
	}
	raw := bytes.Repeat([]byte{shade, 128}, 640*480)
	return bench.Picture{MJPG: b.Bytes(), YUYV: raw}
}

// TestBenchCamera holds what the real driver delivers against what was shown, byte by byte.
func TestBenchCamera(t *testing.T) {
	onBench(t)
	c, err := bench.PlugCamera(7, bench.Options{Name: "Bench self test"})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Unplug()
	want := picture(t, 60)
	c.Show(bench.Film{Loop: []bench.Picture{want}})
	node, err := c.Node(5 * time.Second)
	if err != nil {
		t.Fatal(err)
	}
	for format, bytesWanted := range map[string][]byte{"MJPG": want.MJPG, "YUYV": want.YUYV} {
		cam, err := webcam.Open(node)
		if err != nil {
			t.Fatal(err)
		}
		name, err := cam.GetName()
		if err != nil || !strings.HasPrefix(name, "Bench self test") {
			t.Errorf("card %q %v", name, err)
		}
		code := webcam.PixelFormat(uint32(format[0]) | uint32(format[1])<<8 | uint32(format[2])<<16 |
			uint32(format[3])<<24)
		if got, _, _, err := cam.SetImageFormat(code, 640, 480); err != nil || got != code {
			t.Fatalf("%s: %x %v", format, got, err)
		}
		if err := cam.StartStreaming(); err != nil {
			t.Fatal(err)
		}
		if err := cam.WaitForFrame(5); err != nil {
			t.Fatalf("%s: %v", format, err)
		}
		frame, err := cam.ReadFrame()
		if err != nil || !bytes.Equal(frame, bytesWanted) {
			t.Errorf("%s: %d bytes %v, want %d", format, len(frame), err, len(bytesWanted))
		}
		if err := cam.Close(); err != nil {
			t.Error(err)
		}
	}
	if err := c.Unplug(); err != nil {
		t.Error(err)
	}
	if err := c.Unplug(); err != nil {
		t.Errorf("again: %v", err)
	}
}

// TestBenchChip drives nothing: it makes a chip, pulls a line and reads it, and finds its own mark in the
// trace.
func TestBenchChip(t *testing.T) {
	onBench(t)
	c, err := bench.MakeChip("bench-self-test", []string{"FIRST", "SECOND"})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Remove()
	for _, up := range []bool{true, false, true} {
		if err := c.Pull("SECOND", up); err != nil {
			t.Fatal(err)
		}
		if got, err := c.High("SECOND"); err != nil || got != up {
			t.Errorf("pulled %v: reads %v %v", up, got, err)
		}
	}
	if err := c.Pull("THIRD", true); err == nil {
		t.Error("a line that is not there was pulled")
	}
	trace, err := bench.StartTrace()
	if err != nil {
		t.Fatal(err)
	}
	defer trace.Close()
	before := bench.Now()
	if err := trace.Mark("hello"); err != nil {
		t.Fatal(err)
	}
	events, err := trace.Read()
	if err != nil || len(events) != 1 || events[0].Mark != "hello" {
		t.Fatalf("events %+v %v", events, err)
	}
	if at := events[0].At; at < before-time.Microsecond || at > bench.Now() {
		t.Errorf("marked at %v, between %v and %v on the same clock", at, before, bench.Now())
	}
	if err := c.Remove(); err != nil {
		t.Error(err)
	}
}
