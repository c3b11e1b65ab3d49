package camera

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/blackjack/webcam"
)

// V4L2Options says what to ask of a camera. A driver may give another size: the frames say which.
type V4L2Options struct {
	Width, Height int     // pixels; 640x480 if 0
	FPS           float64 // frames a second; 0 leaves the driver's. A camera that can't set it keeps its own.
	Format        Format  // "" takes the first of MJPG, YUYV, NV12, GREY that the camera offers
	Loopback      bool    // takes what only looks like a camera too, when it is named: for tests
}

// V4L2 is a camera of the Linux kernel, such as a USB webcam.
type V4L2 struct {
	node   string
	from   Origin
	format Format
	width  int
	height int
	stride int

	mu     sync.Mutex // held while the driver's memory is in use: Close takes it away
	cam    driver
	closed bool
	begun  bool
	seq    uint64
}

// The waiting for a frame: webcam counts in whole seconds. The first frame may take longer (exposure).
const (
	pollSeconds  = 1
	startSeconds = 5
)

// buffers is the number of frames the driver may hold. Four lets it fill some while one is copied; webcam's
// 256 would lock 150 MB of memory for 640x480 YUYV.
const buffers = 4

// OpenV4L2 opens a camera node such as /dev/video0 and starts it, in the format of o, else in motion JPEG if
// it can (30 pictures a second fit through USB 2), else YUYV, NV12 or GREY. Errors carry a hint that lists
// the cameras there are.
func OpenV4L2(node string, o V4L2Options) (*V4L2, error) { return openV4L2(openKernel, node, o) }

func openV4L2(open func(node string) (driver, error), node string, o V4L2Options) (*V4L2, error) {
	if o.Width == 0 && o.Height == 0 {
		o.Width, o.Height = 640, 480
	}
	if err := sides(o.Width, o.Height); err != nil {
		return nil, fmt.Errorf("open camera %s: %w", node, err)
	}
	cam, err := open(node)
	if err != nil {
		return nil, openError(node, err, os.DirFS("/"))
	}
	c := &V4L2{node: node, cam: cam}
	if err := c.start(o); err != nil {
		return nil, errors.Join(openError(node, err, os.DirFS("/")), cam.Close())
	}
	return c, nil
}

func (c *V4L2) start(o V4L2Options) error {
	var err error
	if c.format, err = choose(c.cam.GetSupportedFormats(), o.Format); err != nil {
		return err
	}
	want := webcam.PixelFormat(fourCC(c.format))
	got, _, _, err := c.cam.SetImageFormat(want, uint32(o.Width), uint32(o.Height))
	if err != nil {
		return fmt.Errorf("set format %s: %w", c.format, err)
	}
	if got != want { // drivers answer with what they like better, without an error
		return fmt.Errorf("%w: asked for %s, the driver set %s", ErrFormat, c.format, code(uint32(got)))
	}
	pix, err := c.cam.running()
	if err != nil {
		return fmt.Errorf("read back the format: %w", err)
	}
	if pix.Code != uint32(want) {
		return fmt.Errorf("%w: asked for %s, the driver runs %s", ErrFormat, c.format, code(pix.Code))
	}
	c.width, c.height = int(pix.Width), int(pix.Height)
	if err := sides(c.width, c.height); err != nil {
		return err
	}
	if c.width < minWidth && c.width < o.Width || c.height < minHeight && c.height < o.Height {
		return fmt.Errorf("%w: looked for %dx%d, the camera gives %dx%d; faces need %dx%d or more",
			errSmall, o.Width, o.Height, c.width, c.height, minWidth, minHeight)
	}
	if c.format != MJPG {
		c.stride = int(pix.BytesPerLine)
	}
	if o.FPS > 0 {
		_ = c.cam.SetFramerate(float32(o.FPS)) // optional in V4L2: without it the camera keeps its own rate
	}
	if err := c.cam.SetBufferCount(buffers); err != nil {
		return err
	}
	return numbered(c.cam.StartStreaming())
}

// numbered gives an error of webcam back the number that it lost when its text was put together.
func numbered(err error) error {
	if err == nil {
		return nil
	}
	for n := syscall.Errno(1); n < 134; n++ { // ERFKILL and EHWPOISON are the last, linux/errno.h
		if head, ok := strings.CutSuffix(err.Error(), ": "+n.Error()); ok {
			return fmt.Errorf("%s: %w", strings.ToLower(head), n)
		}
	}
	return err
}

// minWidth is the least width of a picture in pixels that a camera may choose by itself: a face an arm's
// length away fills a third of it, and the embedding is made from 112 pixels.
const minWidth = 320

// minHeight is the same of the height: a face that is wide enough to be known is two thirds of it.
const minHeight = 240

// Errors of what a camera offers, each with a hint of its own.
var (
	errSmall       = fmt.Errorf("%w", ErrFormat) // no pictures that are large enough
	errNotOffered  = fmt.Errorf("%w", ErrFormat) // none of the format that was asked for, others that will do
	errUnsupported = fmt.Errorf("%w", ErrFormat) // none of a format that the package knows
	errRaw         = fmt.Errorf("%w", ErrFormat) // nothing but raw data of the sensor
)

