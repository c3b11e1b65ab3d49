package camera

import (
	"bytes"
	"errors"
	"image"
	"image/color"
	"image/jpeg"
	"math"
	"slices"
	"testing"
)

// resized changes the dimensions in a JPEG's frame header (SOF0).
func resized(data []byte, w, h int) []byte {
	d := slices.Clone(data)
	i := bytes.Index(d, []byte{0xFF, 0xC0})
	d[i+5], d[i+6], d[i+7], d[i+8] = byte(h>>8), byte(h), byte(w>>8), byte(w)
	return d
}

func TestDecodeRefuses(t *testing.T) {
	pic, some := testJPEG(t, 64, 48, 0), make([]byte, 64)
	for name, c := range map[string]struct {
		f    Frame
		want error
	}{
		"no format":        {Frame{Data: pic}, ErrFormat},
		"other format":     {Frame{Data: pic, Format: "H264"}, ErrFormat},
		"empty JPEG":       {Frame{Format: MJPG}, ErrPicture},
		"text":             {Frame{Format: MJPG, Data: []byte("no picture")}, ErrPicture},
		"half a JPEG":      {Frame{Format: MJPG, Data: pic[:len(pic)/2]}, ErrPicture},
		"wide JPEG":        {Frame{Format: MJPG, Data: resized(pic, MaxSide+1, 48)}, ErrTooLarge},
		"high JPEG":        {Frame{Format: MJPG, Data: resized(pic, 64, 65535)}, ErrTooLarge},
		"JPEG, no width":   {Frame{Format: MJPG, Data: resized(pic, 0, 48)}, ErrPicture},
		"bigger than data": {Frame{Format: MJPG, Data: resized(pic, 640, 480)}, ErrPicture},
		"empty YUYV":       {Frame{Format: YUYV, Width: 2, Height: 1}, ErrPicture},
		"YUYV, no size":    {Frame{Format: YUYV, Data: make([]byte, 64)}, ErrPicture},
		"negative":         {Frame{Format: YUYV, Data: some, Width: -4, Height: -4}, ErrPicture},
		"short YUYV":       {Frame{Format: YUYV, Data: make([]byte, 31), Width: 4, Height: 4}, ErrPicture},
		"odd YUYV":         {Frame{Format: YUYV, Data: some, Width: 3, Height: 4}, ErrPicture},
		"huge YUYV":        {Frame{Format: YUYV, Width: math.MaxInt, Height: math.MaxInt}, ErrTooLarge},
		"short stride":     {Frame{Format: GREY, Data: some, Width: 8, Height: 8, Stride: 7}, ErrPicture},
		"negative stride":  {Frame{Format: GREY, Data: some, Width: 8, Height: 8, Stride: -8}, ErrPicture},
		"huge stride":      {Frame{Format: GREY, Data: some, Width: 8, Height: 8, Stride: math.MaxInt}, ErrPicture},
		"odd NV12":         {Frame{Format: NV12, Data: some, Width: 4, Height: 3}, ErrPicture},
		"NV12, only Y":     {Frame{Format: NV12, Data: some[:16], Width: 4, Height: 4}, ErrPicture},
		"short NV12":       {Frame{Format: NV12, Data: make([]byte, 23), Width: 4, Height: 4}, ErrPicture},
		"short GREY":       {Frame{Format: GREY, Data: make([]byte, 63), Width: 8, Height: 8}, ErrPicture},
	} {
		t.Run(name, func(t *testing.T) {
			eachDecoder(t, func(t *testing.T, d *Decoder) {
				if m, err := d.Decode(&c.f); !errors.Is(err, c.want) {
					t.Errorf("picture %t, err %v; want %v", m != nil, err, c.want)
				}
			})
		})
	}
}

// A transfer that broke off at any byte is an error: half a face must not be measured.
func TestDecodeTruncatedAnywhere(t *testing.T) {
	pic := testJPEG(t, 32, 32, 0)
	eachDecoder(t, func(t *testing.T, d *Decoder) {
		for n := range pic {
			if _, err := d.Decode(&Frame{Format: MJPG, Data: pic[:n]}); !errors.Is(err, ErrPicture) {
				t.Fatalf("%d of %d bytes: err %v", n, len(pic), err)
			}
		}
	})
}

func TestDecodeJPEGWithoutTables(t *testing.T) {
	pic := testJPEG(t, 64, 48, 3)
	want, err := jpeg.Decode(bytes.NewReader(pic))
	if err != nil {
		t.Fatal(err)
	}
	bare := withoutTables(pic)
	if _, err := jpeg.Decode(bytes.NewReader(bare)); err == nil {
		t.Fatal("the library needs no tables: the insertion can go")
	}
	eachDecoder(t, func(t *testing.T, d *Decoder) {
		for range 2 {
			got, err := d.Decode(&Frame{Format: MJPG, Data: bare})
			if err != nil {
				t.Fatal(err)
			}
			alike(t, got, want)
		}
	})
}

