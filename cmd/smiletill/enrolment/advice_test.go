//go:build !notflite

package enrolment_test

import (
	"math"
	"testing"

	"smiletill/cmd/smiletill/control"
	"smiletill/cmd/smiletill/enrolment"
	"smiletill/models"
	"smiletill/vision/networks"
)

// TestAdvice: an enrolment says which photo to take again: of those that are as if of one moment the one that
// has the most like it, of two the later.
func TestAdvice(t *testing.T) {
	set, err := models.Open("")
	if err != nil {
		t.Fatal(err)
	}
	l, err := networks.OpenLooker(set)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	// A photo is an angle between two directions.
	at := func(degrees ...float64) (all [][]float32, photos []control.Photo) {
		for i, d := range degrees {
			sin, cos := math.Sincos(d * math.Pi / 180)
			all = append(all, []float32{float32(cos), float32(sin)})
			photos = append(photos, control.Photo{Name: string(rune('a'+i)) + ".jpg"})
		}
		return all, photos
	}
	const say = "are of one moment, or as good as: the two are worth one. Take "
	const also = " again, on another day or in other light"
	for _, c := range []struct {
		name   string
		angles []float64
		want   string
	}{
		{"of three moments", []float64{0, 30, 60}, ""},
		{"nobody's", nil, ""},
		{"two of one moment", []float64{0, 30, 33},
			"photo 2 (b.jpg) and photo 3 (c.jpg) " + say + "photo 3 (c.jpg)" + also},
		{"the first like two", []float64{15, 0, 30, 90},
			"photo 1 (a.jpg) and photo 2 (b.jpg) " + say + "photo 1 (a.jpg)" + also},
		{"all of one", []float64{0, 1, 2}, "photo 1 (a.jpg) and photo 3 (c.jpg) " + say + "photo 3 (c.jpg)" + also},
	} {
		templates, photos := at(c.angles...)
		if got := enrolment.Advice(l, photos, templates); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}
