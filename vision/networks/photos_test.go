//go:build !notflite

package networks_test

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/draw"
	"image/jpeg"
	"testing"

	"smiletill/models"
	"smiletill/vision/networks"
	"smiletill/vision/visits"
)

// bend makes a picture of each pixel of another, or of its neighbours.
func bend(m image.Image, at func(x, y int) (int, int), light float64) image.Image {
	b := m.Bounds()
	from := image.NewRGBA(b)
	draw.Draw(from, b, m, b.Min, draw.Src)
	out := image.NewRGBA(b)
	for y := b.Min.Y; y < b.Max.Y; y++ {
		for x := b.Min.X; x < b.Max.X; x++ {
			u, v := at(x, y)
			c := from.RGBAAt(min(max(u, b.Min.X), b.Max.X-1), min(max(v, b.Min.Y), b.Max.Y-1))
			for _, p := range []*uint8{&c.R, &c.G, &c.B} {
				*p = uint8(min(float64(*p)*light, 255))
			}
			out.SetRGBA(x, y, c)
		}
	}
	return out
}

// copies are one photo in ways in which it is given thrice.
func copies(t *testing.T, m image.Image) map[string]image.Image {
	t.Helper()
	stay := func(x, y int) (int, int) { return x, y }
	b := m.Bounds()
	all := map[string]image.Image{
		"darker": bend(m, stay, 0.8), "brighter": bend(m, stay, 1.15),
		"mirrored": bend(m, func(x, y int) (int, int) { return b.Max.X - 1 - x, y }, 1),
		"shifted":  bend(m, func(x, y int) (int, int) { return x + 3, y + 3 }, 1),
		"cut":      bend(m, stay, 1).(*image.RGBA).SubImage(b.Inset(12)),
	}
	for _, quality := range []int{90, 80, 70} {
		all[fmt.Sprintf("saved at %d", quality)] = m
	}
	for name, m := range all {
		quality := 90
		_, _ = fmt.Sscanf(name, "saved at %d", &quality)
		var file bytes.Buffer
		err := jpeg.Encode(&file, m, &jpeg.Options{Quality: quality})
		if err == nil {
			all[name], err = jpeg.Decode(&file)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return all
}

// One photo, changed by a program as anybody's does, is no second one; photos of other moments are.
func TestOnePhotoIsNotTwo(t *testing.T) {
	set, err := models.Open("../../models")
	if err != nil {
		t.Fatal(err)
	}
	l, err := networks.OpenLooker(set)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	var others []networks.Photo
	for i := 1; i <= 5; i++ {
		data, err := visits.Photo(fmt.Sprintf("enrol_%d", i))
		if err != nil {
			t.Fatal(err)
		}
		m, err := jpeg.Decode(bytes.NewReader(data))
		if err != nil {
			t.Fatal(err)
		}
		others = append(others, networks.Photo{Name: fmt.Sprintf("enrol_%d.jpg", i), Image: m})
	}
	if _, _, err := l.Templates(others); err != nil {
		t.Errorf("photos of other moments: %v", err)
	}
	all := copies(t, others[0].Image)
	refused := func(name string, a, b image.Image) {
		t.Helper()
		_, _, err := l.Templates([]networks.Photo{{Name: "one", Image: a}, others[2], {Name: name, Image: b}})
		var h interface{ Hint() string }
		if !errors.Is(err, networks.ErrOnePhoto) || !errors.As(err, &h) || h.Hint() == "" {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, m := range all {
		refused(name, others[0].Image, m)
	}
	refused("saved at 90 and at 70", all["saved at 90"], all["saved at 70"])
	refused("darker and brighter", all["darker"], all["brighter"])
	refused("mirrored and shifted", all["mirrored"], all["shifted"])
}
