//go:build !notflite

package networks_test

import (
	"bytes"
	"fmt"
	"image/jpeg"

	"smiletill/models"
	"smiletill/vision/networks"
	"smiletill/vision/visits"
)

// Photos of one person become templates; one without a face is refused by its name.
func ExampleLooker_Templates() {
	set, err := models.Open("")
	if err != nil {
		fmt.Println(err)
		return
	}
	l, err := networks.OpenLooker(set)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer l.Close()
	for _, name := range []string{"enrol_1", "bad_no_face"} {
		data, err := visits.Photo(name)
		if err != nil {
			fmt.Println(err)
			return
		}
		img, err := jpeg.Decode(bytes.NewReader(data))
		if err != nil {
			fmt.Println(err)
			return
		}
		templates, _, err := l.Templates([]networks.Photo{{Name: name + ".jpg", Image: img}})
		fmt.Println(len(templates), err)
	}
	// Output:
	// 1 <nil>
	// 0 photo 1 (bad_no_face.jpg) can't be used: no face is in it
}
