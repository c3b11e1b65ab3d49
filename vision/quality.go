package vision

// Reason says in one word why a frame cannot be used; "" when it can. The screen has a sentence for each.
type Reason string

// The reasons, in the order in which they are looked for.
const (
	NoFace       Reason = "no_face"
	SeveralFaces Reason = "several_faces"
	TooFar       Reason = "too_far"
	TooClose     Reason = "too_close"
	OffCentre    Reason = "off_centre"
	TooDark      Reason = "too_dark"
	TooBright    Reason = "too_bright"
	Blurred      Reason = "blurred"
	TurnedAway   Reason = "turned_away"
)

// placed judges the number, size and place of the faces in a frame of w x h pixels; main is the largest of
// them.
func (t *Thresholds) placed(main *face, rivals int, w, h int) Reason {
	cx, cy := (main.x0+main.x1)/2/float32(w)-0.5, (main.y0+main.y1)/2/float32(h)-0.5
	switch {
	case rivals > 0:
		return SeveralFaces
	case main.width() < t.FaceMinPx:
		return TooFar
	case main.height() > t.FaceMax*float32(h):
		return TooClose
	case max(cx, -cx) > t.CentreMax || max(cy, -cy) > t.CentreMax:
		return OffCentre
	}
	return ""
}

// lit judges the light and the sharpness of the face.
func (t *Thresholds) lit(brightness, sharpness float32) Reason {
	switch {
	case brightness < t.BrightnessMin:
		return TooDark
	case brightness > t.BrightnessMax:
		return TooBright
	case sharpness < t.SharpnessMin:
		return Blurred
	}
	return ""
}

// facing judges where the head points.
func (t *Thresholds) facing(p Pose) Reason {
	if max(p.Yaw, -p.Yaw) > t.YawMax || max(p.Pitch, -p.Pitch) > t.PitchMax || max(p.Roll, -p.Roll) > t.RollMax {
		return TurnedAway
	}
	return ""
}

// rgb of luma, ITU-R BT.601.
const lumaR, lumaG, lumaB = 0.299, 0.587, 0.114

// light measures the middle of a mesh crop, where the face is: brightness is its mean luma, 0..1; sharpness
// is the mean square of the Laplacian over the variance, which grows with fine detail and does not depend
// on light and contrast.
//
//go:norace
func light(crop []float32) (brightness, sharpness float32) {
	const from, to = meshSide / 5, meshSide - meshSide/5
	var sum, square, fine float64
	luma := func(x, y int) float32 {
		p := crop[(y*meshSide+x)*3:]
		return lumaR*p[0] + lumaG*p[1] + lumaB*p[2]
	}
	for y := from; y < to; y++ {
		left, here := luma(from-1, y), luma(from, y)
		for x := from; x < to; x++ {
			right := luma(x+1, y)
			edge := 4*here - left - right - luma(x, y-1) - luma(x, y+1)
			sum += float64(here)
			square += float64(here) * float64(here)
			fine += float64(edge) * float64(edge)
			left, here = here, right
		}
	}
	const n = (to - from) * (to - from)
	mean := sum / n
	return float32(mean), ratio(fine/n, square/n-mean*mean)
}
