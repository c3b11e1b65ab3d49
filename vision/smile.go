package vision

// cheeks are points of the mesh on the cheeks, in front of the bone.
var cheeks = [...]int{50, 205, 187, 280, 425, 411}

// What each change of a face at rest weighs in a smile, all in eye spans. The measure is a plain sum, so that
// its rise over a person's own rest does not depend on how wide that person's mouth is. Rounded from a linear
// discriminant between resting and smiling faces, people apart (models/README.md, "The smile"): the corners
// of the mouth go back around the teeth, the nose widens and the cheeks rise, also where the lips stay closed
// and hardly widen. An open jaw speaks or yawns.
const (
	smileWidth  = 1    // between the corners of the mouth
	smileLift   = 2    // of the corners over the middle of the lips
	smileDepth  = 5    // of the corners behind the middle of the lips
	smileNose   = 3    // between the wings of the nose
	smileCheeks = -2   // of the cheeks below the eyes
	smileJaw    = -0.5 // of the chin below the nose
)

// smile measures how much the face smiles: about 0.8 to 1.2 at rest, 1.1 to 2 smiling. All is taken in space
// along the face's own axes, so that distance, tilt and a turn of the head hardly change it.
func (m *mesh) smile() float32 {
	p := &m.points
	across, down := m.axes()
	back := point{across.y*down.z - across.z*down.y, across.z*down.x - across.x*down.z,
		across.x*down.y - across.y*down.x}
	eyes := middle(p[eyeRight], p[eyeLeft])
	corners, lips := middle(p[mouthRight], p[mouthLeft]), middle(p[lipUpper], p[lipLower])
	var below float64
	for _, i := range cheeks {
		below += p[i].minus(eyes).dot(down) / float64(len(cheeks))
	}
	s := smileWidth*distance(p[mouthRight], p[mouthLeft]) +
		smileLift*lips.minus(corners).dot(down) +
		smileDepth*corners.minus(lips).dot(back) +
		smileNose*distance(p[wingRight], p[wingLeft]) +
		smileCheeks*below +
		smileJaw*distance(p[noseBase], p[chin])
	return ratio(s, m.eyeSpan())
}

// lips is how far they are apart in the middle, in eye spans.
func (m *mesh) lips() float32 {
	return ratio(distance(m.points[lipUpper], m.points[lipLower]), m.eyeSpan())
}
