package bench

import (
	"bytes"
	"encoding/binary"
	"net"
	"testing"
	"time"
)

// machine is QEMU's end of a redirected camera.
type machine struct {
	t    *testing.T
	conn net.Conn
}

func (m machine) send(kind, id uint32, data ...byte) {
	m.t.Helper()
	if _, err := m.conn.Write(appendRedir(nil, kind, id, data...)); err != nil {
		m.t.Fatal(err)
	}
}

// gets reads the next packet, which has to be of this kind and id.
func (m machine) gets(kind, id uint32) []byte {
	m.t.Helper()
	_ = m.conn.SetReadDeadline(time.Now().Add(10 * time.Second))
	p, err := readRedir(m.conn)
	if err != nil || p.kind != kind || p.id != id {
		m.t.Fatalf("packet %d of id %d (%v), want %d of id %d", p.kind, p.id, err, kind, id)
	}
	return p.data
}

// control makes a control transfer, as QEMU passes it on.
func (m machine) control(
	id uint32, kind, request byte, value, index, length uint16, data ...byte,
) (status byte, answer []byte) {
	m.t.Helper()
	le := binary.LittleEndian
	head := []byte{kind & 0x80, request, kind, 0}
	for _, w := range []uint16{value, index, length} {
		head = le.AppendUint16(head, w)
	}
	m.send(redirControl, id, append(head, data...)...)
	got := m.gets(redirControl, id)
	return got[3], got[redirControlHead:]
}

// TestRedirect plays what QEMU does with a camera until it has a picture.
func TestRedirect(t *testing.T) {
	here, there := net.Pipe()
	cameras := make(chan *Camera)
	go func() { cameras <- Redirect(there, Options{Formats: []Format{MJPG}}) }()
	m := machine{t, here}
	if hello := m.gets(redirHello, 0); len(hello) != 68 {
		t.Fatalf("the greeting has %d bytes", len(hello))
	}
	c := <-cameras
	defer func() {
		if err := c.Unplug(); err != nil {
			t.Error(err)
		}
	}()
	picture := bytes.Repeat([]byte("picture "), 4000)
	c.Show(Film{Once: []Picture{{MJPG: picture}}})
	m.send(redirHello, 0, make([]byte, 68)...)
	if b := m.gets(redirInterfaces, 0); len(b) != 132 || b[0] != 2 || b[4+32] != classVideo {
		t.Errorf("interfaces: %x", b)
	}
	if b := m.gets(redirEndpoints, 0); len(b) != 160 || b[17] != 2 || b[16] != 0 || b[1] != 255 ||
		binary.LittleEndian.Uint16(b[96+34:]) != bulkPacket {
		t.Errorf("endpoints: %x", b)
	}
	if b := m.gets(redirConnect, 0); len(b) != 10 || binary.LittleEndian.Uint16(b[4:]) != 0x1d6b {
		t.Errorf("device: %x", b)
	}
	if _, b := m.control(1, 0x80, getDescriptor, typeDevice<<8, 0, 64); !bytes.Equal(b, deviceDescriptor()) {
		t.Errorf("descriptor: %x", b)
	}
	m.send(redirSetConfig, 2, 1)
	m.gets(redirInterfaces, 0)
	m.gets(redirEndpoints, 0)
	m.gets(redirConfigStatus, 2)
	m.send(redirSetAlt, 3, 1, 0)
	m.gets(redirAltStatus, 3)
	if status, _ := m.control(4, 0x80, getDescriptor, 99<<8, 0, 64); status != redirStall {
		t.Errorf("a descriptor that is not there: status %d", status)
	}
	_, probe := m.control(5, 0xa1, getCur, probeControl<<8, 1, 26)
	if status, _ := m.control(6, 0x21, setCur, commitControl<<8, 1, 26, probe...); status != 0 {
		t.Errorf("it refuses to begin: status %d", status)
	}
	var got []byte
	for id := uint32(7); len(got) < len(picture); id++ {
		m.send(redirBulk, id, bulkIn, 0, 0, 0x40, 0, 0, 0, 0) // 16 KiB
		b := m.gets(redirBulk, id)
		n := int(binary.LittleEndian.Uint16(b[2:]))
		if b[1] != 0 || n != len(b)-redirBulkHead || n < 2 || n > 0x4000 {
			t.Fatalf("a piece of %d bytes, status %d, says it has %d", len(b), b[1], n)
		}
		got = append(got, b[redirBulkHead+2:]...)
	}
	if !bytes.Equal(got, picture) {
		t.Error("the picture came otherwise")
	}
	c.SetFault(Silent)
	m.send(redirBulk, 100, bulkIn, 0, 0, 0x40, 0, 0, 0, 0)
	m.send(redirCancel, 100)
	if b := m.gets(redirBulk, 100); b[1] != redirCancelled {
		t.Errorf("taken back: status %d", b[1])
	}
}

// A packet that can't be one ends the camera, as if it had been pulled out.
func TestRedirectRefuses(t *testing.T) {
	for name, b := range map[string][]byte{
		"too long":    {redirBulk, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0},
		"half a head": {redirControl, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0},
	} {
		if p, err := readRedir(bytes.NewReader(b)); err == nil {
			t.Errorf("%s: taken as %+v", name, p)
		}
	}
}
