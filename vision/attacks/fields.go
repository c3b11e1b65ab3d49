package attacks

import (
	"math"

	"smiletill/vision/spline"
)

// lattice is the raster of a face's plane that bends: fine where the face is, coarse around it.
type lattice struct{ xs, ys []float64 }

const latticeStep = 0.03 // distances of the eyes' corners: under four pixels of the largest face

func newLattice() lattice {
	return lattice{lines(-leftOf, -1.2, 1.2, leftOf), lines(-above, -0.9, 1.62, below)}
}

func lines(from, fine, coarse, to float64) []float64 {
	var out []float64
	const wide = 10
	for i := range wide {
		out = append(out, mix(from, fine, float64(i)/wide))
	}
	n := int(math.Round((coarse - fine) / latticeStep))
	for i := range n {
		out = append(out, mix(fine, coarse, float64(i)/float64(n)))
	}
	for i := range wide + 1 {
		out = append(out, mix(coarse, to, float64(i)/wide))
	}
	return out
}

func (l *lattice) size() int { return len(l.xs) * len(l.ys) }

func (l *lattice) spot(i int) spot { return spot{l.xs[i%len(l.xs)], l.ys[i/len(l.xs)]} }

// fields say for each place of the lattice where an expression at full strength takes it, in distances of the
// eyes' corners.
type fields struct {
	mouth  []spot // of a smile: lips and what is around them
	cheeks []spot // of a smile: cheeks, nostrils, lower lids
	lids   []spot // eyes shut
	jaw    []spot // mouth open
	gap    []float64
	deep   []float64 // metres are not known here: of a smile, towards the camera, in the same unit
}

// pull says where a smile takes a mark and its mirror: away from the middle of the face and up.
type pull struct {
	right, left int
	out, up     float64
	cheek       bool
}

// The zygomatic muscle pulls the mouth's corners out and up; lips stretch and thin; cheeks rise and push the
// lower lids (FACS action units 12 and 6). The amounts are those of the project's clips (vision/visits),
// which were tuned by eye.
var pulls = [...]pull{
	{61, 291, .085, .058, false}, {39, 269, .048, .020, false}, {37, 267, .020, .004, false},
	{0, 0, 0, -.004, false}, {91, 321, .056, .028, false}, {84, 314, .024, -.002, false},
	{17, 17, 0, -.006, false}, {186, 410, .070, .050, false}, {212, 432, .045, .025, false},
	{202, 422, .020, .008, false}, {187, 411, .045, .042, true}, {205, 425, .028, .042, true},
	{50, 280, .014, .026, true}, {117, 346, .004, .010, true}, {145, 374, 0, .008, true},
	{206, 426, .040, .034, true}, {203, 423, .018, .016, true}, {98, 327, .010, .004, true},
}

// still are marks that a smile leaves alone.
var still = [...]int{
	1, 4, 5, 6, 168, 195, 2, 48, 278, 9, 151,
	33, 133, 159, 362, 263, 386, 70, 105, 107, 336, 334, 300, 199, 200,
}

func newFields(f *face) fields {
	n := f.lattice.size()
	out := fields{
		mouth: make([]spot, n), cheeks: make([]spot, n), lids: make([]spot, n),
		jaw: make([]spot, n), gap: make([]float64, n), deep: make([]float64, n),
	}
	s := f.smileSpline()
	right, left, lips := f.openings()
	for i := range n {
		p := f.lattice.spot(i)
		if share, _ := f.around(p); share < 1.7 {
			var d [2]spline.Point
			s.At(spline.Point{X: p.x, Y: p.y}, d[:])
			fade := smooth((1.7 - share) / 0.5)
			out.mouth[i] = spot{fade * d[0].X, fade * d[0].Y}
			out.cheeks[i] = spot{fade * d[1].X, fade * d[1].Y}
		}
		out.lids[i] = spot{0, right.shut(p) + left.shut(p)}
		out.jaw[i].y, out.gap[i] = f.speak(p, lips)
		out.deep[i] = f.bulge(p)
	}
	return out
}

