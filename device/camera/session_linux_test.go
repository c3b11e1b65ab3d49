package camera

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/jpeg"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"smiletill/device/bench"
)

// A session is everything that a camera can do to the terminal: good pictures, damaged ones, silence, another
// program, unplugging, nodes and sizes that are of no use. It runs on the emulated bench's real drivers,
// where it is recorded, and on any machine against that recording.

const recording = "v4l2-session.jsonl.gz"

// stage is the world around the camera. While a recording plays nothing has to be done to it.
type stage struct {
	live     bool
	cameras  map[string]*bench.Camera
	tape     *tape
	portOf   map[string]int
	fixtures map[string]bench.Options
}

func newStage(p *tape) *stage {
	return &stage{live: p.live, tape: p, cameras: map[string]*bench.Camera{},
		portOf: map[string]int{"till": 4, "old": 5},
		fixtures: map[string]bench.Options{
			"till": {Name: "Till", Width: 640, Height: 480},
			"old":  {Name: "Old", Width: 160, Height: 120, Formats: []bench.Format{bench.YUYV}},
		}}
}

// node plugs a camera in, if it is not, and gives its node.
func (s *stage) node(t *testing.T, name string) string {
	t.Helper()
	c := s.tape.do(name, "plug", nil, func(c *call) error {
		if s.cameras[name] == nil {
			cam, err := bench.PlugCamera(s.portOf[name], s.fixtures[name])
			if err != nil {
				return err
			}
			s.cameras[name] = cam
			s.tape.t.Cleanup(func() { _ = cam.Unplug() }) // not after this part of the session
			cam.Show(bench.Film{Loop: shades(t, s.fixtures[name])})
		}
		node, err := s.cameras[name].Node(10 * time.Second)
		c.Data = []byte(node)
		return err
	})
	if err := c.err(); err != nil {
		t.Fatal(err)
	}
	return string(c.Data)
}

func (s *stage) fault(name string, f bench.Fault) {
	if s.live {
		s.cameras[name].SetFault(f)
	}
}

func (s *stage) unplug(t *testing.T, name string) {
	if !s.live {
		return
	}
	if err := s.cameras[name].Unplug(); err != nil {
		t.Fatal(err)
	}
	delete(s.cameras, name)
}

// shades are three grey pictures.
func shades(t *testing.T, o bench.Options) []bench.Picture {
	t.Helper()
	var out []bench.Picture
	for _, shade := range []uint8{60, 120, 180} {
		w, h := o.Width, o.Height
		m := image.NewGray(image.Rect(0, 0, w, h))
		for i := range m.Pix {
			m.Pix[i] = shade + uint8(i%7)
		}
		var b bytes.Buffer
		if err := jpeg.Encode(&b, m, nil); err != nil {
			t.Fatal(err)
		}
		out = append(out, bench.Picture{MJPG: b.Bytes(), YUYV: bytes.Repeat([]byte{shade, 128}, w*h)})
	}
	return out
}

func session(t *testing.T, p *tape) {
	s := newStage(p)
	t.Run("pictures", func(t *testing.T) { s.pictures(t) })
	t.Run("metadata node", func(t *testing.T) { s.metadata(t) })
	t.Run("busy", func(t *testing.T) { s.busy(t) })
	t.Run("format not offered, pictures too small", func(t *testing.T) { s.unfit(t) })
	t.Run("truncated", func(t *testing.T) { s.truncated(t) })
	t.Run("flagged as bad by the camera", func(t *testing.T) { s.flagged(t) })
	t.Run("unplugged", func(t *testing.T) { s.unplugged(t) })
	p.end()
}

