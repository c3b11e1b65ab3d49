package trial

import (
	"image"
	"io"

	"smiletill/device/camera"
	"smiletill/vision"
	"smiletill/vision/networks"
)

// stance finds out which way up a camera hangs: the detector is surest of a face that is upright.
type stance struct {
	looks int        // pictures that came since three had a face
	seen  int        // of those looked at, with a face one way or another
	sure  [4]float64 // sums of how sure it was, by quarters turned clockwise
}

const (
	stanceLeast = 3 // faces
	stanceEvery = 5 // pictures after these: it takes four more runs of the detector

	// stanceMargin is by how much the detector has to be surer the other way. Of 61 photos of the London set,
	// each turned all four ways, it was surest of the upright one in all, by 0.02 at least and 0.15 in most.
	stanceMargin = 0.02
)

func (s *stance) look(l *networks.Looker, img image.Image) error {
	if s.seen >= stanceLeast {
		if s.looks++; s.looks%stanceEvery != 0 {
			return nil
		}
	}
	var sure [4]float64
	for quarters := range sure {
		err := l.Look(camera.Turn(img, quarters), vision.Landmarks, func(k vision.Look) {
			if k.Depth >= vision.Landmarks && k.Reason != vision.NoFace { // no shelf, as the detector takes for one
				sure[quarters] = float64(k.Score)
			}
		})
		if err != nil {
			return err
		}
	}
	if max(sure[0], sure[1], sure[2], sure[3]) == 0 {
		return nil
	}
	s.seen++
	for i := range sure {
		s.sure[i] += sure[i]
	}
	return nil
}

// turned is by how many degrees the pictures have to be turned clockwise to be upright; 0 for none that is
// known of.
func (s *stance) turned() int {
	best := 0
	for i := range s.sure {
		if s.sure[i] > s.sure[best] {
			best = i
		}
	}
	if s.seen < stanceLeast || s.sure[best]-s.sure[0] < stanceMargin*float64(s.seen) {
		return 0
	}
	return 90 * best
}

// print says what camera.rotate should be, which is at configured now.
func (s *stance) print(w io.Writer, configured int) {
	switch degrees := s.turned(); {
	case degrees != 0:
		row(w, "hangs", "turned", "faces are upright when the pictures are turned by %d degrees clockwise: "+
			"set camera.rotate = %d", degrees, (configured+degrees)%360)
	case s.seen >= stanceLeast:
		row(w, "hangs", "good", "camera.rotate is %d", configured)
	default:
		row(w, "hangs", "unknown", "nobody stood there alone for long enough: try again with one person before it")
	}
}
