package camera

import (
	"bytes"
	"errors"
	"image"
	"image/jpeg"
	"slices"
	"strings"
	"testing"
)

func testJPEG(tb testing.TB, w, h int, seed byte) []byte {
	tb.Helper()
	data := encode(w, h, seed)
	if len(data) == 0 {
		tb.Fatal("the picture can't be encoded")
	}
	return data
}

// encode makes a picture with a gradient and some noise: entropy-coded data with all the markers' troubles.
func encode(w, h int, seed byte) []byte {
	m := image.NewYCbCr(image.Rect(0, 0, w, h), image.YCbCrSubsampleRatio420)
	x := uint32(seed) + 1
	for i := range m.Y {
		x = x*1664525 + 1013904223
		m.Y[i] = byte(i%m.YStride) + byte(x>>27)
	}
	for i := range m.Cb {
		m.Cb[i], m.Cr[i] = 100+seed, 140
	}
	var b bytes.Buffer
	if err := jpeg.Encode(&b, m, nil); err != nil {
		return nil
	}
	return b.Bytes()
}

// insert puts a segment behind the SOI marker.
func insert(data []byte, mark byte, payload []byte) []byte {
	n := len(payload) + 2
	return slices.Concat(data[:2], []byte{0xFF, mark, byte(n >> 8), byte(n)}, payload, data[2:])
}

// withoutTables takes the Huffman tables out, as UVC cameras do.
func withoutTables(data []byte) []byte {
	i := bytes.Index(data, []byte{0xFF, markDHT})
	n := 2 + int(data[i+2])<<8 + int(data[i+3])
	return slices.Concat(data[:i], data[i+n:])
}

func TestSplitRefuses(t *testing.T) {
	one := testJPEG(t, 32, 16, 0)
	for name, c := range map[string]struct {
		data []byte
		want string
	}{
		"nothing":          {nil, "no frames"},
		"padding only":     {make([]byte, 64), "no frames"},
		"text":             {[]byte("hello"), "frame 1 at byte 0"},
		"start only":       {[]byte{0xFF, 0xD8}, "truncated"},
		"empty picture":    {[]byte{0xFF, 0xD8, 0xFF, 0xD9}, "without picture data"},
		"start twice":      {slices.Concat(one[:2], one), "without picture data"},
		"no end":           {one[:len(one)-2], "truncated"},
		"half":             {one[:len(one)/2], "truncated"},
		"half the second":  {slices.Concat(one, one[:len(one)/2]), "frame 2"},
		"rubbish between":  {slices.Concat(one, []byte("x"), one), "frame 2"},
		"next begins":      {slices.Concat(one[:len(one)-2], one), "starts again"},
		"segment length 1": {[]byte{0xFF, 0xD8, 0xFF, 0xE0, 0, 1, 0xFF, 0xD9}, "segment of length 1"},
		"long segment":     {[]byte{0xFF, 0xD8, 0xFF, 0xE0, 0xFF, 0xFF, 0}, "truncated"},
		"stuffing":         {[]byte{0xFF, 0xD8, 0xFF, 0x00, 0, 2, 0xFF, 0xD9}, "no JPEG marker at byte 3"},
		"bytes in header":  {[]byte{0xFF, 0xD8, 1, 2, 3, 4, 0xFF, 0xD9}, "no JPEG marker at byte 2"},
	} {
		t.Run(name, func(t *testing.T) {
			frames, err := split(c.data)
			if !errors.Is(err, ErrPicture) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%d frames, err %v; want %q", len(frames), err, c.want)
			}
		})
	}
}

func TestSplit(t *testing.T) {
	a, b, c := testJPEG(t, 32, 16, 0), testJPEG(t, 48, 32, 1), testJPEG(t, 16, 64, 2)
	thumb := insert(b, 0xE1, a) // a whole JPEG, ends and all, inside a segment
	filled := slices.Concat(a[:2], []byte{0xFF, 0xFF}, a[2:])
	restarts := []byte{0xFF, 0xD8, 0xFF, 0xDA, 0, 2, 1, 0xFF, 0xD0, 2, 0xFF, 0, 0xFF, 0xD7, 3, 0xFF, 0xD9}
	scans := []byte{0xFF, 0xD8, 0xFF, 0xDA, 0, 2, 1, 0xFF, 0xC4, 0, 4, 0xFF, 0xD9,
		0xFF, 0xDA, 0, 2, 7, 0xFF, 0xD9}
	for name, want := range map[string][][]byte{
		"one":       {a},
		"three":     {a, b, c},
		"thumbnail": {thumb, a},
		"fill":      {filled, a},
		"restarts":  {restarts, a},
		"scans":     {scans, a},
		"no tables": {withoutTables(a), withoutTables(b)},
	} {
		for pad, zeros := range map[string][]byte{"": nil, " padded": make([]byte, 5)} {
			t.Run(name+pad, func(t *testing.T) {
				var data []byte
				for _, f := range want {
					data = slices.Concat(data, f, zeros)
				}
				got, err := split(data)
				if err != nil {
					t.Fatal(err)
				}
				if !slices.EqualFunc(got, want, bytes.Equal) {
					t.Errorf("%d frames, want %d, or they differ", len(got), len(want))
				}
			})
		}
	}
}

func FuzzSplit(f *testing.F) {
	a, b := testJPEG(f, 16, 16, 0), testJPEG(f, 32, 16, 1)
	f.Add(slices.Concat(a, b))
	f.Add(slices.Concat(insert(a, 0xE1, b), make([]byte, 3), withoutTables(b)))
	f.Add(a[:len(a)/2])
	f.Add([]byte{0xFF, 0xD8, 0xFF, 0xDA, 0, 2, 1, 0xFF, 0xD0, 2, 0xFF, 0xD9})
	f.Fuzz(func(t *testing.T, data []byte) {
		frames, err := split(data)
		if err != nil {
			if !errors.Is(err, ErrPicture) {
				t.Fatalf("error of another kind: %v", err)
			}
			return
		}
		sum := 0
		for i, p := range frames {
			sum += len(p)
			if !bytes.HasPrefix(p, []byte{0xFF, 0xD8}) || !bytes.HasSuffix(p, []byte{0xFF, 0xD9}) {
				t.Fatalf("frame %d is not whole", i)
			}
			if again, err := split(p); err != nil || len(again) != 1 {
				t.Fatalf("frame %d alone splits into %d: %v", i, len(again), err)
			}
		}
		if zeros := bytes.Count(data, []byte{0}); sum > len(data) || sum < len(data)-zeros {
			t.Fatalf("%d of %d bytes in frames, %d zeros", sum, len(data), zeros)
		}
	})
}