func (s *stage) open(t *testing.T, name string, o V4L2Options) *V4L2 {
	t.Helper()
	c, err := openV4L2(s.tape.open, s.node(t, name), o)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func (s *stage) pictures(t *testing.T) {
	c := s.open(t, "till", V4L2Options{})
	if w, h, f := c.Size(); w != 640 || h != 480 || f != MJPG {
		t.Errorf("it runs %dx%d %s", w, h, f)
	}
	var f Frame
	var d Decoder
	seen := map[int]bool{}
	for range 6 {
		if err := c.Next(t.Context(), &f); err != nil {
			t.Fatal(err)
		}
		m, err := d.Decode(&f)
		if err != nil {
			t.Fatal(err)
		}
		r, _, _, _ := m.At(320, 240).RGBA()
		seen[int(r>>8)/60] = true
	}
	if !seen[1] || !seen[2] || !seen[3] {
		t.Errorf("of three shades in turn these were seen: %v", seen)
	}
	s.shut(t, c)
}

func (s *stage) shut(t *testing.T, c *V4L2) {
	t.Helper()
	if err := c.Close(); err != nil {
		t.Error(err)
	}
}

func (s *stage) metadata(t *testing.T) {
	node := s.node(t, "till")
	n := int(node[len(node)-1] - '0')
	_, err := openV4L2(s.tape.open, fmt.Sprintf("/dev/video%d", n+1), V4L2Options{})
	if !errors.Is(err, ErrFormat) || !strings.Contains(err.Error(), "no pictures at all") {
		t.Errorf("the camera's other node: %v", err)
	}
}

func (s *stage) busy(t *testing.T) {
	c := s.open(t, "till", V4L2Options{})
	_, err := openV4L2(s.tape.open, s.node(t, "till"), V4L2Options{})
	var h interface{ Hint() string }
	want := "another program uses the camera"
	if s.live { // it is this one
		want = "this program itself still holds the camera"
	}
	if !errors.Is(err, syscall.EBUSY) || !errors.As(err, &h) || !strings.Contains(h.Hint(), want) {
		t.Errorf("a camera that is in use: %v, %v", err, h)
	}
	s.shut(t, c)
}

func (s *stage) unfit(t *testing.T) {
	for _, c := range []struct {
		want Format
		says string
	}{{MJPG, "offers YUYV"}, {"", "looked for 640x480, the camera gives 160x120"}} {
		_, err := openV4L2(s.tape.open, s.node(t, "old"), V4L2Options{Format: c.want})
		if !errors.Is(err, ErrFormat) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("asked for %q: %v, want %q", c.want, err, c.says)
		}
	}
}

// truncated: the driver hands half JPEGs on; the decoder must not take them for pictures.
func (s *stage) truncated(t *testing.T) {
	c := s.open(t, "till", V4L2Options{})
	var f Frame
	var d Decoder
	s.fault("till", bench.Truncated)
	for n := 0; ; n++ {
		if err := c.Next(t.Context(), &f); err != nil {
			t.Fatal(err)
		}
		if _, err := d.Decode(&f); err != nil {
			if !errors.Is(err, ErrPicture) {
				t.Errorf("half a JPEG: %v", err)
			}
			break
		}
		if n == 2*buffers {
			t.Fatal("half a JPEG was taken for a picture")
		}
	}
	s.fault("till", bench.Healthy)
	s.shut(t, c)
}

// flagged: the driver drops what the camera calls bad, so it looks like silence.
func (s *stage) flagged(t *testing.T) {
	c := s.open(t, "till", V4L2Options{})
	var f Frame
	err := c.Next(t.Context(), &f) // from now on a second without a frame is too long
	s.fault("till", bench.Flagged)
	for n := 0; err == nil && n <= 2*buffers; n++ {
		err = c.Next(t.Context(), &f)
	}
	if !errors.Is(err, ErrStalled) {
		t.Errorf("only bad frames: %v", err)
	}
	s.shut(t, c)
	s.fault("till", bench.Healthy)
	c = s.open(t, "till", V4L2Options{})
	if err := c.Next(t.Context(), &f); err != nil {
		t.Errorf("opened again when it is well: %v", err)
	}
	s.shut(t, c)
}

func (s *stage) unplugged(t *testing.T) {
	c := s.open(t, "till", V4L2Options{})
	node := s.node(t, "till")
	var f Frame
	if err := c.Next(t.Context(), &f); err != nil {
		t.Fatal(err)
	}
	s.unplug(t, "till")
	var err error
	for n := 0; err == nil && n <= 2*buffers; n++ {
		err = c.Next(t.Context(), &f)
	}
	if !errors.Is(err, syscall.ENODEV) {
		t.Errorf("unplugged: %v", err)
	}
	s.shut(t, c)
	if _, err := openV4L2(s.tape.open, node, V4L2Options{}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a node that is gone: %v", err)
	}
	s.shut(t, s.open(t, "till", V4L2Options{}))
}

// TestBenchSession records the session on the kernel's drivers.
func TestBenchSession(t *testing.T) {
	dir := os.Getenv(bench.Env)
	if dir == "" {
		t.Skipf("%s is not set: `make emulate` runs this on the kernel's drivers", bench.Env)
	}
	p := &tape{t: t, live: true, begun: time.Now()}
	session(t, p)
	if !t.Failed() {
		p.save(filepath.Join(dir, recording))
	}
}

// TestRecordedSession plays what was recorded: the same code, with what the kernel answered then.
func TestRecordedSession(t *testing.T) {
	session(t, loadTape(t, filepath.Join("testdata", recording)))
}
