package networks

import (
	"image"

	"smiletill/vision"
)

// The detector sees a picture as 128x128 pixels, in which a face has to have some 15: of a large photo it
// is shown squares that overlap by half, and smaller ones until a face of an enrolment's least size could
// not be missed.
const (
	// findSide is the side of the smallest squares, in pixels: a face of 120, the least of an enrolment, is a
	// seventh of them, where BlazeFace still finds faces (it is made for those of a fifth and more).
	findSide = 800

	// leastShare is how many times its width a face is surely found in.
	leastShare = 6

	// aroundFace is the side of what is cut out, in widths of the face: the mesh takes 1.5 of them.
	aroundFace = 2.4
)

// subImager is what the pictures of the standard library can.
type subImager interface {
	SubImage(image.Rectangle) image.Image
}

// Find looks for the one face in a photo, in ever smaller parts of it, and gives the square around it,
// within the picture. The reason is vision.NoFace, or SeveralFaces where another is at least half as wide,
// or Blurred where the largest of several is.
func (l *Looker) Find(m image.Image) (image.Rectangle, vision.Reason, error) {
	whole := m.Bounds()
	var faces []image.Rectangle
	for side := max(whole.Dx(), whole.Dy()); len(faces) == 0; side /= 2 {
		var err error
		if faces, err = l.facesIn(m, parts(whole, side)); err != nil {
			return image.Rectangle{}, "", err
		}
		if len(faces) == 0 && side < 2*findSide {
			return image.Rectangle{}, vision.NoFace, nil
		}
	}
	// Whoever is half as wide as the face that was found may need smaller parts to be found.
	rival := l.enrolment.Thresholds().RivalMin
	smaller := int(leastShare * rival * float32(largest(faces).Dx()))
	more, err := l.facesIn(m, parts(whole, max(smaller, findSide)))
	if err != nil {
		return image.Rectangle{}, "", err
	}
	faces = append(faces, more...)
	face := largest(faces)
	for _, f := range faces {
		if float32(f.Dx()) >= rival*float32(face.Dx()) && f.Intersect(face).Empty() {
			l.mu.Lock()
			defer l.mu.Unlock()
			why, err := l.several(m, face)
			return image.Rectangle{}, why, err
		}
	}
	return around(face).Intersect(whole), "", nil
}

// facesIn gives the largest face of each part; one that reaches over an edge is another part's.
func (l *Looker) facesIn(m image.Image, in []image.Rectangle) (faces []image.Rectangle, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	s, ok := m.(subImager)
	for _, part := range in {
		piece := m
		if ok {
			piece = s.SubImage(part)
		}
		look, err := l.enrolment.Look(piece, vision.Detect)
		if err != nil {
			return nil, err
		}
		if look.Faces > 0 && !look.Box.Empty() {
			faces = append(faces, look.Box)
		}
		if look.Faces > 1 { // the other's place is not told; that it is there is enough
			faces = append(faces, image.Rectangle{Min: look.Box.Max, Max: look.Box.Max.Add(look.Box.Size())})
		}
	}
	return faces, nil
}

// parts are squares of a side that cover the whole, each overlapping the next by half.
func parts(whole image.Rectangle, side int) (all []image.Rectangle) {
	if side >= max(whole.Dx(), whole.Dy()) {
		return []image.Rectangle{whole}
	}
	for y := whole.Min.Y; ; y += side / 2 {
		for x := whole.Min.X; ; x += side / 2 {
			all = append(all, image.Rect(x, y, x+side, y+side).Intersect(whole))
			if x+side >= whole.Max.X {
				break
			}
		}
		if y+side >= whole.Max.Y {
			return all
		}
	}
}

func largest(faces []image.Rectangle) image.Rectangle {
	best := faces[0]
	for _, f := range faces {
		if f.Dx()*f.Dy() > best.Dx()*best.Dy() {
			best = f
		}
	}
	return best
}

// around is the square of aroundFace widths about a face.
func around(face image.Rectangle) image.Rectangle {
	half := int(aroundFace / 2 * float64(max(face.Dx(), face.Dy())))
	centre := face.Min.Add(face.Max).Div(2)
	return image.Rectangle{centre, centre}.Inset(-half)
}
