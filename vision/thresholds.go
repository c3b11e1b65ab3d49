package vision

import (
	"errors"
	"fmt"
)

// Thresholds of the pipeline and of a Visit. Start from DefaultThresholds and change what the shop needs.
// models/README.md has the measurements.
type Thresholds struct {
	FaceScore float32 // a detection counts from here, 0..1
	MeshScore float32 // a mesh counts from here, 0..1

	RivalMin      float32 // another face counts from this share of the largest one's width
	FaceMinPx     float32 // width of the face in pixels
	FaceMax       float32 // height of the face as a share of the frame's
	CentreMax     float32 // distance of face and frame centres, as a share of the frame's sides, 0..0.5
	BrightnessMin float32 // mean luma of the face, 0..1
	BrightnessMax float32
	SharpnessMin  float32 // see Look.Sharpness
	YawMax        float32 // degrees either way
	PitchMax      float32
	RollMax       float32

	Views Views // of the face, in one embedding; an embedder that takes two at once gets Both at no cost

	Match    float32 // cosine from which fused frames are a customer
	Margin   float32 // cosine by which that customer must be ahead of the best other
	Verify   float32 // cosine from which one frame still is the recognised customer
	SameFace float32 // cosine below which a frame shows another face than the frames before it
	Overlap  float32 // IoU of the face in two frames below which it has jumped, 0..1

	FuseMin  int // good frames before a match is tried, at least 3
	FuseMax  int // good frames after which an attempt has failed
	Attempts int // failed attempts that make a person unknown

	SmileRise   float32 // rise of Look.Smile over the person's own baseline
	SmileMin    float32 // and its least value, so that rest after a pout is no smile
	SmileFrames int     // good frames in a row that show it
	RestFrames  int     // good frames at rest that there must be between recognition and smile
}

// DefaultThresholds returns the values that the terminal ships with.
func DefaultThresholds() Thresholds {
	return Thresholds{
		FaceScore: 0.5, // MediaPipe face_detection_short_range.pbtxt
		MeshScore: 0.5, // MediaPipe face_landmark_cpu.pbtxt

		RivalMin:      0.5,   // someone twice as far away queues, and does not pay
		FaceMinPx:     100,   // LFW, where the thresholds come from: 79 to 160; about 0.8 m at 640 px
		FaceMax:       0.9,   // more has no room for the chin
		CentreMax:     0.3,   // farther out, the crop of the mesh leaves the frame
		BrightnessMin: 0.08,  // LFW darkened to 0.098: median cosine 0.93; to 0.049: 0.78
		BrightnessMax: 0.78,  // LFW: percentile 99.9 is 0.754; overexposed to 0.80: median cosine 0.80
		SharpnessMin:  0.006, // LFW: 99 % pass; blurred over 7 px (median cosine 0.87) less than 5 % do
		YawMax:        25,    // LFW: percentile 95 is 21
		PitchMax:      25,    // LFW: percentiles 1 and 99 are -26 and 21
		RollMax:       30,    // removed by the alignment; beyond it the detector gets unsure

		// A visit fuses frames, so half of them may show each view: both in every frame would take twice the time.
		// With both views true accepts at FAR 1e-5 are 91.8 %, with one 90.6 % (models/README.md).
		Views: Alternate,

		Match:    0.61, // LFW, all pairs, one photo and one view a side: FAR 1e-5 at 0.602
		Margin:   0.05, // the best other stays below 0.56, where all pairs have FAR 4e-5
		Verify:   0.54, // LFW, all pairs: FAR 1e-4 at 0.535
		SameFace: 0.46, // LFW, all pairs: FAR 1e-3 at 0.456; FRR 1.6 % between photos, far less in a visit
		Overlap:  0.3,  // a head moves less than half its width between two frames

		FuseMin:  3,
		FuseMax:  8,
		Attempts: 2,

		SmileRise:   0.10, // LFW: at rest 0.50 to 0.58, smiling 0.68 to 0.85
		SmileMin:    0.60, // LFW: above a mouth at rest
		SmileFrames: 4,    // 0.4 s at 10 frames a second: longer than a twitch
		RestFrames:  3,
	}
}

// ForEnrolment returns stricter thresholds for photos that all later visits are compared with.
func (t Thresholds) ForEnrolment() Thresholds {
	t.FaceMinPx = max(t.FaceMinPx, 120)        // the aligned face of 112 pixels is never enlarged
	t.SharpnessMin = max(t.SharpnessMin, 0.01) // LFW: 98 % pass
	t.YawMax, t.PitchMax = min(t.YawMax, 15), min(t.PitchMax, 20)
	t.Views = Both // once for all visits: worth twice the time
	return t
}

// Check reports thresholds that would recognise or charge just anybody. A Visit with such thresholds never
// gets beyond searching.
func (t Thresholds) Check() error {
	var bad error
	want := func(ok bool, name string, value any, what string) {
		if !ok {
			bad = errors.Join(bad, fmt.Errorf("vision: threshold %s is %v, want %s", name, value, what))
		}
	}
	want(t.Match > 0.3 && t.Match < 1, "match", t.Match, "0.3 to 1") // 0.35 already has FAR 1e-2
	want(t.Verify > 0.3 && t.Verify <= t.Match, "verify", t.Verify, "0.3 to match")
	want(t.SameFace > 0 && t.SameFace < 1, "same_face", t.SameFace, "0 to 1")
	want(t.Views >= Plain && t.Views <= Both, "views", t.Views, "0 to 2")
	want(t.Margin >= 0 && t.Margin < 1, "margin", t.Margin, "0 to 1")
	want(t.Overlap > 0 && t.Overlap < 1, "overlap", t.Overlap, "0 to 1")
	want(t.FuseMin >= 3 && t.FuseMax >= t.FuseMin, "fuse_min, fuse_max", []int{t.FuseMin, t.FuseMax},
		"3 or more, rising")
	want(t.Attempts >= 1, "attempts", t.Attempts, "1 or more")
	want(t.SmileRise >= 0.05 && t.SmileRise < 1, "smile_rise", t.SmileRise, "0.05 to 1")
	want(t.SmileMin > 0 && t.SmileMin < 1, "smile_min", t.SmileMin, "0 to 1")
	want(t.SmileFrames >= 2, "smile_frames", t.SmileFrames, "2 or more")
	want(t.RestFrames >= 2 && t.RestFrames <= window, "rest_frames", t.RestFrames, "2 to 64")
	return bad
}
