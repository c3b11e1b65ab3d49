package camera

import (
	"bytes"
	"encoding/binary"
	"slices"
)

// photoKind is what a file is by its first bytes, in a technician's words.
type photoKind string

const (
	kindEmpty   photoKind = "an empty file"
	kindJPEG    photoKind = "a JPEG"
	kindPNG     photoKind = "a PNG"
	kindWebP    photoKind = "a WebP"
	kindHEIC    photoKind = "a HEIC photo, as iPhones take them"
	kindAVIF    photoKind = "an AVIF photo"
	kindMovie   photoKind = "a film"
	kindGIF     photoKind = "a GIF"
	kindTIFF    photoKind = "a TIFF or a camera's raw file"
	kindBMP     photoKind = "a BMP"
	kindPDF     photoKind = "a PDF"
	kindZIP     photoKind = "a ZIP archive"
	kindUnknown photoKind = "no JPEG, PNG or WebP"
)

// advice is what to do with a file that isn't decoded.
func (k photoKind) advice() string {
	switch k {
	case kindEmpty:
		return "copy the photo once more: nothing of it has arrived"
	case kindHEIC:
		return "save it as a JPEG; an iPhone takes JPEGs with Settings, Camera, Formats, Most Compatible"
	case kindZIP:
		return "unpack it, and name the photos one by one"
	case kindMovie:
		return "take photos, or enrol by the terminal's camera: the same command without files"
	case kindAVIF, kindGIF, kindTIFF, kindBMP, kindPDF, kindUnknown, kindJPEG, kindPNG, kindWebP:
	}
	return "save it as a JPEG, PNG or WebP file"
}

// kindOf tells what a file is.
func kindOf(data []byte) photoKind {
	if len(data) == 0 {
		return kindEmpty
	}
	for _, one := range []struct {
		begin string
		kind  photoKind
	}{
		{"\xff\xd8", kindJPEG}, {"\x89PNG\r\n\x1a\n", kindPNG}, {"GIF8", kindGIF}, {"II*\x00", kindTIFF},
		{"MM\x00*", kindTIFF}, {"BM", kindBMP}, {"%PDF-", kindPDF}, {"PK\x03\x04", kindZIP},
		{"\x1aE\xdf\xa3", kindMovie},
	} {
		if bytes.HasPrefix(data, []byte(one.begin)) {
			return one.kind
		}
	}
	switch {
	case len(data) >= 12 && string(data[:4]) == "RIFF" && string(data[8:12]) == "WEBP":
		return kindWebP
	case len(data) >= 12 && string(data[:4]) == "RIFF":
		return kindMovie
	case len(data) >= 12 && string(data[4:8]) == "ftyp":
		return brandOf(data)
	}
	return kindUnknown
}

// brandOf tells what a file of the ISO base media format is (ISO 14496-12, 4.3: the major brand, a version,
// then those that it is compatible with).
func brandOf(data []byte) photoKind {
	box := data[:min(int(binary.BigEndian.Uint32(data)), len(data), 256)]
	var brands []string
	for at := 8; at+4 <= len(box); at += 4 {
		brands = append(brands, string(box[at:at+4]))
	}
	heic := []string{"heic", "heix", "heim", "heis", "hevc", "hevx", "mif1", "msf1"}
	switch {
	case slices.Contains(brands, "avif"), slices.Contains(brands, "avis"):
		return kindAVIF
	case slices.ContainsFunc(brands, func(b string) bool { return slices.Contains(heic, b) }):
		return kindHEIC
	}
	return kindMovie
}
