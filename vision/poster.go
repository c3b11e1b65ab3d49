package vision

import (
	"fmt"
	"image"
	"time"
)

// Side is a side of the upright picture, as the camera sees it: who stands before the camera has it on the
// other hand.
type Side string

// The sides.
const (
	Left  Side = "left"
	Right Side = "right"
)

// sight is where one face is in a frame.
type sight struct {
	box  image.Rectangle // in the image's coordinates; empty when there is no such face
	eyes Eyes            // 0 when nobody asked, or the mesh is not sure that it is a face
}

// ask is what a visit asks about faces besides the one that it follows.
type ask struct {
	place image.Rectangle // a face here has never moved and does not count; empty when there is none
	eyes  bool            // where the eyes of that face are or, when there is none, those of both of two faces
}

// scene are the faces of a frame that matter; nil for those that are not there.
type scene struct {
	main   *face // the largest that counts
	rival  *face // another that counts
	poster *face // one that does not: see ask
}

// posterOverlap is the IoU from which a face hangs where the poster does: the detector's boxes of one poster
// keep 0.83 under the noise of stillMove. Closer than that the eyes tell.
const posterOverlap = 0.7

func hangs(box, place image.Rectangle) bool { return overlap(box, place) >= posterOverlap }

// apart puts the face that hangs in a place of the frame behind the others; nil when there is none.
func (f *frame) apart(faces []face, place image.Rectangle) ([]face, *face) {
	if place.Empty() {
		return faces, nil
	}
	last := len(faces) - 1
	for i := range faces {
		if d := faces[i]; d.finite() && hangs(f.bounds(&d), place) {
			copy(faces[i:], faces[i+1:])
			faces[last] = d
			return faces[:last], &faces[last]
		}
	}
	return faces, nil
}

// bounds is where a face is in the image, as far as the frame goes.
func (f *frame) bounds(d *face) image.Rectangle {
	w, h := f.size()
	return d.bounds().Intersect(image.Rect(0, 0, w, h)).Add(f.origin)
}

// beside looks for the eyes that a visit asked for.
func (p *Pipeline) beside(s scene, l *Look) (err error) {
	switch {
	case s.poster != nil:
		l.poster.eyes, err = p.locate(s.poster, l)
	case l.Faces == 2 && s.rival != nil && s.rival.finite():
		l.rival.box = p.frame.bounds(s.rival)
		if l.rival.eyes, err = p.locate(s.rival, l); err == nil {
			l.Eyes, err = p.locate(s.main, l)
		}
	}
	return err
}

// locate places the landmarks of a face for its eyes alone.
func (p *Pipeline) locate(d *face, l *Look) (Eyes, error) {
	clock := time.Now()
	a := p.mesh.crop(&p.frame, d)
	l.Took.MeshCrop += lap(&clock)
	sure, err := p.mesh.run(a)
	if err != nil {
		return Eyes{}, fmt.Errorf("vision: place landmarks: %w", err)
	}
	l.Took.Mesh += lap(&clock)
	if !(sure >= p.t.MeshScore) {
		return Eyes{}, nil
	}
	return p.mesh.eyes(), nil
}

// posters finds out which of two faces never moves.
type posters struct {
	pair   [2]track        // of the two faces of the last frames
	poster track           // of the one that does not count; seen is 0 when there is none
	place  image.Rectangle // the only one of the visit: stills that come elsewhere somebody puts there
	side   Side            // of the face that is followed on which it was seen
}

const (
	// posterFor is how long a face has not moved, while another one did, before it is left out. It is longer
	// than stillFor, since somebody else pays then: a person sways the farther the longer one looks.
	posterFor = 2 * stillFor
	// pairGap is for how long two faces may be out of sight, one or both, and still be the same.
	pairGap = 500 * time.Millisecond
)

// ask says what to leave out of the next frame. What is left out is watched in every frame: beside a poster
// that takes a third more time than elsewhere, and whoever moves is seen before anybody could smile.
func (v *Visit) ask() ask {
	switch {
	case v.finding.Stage == Consented || v.finding.Stage == Refused:
		return ask{}
	case v.posters.poster.seen == 0:
		return ask{eyes: true}
	}
	return ask{v.posters.place, true}
}

// beside takes what a frame shows besides the face that is followed, and makes of the Look what the visit
// goes by: a poster that moves counts at once. It says whether somebody has come to a poster that was alone.
func (v *Visit) beside(l *Look, at time.Time) (joined bool) {
	b := &v.posters
	known, apart := b.poster.seen > 0, !l.poster.box.Empty()
	if known && apart {
		b.watch(l, at)
	} else if l.Reason == SeveralFaces {
		b.lose() // it may be one of them
		if !l.rival.box.Empty() {
			b.compare(l, at, v.strangers.face, v.t.Overlap)
		}
	}
	if !v.finding.Still || !known {
		return false
	}
	if apart && l.Faces == 0 {
		l.Faces, l.Reason, l.Box, l.Eyes = 1, "", l.poster.box, l.poster.eyes
	}
	return l.Faces > 0 && !hangs(l.Box, b.place)
}

// watch sees whether the poster still hangs there.
func (b *posters) watch(l *Look, at time.Time) {
	if l.Faces > 0 {
		b.side = sideOf(l.poster.box, l.Box)
	}
	if b.poster.watch(l.poster, at); !b.poster.moved() {
		return
	}
	b.lose()
	if l.Faces > 0 {
		l.Faces, l.Reason = l.Faces+1, SeveralFaces
	}
}

func sideOf(what, from image.Rectangle) Side {
	if what.Min.X+what.Max.X < from.Min.X+from.Max.X {
		return Left
	}
	return Right
}

// compare follows two faces, and finds the poster if one of them is one: it has not moved since it came, and
// the other one has. alone is the face that was there before.
func (b *posters) compare(l *Look, at time.Time, alone track, same float32) {
	for i := range b.pair {
		if !b.pair[i].fresh(at) {
			b.pair[i] = track{}
		}
	}
	if b.pair[0].seen+b.pair[1].seen == 0 && alone.fresh(at) {
		b.pair[0] = alone
	}
	two := [2]sight{{l.Box, l.Eyes}, l.rival}
	is := func(i, j int) float32 { return overlap(b.pair[i].box, two[j].box) }
	if is(0, 1)+is(1, 0) > is(0, 0)+is(1, 1) {
		two[0], two[1] = two[1], two[0]
	}
	for i := range two {
		if is(i, i) < same {
			b.pair[i] = track{}
		}
		b.pair[i].watch(two[i], at)
	}
	for i := range two {
		if t := b.pair[i]; b.pair[1-i].moved() && b.found(t) {
			b.side = sideOf(t.box, b.pair[1-i].box)
			return
		}
	}
}

// found leaves a face out from now on, if it is a poster.
func (b *posters) found(t track) bool {
	if !t.still(posterFor) || !b.place.Empty() && !hangs(t.box, b.place) {
		return false
	}
	b.poster, b.place, b.pair = t, t.box, [2]track{}
	return true
}

// lose forgets a poster that has moved, or may have: it counts.
func (b *posters) lose() { b.poster, b.side = track{}, "" }
