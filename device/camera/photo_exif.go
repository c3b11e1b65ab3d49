package camera

import (
	"bytes"
	"encoding/binary"
	"image"
	"image/draw"
)

// orientation is how a camera was held, as EXIF has it (tag 0x0112): 1 is upright, 2 to 8 are turned or
// mirrored.
type orientation uint16

const orientationUpright orientation = 1

// orientationOf finds the orientation in a file's EXIF data; without any, or when it makes no sense, the
// picture is upright.
func orientationOf(kind photoKind, data []byte) orientation {
	var tiff []byte
	switch kind {
	case kindJPEG:
		tiff = exifOfJPEG(data)
	case kindPNG:
		eachPNGChunk(data, func(name string, chunk []byte) {
			if name == "eXIf" && tiff == nil {
				tiff = chunk
			}
		})
	case kindWebP:
		tiff = exifOfWebP(data)
	case kindEmpty, kindHEIC, kindAVIF, kindMovie, kindGIF, kindTIFF, kindBMP, kindPDF, kindZIP, kindUnknown:
	}
	return orientationIn(bytes.TrimPrefix(tiff, []byte("Exif\x00\x00")))
}

// exifOfJPEG gives the EXIF segment (APP1) before the first scan, or nil.
func exifOfJPEG(data []byte) []byte {
	for at := 2; at+4 <= len(data); {
		if data[at] != 0xff {
			return nil
		}
		marker := data[at+1]
		switch {
		case marker == 0xff: // a fill byte
			at++
			continue
		case marker == 0xda || marker == 0xd9:
			return nil
		case marker == 0x01 || marker >= 0xd0 && marker <= 0xd8:
			at += 2
			continue
		}
		end := at + 2 + int(binary.BigEndian.Uint16(data[at+2:]))
		if end > len(data) || end < at+4 {
			return nil
		}
		if body := data[at+4 : end]; marker == 0xe1 && bytes.HasPrefix(body, []byte("Exif\x00\x00")) {
			return body
		}
		at = end
	}
	return nil
}

// exifOfWebP gives the EXIF chunk of a RIFF file, or nil.
func exifOfWebP(data []byte) []byte {
	for at := 12; at+8 <= len(data); {
		size := int64(binary.LittleEndian.Uint32(data[at+4:]))
		end := int64(at) + 8 + size
		if end > int64(len(data)) {
			return nil
		}
		if string(data[at:at+4]) == "EXIF" {
			return data[at+8 : end]
		}
		at = int(end + size&1)
	}
	return nil
}

// orientationIn reads the tag from the first directory of a TIFF header (EXIF 2.32, 4.6.2).
func orientationIn(tiff []byte) orientation {
	if len(tiff) < 8 {
		return orientationUpright
	}
	var order binary.ByteOrder = binary.BigEndian
	if string(tiff[:2]) == "II" {
		order = binary.LittleEndian
	}
	first := int64(order.Uint32(tiff[4:]))
	if first < 8 || first+2 > int64(len(tiff)) {
		return orientationUpright
	}
	entries := tiff[first+2:]
	const entry, tag, short, long = 12, 0x0112, 3, 4
	for range order.Uint16(tiff[first:]) {
		if len(entries) < entry {
			break
		}
		if order.Uint16(entries) == tag {
			o := uint32(order.Uint16(entries[8:]))
			if order.Uint16(entries[2:]) == long { // some programs write it so
				o = order.Uint32(entries[8:])
			}
			if kind := order.Uint16(entries[2:]); (kind == short || kind == long) && o >= 1 && o <= 8 {
				return orientation(o)
			}
			break
		}
		entries = entries[entry:]
	}
	return orientationUpright
}

// upright turns a picture as its orientation says.
func upright(m image.Image, o orientation) image.Image {
	if o == orientationUpright {
		return m
	}
	from := rgba(m)
	w, h := from.Rect.Dx(), from.Rect.Dy()
	ow, oh := w, h
	if o >= 5 { // the camera was held upright
		ow, oh = h, w
	}
	to := image.NewRGBA(image.Rect(0, 0, ow, oh))
	for y := range oh {
		for x := range ow {
			fx, fy := o.source(x, y, w, h)
			copy(to.Pix[y*to.Stride+4*x:][:4], from.Pix[fy*from.Stride+4*fx:][:4])
		}
	}
	return to
}

// source is the stored pixel, of w x h, that is shown at x, y.
func (o orientation) source(x, y, w, h int) (fx, fy int) {
	switch o {
	case orientationUpright:
	case 2: // mirrored
		return w - 1 - x, y
	case 3: // upside down
		return w - 1 - x, h - 1 - y
	case 4:
		return x, h - 1 - y
	case 5: // mirrored and lying
		return y, x
	case 6: // lying: the stored left is the top
		return y, h - 1 - x
	case 7:
		return w - 1 - y, h - 1 - x
	case 8:
		return w - 1 - y, x
	}
	return x, y
}

// rgba gives a picture as RGBA whose bounds begin at 0, 0.
func rgba(m image.Image) *image.RGBA {
	if r, ok := m.(*image.RGBA); ok && r.Rect.Min == (image.Point{}) {
		return r
	}
	b := m.Bounds()
	to := image.NewRGBA(image.Rect(0, 0, b.Dx(), b.Dy()))
	draw.Draw(to, to.Rect, m, b.Min, draw.Src)
	return to
}
