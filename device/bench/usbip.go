package bench

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// USB/IP between the kernel's virtual host controller and a device is a stream of headers of 48 bytes, big
// endian, each with data behind it where its command says so.
const (
	headerSize  = 48
	cmdSubmit   = 1
	cmdUnlink   = 2
	retSubmit   = 3
	retUnlink   = 4
	dirOut      = 0
	dirIn       = 1
	maxTransfer = 1 << 20 // bytes; uvcvideo asks for 16 KiB, a control transfer for 64 KiB at most
)

// Answers to transfers are negative numbers of errno.h, whatever the machine.
const (
	statusStall = -32  // EPIPE
	statusReset = -104 // ECONNRESET: taken back before it was answered
)

var errMessage = errors.New("not a USB/IP message")

// message is a command of the host controller.
type message struct {
	command   uint32
	seq       uint32
	dir       uint32
	endpoint  uint32
	length    int     // of the transfer's data, in bytes; submit only
	setup     [8]byte // submit to endpoint 0 only
	unlinkSeq uint32  // what to take back; unlink only
}

// parseMessage reads a header. Lengths and directions that the protocol does not know are refused.
func parseMessage(h *[headerSize]byte) (message, error) {
	be := binary.BigEndian
	m := message{
		command: be.Uint32(h[0:]), seq: be.Uint32(h[4:]), dir: be.Uint32(h[12:]), endpoint: be.Uint32(h[16:]),
	}
	switch m.command {
	case cmdSubmit:
		n := int32(be.Uint32(h[24:]))
		if n < 0 || n > maxTransfer || m.dir > dirIn || m.endpoint > 15 {
			return message{}, fmt.Errorf("%w: %d bytes in direction %d at endpoint %d",
				errMessage, n, m.dir, m.endpoint)
		}
		m.length = int(n)
		copy(m.setup[:], h[40:48])
	case cmdUnlink:
		m.unlinkSeq = be.Uint32(h[20:])
	default:
		return message{}, fmt.Errorf("%w: command %d", errMessage, m.command)
	}
	return m, nil
}

// follows is the number of bytes that come behind the header.
func (m message) follows() int {
	if m.command == cmdSubmit && m.dir == dirOut {
		return m.length
	}
	return 0
}

// appendSubmitted appends the answer to a submitted transfer: n bytes went over the wire, data are those that
// came from the device.
func appendSubmitted(b []byte, seq uint32, status int32, n int, data []byte) []byte {
	b = appendHeader(b, retSubmit, seq, status)
	binary.BigEndian.PutUint32(b[len(b)-headerSize+24:], uint32(n))
	return append(b, data...)
}

// appendUnlinked appends the answer to an unlink: statusReset if the transfer was taken back, 0 if it had
// been answered before.
func appendUnlinked(b []byte, seq uint32, status int32) []byte {
	return appendHeader(b, retUnlink, seq, status)
}

func appendHeader(b []byte, command, seq uint32, status int32) []byte {
	var h [headerSize]byte
	binary.BigEndian.PutUint32(h[0:], command)
	binary.BigEndian.PutUint32(h[4:], seq)
	binary.BigEndian.PutUint32(h[20:], uint32(status))
	return append(b, h[:]...)
}

// setLength writes into a submitted answer how many bytes are behind its header.
func setLength(b []byte) {
	binary.BigEndian.PutUint32(b[24:], uint32(len(b)-headerSize))
}
