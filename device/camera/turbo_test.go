package camera

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"slices"
	"strconv"
	"testing"
)

// eachDecoder runs a test with libturbojpeg, where it is, and without it.
func eachDecoder(t *testing.T, run func(t *testing.T, d *Decoder)) {
	t.Run("plain", func(t *testing.T) { run(t, &Decoder{plain: true}) })
	t.Run("turbo", func(t *testing.T) {
		if err := FastJPEG(); err != nil {
			t.Skip(err)
		}
		run(t, &Decoder{})
	})
}

// alike compares two decoders' pictures: their inverse cosine transforms round differently.
func alike(t *testing.T, got, want image.Image) {
	t.Helper()
	if got.Bounds() != want.Bounds() {
		t.Fatalf("bounds %v, want %v", got.Bounds(), want.Bounds())
	}
	b := got.Bounds()
	for y := b.Min.Y; y < b.Max.Y; y++ {
		for x := b.Min.X; x < b.Max.X; x++ {
			c, d := ycc(got.At(x, y)), ycc(want.At(x, y))
			for i := range c {
				if d := int(c[i]) - int(d[i]); d < -3 || d > 3 {
					t.Fatalf("pixel %d,%d is %v, want %v", x, y, got.At(x, y), want.At(x, y))
				}
			}
		}
	}
}

func ycc(c color.Color) [3]uint8 {
	switch c := c.(type) {
	case color.YCbCr:
		return [3]uint8{c.Y, c.Cb, c.Cr}
	case color.Gray:
		return [3]uint8{c.Y, 128, 128}
	}
	return [3]uint8{}
}

// blocks makes a JPEG of w x h pixels whose luma has across x down samples to one of chroma, which the
// standard library's encoder can't: each block is of one colour, coded by the usual tables.
func blocks(t *testing.T, w, h, across, down int) []byte {
	t.Helper()
	pic := withoutTables(resized(testJPEG(t, 8, 8, 0), w, h))
	pic[bytes.Index(pic, []byte{0xFF, 0xC0})+11] = byte(across<<4 | down)
	scan := pic[:bytes.Index(pic, []byte{0xFF, 0xDA})+14]
	var bits string
	x := uint32(1)
	random := func() uint32 { x = x*1664525 + 1013904223; return x >> 20 }
	units := ((w + 8*across - 1) / (8 * across)) * ((h + 8*down - 1) / (8 * down))
	for range units {
		for range across * down {
			bits += fmt.Sprintf("101%04b1010", random()%16) // DC of 4 bits, end of block
		}
		bits += fmt.Sprintf("10%02b0010%02b00", random()%4, random()%4) // DC of 2 bits, end of block, twice
	}
	out := slices.Clone(scan)
	for len(bits)%8 != 0 {
		bits += "1"
	}
	for ; bits != ""; bits = bits[8:] {
		n, err := strconv.ParseUint(bits[:8], 2, 8)
		if err != nil {
			t.Fatal(err)
		}
		if out = append(out, byte(n)); n == 0xFF {
			out = append(out, 0)
		}
	}
	return append(out, 0xFF, 0xD9)
}

// Sizes that are no whole blocks, and changes of size between two frames.
func TestDecodeAnySize(t *testing.T) {
	eachDecoder(t, func(t *testing.T, d *Decoder) {
		for _, size := range [][2]int{{1, 1}, {15, 17}, {640, 480}, {33, 16}, {640, 480}, {2, 99}} {
			pic := testJPEG(t, size[0], size[1], 5)
			want, err := jpeg.Decode(bytes.NewReader(pic))
			if err != nil {
				t.Fatal(err)
			}
			got, err := d.Decode(&Frame{Format: MJPG, Data: pic})
			if err != nil {
				t.Fatal(err)
			}
			alike(t, got, want)
		}
	})
}

// Every layout that the standard library knows comes out alike, also where libturbojpeg leaves it to that.
func TestDecodeSubsampling(t *testing.T) {
	for _, c := range []struct {
		across, down int
		known        bool // to libturbojpeg
	}{{1, 1, true}, {2, 1, true}, {2, 2, true}, {1, 2, true}, {4, 1, true}, {4, 2, false}, {3, 1, false},
		{4, 4, false}} {
		for _, size := range [][2]int{{64, 48}, {61, 43}, {1, 1}} {
			t.Run(fmt.Sprint(c, size), func(t *testing.T) {
				f := Frame{Format: MJPG, Data: blocks(t, size[0], size[1], c.across, c.down)}
				plain, turbo := Decoder{plain: true}, Decoder{}
				want, werr := plain.Decode(&f)
				got, err := turbo.Decode(&f)
				if (err == nil) != (werr == nil) || c.known && err != nil {
					t.Fatalf("err %v, of the standard library %v", err, werr)
				}
				if err == nil {
					alike(t, got, want)
				}
				if FastJPEG() == nil {
					scan := bytes.Index(f.Data, []byte{0xFF, 0xDA})
					data := slices.Concat(f.Data[:scan], []byte(usualTables), f.Data[scan:])
					if _, err := turbo.turbo.decode(data); (err == nil) != c.known {
						t.Errorf("libturbojpeg alone: %v", err)
					}
				}
			})
		}
	}
}

