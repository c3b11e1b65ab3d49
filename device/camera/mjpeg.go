package camera

import (
	"bytes"
	"fmt"
)

// JPEG markers (the byte after 0xFF), ITU-T T.81 table B.1.
const (
	markTEM  = 0x01
	markSOF2 = 0xC2 // of a progressive picture
	markDHT  = 0xC4
	markRST0 = 0xD0
	markRST7 = 0xD7
	markSOI  = 0xD8
	markEOI  = 0xD9
	markSOS  = 0xDA
)

// layout is what a walk along a JPEG picture's markers found.
type layout struct {
	scan    int  // offset of the first SOS marker
	end     int  // offset behind the EOI marker
	huffman bool // there is a table definition (DHT) before the scan

	progressive bool
}

// header walks from SOI to the first SOS marker, segment by segment: thumbnails inside APPn segments are
// stepped over, not mistaken for pictures.
func header(data []byte) (layout, error) {
	var l layout
	if len(data) < 2 || data[0] != 0xFF || data[1] != markSOI {
		return l, fmt.Errorf("%w: no JPEG start", ErrPicture)
	}
	for pos := 2; ; {
		m, at, err := marker(data, pos)
		if err != nil {
			return l, err
		}
		switch {
		case m == markSOS:
			l.scan = at - 2
			return l, nil
		case m == markSOI, m == markEOI:
			return l, fmt.Errorf("%w: JPEG without picture data at byte %d", ErrPicture, at)
		case m == markDHT:
			l.huffman = true
		case m == markSOF2:
			l.progressive = true
		}
		if pos, err = segment(data, m, at); err != nil {
			return l, err
		}
	}
}

// picture walks one whole JPEG picture that begins at data[0]; bytes may follow it.
func picture(data []byte) (layout, error) {
	l, err := header(data)
	if err != nil {
		return l, err
	}
	for pos := l.scan; ; {
		m, at, err := marker(data, pos)
		if err != nil {
			return l, err
		}
		switch m {
		case markEOI:
			l.end = at
			return l, nil
		case markSOI:
			return l, fmt.Errorf("%w: JPEG starts again at byte %d", ErrPicture, at-2)
		}
		if pos, err = segment(data, m, at); err != nil {
			return l, err
		}
		if m == markSOS {
			if pos, err = entropy(data, pos); err != nil {
				return l, err
			}
		}
	}
}

// marker reads the marker at pos, where any number of 0xFF may stand before its code; next is the offset
// behind it.
func marker(data []byte, pos int) (m byte, next int, err error) {
	if pos < len(data) && data[pos] != 0xFF {
		return 0, 0, fmt.Errorf("%w: no JPEG marker at byte %d", ErrPicture, pos)
	}
	for pos < len(data) && data[pos] == 0xFF {
		pos++
	}
	if pos >= len(data) {
		return 0, 0, fmt.Errorf("%w: JPEG truncated after %d bytes", ErrPicture, len(data))
	}
	if data[pos] == 0 {
		return 0, 0, fmt.Errorf("%w: no JPEG marker at byte %d", ErrPicture, pos)
	}
	return data[pos], pos + 1, nil
}

// segment returns the offset behind the segment of marker m whose length field stands at pos.
func segment(data []byte, m byte, pos int) (int, error) {
	if m == markTEM || m >= markRST0 && m <= markRST7 {
		return pos, nil
	}
	if pos+2 > len(data) {
		return 0, fmt.Errorf("%w: JPEG truncated after %d bytes", ErrPicture, len(data))
	}
	n := int(data[pos])<<8 | int(data[pos+1])
	if n < 2 {
		return 0, fmt.Errorf("%w: JPEG segment of length %d at byte %d", ErrPicture, n, pos)
	}
	if pos+n > len(data) {
		return 0, fmt.Errorf("%w: JPEG truncated after %d bytes", ErrPicture, len(data))
	}
	return pos + n, nil
}

// entropy returns the offset of the first marker behind the coded data at pos. In coded data 0xFF is followed
// by 0x00 or a restart marker.
func entropy(data []byte, pos int) (int, error) {
	for {
		i := bytes.IndexByte(data[pos:], 0xFF)
		if i < 0 || pos+i+1 >= len(data) {
			return 0, fmt.Errorf("%w: JPEG truncated after %d bytes", ErrPicture, len(data))
		}
		pos += i
		switch b := data[pos+1]; {
		case b == 0xFF:
			pos++
		case b == 0 || b >= markRST0 && b <= markRST7:
			pos += 2
		default:
			return pos, nil
		}
	}
}

// split cuts a motion-JPEG recording into its pictures, which share data's memory. Zero bytes between
// pictures are padding; anything else there is an error. The error counts the frames from 1.
func split(data []byte) ([][]byte, error) {
	var frames [][]byte
	for pos := 0; ; {
		for pos < len(data) && data[pos] == 0 {
			pos++
		}
		if pos == len(data) {
			break
		}
		l, err := picture(data[pos:])
		if err != nil {
			return nil, fmt.Errorf("frame %d at byte %d: %w", len(frames)+1, pos, err)
		}
		frames = append(frames, data[pos:pos+l.end:pos+l.end])
		pos += l.end
	}
	if len(frames) == 0 {
		return nil, fmt.Errorf("%w: no frames", ErrPicture)
	}
	return frames, nil
}
