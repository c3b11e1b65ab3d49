package models_test

import (
	"fmt"

	"smiletill/models"
)

func Example() {
	m, err := models.Built()
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, mod := range m.Models {
		fmt.Println(mod.Task, mod.File, mod.Inputs[0].Shape)
	}
	// Output:
	// detect face_detection_short_range.tflite [1 128 128 3]
	// mesh face_landmark.tflite [1 192 192 3]
	// embed mobilefacenet.tflite [2 112 112 3]
}