func TestDecodeYUYV(t *testing.T) {
	for _, stride := range []int{0, 8, 12} {
		line := max(stride, 8)
		data := make([]byte, line+8) // the last line's padding may be missing
		copy(data, []byte{1, 101, 2, 201, 3, 102, 4, 202})
		copy(data[line:], []byte{5, 103, 6, 203, 7, 104, 8, 204})
		var d Decoder
		m, err := d.Decode(&Frame{Format: YUYV, Width: 4, Height: 2, Stride: stride, Data: data})
		if err != nil {
			t.Fatal(err)
		}
		for i, want := range [][3]byte{{1, 101, 201}, {2, 101, 201}, {3, 102, 202}, {4, 102, 202},
			{5, 103, 203}, {6, 103, 203}, {7, 104, 204}, {8, 104, 204}} {
			if c := m.At(i%4, i/4).(color.YCbCr); [3]byte{c.Y, c.Cb, c.Cr} != want {
				t.Errorf("stride %d: pixel %d is %v, want %v", stride, i, c, want)
			}
		}
		if c := m.At(4, 0); c != (color.YCbCr{}) {
			t.Errorf("stride %d: beside the picture is %v", stride, c)
		}
	}
}

func TestDecodeNV12(t *testing.T) {
	for _, stride := range []int{0, 6} {
		line := max(stride, 4)
		data := make([]byte, 2*line+4)
		copy(data, []byte{1, 2, 3, 4})
		copy(data[line:], []byte{5, 6, 7, 8})
		copy(data[2*line:], []byte{101, 201, 102, 202})
		var d Decoder
		m, err := d.Decode(&Frame{Format: NV12, Width: 4, Height: 2, Stride: stride, Data: data})
		if err != nil {
			t.Fatal(err)
		}
		for i := range 8 {
			want := color.YCbCr{Y: byte(i + 1), Cb: byte(101 + i%4/2), Cr: byte(201 + i%4/2)}
			if c := m.At(i%4, i/4); c != want {
				t.Errorf("stride %d: pixel %d is %v, want %v", stride, i, c, want)
			}
		}
	}
}

func TestDecodeGREY(t *testing.T) {
	var d Decoder
	m, err := d.Decode(&Frame{Format: GREY, Width: 3, Height: 2, Stride: 4, Data: []byte{1, 2, 3, 0, 4, 5, 6}})
	if err != nil {
		t.Fatal(err)
	}
	if g := m.(*image.Gray); !bytes.Equal(g.Pix, []byte{1, 2, 3, 4, 5, 6}) {
		t.Errorf("pixels %v", g.Pix)
	}
}

// A camera that changes its size gets a picture of the new size, with nothing of the old in it.
func TestDecodeSizeChanges(t *testing.T) {
	var d Decoder
	for _, w := range []int{64, 32, 48} {
		m, err := d.Decode(&Frame{Format: YUYV, Width: w, Height: 8, Data: make([]byte, w*16)})
		if err != nil || m.Bounds() != image.Rect(0, 0, w, 8) {
			t.Errorf("width %d: %v, %v", w, m.Bounds(), err)
		}
	}
}

func TestDecodeDoesNotAllocate(t *testing.T) {
	var d Decoder
	frames := []*Frame{
		{Format: YUYV, Width: 640, Height: 480, Data: make([]byte, 640*480*2)},
		{Format: GREY, Width: 640, Height: 480, Data: make([]byte, 640*480)},
		{Format: NV12, Width: 640, Height: 480, Data: make([]byte, 640*480*3/2)},
	}
	if FastJPEG() == nil {
		frames = append(frames, &Frame{Format: MJPG, Data: testJPEG(t, 320, 240, 0)},
			&Frame{Format: MJPG, Data: withoutTables(testJPEG(t, 320, 240, 0))})
	}
	for _, f := range frames {
		if n := testing.AllocsPerRun(20, func() {
			if _, err := d.Decode(f); err != nil {
				t.Fatal(err)
			}
		}); n != 0 {
			t.Errorf("%s: %v allocations a frame", f.Format, n)
		}
	}
}

func BenchmarkDecode(b *testing.B) {
	pic := testJPEG(b, 640, 480, 0)
	for _, c := range []struct {
		name string
		d    Decoder
		f    Frame
	}{
		{"MJPG", Decoder{}, Frame{Format: MJPG, Data: pic}},
		{"MJPG without libturbojpeg", Decoder{plain: true}, Frame{Format: MJPG, Data: pic}},
		{"YUYV", Decoder{}, Frame{Format: YUYV, Width: 640, Height: 480, Data: make([]byte, 640*480*2)}},
		{"NV12", Decoder{}, Frame{Format: NV12, Width: 640, Height: 480, Data: make([]byte, 640*480*3/2)}},
		{"GREY", Decoder{}, Frame{Format: GREY, Width: 640, Height: 480, Data: make([]byte, 640*480)}},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := c.d.Decode(&c.f); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
