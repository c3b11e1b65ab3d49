package bench

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// hub is the kernel's virtual USB host controller.
const hub = "/sys/devices/platform/vhci_hcd.0/"

// Ports is the number of high-speed ports of the hub, counted from 0.
const Ports = 8

// Camera is a USB webcam made here and plugged into the kernel's virtual host controller, or an emulated
// machine's. Its methods may be called by any goroutine.
type Camera struct {
	port int
	wire io.ReadWriteCloser
	talk dialect
	pull func() error // takes it out of a controller that does not see the wire end
	done sync.WaitGroup

	// The answers are written with mu held: the kernel drops a device that answers a transfer which it has
	// just taken back.
	mu      sync.Mutex
	changed *sync.Cond
	device  *usbDevice
	waiting []transfer        // bulk transfers that wait for pictures
	last    uint32            // the highest transfer seen
	early   map[uint32]uint32 // unlinks that overtook their transfer
	film    Film
	shown   int // frames since the film began
	fault   Fault
	sent    int
	closed  bool
	buf     []byte
}

type transfer struct {
	seq    uint32
	length int
}

// dialect is how an answer to a bulk transfer goes over the wire: its head, then the data, whose length
// finish writes into the head.
type dialect struct {
	begin  func(b []byte, seq uint32) []byte
	finish func(b []byte)
}

func overUSBIP() dialect {
	return dialect{func(b []byte, seq uint32) []byte { return appendSubmitted(b, seq, 0, 0, nil) }, setLength}
}

func newCamera(wire io.ReadWriteCloser, talk dialect, o Options) *Camera {
	c := &Camera{wire: wire, talk: talk, device: newUSBDevice(o.filled()), early: map[uint32]uint32{}}
	c.changed = sync.NewCond(&c.mu)
	return c
}

// PlugCamera makes a camera and plugs it into a port of the virtual hub, 0 to Ports-1. It sends empty frames
// until Show.
func PlugCamera(port int, o Options) (*Camera, error) {
	if port < 0 || port >= Ports {
		return nil, fmt.Errorf("plug camera: port %d: there are 0 to %d", port, Ports-1)
	}
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("plug camera: %w", err)
	}
	defer unix.Close(pair[1]) // the kernel holds its end by then
	if err := unix.SetNonblock(pair[0], true); err != nil {
		return nil, errors.Join(fmt.Errorf("plug camera: %w", err), unix.Close(pair[0]))
	}
	c := newCamera(os.NewFile(uintptr(pair[0]), "usbip"), overUSBIP(), o)
	c.port = port
	c.pull = func() error { return os.WriteFile(hub+"detach", []byte(strconv.Itoa(port)), 0) }
	// port, socket, bus 1 device 2, and 3 for high speed
	attach := fmt.Sprintf("%d %d %d 3", port, pair[1], 1<<16|2)
	if err := os.WriteFile(hub+"attach", []byte(attach), 0); err != nil {
		return nil, errors.Join(fmt.Errorf("plug camera into port %d (is vhci-hcd loaded?): %w", port, err),
			c.wire.Close())
	}
	c.done.Go(c.serve)
	c.done.Go(c.stream)
	return c, nil
}

// Show changes what the camera sees, from the next frame on.
func (c *Camera) Show(f Film) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.film, c.shown = f, 0
}

// SetFault makes the frames bad from the next one on, until it is called again.
func (c *Camera) SetFault(f Fault) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.fault = f
	c.changed.Broadcast()
}

// Sent is the number of frames that the driver has taken in full.
func (c *Camera) Sent() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.sent
}

// Node waits until the driver has made the camera's picture node, such as /dev/video0.
func (c *Camera) Node(timeout time.Duration) (string, error) {
	for end := time.Now().Add(timeout); ; time.Sleep(10 * time.Millisecond) {
		entries, err := filepath.Glob("/sys/class/video4linux/video*")
		if err != nil {
			return "", err
		}
		for _, e := range entries {
			node := "/dev/" + filepath.Base(e)
			if _, err := os.Stat(node); err == nil && c.owns(e) {
				return node, nil
			}
		}
		if time.Now().After(end) {
			return "", fmt.Errorf("wait for the camera's node: none within %v (is uvcvideo loaded?)", timeout)
		}
	}
}

// owns says whether a node of the kernel's list is this camera's, and the pictures' one of its two.
func (c *Camera) owns(entry string) bool {
	// .../vhci_hcd.0/usb1/1-3/1-3:1.0 is what hangs in port 2
	device, err := filepath.EvalSymlinks(entry + "/device")
	if err != nil || !strings.Contains(device, "/vhci_hcd.0/") ||
		!strings.HasSuffix(device, "-"+strconv.Itoa(c.port+1)+":1.0") {
		return false
	}
	index, err := os.ReadFile(entry + "/index")
	return err == nil && strings.TrimSpace(string(index)) == "0"
}

