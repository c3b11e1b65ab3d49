package camera

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"strconv"
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
		"busy, told with a number": {
			numbered(errors.New("Failed to start streaming: " + syscall.EBUSY.Error())), two, "another program"},
		"held by us": {syscall.EBUSY, holding("99", "proc/99/fd/7"), "this program itself still holds the camera"},
		"mapped by us, closed": {syscall.EBUSY, fstest.MapFS{"proc/self/maps": {Data: []byte(
			"7f00-7f10 r-xp 00000000 00:06 51 /bin/x\n7f10-7f20 rw-s 0 00:06 511 /dev/video9\n")}},
			"this program itself still holds the camera"},
		"held by another": {syscall.EBUSY, holding("98", "proc/99/fd/7"),
			"the program cheese uses the camera (process 99)"},
		"not offered": {errNotOffered, two, "set camera.format to auto"},
		"no bandwidth": {numbered(errors.New("Failed to start streaming: " + syscall.ENOSPC.Error())), two,
			"USB can't carry its pictures"},
		"no memory": {syscall.ENOMEM, two, "not enough memory"},
		"protocol":  {syscall.EPROTO, two, "unplug it and plug it in again"},
		"refused":   {syscall.EIO, two, "unplug it and plug it in again"},
		"no answer": {syscall.ETIMEDOUT, two, "unplug it and plug it in again"},
		"Bayer":     {errRaw, two, "this camera module isn't supported"},
		"Pi 5's receiver": {syscall.EPIPE, system([4]string{"9", "rp1-cfe-csi2_ch0", "1f00110000.csi", "0"}),
			"this camera module isn't supported"},
		"H264":          {errUnsupported, two, "use a USB camera that offers MJPG, YUYV"},
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

// holding is a system in which process 99, called cheese, has /dev/video9 open; self is this process.
func holding(self, fd string) fstest.MapFS {
	return fstest.MapFS{
		"dev/video9": {}, "proc/self": {Mode: fs.ModeSymlink, Data: []byte(self)},
		"proc/99/comm": {Data: []byte("cheese\n")}, "proc/98/comm": {Data: []byte("smiletill\n")},
		fd: {Mode: fs.ModeSymlink, Data: []byte("/dev/video9")},
	}
}

// What a technician reads has to fit on a screen: a Pi has a dozen nodes that are no camera.
func TestHintsAreShort(t *testing.T) {
	nodes := [][4]string{
		{"0", "HD Pro Webcam C920", "1-1.2:1.0", "0"},
		{"1", "HD Pro Webcam C920", "1-1.2:1.0", "1"},
	}
	for n := 10; n < 26; n++ {
		nodes = append(nodes, [4]string{strconv.Itoa(n), "bcm2835-codec-decode", "bcm2835-codec", "0"})
	}
	for name, root := range map[string]fs.FS{
		"with a camera": system(nodes...), "without": system(nodes[2:]...),
	} {
		for _, err := range []error{syscall.ENOENT, syscall.ENOTTY} {
			var h interface{ Hint() string }
			if !errors.As(openError("/dev/video9", err, root), &h) {
				t.Fatal("no hint")
			}
			if len(h.Hint()) > 230 || !strings.Contains(h.Hint(), "others (`smiletill camera list`)") {
				t.Errorf("%s, %v: %d characters: %s", name, err, len(h.Hint()), h.Hint())
			}
		}
	}
}

// webcam's text keeps the reason, not its number, and everybody asks for the number.
func TestNumbered(t *testing.T) {
	for _, n := range []syscall.Errno{syscall.EBUSY, syscall.ENOSPC, syscall.EPROTO, syscall.ENOMEM, syscall.EIO,
		syscall.ETIMEDOUT, syscall.ENODEV, syscall.EPIPE} {
		err := numbered(errors.New("Failed to start streaming: " + n.Error()))
		if !errors.Is(err, n) || err.Error() != "failed to start streaming: "+n.Error() {
			t.Errorf("%v: %v", n, err)
		}
	}
	if odd := errors.New("Already streaming"); numbered(odd) != odd || numbered(nil) != nil {
		t.Error("an error without a number is not left as it is")
	}
}

// unmap finds webcam's buffers where webcam keeps them; another version may not.
func TestWebcamKeepsItsBuffers(t *testing.T) {
	if err := unmap(&webcam.Webcam{}); err != nil {
		t.Error(err)
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

// A loopback is not opened, even where nobody is behind it, unless that was asked for.
func TestOpenRefusesLoopbacks(t *testing.T) {
	d := Device{Node: t.TempDir() + "/video0", Loopback: "a program is behind it (vivid)"}
	c, err := d.open(V4L2Options{})
	var h interface{ Hint() string }
	if c != nil || !errors.Is(err, ErrLoopback) || !errors.As(err, &h) ||
		!strings.Contains(h.Hint(), "camera.test_source") {
		t.Errorf("%v", err)
	}
	if c, err = d.open(V4L2Options{Loopback: true}); c != nil || !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("for tests: %v", err)
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
		{[]webcam.PixelFormat{webcam.PixelFormat(fourCC("pBAA")), webcam.PixelFormat(fourCC("RG10"))}, "", "",
			"the camera offers RG10, pBAA"},
		{[]webcam.PixelFormat{1, 2, 3, 4, 5, 6, 7}, "", "", "0x1, 0x2, 0x3, 0x4, 0x5 and 2 others"},
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
