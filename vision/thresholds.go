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
}

// DefaultThresholds returns the values that the terminal ships with.
func DefaultThresholds() Thresholds {
	return Thresholds{FaceScore: 0.5, MeshScore: 0.5, RivalMin: 0.5, FaceMinPx: 80, FaceMax: 0.9, CentreMax: 0.3,
		BrightnessMin: 0.15, BrightnessMax: 0.9, SharpnessMin: 0, YawMax: 25, PitchMax: 25, RollMax: 30}
}
