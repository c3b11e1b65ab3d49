//go:build !notflite

package terminal_test

import (
	"bytes"
	"image"
	"image/jpeg"
	"strings"
	"testing"

	"smiletill/device/camera"
	"smiletill/payment"
	"smiletill/vision/visits"
)

// beside is a film of the customer who smiles beside a poster that shows somebody else.
func beside(t *testing.T) *camera.Clip {
	t.Helper()
	data, err := visits.Photo("bad_two_faces")
	if err != nil {
		t.Fatal(err)
	}
	picture := func(data []byte) *image.YCbCr {
		m, err := jpeg.Decode(bytes.NewReader(data))
		if err != nil {
			t.Fatal(err)
		}
		return m.(*image.YCbCr)
	}
	two := picture(data)
	return film(t, "customer_smile", func(f []byte) []byte {
		both := picture(f)
		for y := 60; y < 420; y++ { // with both of chroma's halves at even places
			to, from, c, cf := both.YOffset(430, y), two.YOffset(366, y), both.COffset(430, y), two.COffset(366, y)
			copy(both.Y[to:to+210], two.Y[from:])
			copy(both.Cb[c:c+105], two.Cb[cf:])
			copy(both.Cr[c:c+105], two.Cr[cf:])
		}
		var b bytes.Buffer
		if err := jpeg.Encode(&b, both, &jpeg.Options{Quality: 90}); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	})
}

// A customer pays beside a poster that camera.region leaves out, and the technician can read that it does.
func TestPosterOutsideTheRegion(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.Source = beside(t).Play(camera.Playback{FPS: 3 * visits.FPS, Loop: true})
	s.Flags = append(s.Flags, "--camera-region", "0.1,0,0.7,1")
	s.EnrolCustomer()
	s.Open()
	s.Pay("one", "1.00")
	s.WantEnd("one", string(payment.StateApproved), "")
	if row := s.cameraRow(); !strings.Contains(row.Value, "customers' faces in 0.1 to 0.7 of the width") {
		t.Errorf("the technician reads %+v", row)
	}
}
