package camera

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// exif is EXIF data (without its name) that has an orientation, in either order of bytes.
func exif(order binary.AppendByteOrder, o uint16) []byte {
	b := []byte("MM\x00*")
	if order == binary.AppendByteOrder(binary.LittleEndian) {
		b = []byte("II*\x00")
	}
	b = order.AppendUint32(b, 8)
	b = order.AppendUint16(b, 2)
	for _, entry := range []struct {
		tag, kind uint16
		value     uint16
	}{{0x0100, 3, 7}, {0x0112, 3, o}} {
		b = order.AppendUint16(order.AppendUint16(b, entry.tag), entry.kind)
		b = order.AppendUint32(b, 1)
		b = order.AppendUint16(order.AppendUint16(b, entry.value), 0)
	}
	return order.AppendUint32(b, 0)
}

// chunk is one of a PNG.
func chunk(name string, data []byte) []byte {
	b := binary.BigEndian.AppendUint32(nil, uint32(len(data)))
	b = append(append(b, name...), data...)
	return binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b[4:]))
}

// corners is a picture of four colours, as it is stored by a camera that was held with an orientation: shown
// upright it is red and green above, blue and white below, and wider than high.
func corners(o orientation) *image.RGBA {
	const w, h = 64, 48
	shown := func(x, y int) color.RGBA {
		switch {
		case x < w/2 && y < h/2:
			return color.RGBA{255, 0, 0, 255}
		case y < h/2:
			return color.RGBA{0, 255, 0, 255}
		case x < w/2:
			return color.RGBA{0, 0, 255, 255}
		}
		return color.RGBA{255, 255, 255, 255}
	}
	// EXIF 2.32, 4.6.4: which side of the stored picture its first row and first column are when shown.
	at := map[orientation]func(x, y int) (int, int){
		1: func(x, y int) (int, int) { return x, y }, // top, left
		2: func(x, y int) (int, int) { return w - 1 - x, y },
		3: func(x, y int) (int, int) { return w - 1 - x, h - 1 - y },
		4: func(x, y int) (int, int) { return x, h - 1 - y },
		5: func(x, y int) (int, int) { return y, x }, // left, top
		6: func(x, y int) (int, int) { return w - 1 - y, x },
		7: func(x, y int) (int, int) { return w - 1 - y, h - 1 - x },
		8: func(x, y int) (int, int) { return y, h - 1 - x },
	}[o]
	size := image.Rect(0, 0, w, h)
	if o >= 5 {
		size = image.Rect(0, 0, h, w)
	}
	m := image.NewRGBA(size)
	for y := range size.Dy() {
		for x := range size.Dx() {
			m.SetRGBA(x, y, shown(at(x, y)))
		}
	}
	return m
}

// All eight orientations, of JPEG and PNG, in either order of bytes, are shown upright.
func TestPhotoIsUpright(t *testing.T) {
	for o := orientation(1); o <= 8; o++ {
		for _, order := range []binary.AppendByteOrder{binary.BigEndian, binary.LittleEndian} {
			tags := exif(order, uint16(o))
			var asJPEG, asPNG bytes.Buffer
			if err := errors.Join(jpeg.Encode(&asJPEG, corners(o), &jpeg.Options{Quality: 95}),
				png.Encode(&asPNG, corners(o))); err != nil {
				t.Fatal(err)
			}
			app1 := append([]byte("Exif\x00\x00"), tags...)
			segment := append([]byte{0xff, 0xe1}, binary.BigEndian.AppendUint16(nil, uint16(2+len(app1)))...)
			j := append([]byte{0xff, 0xd8}, append(append(segment, app1...), asJPEG.Bytes()[2:]...)...)
			p := asPNG.Bytes()
			end := len(p) - 12 // before IEND: the chunk may stand behind the pixels
			late := append(append(bytes.Clone(p[:end]), chunk("eXIf", tags)...), p[end:]...)
			early := append(append(bytes.Clone(p[:33]), chunk("eXIf", tags)...), p[33:]...)
			for name, data := range map[string][]byte{"jpeg": j, "png, early": early, "png, late": late} {
				m, err := DecodePhoto(data, 100)
				if err != nil {
					t.Fatalf("%s, orientation %d: %v", name, o, err)
				}
				if m.Bounds().Dx() != 64 || m.Bounds().Dy() != 48 {
					t.Fatalf("%s, orientation %d: %v", name, o, m.Bounds())
				}
				for _, c := range []struct {
					x, y    int
					r, g, b bool
				}{
					{10, 8, true, false, false}, {54, 8, false, true, false}, {10, 40, false, false, true},
					{54, 40, true, true, true},
				} {
					r, g, b, _ := m.At(m.Bounds().Min.X+c.x, m.Bounds().Min.Y+c.y).RGBA()
					if r > 0x8000 != c.r || g > 0x8000 != c.g || b > 0x8000 != c.b {
						t.Errorf("%s, orientation %d: at %d,%d %x %x %x", name, o, c.x, c.y, r, g, b)
					}
				}
			}
		}
	}
}

