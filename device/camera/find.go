package camera

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
)

// ErrNoCamera says that no video node fits what was asked for.
var ErrNoCamera = errors.New("no such camera")

// Device is a video node as the kernel names it.
type Device struct {
	Node string // "/dev/video0"; changes when cameras are plugged in another order
	Card string // what the camera calls itself: "HD Pro Webcam C920"
	// Bus is the place where it is plugged in: the name of its device in sysfs, "1-1.2:1.0" for a USB port,
	// "fe801000.csi" for a part of the board. "" if unknown.
	Bus   string
	Index int // 0 is the picture, others are the camera's metadata; -1 if unknown
	// Driver is the kernel's driver of the device: "uvcvideo". "" if unknown.
	Driver string
	// Loopback says why another program, or another computer, may be what fills the pictures; "" if nothing
	// tells of that. A computer that calls itself a camera of some make can't be told from one.
	Loopback string
}

// USB tells whether the device is plugged into USB ("1-1.2:1.0": bus 1, port 1, port 2 of the hub there).
func (d Device) USB() bool {
	ports, _, ok := strings.Cut(d.Bus, ":")
	return ok && strings.Contains(ports, "-")
}

func (d Device) String() string {
	return fmt.Sprintf("%s (card:%s, bus:%s)", d.Node, cmp.Or(d.Card, "?"), cmp.Or(d.Bus, "?"))
}

const sysVideo = "sys/class/video4linux"

// Devices lists the video nodes of a system; root is the root of its file system, os.DirFS("/"). Those that
// may be a customer's camera come first: pictures before metadata, USB before the board's own (encoders and
// scalers among them), then by the place they are plugged into, which stays the same over a restart.
func Devices(root fs.FS) []Device {
	nodes, _ := fs.Glob(root, "dev/video[0-9]*")
	list := make([]Device, 0, len(nodes))
	for _, n := range nodes {
		list = append(list, describe(root, path.Base(n)))
	}
	slices.SortFunc(list, func(a, b Device) int {
		return cmp.Or(
			order(b.Index == 0, a.Index == 0), order(b.Loopback == "", a.Loopback == ""), order(b.USB(), a.USB()),
			cmp.Compare(a.Bus, b.Bus), cmp.Compare(a.Index, b.Index), cmp.Compare(len(a.Node), len(b.Node)),
			cmp.Compare(a.Node, b.Node))
	})
	return list
}

func order(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return 1
	}
	return -1
}

func describe(root fs.FS, name string) Device {
	d := Device{Node: "/dev/" + name, Index: -1}
	if text, err := fs.ReadFile(root, path.Join(sysVideo, name, "name")); err == nil {
		d.Card = strings.TrimSpace(string(text))
	}
	if text, err := fs.ReadFile(root, path.Join(sysVideo, name, "index")); err == nil {
		if i, err := strconv.Atoi(strings.TrimSpace(string(text))); err == nil {
			d.Index = i
		}
	}
	// .../usb1/1-1/1-1:1.0/video4linux/video0
	if to, err := fs.ReadLink(root, path.Join(sysVideo, name)); err == nil {
		if parent := path.Dir(to); path.Base(parent) == "video4linux" {
			place := path.Join(sysVideo, path.Dir(parent))
			d.Bus = path.Base(place)
			if driver, err := fs.ReadLink(root, path.Join(place, "driver")); err == nil {
				d.Driver = path.Base(driver)
			}
			d.Loopback = d.feigned(root, place)
		}
	}
	return d
}

// feigned says why a device at a place in sysfs is no camera's hardware, "" if nothing tells of that.
func (d Device) feigned(root fs.FS, place string) string {
	if strings.Contains(place, "devices/virtual") {
		return "no hardware is behind it"
	}
	if why := feignedBy(d.Driver, place); why != "" {
		return why
	}
	// .../usb1/1-1, whose part 1-1:1.0 is. The Linux Foundation's number is that of Linux' own USB gadgets.
	if vendor, err := fs.ReadFile(root, path.Join(path.Dir(place), "idVendor")); err == nil &&
		strings.TrimSpace(string(vendor)) == "1d6b" && d.USB() {
		return "another computer is behind it (a Linux USB gadget)"
	}
	return ""
}

// feignedBy is the same by the name of a driver, and by a bus: the driver's own words for it, or a path.
func feignedBy(driver, bus string) string {
	for _, name := range []string{
		"v4l2loopback", "v4l2 loopback", "vivid", "vimc", "vicodec", "vim2m", "visl", "akvcam",
	} {
		if strings.HasPrefix(driver, name) || strings.Contains(bus, "/"+name+".") ||
			strings.Contains(bus, ":"+name) {
			return "a program is behind it (" + name + ")"
		}
	}
	for _, hub := range []string{"vhci_hcd", "dummy_hcd"} {
		if strings.Contains(bus, hub) {
			return "its USB port is made by a program (" + hub + ")"
		}
	}
	return ""
}

