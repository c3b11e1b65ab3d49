package vision

import (
	"fmt"
	"image"
	"math"
	"testing"
)

// lying is a picture that is upright when it is turned.
type lying struct {
	image.Image
	quarters int
}

func (l lying) Turned() (image.Image, int) { return l.Image, l.quarters }

// turnedPixels turns the pixels of a picture clockwise.
func turnedPixels(m *image.YCbCr, quarters int) *image.YCbCr {
	for range quarters {
		w, h := m.Rect.Dx(), m.Rect.Dy()
		n := image.NewYCbCr(image.Rect(0, 0, h, w), image.YCbCrSubsampleRatio444)
		for y := range h {
			for x := range w {
				from, to := m.YOffset(x, y), n.YOffset(h-1-y, x)
				n.Y[to], n.Cb[to], n.Cr[to] = m.Y[from], m.Cb[from], m.Cr[from]
			}
		}
		m = n
	}
	return m
}

// What the networks are given of a picture that lies on its side is what they are given of the upright one.
func TestTurnedPicturesAreSeenUpright(t *testing.T) {
	m := image.NewYCbCr(image.Rect(0, 0, 320, 240), image.YCbCrSubsampleRatio444)
	for i := range m.Y {
		x, y := float64(i%320), float64(i/320)
		m.Y[i] = uint8(128 + 60*math.Sin(x/9) + 60*math.Cos(y/13))
		m.Cb[i], m.Cr[i] = uint8(i%320/2), uint8(i/320)
	}
	a := affine{x0: 40, xi: 1.3, xj: -0.4, y0: 60, yi: 0.4, yj: 1.3} // a face that is held at a slant
	for quarters := range 4 {
		t.Run(fmt.Sprint(quarters), func(t *testing.T) {
			var upright, turned frame
			if err := upright.set(turnedPixels(m, quarters)); err != nil {
				t.Fatal(err)
			}
			if err := turned.set(lying{m, quarters}); err != nil {
				t.Fatal(err)
			}
			uw, uh := upright.size()
			if w, h := turned.size(); w != uw || h != uh {
				t.Fatalf("size %dx%d, want %dx%d", w, h, uw, uh)
			}
			tone := newTone(1, 0)
			for _, taps := range []int{1, 2} {
				got, want := make([]float32, 112*112*3), make([]float32, 112*112*3)
				upright.crop(want, 112, a, taps, tone)
				turned.crop(got, 112, a, taps, tone)
				near(t, fmt.Sprintf("crop with %d taps", taps), got, want)
			}
			got := make([]float32, detectSide*detectSide*3)
			want := make([]float32, detectSide*detectSide*3)
			for _, one := range []struct {
				f  *frame
				in []float32
			}{{&upright, want}, {&turned, got}} {
				area, a, taps := letterbox(one.f)
				bars(one.in, area)
				one.f.shrink(one.in, area, a, taps, tone)
				turn(one.in, detectSide, one.f.quarters)
			}
			near(t, "the detector's input", got, want)
		})
	}
}

func near(t *testing.T, what string, got, want []float32) {
	t.Helper()
	for i := range got {
		if d := got[i] - want[i]; d > 1.5 || d < -1.5 { // of 255: samples lie between others' pixels
			t.Fatalf("%s: value %d is %v, want %v", what, i, got[i], want[i])
		}
	}
}