// smileSpline carries the pulls of the mouth and of the cheeks to what lies between.
func (f *face) smileSpline() *spline.Spline {
	var at, mouth, cheeks []spline.Point
	put := func(p, m, c spot) {
		for _, q := range at {
			if math.Hypot(p.x-q.X, p.y-q.Y) < 1e-4 {
				return // the same place twice has no spline
			}
		}
		at = append(at, spline.Point{X: p.x, Y: p.y})
		mouth, cheeks = append(mouth, spline.Point{X: m.x, Y: m.y}), append(cheeks, spline.Point{X: c.x, Y: c.y})
	}
	pull := func(i int, out, up float64, cheek bool) {
		by := spot{out, -up}
		if cheek {
			put(f.marks[i], spot{}, by)
			return
		}
		put(f.marks[i], by, spot{})
	}
	for _, p := range pulls {
		pull(p.right, -p.out, p.up, p.cheek)
		if p.left != p.right {
			pull(p.left, p.out, p.up, p.cheek)
		}
	}
	for _, i := range still {
		put(f.marks[i], spot{}, spot{})
	}
	for _, i := range oval {
		put(f.marks[i], spot{}, spot{})
	}
	for i := 0; i < len(oval); i += 2 { // a ring around the head stays where it is
		m := f.marks[oval[i]]
		put(spot{mix(f.centre.x, m.x, 1.6), mix(f.centre.y, m.y, 1.6)}, spot{}, spot{})
	}
	return spline.New(at, mouth, cheeks)
}

// bulge is how far a smile brings a place forward: cheeks come, the corners of the mouth go back around the
// teeth.
func (f *face) bulge(p spot) (d float64) {
	for _, side := range [...][2]int{{61, 205}, {291, 425}} {
		corner, cheek := f.marks[side[0]], f.marks[side[1]]
		d -= 0.07 * bump((p.x-corner.x)/0.14, (p.y-corner.y)/0.14)
		d += 0.05 * bump((p.x-cheek.x)/0.2, (p.y-cheek.y)/0.17)
	}
	return d
}

// opening is an eye or a mouth: an upper and a lower edge, and how much of the skin beyond gives way.
type opening struct {
	upper, lower curve
	skin         float64
}

func (f *face) openings() (right, left, lips opening) {
	line := func(idx ...int) (c curve) {
		for _, i := range idx {
			if m := f.marks[i]; len(c) == 0 || m.x > c[len(c)-1].x+1e-4 {
				c = append(c, m)
			}
		}
		return c
	}
	right = opening{line(33, 246, 161, 160, 159, 158, 157, 173, 133), line(33, 7, 163, 144, 145, 153, 154,
		155, 133), 0.12}
	left = opening{line(362, 398, 384, 385, 386, 387, 388, 466, 263), line(362, 382, 381, 380, 374, 373, 390,
		249, 263), 0.12}
	lips = opening{line(78, 191, 80, 81, 82, 13, 312, 311, 310, 415, 308), line(78, 95, 88, 178, 87, 14, 317,
		402, 318, 324, 308), 0.2}
	return right, left, lips
}

func (o *opening) inside(x float64) bool {
	return len(o.upper) > 2 && len(o.lower) > 2 && x > o.upper[0].x && x < o.upper[len(o.upper)-1].x
}

// shut is how far down a place goes when the lids close: the upper one comes nearly all the way.
func (o *opening) shut(p spot) float64 {
	if !o.inside(p.x) {
		return 0
	}
	a, b := o.upper.at(p.x), o.lower.at(p.x)
	if b <= a {
		return 0
	}
	const meet = 0.9
	down, up := meet*(b-a), (1-meet)*(b-a)
	switch {
	case p.y < a-o.skin || p.y > b+o.skin:
		return 0
	case p.y < a:
		return down * (p.y - a + o.skin) / o.skin
	case p.y > b:
		return -up * (b + o.skin - p.y) / o.skin
	}
	return mix(down, -up, (p.y-a)/(b-a))
}

// speak is how far down a place goes when the jaw opens by a tenth of the eyes' distance, and how much of the
// light is lost in the open mouth.
func (f *face) speak(p spot, lips opening) (down, gap float64) {
	if len(lips.upper) < 3 || len(lips.lower) < 3 {
		return 0, 0
	}
	from, to := lips.upper[0].x, lips.upper[len(lips.upper)-1].x
	mid, half := (from+to)/2, max((to-from)/2, 0.05)
	line := (lips.upper.at(p.x) + lips.lower.at(p.x)) / 2
	chin := f.marks[152].y
	side := (p.x - mid) / half
	width := math.Exp(-side * side / 3)
	fall := smooth((chin + 0.25 - p.y) / 0.35)
	if p.y <= line {
		return -0.01 * width * bump(0, (p.y-line)/0.15), 0
	}
	lip := smooth((p.y - line) / 0.03)
	if math.Abs(side) >= 1 {
		lip = smooth((p.y - line) / 0.3)
	} else {
		gap = (1 - side*side) * bump(0, (p.y-line)/0.035)
	}
	return 0.1 * width * fall * lip, gap
}