// origin is what the frames of the device say of it.
func (d Device) origin() Origin {
	switch {
	case d.Loopback != "":
		return Origin{Loopback, d.Driver}
	case d.USB():
		return Origin{USBCamera, d.Driver}
	}
	return Origin{Onboard, d.Driver}
}

// Find gives the devices that source names, the best first, and at least one:
//
//	auto          every node that may be a picture, but no loopback
//	card:NAME     the camera of this name, or the only one whose name begins so
//	bus:PLACE     the camera at this place ("1-1.2"), whatever it is
//	/dev/...      this node, or a link to one (/dev/v4l/by-id/...)
//
// Errors are ErrNoCamera, with a hint that lists what there is; two cameras of one name are an error too.
func Find(root fs.FS, source string) ([]Device, error) {
	all := Devices(root)
	kind, name, ok := strings.Cut(source, ":")
	switch {
	case strings.HasPrefix(source, "/dev/"):
		return []Device{byNode(all, linked(root, source))}, nil // opening it says what is wrong
	case source == "auto":
		found := pick(all, func(d Device) bool { return d.Loopback == "" })
		if len(found) == 0 {
			return nil, noCamera(all, "looked for any camera%s", passedOver(all))
		}
		return found, nil
	case !ok || name == "" || kind != "card" && kind != "bus":
		return nil, noCamera(all, "%q is not auto, card:NAME, bus:PLACE or /dev/...", source)
	}
	found := pick(all, func(d Device) bool {
		return kind == "card" && d.Card == name || kind == "bus" && d.Bus == name
	})
	if len(found) == 0 {
		found = pick(all, func(d Device) bool {
			return kind == "card" && strings.HasPrefix(d.Card, name) || kind == "bus" && at(d.Bus, name)
		})
	}
	if hardware := pick(found, func(d Device) bool { return d.Loopback == "" }); len(hardware) > 0 {
		found = hardware // a program gives its node whatever name it likes
	}
	switch len(found) {
	case 0:
		return nil, noCamera(all, "looked for %s", source)
	case 1:
		return found, nil
	}
	return nil, withHint(fmt.Errorf("find camera: %w: %s fits %d cameras", ErrNoCamera, source, len(found)),
		"name one by its place: "+join(found))
}

// passedOver says that there are loopbacks, which auto does not take.
func passedOver(all []Device) string {
	if i := slices.IndexFunc(all, func(d Device) bool { return d.Loopback != "" }); i >= 0 {
		return fmt.Sprintf("; %s is none: %s", all[i].Node, all[i].Loopback)
	}
	return ""
}

// pick gives the picture nodes that fit; a camera's metadata nodes carry its name too.
func pick(all []Device, fits func(Device) bool) []Device {
	return slices.DeleteFunc(slices.Clone(all), func(d Device) bool { return d.Index > 0 || !fits(d) })
}

// at tells whether a bus name is an interface of the device at place: "1-1.2:1.0" is at "1-1.2" and not at
// "1-1".
func at(bus, place string) bool { return strings.HasPrefix(bus, place+":") }

// linked is the node that a link such as /dev/v4l/by-id/... leads to; node itself if it is none.
func linked(root fs.FS, node string) string {
	if to, err := fs.ReadLink(root, strings.TrimPrefix(node, "/")); err == nil && to != "" {
		return path.Join(path.Dir(node), to)
	}
	return node
}

func byNode(all []Device, node string) Device {
	if i := slices.IndexFunc(all, func(d Device) bool { return d.Node == node }); i >= 0 {
		return all[i]
	}
	return Device{Node: node, Index: -1}
}

func noCamera(all []Device, what string, args ...any) error {
	hint := "plug the camera in; there is no /dev/video* at all"
	if len(all) > 0 {
		hint = "plug the camera in, or name another one with camera.source; there are: " + join(all)
	}
	return withHint(fmt.Errorf("find camera: %w: %s", ErrNoCamera, fmt.Sprintf(what, args...)), hint)
}

// named is how many devices a hint names; a Pi has a dozen nodes that are no camera.
const named = 2

func join(list []Device) string {
	var texts []string
	usb := slices.ContainsFunc(list, Device.USB)
	others := 0
	for _, d := range list {
		switch {
		case d.Index > 0 && len(list) > 1: // nobody looks for a camera's metadata
		case len(texts) == named, usb && !d.USB():
			others++
		default:
			texts = append(texts, d.String())
		}
	}
	text := strings.Join(texts, ", ")
	if others > 0 {
		text += fmt.Sprintf(" and %d others (`smiletill camera list`)", others)
	}
	return text
}