// Unplug pulls the camera out and ends its goroutines. A second call does nothing.
func (c *Camera) Unplug() error {
	c.mu.Lock()
	gone := c.closed
	c.mu.Unlock()
	if gone {
		return nil
	}
	err := c.pull()
	c.end()
	c.done.Wait()
	if err != nil {
		return fmt.Errorf("unplug camera from port %d: %w", c.port, err)
	}
	return nil
}

// end lets go of the wire, which ends the goroutines. It does not wait for mu: a writer may hold it.
func (c *Camera) end() {
	_ = c.wire.Close() // a second time is an error that says nothing
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	c.changed.Broadcast()
}

// serve answers the host until the wire ends.
func (c *Camera) serve() {
	defer c.end()
	for {
		var h [headerSize]byte
		if _, err := io.ReadFull(c.wire, h[:]); err != nil {
			return
		}
		m, err := parseMessage(&h)
		if err != nil {
			return // the stream can't be followed any more: the kernel sees the camera go
		}
		data := make([]byte, m.follows())
		if _, err := io.ReadFull(c.wire, data); err != nil {
			return
		}
		c.mu.Lock()
		if m.command == cmdUnlink {
			c.unlink(m)
		} else {
			c.submit(m, data)
		}
		c.mu.Unlock()
	}
}

func (c *Camera) submit(m message, data []byte) {
	c.last = max(c.last, m.seq)
	if unlink, ok := c.early[m.seq]; ok {
		delete(c.early, m.seq)
		c.send(appendUnlinked(c.buf[:0], unlink, statusReset))
		return
	}
	if m.endpoint != 0 {
		if m.dir == dirIn {
			c.waiting = append(c.waiting, transfer{m.seq, m.length})
			c.changed.Broadcast()
			return
		}
		c.send(appendSubmitted(c.buf[:0], m.seq, statusStall, 0, nil))
		return
	}
	answer, ok := c.device.control(m.setup, data)
	switch {
	case !ok:
		c.send(appendSubmitted(c.buf[:0], m.seq, statusStall, 0, nil))
	case m.dir == dirIn:
		answer = answer[:min(len(answer), m.length)]
		c.send(appendSubmitted(c.buf[:0], m.seq, 0, len(answer), answer))
	default:
		c.send(appendSubmitted(c.buf[:0], m.seq, 0, len(data), nil))
	}
}

// unlink takes a transfer back. The kernel's threads may send this before the transfer itself; answering at
// once would make it drop the port ("cannot find a urb of seqnum").
func (c *Camera) unlink(m message) {
	if m.unlinkSeq > c.last {
		c.early[m.unlinkSeq] = m.seq
		return
	}
	status := int32(0)
	if i := slices.IndexFunc(c.waiting, func(t transfer) bool { return t.seq == m.unlinkSeq }); i >= 0 {
		c.waiting = slices.Delete(c.waiting, i, i+1)
		status = statusReset
	}
	c.send(appendUnlinked(c.buf[:0], m.seq, status))
}

// send writes an answer; a wire that is gone is noticed by serve.
func (c *Camera) send(b []byte) {
	c.buf = b[:0]
	_, _ = c.wire.Write(b)
}

// stream sends a frame an interval while the driver asks for data.
func (c *Camera) stream() {
	next := time.Now()
	for toggle := false; ; toggle = !toggle {
		every, ok := c.frame(toggle)
		if !ok {
			return
		}
		if next = next.Add(every); time.Until(next) < -every {
			next = time.Now() // nobody was reading: don't hurry after it
		}
		time.Sleep(time.Until(next))
	}
}

// frame sends one frame, piece by piece as the driver asks for it.
func (c *Camera) frame(toggle bool) (every time.Duration, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for !c.closed && (len(c.waiting) == 0 || c.fault == Silent) {
		c.changed.Wait()
	}
	picture := c.film.at(c.shown).bytes(c.device.options.format(c.device.commit[2]))
	p := cut(picture, toggle, c.fault)
	for stream := c.device.streams; !p.done; {
		for !c.closed && len(c.waiting) == 0 {
			c.changed.Wait()
		}
		if c.closed {
			return 0, false
		}
		if c.device.streams != stream {
			return 0, true
		}
		t := c.waiting[0]
		c.waiting = c.waiting[1:]
		b := p.next(c.talk.begin(c.buf[:0], t.seq), max(t.length, 2))
		c.talk.finish(b)
		c.send(b)
	}
	c.sent++
	if c.fault != Frozen {
		c.shown++
	}
	return time.Duration(c.device.commit.interval()) * 100, true
}
