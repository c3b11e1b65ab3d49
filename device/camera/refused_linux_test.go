package camera

import (
	"errors"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"smiletill/device/bench"
)

// TestBenchRefusedStart plugs in a camera that refuses to begin twice, as cameras do whose USB port has no
// room for them at the moment. The next try, by whomever, has it: nothing of the others is left.
func TestBenchRefusedStart(t *testing.T) {
	if os.Getenv(bench.Env) == "" {
		t.Skipf("%s is not set: `make emulate` runs this on the kernel's drivers", bench.Env)
	}
	o := bench.Options{Name: "Shy", RefusedStarts: 2}
	cam, err := bench.PlugCamera(6, o)
	if err != nil {
		t.Fatal(err)
	}
	defer cam.Unplug()
	cam.Show(bench.Film{Loop: shades(t, bench.Options{Width: 640, Height: 480})})
	node, err := cam.Node(10 * time.Second)
	if err != nil {
		t.Fatal(err)
	}
	for range o.RefusedStarts {
		c, err := OpenV4L2(node, V4L2Options{})
		if err == nil {
			t.Fatal(errors.Join(errors.New("a camera that refuses to begin was opened"), c.Close()))
		}
		var h interface{ Hint() string }
		if !errors.As(err, &h) {
			t.Fatalf("a refused start: %v has no hint", err)
		}
		if errors.Is(err, syscall.EBUSY) || strings.Contains(h.Hint(), "uses the camera") {
			t.Errorf("a refused start: %v, hint %q", err, h.Hint())
		}
		t.Logf("refused: %v (%s)", err, h.Hint())
		mapped(t, node, 0)
	}
	c, err := OpenV4L2(node, V4L2Options{})
	if err != nil {
		t.Fatalf("after a refused start: %v", err)
	}
	mapped(t, node, buffers)
	var f Frame
	if err := c.Next(t.Context(), &f); err != nil {
		t.Error(err)
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	mapped(t, node, 0)
}

// mapped counts this process's mappings of a node.
func mapped(t *testing.T, node string, want int) {
	t.Helper()
	maps, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(string(maps), " "+node+"\n"); n != want {
		t.Errorf("%d mappings of %s, want %d", n, node, want)
	}
}
