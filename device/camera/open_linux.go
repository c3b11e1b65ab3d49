package camera

import (
	"cmp"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/blackjack/webcam"
)

// Open opens the camera that source names (see Find). Of several candidates for auto it takes the first that
// works; when none does, the error says why not, of the likeliest.
func Open(source string, o V4L2Options) (*V4L2, error) {
	list, err := Find(os.DirFS("/"), source)
	if err != nil {
		return nil, err
	}
	var likeliest error // what the best candidate says, with its advice
	for _, d := range list {
		c, err := d.open(o)
		if err == nil {
			return c, nil
		}
		if likeliest == nil {
			likeliest = err
		}
	}
	if len(list) == 1 {
		return nil, likeliest
	}
	err = fmt.Errorf("none of %d video nodes works; the likeliest: %w", len(list), likeliest)
	return nil, withHint(err, "name the camera with camera.source (`smiletill camera list` shows them)")
}

// open opens a device, unless it is a loopback and o takes none.
func (d Device) open(o V4L2Options) (*V4L2, error) {
	// The driver's own word counts too: sysfs may be missing, as in some containers.
	if driver, bus, err := capability(d.Node); err == nil {
		d.Driver, d.Loopback = driver, cmp.Or(d.Loopback, feignedBy(driver, bus))
	}
	if d.Loopback != "" && !o.Loopback {
		return nil, withHint(fmt.Errorf("open camera %s: %w: %s", d.Node, ErrLoopback, d.Loopback),
			"name a camera that is plugged in; a terminal for tests takes this one with camera.test_source = true")
	}
	c, err := OpenV4L2(d.Node, o)
	if err == nil {
		c.from = d.origin()
	}
	return c, err
}

// Node is the file of the camera, /dev/video0.
func (c *V4L2) Node() string { return c.node }

// Offer is a format of a camera with its sizes as the driver writes them: "640x480", or a range.
type Offer struct {
	Format string // four-character code; those that are a Format can be used
	Sizes  []string
}

// Offers asks a node what it offers. It is empty for a node that is no picture. Errors carry a hint.
func Offers(node string) ([]Offer, error) {
	cam, err := webcam.Open(node)
	if err != nil {
		return nil, openError(node, err, os.DirFS("/"))
	}
	defer cam.Close() // only asked a question
	var list []Offer
	for f := range cam.GetSupportedFormats() {
		o := Offer{Format: code(uint32(f))}
		sizes := cam.GetSupportedFrameSizes(f)
		slices.SortFunc(sizes, func(a, b webcam.FrameSize) int { return int(a.MaxWidth) - int(b.MaxWidth) })
		for _, s := range sizes {
			o.Sizes = append(o.Sizes, s.GetString())
		}
		list = append(list, o)
	}
	slices.SortFunc(list, func(a, b Offer) int { return strings.Compare(a.Format, b.Format) })
	return list, nil
}
