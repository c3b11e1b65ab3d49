package networks

import (
	"errors"
	"fmt"
	"image"

	"smiletill/vision"
)

// Photo is a picture of somebody.
type Photo struct {
	Name  string
	Image image.Image
}

// ErrOnePhoto is of two photos that are one: a copy, saved, dimmed, cut or mirrored anew.
var ErrOnePhoto = errors.New("the same photo once more")

// Templates makes a template of each photo; each must show one face that the pipeline would take at the
// counter, and be another photo than those before (ErrOnePhoto). The error names the first that does not.
// before are the templates by the set before, nil where there is none.
func (l *Looker) Templates(photos []Photo) (now, before [][]float32, err error) {
	var grains []*vision.Grain
	for i, p := range photos {
		where := fmt.Sprintf("photo %d (%s)", i+1, p.Name)
		one, bad, err := l.template(p.Image)
		if err != nil {
			return nil, nil, fmt.Errorf("%s: %w", where, err)
		}
		if bad != "" {
			return nil, nil, withHint(fmt.Errorf("%s can't be used: %s", where, Advice(bad)),
				"nobody was enrolled; take that photo again and repeat the command")
		}
		for k, grain := range grains {
			if one.grain.SameAs(grain) >= vision.OnePicture {
				return nil, nil, withHint(fmt.Errorf("%s can't be used: %w: photo %d (%s)", where, ErrOnePhoto, k+1,
					photos[k].Name), "nobody was enrolled; take photos of different moments: one alone, changed by "+
					"a program, knows its person less well")
			}
		}
		now, grains = append(now, one.now), append(grains, one.grain)
		if one.before != nil {
			before = append(before, one.before)
		}
	}
	return now, before, nil
}

// Advice says in a technician's words why a picture can't be used.
func Advice(r vision.Reason) string {
	switch r {
	case vision.NoFace:
		return "no face is in it"
	case vision.SeveralFaces:
		return "more than one face is in it: one person alone, please"
	case vision.TooFar:
		return "the face is too small: come closer, or take a larger picture"
	case vision.TooClose:
		return "the face is too large: step back"
	case vision.TooDark:
		return "the face is too dark: more light from the front"
	case vision.TooBright:
		return "the face is too bright: less light on it"
	case vision.Blurred:
		return "the face is blurred: hold still, clean the lens"
	case vision.TurnedAway:
		return "the face is turned away: look straight into the camera"
	case vision.OffCentre:
		return "the face is at the edge: step into the middle"
	}
	return "the face can't be used"
}
