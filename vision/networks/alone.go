package networks

import (
	"image"

	"smiletill/vision"
)

// alone is a picture in which one face counts, whatever else the detector takes for one.
type alone struct {
	image.Image
	left, top, right, bottom float64
}

// Turned gives the picture as it lies: upright.
func (a *alone) Turned() (img image.Image, quarters int) { return a.Image, 0 }

// Region is where the middle of the face is.
func (a *alone) Region() (left, top, right, bottom float64) { return a.left, a.top, a.right, a.bottom }

// several says why a picture with more than one face can't be used: where the largest is blurred that comes
// first, for in what is blurred the detector sees faces that are none. Nobody is enrolled from either.
// l.mu is held.
func (l *Looker) several(m image.Image, face image.Rectangle) (vision.Reason, error) {
	if s, ok := m.(subImager); ok {
		m = s.SubImage(around(face).Intersect(m.Bounds())) // in the middle of which the face is
	}
	b := m.Bounds()
	middle := face.Inset(min(face.Dx(), face.Dy()) / 4).Sub(b.Min)
	w, h := float64(b.Dx()), float64(b.Dy())
	look, err := l.enrolment.Look(&alone{m, float64(middle.Min.X) / w, float64(middle.Min.Y) / h,
		float64(middle.Max.X) / w, float64(middle.Max.Y) / h}, vision.Landmarks)
	if err != nil {
		return "", err
	}
	if look.Reason == vision.Blurred {
		return vision.Blurred, nil
	}
	return vision.SeveralFaces, nil
}
