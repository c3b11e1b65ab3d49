//go:build !notflite

package terminal_test

import (
	"bytes"
	"image"
	"image/draw"
	"image/jpeg"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"smiletill/cmd/smiletill/control"
	"smiletill/device/camera"
	"smiletill/device/screen"
	"smiletill/payment"
	"smiletill/vision/visits"
)

// film makes a clip of a visit's frames, each changed by how.
func film(t *testing.T, name string, how func([]byte) []byte) *camera.Clip {
	t.Helper()
	visit, err := visits.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	var data []byte
	for _, f := range visit.Frames {
		data = append(data, how(f)...)
	}
	clip, err := camera.Load(fstest.MapFS{"clip.mjpeg": {Data: data}}, "clip.mjpeg")
	if err != nil {
		t.Fatal(err)
	}
	return clip
}

// cut takes the middle of a JPEG's picture data out, as a bad cable does: its end is there.
func cut(f []byte) []byte {
	scan := bytes.Index(f, []byte{0xff, 0xda})
	return slices.Concat(f[:scan+(len(f)-scan)/8], []byte{0xff, 0xd9})
}

// A camera whose every picture is damaged is out of order, in a payment and while nobody pays, until one can
// be decoded again.
func TestEveryPictureIsDamaged(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	play := camera.Playback{FPS: visits.FPS, Loop: true}
	whole := film(t, "idle", func(f []byte) []byte { return f })
	torn := film(t, "customer_smile", cut)
	live := camera.NewSwitch(whole.Play(play))
	s.Source = live
	s.EnrolCustomer()
	s.Open()
	s.Pay("one", "1.00")
	live.Cut(torn.Play(play))
	p := s.WantEnd("one", string(payment.StateCancelled), string(payment.ReasonDeviceFailed))
	if !strings.Contains(p.Detail, "camera") {
		t.Errorf("payment: %+v", p)
	}
	s.Eventually("out of order on the screen", func() bool { return s.Sees(screen.OutOfOrder) })
	s.Eventually("the technician reads of it", func() bool {
		row := s.cameraRow()
		return row.Level == screen.LevelFault && strings.Contains(row.Value, "in a row") && row.Do != ""
	})
	live.Cut(whole.Play(play))
	s.Eventually("an end of it", func() bool { return s.cameraRow().Level != screen.LevelFault })

	// Nobody pays: it is found all the same.
	live.Cut(torn.Play(play))
	s.Eventually("a fault again", func() bool { return s.cameraRow().Level == screen.LevelFault })
	s.Eventually("out of order again", func() bool { return s.Sees(screen.OutOfOrder) })
	two := control.PaymentRequest{ID: "two", Amount: "1.00", Currency: "EUR"}
	if _, err := s.Begin(t.Context(), two); err == nil {
		t.Error("a payment began without a picture")
	}
}

func (s *shop) cameraRow() screen.StatusRow {
	for _, row := range s.Term.StatusRows(s.T.Context()) {
		if row.Name == "camera" {
			return row
		}
	}
	return screen.StatusRow{}
}

// A customer pays at a camera that hangs on its side.
func TestTurnedCamera(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	lying := film(t, "customer_smile", func(f []byte) []byte {
		m, err := jpeg.Decode(bytes.NewReader(f))
		if err != nil {
			t.Fatal(err)
		}
		m = camera.Turn(m, 1)
		lies := image.NewRGBA(m.Bounds())
		draw.Draw(lies, lies.Rect, m, image.Point{}, draw.Src)
		var b bytes.Buffer
		if err := jpeg.Encode(&b, lies, &jpeg.Options{Quality: 90}); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	})
	s.Source = lying.Play(camera.Playback{FPS: 3 * visits.FPS, Loop: true})
	s.Flags = append(s.Flags, "--camera-rotate", "270")
	s.EnrolCustomer()
	s.Open()
	s.Pay("one", "1.00")
	s.WantEnd("one", string(payment.StateApproved), "")
}