// Cameras leave stray bytes before the end marker; the picture is whole.
func TestDecodeStrayByte(t *testing.T) {
	pic := testJPEG(t, 64, 48, 1)
	want, err := jpeg.Decode(bytes.NewReader(pic))
	if err != nil {
		t.Fatal(err)
	}
	stray := slices.Concat(pic[:len(pic)-2], []byte{0, 0, 0}, pic[len(pic)-2:])
	eachDecoder(t, func(t *testing.T, d *Decoder) {
		got, err := d.Decode(&Frame{Format: MJPG, Data: stray})
		if err != nil {
			t.Fatal(err)
		}
		alike(t, got, want)
	})
}

func TestDecodeGreyJPEG(t *testing.T) {
	m := image.NewGray(image.Rect(0, 0, 30, 20))
	for i := range m.Pix {
		m.Pix[i] = byte(i)
	}
	var b bytes.Buffer
	if err := jpeg.Encode(&b, m, &jpeg.Options{Quality: 100}); err != nil {
		t.Fatal(err)
	}
	eachDecoder(t, func(t *testing.T, d *Decoder) {
		got, err := d.Decode(&Frame{Format: MJPG, Data: b.Bytes()})
		if err != nil {
			t.Fatal(err)
		}
		if _, ok := got.(*image.Gray); !ok {
			t.Fatalf("%T", got)
		}
		alike(t, got, m)
	})
}

// Any damage of any one byte gives a picture or an error, and whatever libturbojpeg takes as whole the
// standard library takes, too.
func TestDecodeDamagedAnywhere(t *testing.T) {
	pic := testJPEG(t, 40, 24, 2)
	eachDecoder(t, func(t *testing.T, d *Decoder) {
		plain := Decoder{plain: true}
		for n := range pic {
			for _, flip := range []byte{1, 0x10, 0x80, 0xff} {
				bad := slices.Clone(pic)
				bad[n] ^= flip
				f := Frame{Format: MJPG, Data: bad}
				_, err := d.Decode(&f)
				if err != nil && !errors.Is(err, ErrPicture) && !errors.Is(err, ErrTooLarge) &&
					!errors.Is(err, ErrFormat) {
					t.Fatalf("byte %d: error of another kind: %v", n, err)
				}
				if _, werr := plain.Decode(&f); err == nil && werr != nil {
					t.Errorf("byte %d ^ %#x: a picture; the standard library has %v", n, flip, werr)
				}
			}
		}
	})
}

func FuzzDecode(f *testing.F) {
	pic := testJPEG(f, 32, 16, 0)
	f.Add(pic, byte(0), false, 32, 16, 0)
	f.Add(withoutTables(pic), byte(0), false, 32, 16, 0)
	f.Add(pic[:len(pic)/2], byte(0), true, 0, 0, 0)
	f.Add(make([]byte, 64), byte(1), false, 4, 8, 0)
	f.Add(make([]byte, 64), byte(2), false, 6, 8, 8)
	f.Fuzz(func(t *testing.T, data []byte, kind byte, plain bool, w, h, stride int) {
		fr := Frame{Data: data, Format: []Format{MJPG, YUYV, GREY}[kind%3], Width: w, Height: h, Stride: stride}
		if fr.Format == MJPG { // the fuzzer's time is not for clearing megabytes
			if c, err := jpeg.DecodeConfig(bytes.NewReader(data)); err == nil && c.Width*c.Height > 1<<16 &&
				c.Width <= MaxSide && c.Height <= MaxSide {
				t.Skip()
			}
		}
		d := Decoder{plain: plain}
		m, err := d.Decode(&fr)
		if err != nil {
			if !errors.Is(err, ErrPicture) && !errors.Is(err, ErrFormat) && !errors.Is(err, ErrTooLarge) {
				t.Fatalf("error of another kind: %v", err)
			}
			return
		}
		b := m.Bounds()
		if b.Empty() || b.Dx() > MaxSide || b.Dy() > MaxSide {
			t.Fatalf("bounds %v", b)
		}
		m.At(b.Max.X-1, b.Max.Y-1)
	})
}
