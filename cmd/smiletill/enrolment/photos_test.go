//go:build !notflite

package enrolment_test

import (
	"bytes"
	"image"
	"image/color"
	"image/draw"
	"image/jpeg"
	"strings"
	"testing"

	"smiletill/cmd/smiletill/control"
	"smiletill/cmd/smiletill/enrolment"
	"smiletill/models"
	"smiletill/payment"
	"smiletill/vision/networks"
	"smiletill/vision/visits"
)

func open() (*networks.Looker, error) {
	set, err := models.Open("")
	if err != nil {
		return nil, err
	}
	return networks.OpenLooker(set)
}

// wall is a large photo of a wall, in which small ones hang.
func wall(t *testing.T, w, h int, at map[image.Point]string) enrolment.File {
	t.Helper()
	m := image.NewRGBA(image.Rect(0, 0, w, h))
	draw.Draw(m, m.Rect, image.NewUniform(color.RGBA{120, 118, 110, 255}), image.Point{}, draw.Src)
	for p, name := range at {
		data, err := visits.Photo(name)
		if err != nil {
			t.Fatal(err)
		}
		photo, err := jpeg.Decode(bytes.NewReader(data))
		if err != nil {
			t.Fatal(err)
		}
		draw.Draw(m, image.Rectangle{p, p.Add(photo.Bounds().Size())}, photo, image.Point{}, draw.Src)
	}
	var data bytes.Buffer
	if err := jpeg.Encode(&data, m, &jpeg.Options{Quality: 90}); err != nil {
		t.Fatal(err)
	}
	return enrolment.Held("wall.jpg", data.Bytes())
}

// A face is found in a large photo, wherever it is, and gives the template that a photo of it alone gives.
func TestPhotosOfAFaceFarAway(t *testing.T) {
	l, err := open()
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	template := func(p control.Photo) []float32 {
		t.Helper()
		m, err := p.Image()
		if err != nil {
			t.Fatal(err)
		}
		all, _, err := l.Templates([]networks.Photo{{Name: p.Name, Image: m}})
		if err != nil {
			t.Fatal(err)
		}
		return all[0]
	}
	near, err := visits.Photo("enrol_1")
	if err != nil {
		t.Fatal(err)
	}
	photos, err := enrolment.Photos([]enrolment.File{
		enrolment.Held("near.jpg", near),
		wall(t, 4000, 3000, map[image.Point]string{{X: 300, Y: 2300}: "enrol_1"}),
		wall(t, 3000, 4000, map[image.Point]string{{X: 1330, Y: 1700}: "enrol_1"}),
	}, open)
	if err != nil {
		t.Fatal(err)
	}
	want := template(photos[0])
	for i, p := range photos[1:] {
		if max(p.Width, p.Height) > control.PhotoSide {
			t.Errorf("photo %d has %dx%d pixels", i, p.Width, p.Height)
		}
		same := float32(0)
		for k, v := range template(p) {
			same += v * want[k]
		}
		if same < 0.95 {
			t.Errorf("photo %d: cosine %v with the face alone", i, same)
		}
	}
}

func TestPhotosRefuse(t *testing.T) {
	for _, c := range []struct {
		name, says, hint string
		file             enrolment.File
	}{
		{"nobody", "no face is in it", "cut it out", wall(t, 2000, 1500, nil)},
		{"two", "more than one face", "again", wall(t, 2400, 1800, map[image.Point]string{
			{X: 100, Y: 100}: "enrol_1", {X: 1500, Y: 1200}: "enrol_2"})},
		{"two and the nearer is blurred", "is blurred:", "again", wall(t, 2400, 1800, map[image.Point]string{
			{X: 100, Y: 100}: "bad_blurred", {X: 1500, Y: 1200}: "bad_blurred"})},
		{"a HEIC", "HEIC", "JPEG", enrolment.Held("IMG_1.HEIC",
			[]byte("\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic"))},
	} {
		_, err := enrolment.Photos([]enrolment.File{c.file}, open)
		if err == nil || !strings.Contains(err.Error(), c.says) || !strings.Contains(payment.HintOf(err), c.hint) {
			t.Errorf("%s: %v, hint %q", c.name, err, payment.HintOf(err))
		}
	}
}

// In what is blurred the detector may see two faces: that the nearest is blurred is said first. Two that are
// sharp are two, and nobody is enrolled from either.
func TestBlurredBeforeSeveral(t *testing.T) {
	l, err := open()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	for name, says := range map[string]string{"bad_blurred": "is blurred", "enrol_1": "more than one face"} {
		data, err := wall(t, 980, 480, map[image.Point]string{
			{X: -150}: name, {X: 490}: "enrol_2"}).Read()
		if err != nil {
			t.Fatal(err)
		}
		m, err := jpeg.Decode(bytes.NewReader(data))
		if err != nil {
			t.Fatal(err)
		}
		_, _, err = l.Templates([]networks.Photo{{Name: name, Image: m}})
		if err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s beside another: %v, want %q", name, err, says)
		}
	}
}
