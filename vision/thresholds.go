package vision

// Thresholds of the pipeline and of a Visit. Use DefaultThresholds and change what the shop needs.
type Thresholds struct {
	FaceScore float32 // a detection counts from here, 0..1
	MeshScore float32 // a mesh counts from here, 0..1

	RivalMin      float32 // another face counts from this share of the largest one's width
	FaceMinPx     float32 // width of the face in pixels
	FaceMax       float32 // height of the face as a share of the frame's
	CentreMax     float32 // distance of the face from the frame's centre as a share of its width and of its height, 0..0.5
	BrightnessMin float32 // mean luma of the face, 0..1
	BrightnessMax float32
	SharpnessMin  float32
	YawMax        float32 // degrees either way
	PitchMax      float32
	RollMax       float32

	MatchScore   float32 // cosine of the fused frames with the customer, from here
	MatchMargin  float32 // and so much ahead of the best other customer
	SameFace     float32 // cosine of one frame with the fused face and with the customer, from here
	OtherFace    float32 // below this cosine with the fused face somebody else stands there
	FuseMin      int     // good frames before the first match
	UnknownAfter int     // good frames without a match
	DoubtFrames  int     // good frames in a row between OtherFace and SameFace that are borne
	IdleFrames   int     // frames in a row without a usable face that are borne
	JumpMax      float32 // distance between the places of a face in two frames, in face widths
	SmileRise    float32 // mouth above the person's own relaxed mouth, in eye spans
	SmileFrames  int     // frames of smile in a row
	SmileYawMax  float32 // degrees either way, for the mouth to be measured
}

// DefaultThresholds returns the values that the terminal ships with.
//
//   - FaceScore, MeshScore: 0.5, MediaPipe's own for both networks.
//   - MatchScore 0.599: false accept rate 1e-5 a comparison of single frames (28.9 million impostor pairs of LFW, float
//     network, mesh alignment); SameFace 0.45: 1e-3 there, for a frame of a face that is fused and matched already;
//     models/README.md has the table.
//   - OtherFace 0.25: above the 0.24 that the two people of vision/visits reach with each other; frames of one person in one
//     visit stay above 0.8 there.
//   - FaceMinPx 110, SharpnessMin 0.03: vision/visits measures 180 px and 0.13 or more at the terminal, 90 px and 0.005 in
//     the photos that are too small and blurred.
//   - SmileRise 0.07: the smiles of vision/visits rise by 0.14, relaxed mouths there vary by 0.02. Two portraits are no
//     population: to be measured on real customers.
func DefaultThresholds() Thresholds {
	return Thresholds{FaceScore: 0.5, MeshScore: 0.5, RivalMin: 0.5, FaceMinPx: 110, FaceMax: 0.9, CentreMax: 0.3,
		BrightnessMin: 0.15, BrightnessMax: 0.9, SharpnessMin: 0.03, YawMax: 25, PitchMax: 25, RollMax: 30,
		MatchScore: 0.599, MatchMargin: 0.1, SameFace: 0.45, OtherFace: 0.25, FuseMin: 3, UnknownAfter: 12,
		DoubtFrames: 3, IdleFrames: 8, JumpMax: 0.6, SmileRise: 0.07, SmileFrames: 4, SmileYawMax: 15}
}