// choose picks the format that is wanted, or the best of those offered. Names of cameras end up in a log, so
// the answer lists the formats in an order of its own.
func choose(offered map[webcam.PixelFormat]string, want Format) (Format, error) {
	wanted := []Format{want}
	if want == "" {
		wanted = Formats()
	}
	if f, ok := first(offered, wanted); ok {
		return f, nil
	}
	if len(offered) == 0 {
		return "", fmt.Errorf("%w: the node offers no pictures at all, as a camera's metadata node", ErrFormat)
	}
	names, kind := make([]string, 0, len(offered)), errRaw
	for f := range offered {
		names = append(names, code(uint32(f)))
		if !raw(names[len(names)-1]) {
			kind = errUnsupported
		}
	}
	if _, ok := first(offered, Formats()); ok {
		kind = errNotOffered
	}
	slices.Sort(names)
	others := ""
	if n := len(names) - namedFormats; n > 0 {
		names, others = names[:namedFormats], fmt.Sprintf(" and %d others", n)
	}
	return "", fmt.Errorf("%w: looked for %s, the camera offers %s%s",
		kind, words(wanted), strings.Join(names, ", "), others)
}

// namedFormats is how many formats an error names: a Pi's receiver lists some fifty.
const namedFormats = 5

// first is the first of the wanted formats that is offered.
func first(offered map[webcam.PixelFormat]string, wanted []Format) (Format, bool) {
	for _, f := range wanted {
		if _, ok := offered[webcam.PixelFormat(fourCC(f))]; ok {
			return f, true
		}
	}
	return "", false
}

// raw tells whether a format is a sensor's own data, one colour a pixel (Bayer; videodev2.h), which an image
// processor has to make a picture of.
func raw(code string) bool {
	const all = " BA81 GBRG GRBG RGGB BG10 GB10 BA10 RG10 pBAA pGAA pgAA pRAA aBA8 aGA8 agA8 aRA8 " +
		"bBA8 bGA8 bgA8 bRA8 BG12 GB12 BA12 RG12 pBCC pGCC pgCC pRCC BG14 GB14 GR14 RG14 pBEE pGEE pgEE pREE " +
		"BYR2 GB16 GR16 RG16 "
	return strings.Contains(all, " "+code+" ")
}

func words(list []Format) string {
	texts := make([]string, len(list))
	for i, f := range list {
		texts[i] = string(f)
	}
	return strings.Join(texts, ", ")
}

// code writes a four-character code; a driver's own may have bytes that are no letters.
func code(c uint32) string {
	text := []byte{byte(c), byte(c >> 8), byte(c >> 16), byte(c >> 24)}
	for _, b := range text {
		if b <= ' ' || b > '~' {
			return fmt.Sprintf("%#x", c)
		}
	}
	return string(text)
}

func fourCC(f Format) uint32 {
	return uint32(f[0]) | uint32(f[1])<<8 | uint32(f[2])<<16 | uint32(f[3])<<24
}

// Size is the size in pixels and the format that the camera runs with.
func (c *V4L2) Size() (width, height int, f Format) { return c.width, c.height, c.format }

// Next waits for a frame: at most 5 s for the first one, then at most 1 s (ErrStalled). It looks at ctx
// once a second.
func (c *V4L2) Next(ctx context.Context, f *Frame) error {
	for tries := startSeconds; ; {
		if err := ctx.Err(); err != nil {
			return err
		}
		got, err := c.poll(f)
		if got || err != nil && !errors.Is(err, ErrStalled) {
			return err
		}
		if err != nil {
			if tries--; tries == 0 || c.begun {
				return err
			}
		}
	}
}

// poll waits up to a second for one frame and copies it. The frame is the driver's again when poll returns.
func (c *V4L2) poll(f *Frame) (got bool, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return false, fmt.Errorf("read camera %s: %w", c.node, ErrClosed)
	}
	if err := c.cam.WaitForFrame(pollSeconds); err != nil {
		if silent := new(webcam.Timeout); errors.As(err, &silent) {
			err = ErrStalled
		}
		return false, c.readError(err)
	}
	data, index, err := c.cam.GetFrame()
	if errors.Is(err, syscall.EAGAIN) {
		return false, nil
	}
	if err != nil {
		return false, c.readError(err)
	}
	if len(data) > 0 {
		f.set(data)
		c.seq++
		f.Format, f.Width, f.Height, f.Stride = c.format, c.width, c.height, c.stride
		f.Seq, f.At, f.From, c.begun, got = c.seq, time.Now(), c.from, true, true
	}
	if err := c.cam.ReleaseFrame(index); err != nil {
		return false, c.readError(err)
	}
	return got, nil
}

func (c *V4L2) readError(err error) error {
	hint := "unplug the camera and plug it in again; if it happens often, try another cable or port"
	if errors.Is(err, syscall.ENODEV) {
		hint = "the camera was unplugged: plug it in again"
	}
	return withHint(fmt.Errorf("read camera %s: %w", c.node, err), hint)
}

// Close stops the camera. It waits for a Next in another goroutine, a second at most.
func (c *V4L2) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return nil
	}
	c.closed = true
	if err := c.cam.Close(); err != nil {
		return fmt.Errorf("close camera %s: %w", c.node, err)
	}
	return nil
}
