package camera

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"
	"testing"
	"testing/fstest"
)

// system makes a file system with video nodes, each "number card bus index".
func system(nodes ...[4]string) fstest.MapFS {
	m := fstest.MapFS{"dev/null": {}, "dev/videodev": {}}
	for _, n := range nodes {
		name := "video" + n[0]
		real := "sys/devices/platform/soc/" + n[2] + "/video4linux/" + name
		m["dev/"+name] = &fstest.MapFile{}
		m[sysVideo+"/"+name] = &fstest.MapFile{Mode: fs.ModeSymlink, Data: []byte("../../../" + real)}
		m[real+"/name"] = &fstest.MapFile{Data: []byte(n[1] + "\n")}
		m[real+"/index"] = &fstest.MapFile{Data: []byte(n[3] + "\n")}
	}
	return m
}

// pi is a Pi 4 with two cameras; the kernel numbered the board's own nodes in between.
func pi() fstest.MapFS {
	return system(
		[4]string{"2", "HD Pro Webcam C920", "1-1.2:1.0", "0"},
		[4]string{"3", "HD Pro Webcam C920", "1-1.2:1.0", "1"},
		[4]string{"0", "USB Camera", "1-1.4:1.0", "0"},
		[4]string{"1", "USB Camera", "1-1.4:1.0", "1"},
		[4]string{"10", "bcm2835-codec-decode", "bcm2835-codec", "0"},
	)
}

func nodes(list []Device) string {
	var b strings.Builder
	for _, d := range list {
		fmt.Fprintf(&b, "%s ", strings.TrimPrefix(d.Node, "/dev/video"))
	}
	return strings.TrimSpace(b.String())
}

func TestFindNothing(t *testing.T) {
	twins := system([4]string{"0", "Cam", "1-1:1.0", "0"}, [4]string{"2", "Cam", "1-2:1.0", "0"})
	for _, c := range []struct {
		root         fs.FS
		source, want string
	}{
		{system(), "auto", "no /dev/video* at all"},
		{system([4]string{"1", "Cam", "1-1:1.0", "1"}), "auto", "/dev/video1 (card:Cam, bus:1-1:1.0)"},
		{system(), "card:C920", "no /dev/video* at all"},
		{pi(), "card:Brio", "/dev/video2 (card:HD Pro Webcam C920, bus:1-1.2:1.0)"},
		{pi(), "bus:1-1", "plug the camera in, or name another one"},
		{pi(), "bus:", "there are:"},
		{pi(), "C920", "there are:"},
		{pi(), "", "there are:"},
		{twins, "card:Cam", "name one by its place: /dev/video0 (card:Cam, bus:1-1:1.0), /dev/video2"},
	} {
		list, err := Find(c.root, c.source)
		var h interface{ Hint() string }
		if list != nil || !errors.Is(err, ErrNoCamera) || !errors.As(err, &h) {
			t.Errorf("%q: %v, %v; want ErrNoCamera with a hint", c.source, list, err)
			continue
		}
		if !strings.Contains(h.Hint(), c.want) {
			t.Errorf("%q: hint %q, want %q", c.source, h.Hint(), c.want)
		}
	}
}

func TestFind(t *testing.T) {
	for source, want := range map[string]string{
		"auto":                    "2 0 10", // by the place they are plugged into, the board's own last
		"card:USB Camera":         "0",
		"card:HD Pro":             "2",
		"bus:1-1.4":               "0",
		"bus:1-1.2:1.0":           "2",
		"bus:bcm2835-codec":       "10",
		"/dev/video3":             "3", // opening it says that it is no picture
		"/dev/video9":             "9",
		"/dev/v4l/by-id/usb-Cam0": "/dev/v4l/by-id/usb-Cam0",
	} {
		list, err := Find(pi(), source)
		if err != nil || nodes(list) != want {
			t.Errorf("%s: %q, %v; want %q", source, nodes(list), err, want)
		}
	}
}

