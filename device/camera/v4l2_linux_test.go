package camera

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"strings"
	"syscall"
	"testing"
	"testing/fstest"
	"time"
	"unsafe"

	"github.com/blackjack/webcam"
	"github.com/blackjack/webcam/ioctl"
)

func TestOpenErrorsSayWhatToDo(t *testing.T) {
	two := fstest.MapFS{
		"dev/video0": {}, "dev/video1": {}, "dev/null": {},
		"sys/class/video4linux/video0/name": {Data: []byte("HD Webcam\n")},
	}
	for name, c := range map[string]struct {
		err  error
		root fs.FS
		want string
	}{
		"gone, none":  {syscall.ENOENT, fstest.MapFS{"dev/null": {}}, "no /dev/video* at all"},
		"gone, two":   {syscall.ENOENT, two, "/dev/video0 (card:HD Webcam, bus:?), /dev/video1 (card:?, bus:?)"},
		"unplugged":   {syscall.ENODEV, two, "plug the camera in"},
		"not allowed": {syscall.EACCES, two, "group video"},
		"busy":        {syscall.EBUSY, two, "fuser -v /dev/video9"},
		"busy, as webcam says it": {
			errors.New("Failed to start streaming: " + syscall.EBUSY.Error()), two, "another program"},
		"not offered":   {errNotOffered, two, "set camera.format to auto"},
		"metadata node": {ErrFormat, two, "may not be a camera's picture node; there are: /dev/video0"},
		"not a camera":  {syscall.ENOTTY, two, "may not be a camera's picture node"},
	} {
		t.Run(name, func(t *testing.T) {
			err := openError("/dev/video9", c.err, c.root)
			var h interface{ Hint() string }
			if !errors.Is(err, c.err) || !strings.Contains(err.Error(), "/dev/video9") || !errors.As(err, &h) {
				t.Fatalf("%v loses its cause, its node or its hint", err)
			}
			if !strings.Contains(h.Hint(), c.want) {
				t.Errorf("hint %q, want %q", h.Hint(), c.want)
			}
		})
	}
}

func TestOpenWithoutCamera(t *testing.T) {
	for node, want := range map[string]error{
		t.TempDir() + "/video0": fs.ErrNotExist,
		"/dev/null":             syscall.ENOTTY,
	} {
		c, err := OpenV4L2(node, V4L2Options{})
		var h interface{ Hint() string }
		if c != nil || !errors.Is(err, want) || !errors.As(err, &h) {
			t.Errorf("%s: %v, want %v with a hint", node, err, want)
		}
	}
	if _, err := OpenV4L2("/dev/null", V4L2Options{Width: 9999, Height: 1}); !errors.Is(err, ErrTooLarge) {
		t.Errorf("too wide: %v", err)
	}
}

func TestChooseFormat(t *testing.T) {
	h264 := webcam.PixelFormat(fourCC("H264"))
	yuyv, mjpg := webcam.PixelFormat(fourCC(YUYV)), webcam.PixelFormat(fourCC(MJPG))
	nv12, grey := webcam.PixelFormat(fourCC(NV12)), webcam.PixelFormat(fourCC(GREY))
	for _, c := range []struct {
		offered []webcam.PixelFormat
		asked   Format
		want    Format
		says    string // instead
	}{
		{nil, "", "", "no pictures at all"},
		{[]webcam.PixelFormat{h264, 1}, "", "", "looked for MJPG, YUYV, NV12, GREY, the camera offers 0x1, H264"},
		{[]webcam.PixelFormat{yuyv, h264}, MJPG, "", "looked for MJPG, the camera offers H264, YUYV"},
		{[]webcam.PixelFormat{yuyv, h264}, "", YUYV, ""},
		{[]webcam.PixelFormat{yuyv, mjpg}, "", MJPG, ""},
		{[]webcam.PixelFormat{yuyv, mjpg}, YUYV, YUYV, ""},
		{[]webcam.PixelFormat{grey, nv12}, "", NV12, ""},
		{[]webcam.PixelFormat{grey}, "", GREY, ""},
	} {
		m := map[webcam.PixelFormat]string{}
		for _, f := range c.offered {
			m[f] = "offered"
		}
		got, err := choose(m, c.asked)
		if got != c.want || (c.says == "") != (err == nil) {
			t.Errorf("%q of %v: %q %v, want %q", c.asked, c.offered, got, err, c.want)
		}
		if err != nil && (!errors.Is(err, ErrFormat) || !strings.Contains(err.Error(), c.says)) {
			t.Errorf("%q of %v: %v, want %q", c.asked, c.offered, err, c.says)
		}
	}
	if fourCC(MJPG) != 0x47504a4d { // V4L2_PIX_FMT_MJPEG in videodev2.h
		t.Errorf("MJPG is %#x", fourCC(MJPG))
	}
}

// The kernel knows the request by its size; VIDIOC_G_FMT is 0xc0d05604 on 64 bits, 0xc0cc5604 on 32.
func TestFormatRequest(t *testing.T) {
	want := uintptr(0xc0d05604)
	if unsafe.Sizeof(want) == 4 {
		want = 0xc0cc5604
	}
	if got := ioctl.IoRW('V', 4, unsafe.Sizeof(v4l2Format{})); got != want {
		t.Errorf("VIDIOC_G_FMT is %#x, want %#x", got, want)
	}
}

// SMILETILL_CAMERA=/dev/video0 tries a real camera, or one of the emulated bench.
func TestRealCamera(t *testing.T) {
	node := os.Getenv("SMILETILL_CAMERA")
	if node == "" {
		t.Skip("no camera: set SMILETILL_CAMERA to its node to try it")
	}
	c, err := OpenV4L2(node, V4L2Options{})
	if err != nil {
		t.Fatal(err)
	}
	l := Newest(c)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	var d Decoder
	w, h, format := c.Size()
	var first, last *Frame
	damaged := 0
	for range 30 {
		f, err := l.Take(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if first == nil {
			first = &Frame{At: f.At}
		}
		last = f
		m, err := d.Decode(f)
		if err != nil {
			damaged++
			continue
		}
		if m.Bounds().Dx() != w || m.Bounds().Dy() != h {
			t.Fatalf("a picture of %v, the camera runs %dx%d", m.Bounds(), w, h)
		}
	}
	if damaged > 3 {
		t.Errorf("%d of 30 frames are damaged", damaged)
	}
	_, dropped := l.Counts()
	t.Logf("%s %dx%d, 30 frames in %v, %d dropped, %d damaged",
		format, w, h, last.At.Sub(first.At), dropped, damaged)
	if err := l.Close(); err != nil {
		t.Error(err)
	}
}
