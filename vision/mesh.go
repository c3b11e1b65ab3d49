package vision

import (
	"math"
)

// Sizes of the face mesh, and the crop that it was trained on (MediaPipe face_landmark_front_cpu.pbtxt:
// scale 1.5).
const (
	meshSide   = 192 // input pixels
	landmarks  = 468
	meshCrop   = 1.5 // crop side in box sides
	meshMul    = 1.0 / 255
	eyeRight   = 33 // outer corners; right and left are the subject's
	eyeLeft    = 263
	innerRight = 133
	innerLeft  = 362
	forehead   = 10
	chin       = 152
	noseTip    = 1
	mouthRight = 61
	mouthLeft  = 291
	lipUpper   = 13 // inner edge of the lips, in the middle
	lipLower   = 14
	noseBase   = 2
	wingRight  = 98 // of the nose
	wingLeft   = 327
)

// point is a place in the frame in pixels (the centre of the first pixel is 0, 0); z grows away from the
// camera, in the same unit, from the middle of the head.
type point struct{ x, y, z float64 }

func (p point) minus(q point) point   { return point{p.x - q.x, p.y - q.y, p.z - q.z} }
func (p point) dot(q point) float64   { return p.x*q.x + p.y*q.y + p.z*q.z }
func (p point) length() float64       { return math.Sqrt(p.dot(p)) }
func (p point) times(f float64) point { return point{p.x * f, p.y * f, p.z * f} }
func middle(p, q point) point         { return point{(p.x + q.x) / 2, (p.y + q.y) / 2, (p.z + q.z) / 2} }
func distance(p, q point) float64     { return p.minus(q).length() }
func degrees(radians float64) float64 { return radians * 180 / math.Pi }
func ratio(part, whole float64) float32 { // 0 for a degenerate mesh
	if whole <= 1e-6 {
		return 0
	}
	return float32(part / whole)
}

// mesh holds the landmarks of one face.
type mesh struct {
	net    Network
	tone   *tone
	turn   float64 // radians by which the crop was rotated: the roll of the eye line in the frame
	points [landmarks]point
}

// crop fills the network's input with the face, its eyes level, and returns the map back to the frame.
func (m *mesh) crop(f *frame, d *face) affine {
	right, left := d.keys[0], d.keys[1]
	m.turn = math.Atan2(float64(left[1]-right[1]), float64(left[0]-right[0]))
	side := meshCrop * float64(max(d.width(), d.height()))
	scale := max(side, 1) / meshSide
	sin, cos := math.Sincos(m.turn)
	cx, cy := float64(d.x0+d.x1)/2-0.5, float64(d.y0+d.y1)/2-0.5
	a := affine{xi: scale * cos, xj: -scale * sin, yi: scale * sin, yj: scale * cos}
	const centre = float64(meshSide)/2 - 0.5
	a.x0 = cx - centre*(a.xi+a.xj)
	a.y0 = cy - centre*(a.yi+a.yj)
	f.crop(m.net.Input(0), meshSide, a, tapsFor(scale), m.tone)
	return a
}

// run places the landmarks of the face in the crop under a, and returns the probability, 0..1, that it is a
// face.
func (m *mesh) run(a affine) (float32, error) {
	if err := m.net.Run(); err != nil {
		return 0, err
	}
	scale := math.Hypot(a.xi, a.yi)
	out := m.net.Output(0)
	for i := range m.points {
		// The network measures from the corner of the first pixel, affine from its centre.
		x, y := a.apply(grid(out[3*i])-0.5, grid(out[3*i+1])-0.5)
		m.points[i] = point{x, y, grid(out[3*i+2]) * scale}
	}
	return float32(1 / (1 + math.Exp(-float64(m.net.Output(1)[0])))), nil
}

// eyeSpan is the distance of the outer eye corners in pixels, in space, so that a turned head does not
// shrink it.
func (m *mesh) eyeSpan() float64 { return distance(m.points[eyeRight], m.points[eyeLeft]) }

// axes are the face's own unit vectors: across, from its right to its left eye, and down, from forehead to
// chin.
func (m *mesh) axes() (across, down point) {
	across = m.points[eyeLeft].minus(m.points[eyeRight])
	across = across.times(1 / max(across.length(), 1e-6))
	down = m.points[chin].minus(m.points[forehead])
	down = down.minus(across.times(down.dot(across)))
	return across, down.times(1 / max(down.length(), 1e-6))
}

// Pose is where the head points, in degrees; all 0 for a face that looks into the camera, upright.
type Pose struct {
	Yaw   float32 // grows as the face turns to the right-hand side of the picture
	Pitch float32 // grows as the face looks up
	Roll  float32 // grows as the head tilts clockwise in the picture
}

// pose reads the head's direction from the face's own axes.
func (m *mesh) pose() Pose {
	across, down := m.axes()
	sin, cos := math.Sincos(-m.turn)
	level := point{across.x*cos - across.y*sin, across.x*sin + across.y*cos, across.z}
	upright := point{down.x*cos - down.y*sin, down.x*sin + down.y*cos, down.z}
	return Pose{
		Yaw:   float32(degrees(math.Atan2(level.z, level.x))),
		Pitch: float32(degrees(math.Atan2(-upright.z, upright.y))),
		Roll:  float32(degrees(math.Atan2(across.y, across.x))),
	}
}

func (m *mesh) eyes() Eyes {
	mid := middle(m.points[eyeRight], m.points[eyeLeft])
	return Eyes{X: float32(mid.x), Y: float32(mid.y), Span: float32(m.eyeSpan())}
}

// eyesOpen is the opening of the lids over the width of the eye, the mean of both eyes; about 0.1 closed,
// 0.3 open.
func (m *mesh) eyesOpen() float32 {
	p := &m.points
	right := ratio(distance(p[159], p[145]), distance(p[eyeRight], p[innerRight]))
	left := ratio(distance(p[386], p[374]), distance(p[innerLeft], p[eyeLeft]))
	return (right + left) / 2
}
