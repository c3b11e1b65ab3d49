package vision

import (
	"errors"
	"fmt"
	"time"
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

	Match    float32 // cosine from which fused frames are a customer, unless the Matcher is Sized
	Margin   float32 // cosine by which that customer must be ahead of the best other
	Verify   float32 // cosine from which one frame still is the recognised customer
	SameFace float32 // cosine below which a frame shows another face than the frames before it
	Overlap  float32 // IoU of the face in two frames below which it has jumped, 0..1

	// What has to last does so for a time and for a number of frames: the time makes it the same for every
	// camera, the number for one that gives few frames.
	GapMax     time.Duration // between two frames; after more nobody knows who stood there
	FuseMin    int           // good frames before a match is tried, at least 3
	FuseMinFor time.Duration // and from the first to the last of them
	FuseMax    int           // good frames after which an attempt has failed
	FuseMaxFor time.Duration // and from the first to the last of them
	Attempts   int           // failed attempts that make a person unknown; one for a stranger who comes back

	PatienceFor time.Duration // unknown faces may stand there, together, before the visit is refused

	SmileRise   float32       // rise of Look.Smile over the person's own baseline
	SmileMin    float32       // and its least value, so that rest after a pout is no smile
	SmileShare  float32       // of the rise of the customer's own smile, where it is known, is enough
	SmileLeast  float32       // but never less than this rise
	SmileMost   float32       // and never more is asked for
	RestSlack   float32       // the rest is not lower than the customer's own by more
	LipsMax     float32       // Look.Lips from which a mouth is open for something else
	LipsShut    float32       // Look.Lips up to which a mouth counts as shut
	LipsRise    float32       // rise that is wanted on top of SmileLeast for each eye span beyond LipsShut
	SmileYawMax float32       // degrees either way beyond which a face shows neither smile nor rest
	SmileFrames int           // good frames that show it
	SmileFor    time.Duration // and from the first to the last of them, at least 300 ms
	SmileGap    time.Duration // between two of them, in which frames may not show it
	RestSlots   int           // tenths of a second at rest that there must be between recognition and smile

	// The answer to the light code: correlations of the colours of the face, of its forehead and of its cheeks
	// with the screen's, 0..1; below LightFail something else is there than a face. LightLean is how much more
	// the lower face answers than the forehead, as a share of the whole.
	LightMatch, LightForehead, LightCheeks, LightFail float32
	LightLeanMin, LightLeanMax                        float32

	PassiveMin float32 // Passive.Live from which one picture alone is not an artefact's, 0..1
}

