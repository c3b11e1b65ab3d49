package visits_test

import (
	"bytes"
	"fmt"
	"image/jpeg"

	"smiletill/vision/visits"
)

func Example() {
	clip, err := visits.Open("customer_smile")
	if err != nil {
		fmt.Println(err)
		return
	}
	img, err := jpeg.Decode(bytes.NewReader(clip.Frames[clip.Smiles]))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%d frames of %v at %d a second; at the terminal from %d, smiling from %d\n",
		len(clip.Frames), img.Bounds().Size(), visits.FPS, clip.Near, clip.Smiles)
	// Output: 48 frames of (640,480) at 10 a second; at the terminal from 13, smiling from 30
}
