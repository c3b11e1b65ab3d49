//go:build !notflite

package trial

import (
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"smiletill/device/camera"
	"smiletill/models"
	"smiletill/vision"
	"smiletill/vision/gallery"
	"smiletill/vision/networks"
	"smiletill/vision/visits"
)

// BenchmarkFrameToDecision is what one frame of a visit costs, from the camera's bytes to the finding:
// decode, look in full depth, match against 100 customers of 5 templates, fuse. The detector, mesh and
// embedding run on every frame.
func BenchmarkFrameToDecision(b *testing.B) {
	set, err := models.Open("")
	if err != nil {
		b.Fatal(err)
	}
	l, err := networks.OpenLooker(set)
	if err != nil {
		b.Fatal(err)
	}
	defer l.Close()
	g := crowd(b, 100)
	clip, err := visits.Open("customer_neutral")
	if err != nil {
		b.Fatal(err)
	}
	jpeg := clip.Frames[clip.LoopFrom]
	frame := camera.Frame{Data: jpeg, Format: camera.MJPG, Width: 640, Height: 480}
	var decoder camera.Decoder
	img, err := decoder.Decode(&frame)
	if err != nil {
		b.Fatal(err)
	}
	v := vision.NewVisit(g, l.Thresholds())
	observe := func(look vision.Look) { v.Observe(look, time.Now()) }
	b.Run("jpeg", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			img, err := decoder.Decode(&frame)
			if err != nil {
				b.Fatal(err)
			}
			if err := l.Look(img, vision.Embed, observe); err != nil {
				b.Fatal(err)
			}
		}
	})
	yuyv := packed(img)
	b.Run("yuyv", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			img, err := decoder.Decode(&yuyv)
			if err != nil {
				b.Fatal(err)
			}
			if err := l.Look(img, vision.Embed, observe); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// crowd is a gallery of n customers with random faces.
func crowd(b *testing.B, n int) *gallery.Gallery {
	b.Helper()
	dir := filepath.Join(b.TempDir(), "gallery")
	model := gallery.Model{SHA256: fmt.Sprintf("%064d", 0), Agree: 0.531, Same: 0.599}
	g, err := gallery.Open(dir, model, slog.New(slog.DiscardHandler))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := g.Close(); err != nil {
			b.Error(err)
		}
	})
	if err := enrolStrangers(g, n, 128); err != nil {
		b.Fatal(err)
	}
	return g
}

// TestAdvice: the default set where ten frames a second can be looked at with it, else the small one.
func TestAdvice(t *testing.T) {
	took := func(name string, ms float64) benchRun {
		r := benchRun{Models: name, Stages: make([]benchStage, stages)}
		r.Stages[stageWholeMJPG].P95 = ms
		return r
	}
	for _, c := range []struct {
		whole, small float64
		want         string
	}{
		{7, 5, "Take the default set (`smiletill models swap --embedded`): it decides on a frame in 7.0 ms"},
		{140, 60, "Take the small set (`smiletill models swap --embedded small`): the default one takes 140 ms"},
		{400, 160, "or better a faster machine: even the small one takes 160 ms"},
	} {
		got := advice([]benchRun{took(defaultSet, c.whole), took(smallSet, c.small)})
		if !strings.Contains(got, c.want) {
			t.Errorf("%v and %v ms: %q, want %q", c.whole, c.small, got, c.want)
		}
	}
}

func TestPercentile(t *testing.T) {
	ms := func(n ...time.Duration) []time.Duration {
		for i := range n {
			n[i] *= time.Millisecond
		}
		return n
	}
	for _, c := range []struct {
		times    []time.Duration
		p50, p95 float64
	}{{nil, 0, 0}, {ms(7), 7, 7}, {ms(1, 9), 1, 9}, {ms(1, 2, 3), 2, 3},
		{ms(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20), 10, 19}} {
		if a, b := percentile(c.times, 50), percentile(c.times, 95); a != c.p50 || b != c.p95 {
			t.Errorf("%v: %v, %v", c, a, b)
		}
	}
}

func TestMachine(t *testing.T) {
	pi := fstest.MapFS{
		"proc/device-tree/model": {Data: []byte("Raspberry Pi 4 Model B Rev 1.4\x00")},
		"proc/cpuinfo":           {Data: []byte("processor\t: 0\nBogoMIPS\t: 108.00\n")},
		"proc/self/status":       {Data: []byte("VmHWM:\t 90000 kB\nVmRSS:\t   51200 kB\n")},
		"sys/devices/system/cpu/cpu0/cpufreq/scaling_governor": {Data: []byte("ondemand\n")},
		"sys/class/thermal/thermal_zone0/temp":                 {Data: []byte("48312\n")},
	}
	m := readMachine(pi)
	m.CelsiusAfter = 61.8
	for _, want := range []string{"Raspberry Pi 4 Model B Rev 1.4, ", "governor ondemand",
		"48 °C before, 62 °C after"} {
		if !strings.Contains(m.String(), want) {
			t.Errorf("%q has no %q", m, want)
		}
	}
	if n := resident(pi); n != 51200<<10 {
		t.Errorf("%d bytes", n)
	}
	pc := fstest.MapFS{"proc/cpuinfo": {Data: []byte("model name\t: AMD EPYC\n")}}
	if m := readMachine(pc); m.CPU != "AMD EPYC" ||
		strings.Contains(m.String(), "°C") || strings.Contains(m.String(), ", ,") {
		t.Errorf("machine %q", m)
	}
}