// A PNG that is read line by line is the one that image/png reads whole.
func TestPhotoPNG(t *testing.T) {
	size := image.Rect(0, 0, 37, 23)
	paint := func(m interface {
		image.Image
		Set(x, y int, c color.Color)
	}) image.Image {
		for y := range size.Dy() {
			for x := range size.Dx() {
				m.Set(x, y, color.NRGBA64{uint16(x * 1700), uint16(y * 2500), uint16(x * y * 70), 0xffff})
			}
		}
		return m
	}
	grey2 := color.Palette{color.Gray{0}, color.Gray{85}, color.Gray{170}, color.Gray{255}}
	for name, m := range map[string]image.Image{
		"grey": paint(image.NewGray(size)), "grey of 16 bits": paint(image.NewGray16(size)),
		"rgb": paint(image.NewRGBA(size)), "rgba of 16 bits": paint(image.NewNRGBA64(size)),
		"palette of 2 bits": paint(image.NewPaletted(size, grey2)),
		"palette of 1 bit":  paint(image.NewPaletted(size, grey2[1:3])),
	} {
		var data bytes.Buffer
		if err := png.Encode(&data, m); err != nil {
			t.Fatal(err)
		}
		for _, side := range []int{64, 10} {
			got, err := DecodePhoto(data.Bytes(), side)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			want := rgba(Shrink(m, side))
			if got.Bounds() != want.Bounds() {
				t.Fatalf("%s: %v, want %v", name, got.Bounds(), want.Bounds())
			}
			for i, v := range rgba(got).Pix {
				if d := int(v) - int(want.Pix[i]); d < -1 || d > 1 {
					t.Fatalf("%s, at most %d: byte %d is %d, want %d", name, side, i, v, want.Pix[i])
				}
			}
		}
	}
}

// hugePNG is a grey PNG of w x h black pixels.
func hugePNG(w, h int) []byte {
	head := binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, uint32(w)), uint32(h))
	var pixels bytes.Buffer
	z, _ := zlib.NewWriterLevel(&pixels, zlib.BestSpeed)
	line := make([]byte, 1+w)
	for range h {
		_, _ = z.Write(line) // into memory
	}
	_ = z.Close()
	data := append([]byte("\x89PNG\r\n\x1a\n"), chunk("IHDR", append(head, 8, 0, 0, 0, 0))...)
	data = append(data, chunk("IDAT", pixels.Bytes())...)
	return append(data, chunk("IEND", nil)...)
}

// 48 megapixels are never in memory at once.
func TestPhotoTakesLittleMemory(t *testing.T) {
	data := hugePNG(8064, 6048)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	m, err := DecodePhoto(data, 1024)
	if err != nil || max(m.Bounds().Dx(), m.Bounds().Dy()) > 1024 {
		t.Fatal(m.Bounds(), err)
	}
	runtime.ReadMemStats(&after)
	if took := after.TotalAlloc - before.TotalAlloc; took > 8<<20 {
		t.Errorf("it takes %d MB", took>>20)
	}
}

