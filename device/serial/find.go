package serial

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// Why there is no port. Each error that carries one of these has a Hint.
var (
	ErrNoPort = errors.New("no such port")
	ErrBusy   = errors.New("another program has the port")
)

// Device is a serial port of this machine.
type Device struct {
	Path string // the name that stays: /dev/serial/by-id/..., or the node where it has none
	Node string // /dev/ttyACM0: changes with the order of plugging in
}

const byID = "dev/serial/by-id"

// onboard are the nodes of a Raspberry Pi's own port, which has no link by id, the likeliest first.
func onboard() []string { return []string{"dev/serial0", "dev/ttyAMA0"} }

// Devices lists the ports that may have an adapter: those that are plugged in, then the board's own. root is
// the root of the file system, os.DirFS("/").
func Devices(root fs.FS) []Device {
	var all []Device
	links, _ := fs.ReadDir(root, byID)
	for _, l := range links {
		at := path.Join(byID, l.Name())
		to, err := fs.ReadLink(root, at)
		if err != nil {
			continue
		}
		all = append(all, Device{"/" + at, "/" + path.Join(byID, to)})
	}
	for _, n := range onboard() {
		if _, err := fs.Stat(root, n); err == nil {
			return append(all, Device{"/" + n, "/" + n})
		}
	}
	return all
}

// Find gives the port that source names: a path, which is taken as it is, or "auto": the only adapter that is
// plugged in, by its name if there are several, else the board's own port. Errors are ErrNoPort.
func Find(root fs.FS, source string) (string, error) {
	if source != "auto" {
		if _, err := fs.Stat(root, strings.TrimPrefix(source, "/")); err != nil {
			return "", missing(root, "there is no %s", source)
		}
		return source, nil
	}
	all := Devices(root)
	plugged := slices.DeleteFunc(slices.Clone(all), func(d Device) bool { return d.Path == d.Node })
	named := slices.DeleteFunc(slices.Clone(plugged), func(d Device) bool { return !adapter(d.Path) })
	for _, some := range [][]Device{named, plugged, all} {
		switch len(some) {
		case 0:
			continue
		case 1:
			return some[0].Path, nil
		}
		return "", withHint(fmt.Errorf("find port: %w: %d fit", ErrNoPort, len(some)), "name one: "+join(some))
	}
	return "", missing(root, "looked for an adapter")
}

// adapter tells the names that the makers of adapters give them.
func adapter(name string) bool {
	name = strings.ToLower(path.Base(name))
	return strings.Contains(name, "qibixx") || strings.Contains(name, "mdb")
}

func missing(root fs.FS, format string, args ...any) error {
	hint := "plug the adapter in; this machine has no serial port at all"
	if all := Devices(root); len(all) > 0 {
		hint = "plug the adapter in, or name another port; there are: " + join(all)
	}
	return withHint(fmt.Errorf("find port: %w: %s", ErrNoPort, fmt.Sprintf(format, args...)), hint)
}

func join(all []Device) string {
	var names []string
	for _, d := range all {
		names = append(names, d.Path)
	}
	return strings.Join(names, ", ")
}

// withHint attaches what somebody can do about an error.
func withHint(err error, hint string) error { return &hinted{err, hint} }

type hinted struct {
	error
	hint string
}

func (h *hinted) Unwrap() error { return h.error }

// Hint says what to do next.
func (h *hinted) Hint() string { return h.hint }
