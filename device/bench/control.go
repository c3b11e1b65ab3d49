package bench

import "encoding/binary"

// settings is the structure of UVC's probe and commit controls (4.3.1.1), 26 bytes in version 1.0.
type settings [26]byte

func (o Options) settings(format byte, wanted uint32) settings {
	var s settings
	s[2], s[3] = min(max(format, 1), byte(len(o.Formats))), 1
	binary.LittleEndian.PutUint32(s[4:], o.nearest(wanted))
	binary.LittleEndian.PutUint32(s[18:], uint32(o.rawSize()))
	binary.LittleEndian.PutUint32(s[22:], maxPayload)
	return s
}

func (s settings) interval() uint32 { return binary.LittleEndian.Uint32(s[4:]) }

// usbDevice is the camera as the host's control transfers see it.
type usbDevice struct {
	options       Options
	probe, commit settings
	streams       int // how often a stream was begun or ended: a frame that was half sent then is dropped
	refused       int // how often it has refused to begin
}

func newUSBDevice(o Options) *usbDevice {
	s := o.settings(1, 0)
	return &usbDevice{options: o, probe: s, commit: s}
}

// Requests of chapter 9 of USB 2.0 and of UVC 1.0a, table A-8.
const (
	getStatus, clearFeature, setFeature, getDescriptor   = 0, 1, 3, 6
	setConfiguration, getInterface, setInterface         = 9, 10, 11
	setCur, getCur, getMin, getMax, getLen, getInfo, def = 0x01, 0x81, 0x82, 0x83, 0x85, 0x86, 0x87
	probeControl, commitControl                          = 1, 2
)

// control answers a request on endpoint 0; ok is false to stall it.
func (d *usbDevice) control(setup [8]byte, data []byte) (answer []byte, ok bool) {
	kind, request := setup[0], setup[1]
	value, index := binary.LittleEndian.Uint16(setup[2:]), binary.LittleEndian.Uint16(setup[4:])
	switch {
	case kind == 0x80 && request == getDescriptor:
		return d.descriptor(byte(value>>8), byte(value))
	case kind == 0x80 && request == getStatus:
		return []byte{0, 0}, true
	case kind == 0x81 && request == getInterface:
		return []byte{0}, true
	case kind&0x60 == 0:
		if request == clearFeature { // a host ends a stream of bulk transfers by clearing the endpoint's halt
			d.streams++
		}
		return nil, request == setConfiguration || request == setInterface || request == clearFeature ||
			request == setFeature
	case kind&0x60 == 0x20 && index&255 == 1: // a class request to the streaming interface
		return d.stream(request, value>>8, data)
	}
	return nil, false
}

func (d *usbDevice) descriptor(kind, number byte) ([]byte, bool) {
	switch kind {
	case typeDevice:
		return deviceDescriptor(), true
	case typeConfiguration:
		return d.options.configuration(), true
	case typeString:
		return d.options.text(number)
	}
	return nil, false
}

func (d *usbDevice) stream(request byte, selector uint16, data []byte) ([]byte, bool) {
	s := &d.probe
	switch selector {
	case probeControl:
	case commitControl:
		s = &d.commit
		if request == setCur && d.refused < d.options.RefusedStarts {
			d.refused++
			return nil, false
		}
		if request == setCur {
			d.streams++
		}
	default:
		return nil, false
	}
	switch request {
	case setCur:
		if len(data) < 8 {
			return nil, false
		}
		*s = d.options.settings(data[2], binary.LittleEndian.Uint32(data[4:]))
		return nil, true
	case getCur, getMin, getMax, def:
		return append([]byte(nil), s[:]...), true
	case getLen:
		return []byte{byte(len(s)), 0}, true
	case getInfo:
		return []byte{3}, true // can be read and set
	}
	return nil, false
}