// DefaultThresholds returns the values that the terminal ships with. Its cosines are those of the small
// set's network, the highest of the networks that are built in; a terminal has those of its models' manifest
// (networks.ThresholdsOf).
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
		// With both views true accepts at FAR 1e-5 are 97.3 %, with one 96.7 % (models/README.md).
		Views: Alternate,

		Match:    0.61, // LFW, all pairs, one photo and one view a side: FAR 1e-5 at 0.605 (MobileFaceNet)
		Margin:   0.05, // the best other stays below 0.56, where all pairs have FAR 4e-5
		Verify:   0.54, // LFW, all pairs: FAR 1e-4 at 0.535
		SameFace: 0.46, // LFW, all pairs: FAR 1e-3 at 0.457; FRR 1.5 % between photos, far less in a visit
		Overlap:  0.3,  // a head moves less than half its width between two frames

		GapMax:     2 * time.Second, // the slowest device that works; a swap within it is seen by the embeddings
		FuseMin:    3,
		FuseMinFor: 190 * time.Millisecond, // 3 frames at 10 a second
		FuseMax:    8,
		FuseMaxFor: 690 * time.Millisecond, // 8 frames at 10 a second
		Attempts:   2,

		PatienceFor: 3 * time.Second, // after some 1.5 s until the face is unknown: time to step aside

		SmileRise: 0.15, // London set: 0.5 % of resting frames, 95 % of smiling photos (models/README.md)
		SmileMin:  1.0,  // London set: 1.5 % of smiles are below it, and two of three faces at rest
		// London set, every other person: 91.5 % of smiling frames instead of 90.7 at 0.3 % of resting frames, and
		// of the others 97.9 both ways; 60 bent portraits that talk, yawn, chew, turn and rest: none reaches 0.14
		// (vision/README.md).
		SmileShare: 0.5,
		SmileLeast: 0.14,
		SmileMost:  0.25,
		RestSlack:  0.05,
		// London set: smiles that show the teeth up to 0.196. Bent portraits that yawn: 0.22 to 0.35, and half of
		// them pass for a smile (vision/README.md).
		LipsMax: 0.2,
		// London set, lips 0.1 to 0.2 apart: smiles rise by 0.39 and more, bent yawns to 0.31 (vision/README.md).
		LipsShut: 0.05, LipsRise: 1.6,
		// Bent portraits at rest: the measure is the same up to 15 degrees, by 0.04 higher to 20, 0.12 beyond.
		SmileYawMax: 15,
		SmileFrames: 4,
		// A mouth that moves for less than 300 ms has not smiled: a syllable takes 100 to 250 ms (Greenberg 1999,
		// Speech Communication 29). 30 ms more, since a frame may be handed over late.
		SmileFor:  330 * time.Millisecond,
		SmileGap:  100 * time.Millisecond, // the time from one frame to the next at 10 a second
		RestSlots: 3,

		// Choosing seeds of vision/attacks up to 330: of the living in up to 250 lx, with 7.5 pictures a second or
		// more, whole faces 0.88, foreheads 0.79, cheeks 0.71, lean 0.22 to 1.55; what is on a screen, foreheads
		// up to 0.57; codes that were not the screen's, whole faces up to 0.74 in 99 of 100.
		LightMatch:    0.85,
		LightForehead: 0.7,
		LightCheeks:   0.6,
		LightFail:     0.4,
		LightLeanMin:  0.2,
		LightLeanMax:  1.7,
		PassiveMin:    0.5,
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
	want(t.FuseMinFor > 0 && t.FuseMaxFor > t.FuseMinFor, "fuse_min_for, fuse_max_for",
		[]time.Duration{t.FuseMinFor, t.FuseMaxFor}, "more than 0s, rising")
	want(t.GapMax > 0 && t.GapMax <= 2*time.Second, "gap_max", t.GapMax, "more than 0s, up to 2s")
	want(t.Attempts >= 1, "attempts", t.Attempts, "1 or more")
	want(t.PatienceFor >= 0, "patience_for", t.PatienceFor, "0s or more")
	want(t.SmileRise >= 0.1 && t.SmileRise < 1, "smile_rise", t.SmileRise, "0.1 to 1")
	want(t.SmileMin > 0 && t.SmileMin < 2, "smile_min", t.SmileMin, "0 to 2")
	want(t.SmileShare >= 0.3 && t.SmileShare <= 1, "smile_share", t.SmileShare, "0.3 to 1")
	want(t.SmileLeast >= 0.1 && t.SmileLeast <= t.SmileRise, "smile_least", t.SmileLeast, "0.1 to smile_rise")
	want(t.SmileMost >= t.SmileLeast && t.SmileMost < 1, "smile_most", t.SmileMost, "smile_least to 1")
	want(t.RestSlack >= 0 && t.RestSlack <= 0.2, "rest_slack", t.RestSlack, "0 to 0.2")
	want(t.LipsMax > 0.05 && t.LipsMax <= 0.25, "lips_max", t.LipsMax, "0.05 to 0.25")
	want(t.LipsShut >= 0 && t.LipsShut < t.LipsMax, "lips_shut", t.LipsShut, "0 to lips_max")
	want(t.LipsRise >= 1 && t.LipsRise < 10, "lips_rise", t.LipsRise, "1 to 10")
	want(t.SmileYawMax > 0 && t.SmileYawMax <= 20, "smile_yaw_max", t.SmileYawMax, "0 to 20")
	want(t.SmileFrames >= 2, "smile_frames", t.SmileFrames, "2 or more")
	want(t.SmileFor >= 300*time.Millisecond, "smile_for", t.SmileFor, "300ms or more")
	want(t.SmileGap >= 0 && t.SmileGap <= 100*time.Millisecond, "smile_gap", t.SmileGap, "0s to 100ms")
	want(t.LightMatch >= 0.8 && t.LightMatch < 1, "light_match", t.LightMatch, "0.8 to 1")
	want(t.LightForehead >= 0.5 && t.LightCheeks >= 0.5, "light_forehead, light_cheeks",
		[]float32{t.LightForehead, t.LightCheeks}, "0.5 or more")
	want(t.LightFail >= 0 && t.LightFail < t.LightMatch, "light_fail", t.LightFail, "0 to light_match")
	want(t.LightLeanMin > 0 && t.LightLeanMax > t.LightLeanMin && t.LightLeanMax <= 2,
		"light_lean_min, light_lean_max", []float32{t.LightLeanMin, t.LightLeanMax}, "more than 0, rising, up to 2")
	want(t.PassiveMin > 0 && t.PassiveMin < 1, "passive_min", t.PassiveMin, "0 to 1")
	want(t.RestSlots >= 2 && t.RestSlots <= window, "rest_slots", t.RestSlots, "2 to 24")
	return bad
}
