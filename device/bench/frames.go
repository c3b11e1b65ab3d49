package bench

import "fmt"

// Picture is one frame in the formats that the camera offers; a format that is nil sends empty frames.
type Picture struct{ MJPG, YUYV []byte }

func (p Picture) bytes(f Format) []byte {
	if f == YUYV {
		return p.YUYV
	}
	return p.MJPG
}

// Fault is something that is wrong with the camera's frames.
type Fault string

// The faults. Except for Healthy and Silent frames go on at their rate.
const (
	Healthy   Fault = ""
	Silent    Fault = "silent"    // connected, but no frame is sent
	Frozen    Fault = "frozen"    // the same frame again and again
	Flagged   Fault = "flagged"   // the device says itself that the frame is bad
	Truncated Fault = "truncated" // the second half is missing
	Malformed Fault = "malformed" // payloads are shorter than their own header says
)

// Bits of a payload's header, UVC 1.0a, 2.4.3.3.
const (
	bitFrame = 0x01 // toggles with each frame
	bitEnd   = 0x02
	bitError = 0x40
	bitHead  = 0x80
)

// payloads cuts a frame into bulk transfers, each with its header of two bytes. The last one ends the frame.
type payloads struct {
	rest   []byte
	header byte
	fault  Fault
	done   bool
}

func cut(frame []byte, toggle bool, fault Fault) *payloads {
	p := &payloads{rest: frame, header: bitHead, fault: fault}
	if toggle {
		p.header |= bitFrame
	}
	switch fault {
	case Healthy, Silent, Frozen, Malformed:
	case Flagged:
		p.header |= bitError
	case Truncated:
		p.rest = frame[:len(frame)/2]
	}
	return p
}

// next appends the next payload of at most size bytes, size being at least 2.
func (p *payloads) next(b []byte, size int) []byte {
	n := min(len(p.rest), min(size, maxPayload)-2)
	head := [2]byte{2, p.header}
	if n == len(p.rest) {
		head[1] |= bitEnd
		p.done = true
	}
	if p.fault == Malformed {
		head[0] = 255 // a header longer than the payload
		n = 0
		p.rest, p.done = nil, true
	}
	b = append(append(b, head[:]...), p.rest[:n]...)
	p.rest = p.rest[n:]
	return b
}

// Film is what the camera sees: Once from the beginning, then Loop again and again. Without a Loop the last
// picture of Once stays.
type Film struct {
	Once, Loop []Picture
	Each       int // frames that a picture is shown for; 0 is 1
}

// at is the picture of the frame n since the film began.
func (f Film) at(n int) Picture {
	n /= max(f.Each, 1)
	switch {
	case n < len(f.Once):
		return f.Once[n]
	case len(f.Loop) > 0:
		return f.Loop[(n-len(f.Once))%len(f.Loop)]
	case len(f.Once) > 0:
		return f.Once[len(f.Once)-1]
	}
	return Picture{}
}

// ParseFault reads a fault's name.
func ParseFault(name string) (Fault, error) {
	switch f := Fault(name); f {
	case Healthy, Silent, Frozen, Flagged, Truncated, Malformed:
		return f, nil
	}
	return "", fmt.Errorf("parse fault: %q is none", name)
}
