package bench

import (
	"encoding/binary"
	"slices"
)

// Format is a picture format by its V4L2 name.
type Format string

// The formats that the camera can offer.
const (
	MJPG Format = "MJPG"
	YUYV Format = "YUYV"
)

// Options says what the camera calls itself and what it offers. Zero values mean the defaults.
type Options struct {
	Name          string   // the product, which V4L2 calls the card; "Bench UVC Camera"
	Serial        string   // "0001"
	Width, Height int      // pixels; 640x480
	Formats       []Format // the first is preferred; MJPG and YUYV
	Rates         []int    // frames a second, the first is preferred; 30, 15, 10
	RefusedStarts int      // so many times it refuses to begin (UVC's COMMIT is stalled) before it does
}

func (o Options) filled() Options {
	if o.Name == "" {
		o.Name = "Bench UVC Camera"
	}
	if o.Serial == "" {
		o.Serial = "0001"
	}
	if o.Width == 0 || o.Height == 0 {
		o.Width, o.Height = 640, 480
	}
	if len(o.Formats) == 0 {
		o.Formats = []Format{MJPG, YUYV}
	}
	if len(o.Rates) == 0 {
		o.Rates = []int{30, 15, 10}
	}
	return o
}

// rawSize is a picture in bytes at two bytes a pixel, which also bounds a JPEG.
func (o Options) rawSize() int { return o.Width * o.Height * 2 }

// interval is the time between frames in the unit of USB video, 100 ns.
func interval(rate int) uint32 { return uint32(10_000_000 / rate) }

// format is the format that the host chose by its number, which counts from 1.
func (o Options) format(n byte) Format {
	return o.Formats[min(max(int(n), 1), len(o.Formats))-1]
}

// nearest is the offered interval that is nearest to the wanted one; 0 is no wish.
func (o Options) nearest(want uint32) uint32 {
	best := interval(o.Rates[0])
	if want == 0 {
		return best
	}
	for _, r := range o.Rates {
		if iv := interval(r); distance(iv, want) < distance(best, want) {
			best = iv
		}
	}
	return best
}

func distance(a, b uint32) uint32 { return max(a, b) - min(a, b) }

// maxPayload is dwMaxPayloadTransferSize in bytes: what uvcvideo asks for in one bulk transfer (32 packets of
// 512).
const maxPayload = 16384

// Numbers of the USB Video Class 1.0a, table A-4 ff.
const (
	classMisc, classVideo = 0xef, 0x0e
	csInterface           = 0x24
	typeDevice            = 1
	typeConfiguration     = 2
	typeString            = 3
	typeInterface         = 4
	typeEndpoint          = 5
	typeAssociation       = 11
	bulkIn                = 0x81
	bulkPacket            = 512
)

// descriptor puts the length in front of what follows it.
func descriptor(parts ...any) []byte {
	b := []byte{0}
	for _, p := range parts {
		switch p := p.(type) {
		case int: // a byte; anything wider has its type
			b = append(b, byte(p))
		case uint16:
			b = binary.LittleEndian.AppendUint16(b, p)
		case uint32:
			b = binary.LittleEndian.AppendUint32(b, p)
		case string:
			b = append(b, p...)
		case []byte:
			b = append(b, p...)
		}
	}
	b[0] = byte(len(b))
	return b
}

// deviceDescriptor is that of a composite device with the Linux Foundation's ids for a gadget webcam.
func deviceDescriptor() []byte {
	return descriptor(typeDevice, uint16(0x0200), classMisc, 2, 1, 64,
		uint16(0x1d6b), uint16(0x0102), uint16(0x0001), 1, 2, 3, 1)
}

// configuration is a video control interface (camera, processing unit, output) and a video streaming
// interface over a bulk endpoint.
func (o Options) configuration() []byte {
	camera := descriptor(csInterface, 2, 1, uint16(0x0201), 0, 0, uint16(0), uint16(0), uint16(0), 3, 0, 0, 0)
	processing := descriptor(csInterface, 5, 2, 1, uint16(0), 2, 0, 0, 0)
	output := descriptor(csInterface, 3, 3, uint16(0x0101), 0, 2, 0)
	units := slices.Concat(camera, processing, output)
	var formats []byte
	for i, f := range o.Formats {
		formats = append(formats, o.describe(f, i+1)...)
	}
	const controlHeader, streamHeader = 13, 13
	header := descriptor(csInterface, 1, uint16(0x0100), uint16(controlHeader+len(units)),
		uint32(48_000_000), 1, 1)
	bits := slices.Repeat([]byte{0}, len(o.Formats)) // no controls a format
	stream := descriptor(csInterface, 1, len(o.Formats), uint16(streamHeader+len(bits)+len(formats)),
		bulkIn, 0, 3, 0, 0, 0, 1, bits)
	body := slices.Concat(
		descriptor(typeAssociation, 0, 2, classVideo, 3, 0, 0),
		descriptor(typeInterface, 0, 0, 0, classVideo, 1, 0, 0), header, units,
		descriptor(typeInterface, 1, 0, 1, classVideo, 2, 0, 0), stream, formats,
		descriptor(typeEndpoint, bulkIn, 2, uint16(bulkPacket), 0),
	)
	return append(descriptor(typeConfiguration, uint16(9+len(body)), 2, 1, 0, 0x80, 250), body...)
}

// describe is a format, its one frame size and its colours.
func (o Options) describe(f Format, number int) []byte {
	var head []byte
	kind := 7 // frame of MJPEG
	switch f {
	case MJPG:
		head = descriptor(csInterface, 6, number, 1, 1, 1, 0, 0, 0, 0)
	case YUYV:
		kind = 5
		head = descriptor(csInterface, 4, number, 1, "YUY2",
			[]byte{0, 0, 0x10, 0, 0x80, 0, 0, 0xaa, 0, 0x38, 0x9b, 0x71}, 16, 1, 0, 0, 0, 0)
	}
	var intervals []byte
	for _, r := range o.Rates {
		intervals = binary.LittleEndian.AppendUint32(intervals, interval(r))
	}
	bits := func(rate int) uint32 { return uint32(o.rawSize() * 8 * rate) }
	frame := descriptor(csInterface, kind, 1, 0, uint16(o.Width), uint16(o.Height),
		bits(slices.Min(o.Rates)), bits(slices.Max(o.Rates)), uint32(o.rawSize()),
		interval(o.Rates[0]), len(o.Rates), intervals)
	colours := descriptor(csInterface, 0x0d, 1, 1, 4)
	return slices.Concat(head, frame, colours)
}

// text is a string descriptor: 0 lists the languages.
func (o Options) text(n byte) ([]byte, bool) {
	words := []string{"", "smiletill", o.Name, o.Serial}
	switch {
	case n == 0:
		return descriptor(typeString, uint16(0x0409)), true // English (United States)
	case int(n) >= len(words):
		return nil, false
	}
	var letters []byte
	for _, r := range words[n] {
		letters = binary.LittleEndian.AppendUint16(letters, uint16(r))
	}
	return descriptor(typeString, letters), true
}
