package bench

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
)

// QEMU's usb-redir device and who has the real one tell each other packets: type, length of what follows and
// id, 4 bytes each, little endian; then a head of its type, then data.
const (
	redirHello         = 0
	redirConnect       = 1
	redirReset         = 3
	redirInterfaces    = 4
	redirEndpoints     = 5
	redirSetConfig     = 6
	redirGetConfig     = 7
	redirConfigStatus  = 8
	redirSetAlt        = 9
	redirGetAlt        = 10
	redirAltStatus     = 11
	redirCancel        = 21
	redirControl       = 100
	redirBulk          = 101
	redirHead          = 12
	redirControlHead   = 10
	redirBulkHead      = 8
	redirMost          = 1 << 17 // bytes of a packet; a control transfer has 64 KiB at most
	redirCancelled     = 1
	redirStall         = 4
	redirCapVersion    = 1 // of the device, in redirConnect
	redirCapPacketSize = 4 // of endpoints, in redirEndpoints
)

// redirPacket is a packet that came.
type redirPacket struct {
	kind, id uint32
	data     []byte // head and data
}

var errRedir = errors.New("not a packet of usb-redir")

func readRedir(r io.Reader) (redirPacket, error) {
	var h [redirHead]byte
	if _, err := io.ReadFull(r, h[:]); err != nil {
		return redirPacket{}, err
	}
	le := binary.LittleEndian
	n := le.Uint32(h[4:])
	if n > redirMost {
		return redirPacket{}, fmt.Errorf("%w: %d bytes", errRedir, n)
	}
	p := redirPacket{kind: le.Uint32(h[0:]), id: le.Uint32(h[8:]), data: make([]byte, n)}
	_, err := io.ReadFull(r, p.data)
	least := map[uint32]int{redirSetConfig: 1, redirSetAlt: 2, redirGetAlt: 1, redirControl: redirControlHead,
		redirBulk: redirBulkHead}
	if err == nil && len(p.data) < least[p.kind] {
		err = fmt.Errorf("%w: type %d with %d bytes", errRedir, p.kind, n)
	}
	return p, err
}

func appendRedir(b []byte, kind, id uint32, data ...byte) []byte {
	le := binary.LittleEndian
	b = le.AppendUint32(b, kind)
	b = le.AppendUint32(b, uint32(len(data)))
	return append(le.AppendUint32(b, id), data...)
}

// overRedir answers a bulk transfer from the camera's endpoint.
func overRedir() dialect {
	return dialect{
		func(b []byte, seq uint32) []byte {
			return appendRedir(b, redirBulk, seq, bulkIn, 0, 0, 0, 0, 0, 0, 0)
		},
		func(b []byte) {
			n := len(b) - redirHead
			binary.LittleEndian.PutUint32(b[4:], uint32(n))
			binary.LittleEndian.PutUint16(b[redirHead+2:], uint16(n-redirBulkHead))
		},
	}
}

// Redirect plugs a camera into an emulated machine: at the other end of conn is the character device of
// QEMU's usb-redir. It sends empty frames until Show; Unplug, or the end of conn, pulls it out.
func Redirect(conn net.Conn, o Options) *Camera {
	c := newCamera(conn, overRedir(), o)
	c.pull = func() error { return nil }
	var version [64]byte
	copy(version[:], "smiletill bench")
	caps := binary.LittleEndian.AppendUint32(nil, 1<<redirCapVersion|1<<redirCapPacketSize)
	c.send(appendRedir(nil, redirHello, 0, append(version[:], caps...)...))
	c.done.Go(c.serveRedir)
	c.done.Go(c.stream)
	return c
}

func (c *Camera) serveRedir() {
	defer c.end()
	for {
		p, err := readRedir(c.wire)
		if err != nil {
			return
		}
		c.mu.Lock()
		c.redir(p)
		c.mu.Unlock()
	}
}

// redir does what a packet asks for. Ids are unique as long as a transfer is not answered.
func (c *Camera) redir(p redirPacket) {
	switch p.kind {
	case redirHello:
		c.describe()
		id := deviceDescriptor()[8:14] // vendor, product, release
		const high = 2
		c.send(appendRedir(c.buf[:0], redirConnect, 0, append([]byte{high, classMisc, 2, 1}, id...)...))
	case redirReset:
		c.device.streams++
	case redirSetConfig, redirGetConfig:
		if p.kind == redirSetConfig {
			c.device.streams++
			c.describe()
		}
		c.send(appendRedir(c.buf[:0], redirConfigStatus, p.id, 0, 1))
	case redirSetAlt, redirGetAlt: // there is one alternative of each interface
		c.send(appendRedir(c.buf[:0], redirAltStatus, p.id, 0, p.data[0], 0))
	case redirControl:
		c.redirControl(p)
	case redirBulk:
		if p.data[0] != bulkIn {
			c.send(appendRedir(c.buf[:0], redirBulk, p.id, p.data[0], redirStall, 0, 0, 0, 0, 0, 0))
			return
		}
		c.waiting = append(c.waiting, transfer{p.id, int(binary.LittleEndian.Uint16(p.data[2:]))})
		c.changed.Broadcast()
	case redirCancel:
		i := slices.IndexFunc(c.waiting, func(t transfer) bool { return t.seq == p.id })
		if i >= 0 { // else it was answered before
			c.waiting = slices.Delete(c.waiting, i, i+1)
			c.send(appendRedir(c.buf[:0], redirBulk, p.id, bulkIn, redirCancelled, 0, 0, 0, 0, 0, 0))
		}
	}
}

// describe tells which interfaces and endpoints there are, as QEMU wants it before it looks at descriptors.
func (c *Camera) describe() {
	const places, control, bulk, none = 32, 0, 2, 255
	numbers := make([]byte, 4*places)
	numbers[1] = 1
	for i := range 2 { // class, subclass (control, streaming), protocol
		numbers[places+i], numbers[2*places+i] = classVideo, byte(i+1)
	}
	c.send(appendRedir(c.buf[:0], redirInterfaces, 0, append([]byte{2, 0, 0, 0}, numbers...)...))
	// of 16 endpoints out and 16 in: kind, interval, interface; then their packets, 2 bytes each
	ends := slices.Concat(slices.Repeat([]byte{none}, places), make([]byte, 4*places))
	const in = 16 + bulkIn&15
	ends[0], ends[16], ends[in] = control, control, bulk
	ends[2*places+in] = 1
	for i, size := range map[int]uint16{0: 64, 16: 64, in: bulkPacket} {
		binary.LittleEndian.PutUint16(ends[3*places+2*i:], size)
	}
	c.send(appendRedir(c.buf[:0], redirEndpoints, 0, ends...))
}

// redirControl answers a control transfer: its head is endpoint, request, kind, status, then value, index and
// length of 2 bytes each.
func (c *Camera) redirControl(p redirPacket) {
	head, data := slices.Clone(p.data[:redirControlHead]), p.data[redirControlHead:]
	setup := [8]byte{head[2], head[1]}
	copy(setup[2:], head[4:10])
	answer, ok := c.device.control(setup, data)
	wanted := int(binary.LittleEndian.Uint16(head[8:]))
	if in := head[2]&0x80 != 0; !ok {
		head[3], wanted, answer = redirStall, 0, nil
	} else if in {
		answer = answer[:min(len(answer), wanted)]
		wanted = len(answer)
	} else {
		answer = nil
	}
	binary.LittleEndian.PutUint16(head[8:], uint16(wanted))
	c.send(appendRedir(c.buf[:0], redirControl, p.id, append(head, answer...)...))
}
