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

// The technician reads of two people before whom a payment waited, by the film's own time, until somebody
// pays.
func TestTechnicianIsToldOfASecondFace(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	two := film(t, "two_people", func(f []byte) []byte { return f }).Play(camera.Playback{Clock: 5, Loop: true})
	live := camera.NewSwitch(two)
	s.Source = live
	s.Flags = append(s.Flags, "--camera-realtime=false")
	s.EnrolCustomer()
	s.Open()
	s.Pay("one", "1.00")
	s.Eventually("the technician reads of it", func() bool {
		row := pictureRow(t, s)
		return strings.Contains(row, "more than one face") && strings.Contains(row, "camera.region")
	})
	live.Cut(film(t, "customer_smile", func(f []byte) []byte { return f }).Play(
		camera.Playback{Clock: visits.FPS, Loop: true}))
	s.WantEnd("one", string(payment.StateApproved), "")
	if now := pictureRow(t, s); now != "" {
		t.Errorf("after a customer paid: %s", now)
	}
}

// pictureRow is what the technician reads of the picture, or "".
func pictureRow(t *testing.T, s *shop) string {
	for _, row := range s.Term.StatusRows(t.Context()) {
		if row.Name == "picture" {
			return row.Value + ": " + row.Do
		}
	}
	return ""
}

// A customer pays beside a poster, and the technician reads on which side it hangs and what to do.
func TestCustomerPaysBesideAPoster(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.Source = beside(t).Play(camera.Playback{Clock: visits.FPS, Loop: true})
	s.Flags = append(s.Flags, "--camera-realtime=false")
	s.EnrolCustomer()
	s.Open()
	s.Pay("one", "1.00")
	s.WantEnd("one", string(payment.StateApproved), "")
	if row := pictureRow(t, s); !strings.Contains(row, "right of the customer") ||
		!strings.Contains(row, `camera.region = "0,0,0.7,1"`) {
		t.Errorf("the technician reads %q", row)
	}
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