// What a file is, and what to do with it, is said in words, whatever came instead of a photo.
func TestPhotoRefuses(t *testing.T) {
	var whole, wholePNG bytes.Buffer
	if err := errors.Join(jpeg.Encode(&whole, corners(1), nil), png.Encode(&wholePNG, corners(1))); err != nil {
		t.Fatal(err)
	}
	noise := image.NewGray(image.Rect(0, 0, 200, 200)) // its codes are long, and cut within
	for i := range noise.Pix {
		noise.Pix[i] = byte(i * i * 7 >> 3)
	}
	var photo bytes.Buffer
	if err := jpeg.Encode(&photo, noise, &jpeg.Options{Quality: 95}); err != nil {
		t.Fatal(err)
	}
	cut := func(b []byte) string { return string(b[:len(b)-len(b)/3]) }
	box := func(brands string) string {
		return string(binary.BigEndian.AppendUint32(nil, uint32(8+len(brands)))) + "ftyp" + brands
	}
	interlaced := sized(hugePNG(1, 1), 8064, 6048)
	interlaced[28] = 1
	for _, c := range []struct{ name, data, says, hint string }{
		{"nothing", "", "an empty file", "once more"},
		{"an iPhone's photo", box("heic\x00\x00\x00\x00mif1heic"), "a HEIC photo", "Most Compatible"},
		{"another's", box("mif1\x00\x00\x00\x00mif1heix"), "a HEIC photo", "JPEG"},
		{"AVIF", box("avif\x00\x00\x00\x00mif1avif"), "an AVIF photo", "JPEG"},
		{"a film", box("qt  \x00\x00\x00\x00"), "a film", "camera"},
		{"GIF", "GIF89a....", "a GIF", "JPEG"},
		{"a raw file", "II*\x00\x10\x00\x00\x00CR\x02\x00", "a TIFF or a camera's raw file", "JPEG"},
		{"PDF", "%PDF-1.7", "a PDF", "JPEG"}, {"ZIP", "PK\x03\x04..", "a ZIP archive", "unpack"},
		{"a text", "dear customer", "no JPEG, PNG or WebP", "JPEG"},
		{"a JPEG's half", cut(whole.Bytes()), "a JPEG that is cut off", "once more"},
		{"a photo's part", string(photo.Bytes()[:photo.Len()/2+1]), "a JPEG that is cut off", "once more"},
		{"a JPEG's beginning", string(whole.Bytes()[:20]), "a JPEG that is cut off", "once more"},
		{"a PNG's half", cut(wholePNG.Bytes()), "a PNG that is cut off", "once more"},
		{"a PNG's beginning", string(wholePNG.Bytes()[:20]), "a PNG that is cut off", "once more"},
		{"a WebP's half", "RIFF\xff\x00\x00\x00WEBPVP8L", "a WebP that is cut off", "once more"},
		{"a JPEG with wrong codes", damaged(photo.Bytes()), "a JPEG that is damaged", "once more"},
		{"a PNG with wrong bytes", damaged(wholePNG.Bytes()), "a PNG that is damaged", "once more"},
		{"a JPEG of 12 bits a colour", of12Bits(whole.Bytes()), "a JPEG of a kind that can't be read", "ordinary"},
		{"too many pixels", string(sized(hugePNG(1, 1), 20_000, 15_000)), "pixels are too many", "smaller"},
		{"interlaced", string(interlaced), "interlaced PNG are too many", "smaller"},
	} {
		_, err := DecodePhoto([]byte(c.data), 1024)
		var h interface{ Hint() string }
		if !errors.Is(err, ErrPhoto) || !strings.Contains(err.Error(), c.says) || !errors.As(err, &h) ||
			!strings.Contains(h.Hint(), c.hint) {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		for _, jargon := range []string{"0xff", "invalid", "format", "filter", "Huffman", "checksum", "zlib"} {
			if strings.Contains(err.Error(), jargon) {
				t.Errorf("%s: %v", c.name, err)
			}
		}
	}
}

// damaged has wrong bytes in its middle; its end is there.
func damaged(data []byte) string {
	bad := bytes.Clone(data)
	for i := len(bad) / 2; i < len(bad)/2+8; i++ {
		bad[i] = 0xff
	}
	return string(bad)
}

// of12Bits has a JPEG claim other samples.
func of12Bits(data []byte) string {
	bad := bytes.Clone(data)
	bad[bytes.Index(bad, []byte{0xff, 0xc0})+4] = 12
	return string(bad)
}

// sized has a PNG claim other sides.
func sized(data []byte, w, h uint32) []byte {
	binary.BigEndian.PutUint32(data[16:], w)
	binary.BigEndian.PutUint32(data[20:], h)
	return data
}

func TestReadPhotoRefuses(t *testing.T) {
	dir := t.TempDir()
	large := filepath.Join(dir, "large")
	if err := os.WriteFile(large, make([]byte, PhotoBytes+1), 0o600); err != nil {
		t.Fatal(err)
	}
	for path, says := range map[string]string{
		dir: "it is a folder", filepath.Join(dir, "none"): "no such file", large: "larger than 16 MB",
		os.DevNull: "no regular file",
	} {
		_, err := ReadPhoto(path)
		var h interface{ Hint() string }
		if err == nil || !strings.Contains(err.Error(), says) || !errors.As(err, &h) || h.Hint() == "" {
			t.Errorf("%s: %v", path, err)
		}
	}
}

// A WebP is taken.
func TestPhotoWebP(t *testing.T) {
	const onePixel = "RIFF\x1a\x00\x00\x00WEBPVP8L\r\x00\x00\x00/\x00\x00\x00\x10\x07\x10" +
		"\x11\x11\x88\x88\xfe\x07\x00"
	m, err := DecodePhoto([]byte(onePixel), 100)
	if err != nil || m.Bounds().Dx() != 1 {
		t.Error(m, err)
	}
}

// libturbojpeg shrinks while it decodes, to the size that was asked for, whatever the subsampling.
func TestPhotoTurbo(t *testing.T) {
	if err := FastJPEG(); err != nil {
		t.Skip(err)
	}
	m := image.NewYCbCr(image.Rect(0, 0, 1601, 1203), image.YCbCrSubsampleRatio420)
	for y := range 1203 {
		for x := range 1601 {
			m.Y[m.YOffset(x, y)] = byte(x * 255 / 1600)
		}
	}
	for i := range m.Cb {
		m.Cb[i], m.Cr[i] = 128, 128
	}
	var data bytes.Buffer
	if err := jpeg.Encode(&data, m, nil); err != nil {
		t.Fatal(err)
	}
	for _, side := range []int{2000, 1601, 1000, 500, 201, 100} {
		got, err := DecodePhoto(data.Bytes(), side)
		if err != nil {
			t.Fatal(side, err)
		}
		b := got.Bounds()
		if b.Dx() > side || b.Dx() < min(1601, side)*5/8 {
			t.Errorf("at most %d: %v", side, b)
		}
		for _, x := range []int{0, 1, 2, 3} {
			r, _, _, _ := got.At(b.Dx()*(2*x+1)/8, b.Dy()/2).RGBA()
			if want := 255 * (2*x + 1) / 8; int(r>>8) < want-6 || int(r>>8) > want+6 {
				t.Errorf("at most %d: eighth %d is %d, want %d", side, 2*x+1, r>>8, want)
			}
		}
	}
}

// EXIF data that makes no sense, or none, leaves a picture as it is; an orientation of 32 bits is one.
func TestOrientationIn(t *testing.T) {
	long := exif(binary.BigEndian, 1)
	copy(long[22:], []byte{0x01, 0x12, 0, 4, 0, 0, 0, 1, 0, 0, 0, 8})
	nine := exif(binary.LittleEndian, 9)
	for name, c := range map[string]struct {
		tiff []byte
		want orientation
	}{
		"32 bits": {long, 8}, "nine": {nine, 1}, "none": {nil, 1}, "cut off": {long[:24], 1},
		"a directory far away": {[]byte("MM\x00*\xff\xff\xff\xff"), 1},
	} {
		if got := orientationIn(c.tiff); got != c.want {
			t.Errorf("%s: %d, want %d", name, got, c.want)
		}
	}
}