// A system without sysfs, as in some containers, still has its nodes.
func TestDevicesWithoutSysfs(t *testing.T) {
	list, err := Find(fstest.MapFS{"dev/video0": {}, "dev/video1": {}}, "auto")
	if err != nil || nodes(list) != "0 1" || list[0].String() != "/dev/video0 (card:?, bus:?)" {
		t.Errorf("%v, %v", list, err)
	}
}

// shams is a system with a real camera, video4, and what only looks like one: the drivers of v4l2loopback and
// vivid, a camera on a hub that a program makes, and another computer's USB gadget.
func shams() fstest.MapFS {
	m := fstest.MapFS{}
	for name, c := range map[string][3]string{
		"video0": {"virtual", "", ""},
		"video1": {"platform/vivid.0", "vivid", ""},
		"video2": {"platform/vhci_hcd.0/usb3/3-1/3-1:1.0", "uvcvideo", "046d"},
		"video3": {"pci0/usb1/1-3/1-3:1.0", "uvcvideo", "1d6b"},
		"video4": {"pci0/usb1/1-4/1-4:1.0", "uvcvideo", "046d"},
	} {
		place := "sys/devices/" + c[0]
		real := place + "/video4linux/" + name
		m["dev/"+name] = &fstest.MapFile{}
		m[sysVideo+"/"+name] = &fstest.MapFile{Mode: fs.ModeSymlink, Data: []byte("../../../" + real)}
		m[real+"/name"] = &fstest.MapFile{Data: []byte("HD Pro Webcam C920\n")}
		m[real+"/index"] = &fstest.MapFile{Data: []byte("0\n")}
		if c[1] != "" {
			m[place+"/driver"] = &fstest.MapFile{Mode: fs.ModeSymlink, Data: []byte("../../bus/drivers/" + c[1])}
		}
		if c[2] != "" {
			m[path.Dir(place)+"/idVendor"] = &fstest.MapFile{Data: []byte(c[2] + "\n")}
		}
	}
	m["dev/v4l/by-id/usb-Cam0"] = &fstest.MapFile{Mode: fs.ModeSymlink, Data: []byte("../../video3")}
	return m
}

// Whoever can fill a node pays as whom he likes: auto never takes one, and no name leads to one beside
// hardware of that name.
func TestLoopbacksAreNoCameras(t *testing.T) {
	root := shams()
	for _, source := range []string{"auto", "card:HD Pro Webcam C920", "card:HD Pro"} {
		list, err := Find(root, source)
		if err != nil || nodes(list) != "4" || list[0].origin() != (Origin{USBCamera, "uvcvideo"}) {
			t.Errorf("%s: %+v, %v", source, list, err)
		}
	}
	for node, says := range map[string]string{
		"/dev/video0": "no hardware", "/dev/video1": "vivid", "/dev/video2": "vhci_hcd",
		"/dev/video3": "another computer", "/dev/v4l/by-id/usb-Cam0": "another computer", "bus:vivid.0": "vivid",
	} {
		list, err := Find(root, node)
		if err != nil || len(list) != 1 || !strings.Contains(list[0].Loopback, says) ||
			list[0].origin().Kind != Loopback {
			t.Errorf("%s: %+v, %v; want a loopback: %s", node, list, err, says)
		}
	}
	delete(root, "dev/video4")
	list, err := Find(root, "auto")
	if !errors.Is(err, ErrNoCamera) || !strings.Contains(err.Error(), " is none: ") {
		t.Errorf("auto without a camera takes %v, %v", list, err)
	}
}

// The kernel's own word counts where sysfs is missing.
func TestDriversThatArePrograms(t *testing.T) {
	for _, c := range []struct {
		driver, bus string
		feigned     bool
	}{
		{"v4l2 loopback", "platform:v4l2loopback-000", true}, {"vivid", "platform:vivid-000", true},
		{"uvcvideo", "usb-vhci_hcd.0-3", true}, {"uvcvideo", "usb-dummy_hcd.0-1", true},
		{"uvcvideo", "usb-0000:00:14.0-3", false}, {"unicam", "platform:fe801000.csi", false}, {"", "", false},
	} {
		if why := feignedBy(c.driver, c.bus); (why != "") != c.feigned {
			t.Errorf("%s on %s: %q", c.driver, c.bus, why)
		}
	}
}
