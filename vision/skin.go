package vision

import "math"

// Patches is how many places of a face are looked at for the colour of the light on it.
const Patches = 14

// Patch is the mean colour of a place of the face: linear light by sRGB's curve, 0..1 of the camera's white.
type Patch struct{ Red, Green, Blue float32 }

// patchAt are points of the mesh on bare skin, in the middle of each place: forehead, cheeks from the nose to
// the ears, the nose, beside the mouth, chin. Right ones are the subject's.
var patchAt = [Patches]int{151, 108, 337, 50, 280, 123, 352, 207, 427, 199, 4, 195, 213, 433}

const (
	patchSide = 6    // pixels of a place's crop
	patchSpan = 0.16 // its width in eye spans
)

// skin measures the light on a face.
type skin struct {
	pixels [patchSide * patchSide * 3]float32
	tone   *tone
	linear [256]float32 // of a channel's value
}

func newSkin() *skin {
	s := &skin{tone: newTone(1, 0)}
	for i := range s.linear {
		v := float64(i) / 255
		if v <= 0.04045 { // IEC 61966-2-1
			s.linear[i] = float32(v / 12.92)
		} else {
			s.linear[i] = float32(math.Pow((v+0.055)/1.055, 2.4))
		}
	}
	return s
}

// measure fills the patches of the face that the mesh has placed.
func (s *skin) measure(f *frame, m *mesh, out *[Patches]Patch) {
	step := m.eyeSpan() * patchSpan / patchSide
	for i, at := range patchAt {
		p := m.points[at]
		const middle = (patchSide - 1) / 2.0
		a := affine{x0: p.x - middle*step, xi: step, y0: p.y - middle*step, yj: step}
		f.crop(s.pixels[:], patchSide, a, tapsFor(step), s.tone)
		var sum [3]float32
		for k := 0; k < len(s.pixels); k += 3 {
			for c := range 3 {
				sum[c] += s.light(s.pixels[k+c])
			}
		}
		const n = patchSide * patchSide
		out[i] = Patch{Red: sum[0] / n, Green: sum[1] / n, Blue: sum[2] / n}
	}
}

// light is the linear light of a channel's value, 0..255.
func (s *skin) light(v float32) float32 {
	i := min(int(v), 254)
	return s.linear[i] + (s.linear[i+1]-s.linear[i])*(v-float32(i))
}
