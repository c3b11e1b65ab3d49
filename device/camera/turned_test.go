package camera

import (
	"fmt"
	"image"
	"image/color"
	"testing"
)

// A turned picture is, pixel by pixel, the one that the camera would have given upright, and costs no memory.
func TestDecodeTurned(t *testing.T) {
	f := Frame{Format: GREY, Width: 3, Height: 2, Data: []byte{1, 2, 3, 4, 5, 6}}
	for degrees, want := range map[int]string{
		0: "3x2 [1 2 3 4 5 6]", 90: "2x3 [4 1 5 2 6 3]", 180: "3x2 [6 5 4 3 2 1]", 270: "2x3 [3 6 2 5 1 4]",
	} {
		d := Decoder{Rotate: degrees}
		m, err := d.Decode(&f)
		if err != nil {
			t.Fatal(err)
		}
		if got := pixels(m); got != want {
			t.Errorf("%d degrees: %s, want %s", degrees, got, want)
		}
		for more := range 4 { // and on from there
			all := Decoder{Rotate: (degrees + 90*more) % 360}
			whole, err := all.Decode(&f)
			if err != nil {
				t.Fatal(err)
			}
			if got := pixels(Turn(m, more)); got != pixels(whole) {
				t.Errorf("%d and %d quarters: %s, want %s", degrees, more, got, pixels(whole))
			}
		}
		if n := testing.AllocsPerRun(20, func() { _, _ = d.Decode(&f) }); n != 0 {
			t.Errorf("%d degrees: %v allocations a frame", degrees, n)
		}
	}
}

// A picture of which a part counts says which, is shown whole, and costs no memory; turned anew all of it
// counts.
func TestDecodeFramed(t *testing.T) {
	f := Frame{Format: GREY, Width: 3, Height: 2, Data: []byte{1, 2, 3, 4, 5, 6}}
	for degrees, want := range map[int]string{0: "3x2 [1 2 3 4 5 6]", 90: "2x3 [4 1 5 2 6 3]"} {
		d := Decoder{Rotate: degrees, Region: Region{0.25, 0, 0.75, 1}}
		m, err := d.Decode(&f)
		if err != nil {
			t.Fatal(err)
		}
		framed, ok := m.(*Framed)
		if !ok || pixels(m) != want {
			t.Fatalf("%d degrees: %T %s, want %s", degrees, m, pixels(m), want)
		}
		if left, top, right, bottom := framed.Region(); (Region{left, top, right, bottom}) != d.Region {
			t.Errorf("the region is %v %v %v %v", left, top, right, bottom)
		}
		if lies, quarters := Turn(m, 1).Turned(); quarters != degrees/90+1 || lies.Bounds().Dx() != 3 {
			t.Errorf("turned once more: %d quarters of %v", quarters, lies.Bounds())
		}
		if n := testing.AllocsPerRun(20, func() { _, _ = d.Decode(&f) }); n != 0 {
			t.Errorf("%d degrees: %v allocations a frame", degrees, n)
		}
	}
	for _, r := range []Region{{}, {0, 0, 1, 1}} {
		d := Decoder{Region: r}
		if m, err := d.Decode(&f); err != nil || !r.Whole() {
			t.Errorf("%v: %v", r, err)
		} else if _, framed := m.(*Framed); framed {
			t.Errorf("%v leaves something out", r)
		}
	}
}

func TestRegionInPixels(t *testing.T) {
	b := image.Rect(10, 20, 330, 260)
	for r, want := range map[Region]image.Rectangle{
		{}: b, {0, 0, 1, 1}: b, {0.25, 0.5, 0.75, 1}: image.Rect(90, 140, 250, 260),
	} {
		if got := r.In(b); got != want {
			t.Errorf("%v: %v, want %v", r, got, want)
		}
	}
}

func pixels(m image.Image) string {
	b := m.Bounds()
	var all []uint8
	for y := b.Min.Y; y < b.Max.Y; y++ {
		for x := b.Min.X; x < b.Max.X; x++ {
			all = append(all, m.At(x, y).(color.Gray).Y)
		}
	}
	return fmt.Sprintf("%dx%d %v", b.Dx(), b.Dy(), all)
}
