package camera

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"
	"syscall"
)

// openError says what a person can do about a camera that does not open. root is the root of the file system.
func openError(node string, err error, root fs.FS) error {
	return withHint(fmt.Errorf("open camera %s: %w", node, err), openHint(node, err, root))
}

func openHint(node string, err error, root fs.FS) string {
	is := func(list ...error) bool {
		for _, e := range list {
			if errors.Is(err, e) {
				return true
			}
		}
		return false
	}
	switch {
	case is(fs.ErrNotExist, syscall.ENODEV, syscall.ENXIO):
		return "plug the camera in, or name another one; " + cameras(root)
	case is(fs.ErrPermission):
		return "let this user read cameras: add it to the group video (usermod -aG video USER) and log in again"
	case is(syscall.EBUSY):
		return inUse(root, node)
	case is(syscall.ENOSPC):
		return "USB can't carry its pictures beside what else is plugged in there: plug it into another port, " +
			"not behind a hub, or set camera.width and camera.height smaller"
	case is(syscall.ENOMEM):
		return "the machine has not enough memory left for its pictures: end other programs, or set camera.width " +
			"and camera.height smaller"
	case is(errRaw), module(root, node):
		return "this camera module isn't supported, it gives a sensor's raw data: use a USB camera"
	case is(errUnsupported):
		return "this camera isn't supported: use a USB camera that offers " + words(Formats()[:2])
	case is(errNotOffered):
		return "set camera.format to auto, or to one that it offers"
	case is(errSmall):
		return "set camera.width and camera.height to a size that `smiletill camera list` shows"
	case is(syscall.EIO, syscall.EPROTO, syscall.EPIPE, syscall.ETIMEDOUT, syscall.EILSEQ, syscall.EREMOTEIO,
		syscall.ETIME, syscall.ECOMM, syscall.EOVERFLOW):
		return "the camera answers wrongly or not at all: unplug it and plug it in again; if that does not help, " +
			"try another cable and another port, without a hub"
	}
	// a metadata node, an encoder, not a camera at all; a format that is not ours
	return "this may not be a camera's picture node; " + cameras(root)
}

// module tells whether a node is where a Pi's camera module comes in: its driver lists formats that it can't
// give without an image processor.
func module(root fs.FS, node string) bool {
	card := byNode(Devices(root), node).Card
	return strings.HasPrefix(card, "unicam") || strings.HasPrefix(card, "rp1-cfe")
}

// inUse says who has a node open, as far as this user may see it, and what to do. It is not always another:
// a mapping keeps a node open that was closed.
func inUse(root fs.FS, node string) string {
	real := linked(root, node)
	const own = "this program itself still holds the camera: restart it (systemctl restart smiletill)"
	maps, err := fs.ReadFile(root, "proc/self/maps")
	if err == nil && bytes.Contains(maps, []byte(" "+real+"\n")) {
		return own
	}
	self, _ := fs.ReadLink(root, "proc/self")
	open, _ := fs.Glob(root, "proc/[0-9]*/fd/*")
	for _, fd := range open {
		if to, err := fs.ReadLink(root, fd); err != nil || to != real {
			continue
		}
		process := strings.Split(fd, "/")[1]
		if process == self {
			return own
		}
		name, err := fs.ReadFile(root, path.Join("proc", process, "comm"))
		if err != nil {
			continue
		}
		return fmt.Sprintf("the program %s uses the camera (process %s): stop it", bytes.TrimSpace(name), process)
	}
	return "another program uses the camera: stop it (fuser -v " + node + " names it)"
}

// cameras lists the video nodes with the names that their drivers give them.
func cameras(root fs.FS) string {
	all := Devices(root)
	if len(all) == 0 {
		return "there is no /dev/video* at all"
	}
	return "there are: " + join(all)
}
