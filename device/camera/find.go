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
			order(b.Index == 0, a.Index == 0), order(b.USB(), a.USB()),
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
			d.Bus = path.Base(path.Dir(parent))
		}
	}
	return d
}

// Find gives the devices that source names, the best first, and at least one:
//
//	auto          every node that may be a picture
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
		return []Device{byNode(all, source)}, nil // opening it says what is wrong
	case source == "auto":
		found := slices.DeleteFunc(slices.Clone(all), func(d Device) bool { return d.Index > 0 })
		if len(found) == 0 {
			return nil, noCamera(all, "looked for any camera")
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
	switch len(found) {
	case 0:
		return nil, noCamera(all, "looked for %s", source)
	case 1:
		return found, nil
	}
	return nil, withHint(fmt.Errorf("find camera: %w: %s fits %d cameras", ErrNoCamera, source, len(found)),
		"name one by its place: "+join(found))
}

// pick gives the picture nodes that fit; a camera's metadata nodes carry its name too.
func pick(all []Device, fits func(Device) bool) []Device {
	return slices.DeleteFunc(slices.Clone(all), func(d Device) bool { return d.Index > 0 || !fits(d) })
}

// at tells whether a bus name is an interface of the device at place: "1-1.2:1.0" is at "1-1.2" and not at
// "1-1".
func at(bus, place string) bool { return strings.HasPrefix(bus, place+":") }

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
