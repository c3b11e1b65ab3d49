package demo

import (
	"bytes"
	"image"
	"image/draw"
	"image/jpeg"
	"math"

	"smiletill/device/camera"
	"smiletill/vision/visits"
)

const (
	// photoClip is a photo of the customer that somebody holds up.
	photoClip = "customer_photo"
	// photoFrames are the pictures of it, after which its hand is where it began.
	photoFrames = 30
	// photoSway is how far the hand moves it, in pixels.
	photoSway = 6
)

// photoOf is one picture of a visit's end as a hand holds it up: it moves, and nothing in it does.
func photoOf(clip string) (*camera.Clip, error) {
	c, err := visits.Open(clip)
	if err != nil {
		return nil, err
	}
	img, err := jpeg.Decode(bytes.NewReader(c.Frames[len(c.Frames)-1-visits.FPS]))
	if err != nil {
		return nil, err
	}
	var frames [][]byte
	for i := range photoFrames {
		turn := 2 * math.Pi * float64(i) / photoFrames
		at := image.Pt(int(math.Round(photoSway*math.Sin(turn))), int(math.Round(photoSway/2*math.Sin(2*turn))))
		moved := image.NewRGBA(img.Bounds())
		draw.Draw(moved, moved.Rect, img, img.Bounds().Min, draw.Src) // what the hand uncovers
		draw.Draw(moved, moved.Rect.Add(at), img, img.Bounds().Min, draw.Src)
		var out bytes.Buffer
		if err := jpeg.Encode(&out, moved, &jpeg.Options{Quality: mirrorQuality}); err != nil {
			return nil, err
		}
		frames = append(frames, out.Bytes())
	}
	return load(photoClip, frames)
}
