package attacks

import "math"

// anatomy is a head's own relief. It is made of an ellipsoid, splines and bells, not of the face mesh: what a
// detector knows of faces is not what made them. Lengths are distances between the outer corners of the eyes.
type anatomy struct {
	eyes   float64 // metres between their outer corners: 0.084 to 0.096 (mean 0.089, Farkas 1994)
	depth  float64 // of the skull before the ears, 0.75 to 1.05
	nose   float64 // how far it stands out, 0.16 to 0.30: 15 to 27 mm
	brow   float64 // factors around 1
	cheeks float64
	lips   float64
	chin   float64
}

func newAnatomy(d *dice) anatomy {
	return anatomy{eyes: d.between(0.084, 0.096), depth: d.between(0.75, 1.05), nose: d.between(0.16, 0.30),
		brow: d.between(0.5, 1.6), cheeks: d.between(0.5, 1.4), lips: d.between(0.6, 1.4), chin: d.between(0.4,
			1.5)}
}

// relief is how far a place stands out towards the camera, and how much of it is there (0 beyond the head).
func (a *anatomy) relief(f *face, p spot) (out, cover float64) {
	share, angle := f.around(p)
	// Hair above and at the sides; the chin is where the oval ends.
	up := smooth((-math.Sin(angle) + 0.25) / 1.0)
	side := math.Abs(math.Cos(angle))
	share /= 1 + 0.5*up + 0.1*side*(1-up)
	// The skull falls off to the sides all the way, the jaw only under the chin.
	fall := mix(2.6, 9, smooth(math.Sin(angle)*1.3))
	head := a.depth * math.Sqrt(max(1-math.Pow(min(share, 1), fall), 0))
	head += a.features(f, p) * smooth((1.0-share)/0.3)
	cover = smooth((1 - share) / 0.07)
	chin := f.marks[152]
	half := curve{{chin.y - 0.25, 0.3}, {chin.y, 0.5}, {chin.y + 0.3, 0.62}, {chin.y + 0.5, 1.2},
		{chin.y + 0.8, 1.9},
		{chin.y + 1.4, 2.2}}.at(p.y)
	x := math.Abs(p.x-chin.x) / half
	if p.y > chin.y-0.25 && x < 1 { // neck and shoulders
		edge := smooth((min(p.x-f.x0, f.x1-p.x) + 0.05) / 0.25) // where the photo ends
		if body := smooth((1-x)/0.3) * edge; body > cover {
			cover = body
		}
		if neck := 0.42*math.Sqrt(1-x*x) - 0.05; neck > head {
			head = neck
		}
	}
	return head, cover
}

// features are what makes a face of a skull.
func (a *anatomy) features(f *face, p spot) float64 {
	tip, lips, chin := f.marks[1], spot{(f.marks[61].x + f.marks[291].x) / 2,
		(f.marks[13].y + f.marks[14].y) / 2}, f.marks[152]
	x := p.x
	if p.y > 0 { // a face that is turned a little has its middle beside the eyes'
		x -= tip.x * smooth(p.y/max(tip.y, 0.1))
	}
	w := math.Abs(x)
	ridge := curve{{-0.15, 0}, {0, 0.16}, {tip.y * 0.5, 0.52}, {tip.y - 0.05, 1}, {tip.y + 0.05, 0.85},
		{tip.y + 0.13, 0.2},
		{tip.y + 0.22, 0}}.at(p.y)
	wide := curve{{-0.15, 0.12}, {0, 0.09}, {tip.y * 0.6, 0.11}, {tip.y, 0.16}, {tip.y + 0.2, 0.2}}.at(p.y)
	out := a.nose * ridge * bump(x/wide, 0)
	out += 0.32 * a.nose * bump((w-0.16)/0.075, (p.y-tip.y-0.03)/0.08) // wings
	out -= 0.07 * bump((w-0.33)/0.2, (p.y+0.02)/0.13)                  // sockets
	out += 0.035 * bump((w-0.33)/0.12, p.y/0.08)                       // eyeballs
	out += a.brow * 0.045 * bump((w-0.28)/0.32, (p.y+0.23)/0.09)
	out += a.cheeks * 0.05 * bump((w-0.42)/0.2, (p.y-0.42)/0.2)
	out += 0.06 * bump(x/0.38, (p.y-lips.y)/0.28) // the teeth behind the lips
	out += a.lips * 0.045 * (bump(x/0.26, (p.y-lips.y+0.06)/0.055) + bump(x/0.24, (p.y-lips.y-0.07)/0.055))
	out -= 0.025 * bump(x/0.2, (p.y-lips.y-0.19)/0.06)
	out += a.chin * 0.08 * bump(x/0.2, (p.y-chin.y+0.13)/0.13)
	return out
}

// head is a person's head, which moves, speaks and smiles.
type head struct {
	face    *face
	anatomy anatomy
	surface *surface
	out     []float64 // relief of each place at rest, from the plane of the eyes
	wide    []float64 // by how much it lies further out than in the photo, which was taken from a distance
	glasses *glasses  // nil without
}

// skinMatter: 2.8 % of the light at normal incidence come from the oily layer (Weyrich 2006 gives 2 to 4 %),
// in a broad lobe.
func skinMatter(f *face, albedo float64) matter {
	return matter{diffuse: albedo / f.skin, gloss: 0.028, lobe: 4}
}

// taken is the distance from which portraits are taken, in distances of the eyes' corners: 0.7 m, a
// selfie's or a passport booth's.
const taken = 8

// newHead makes a head out of a face; albedo is what its cheeks reflect, 0.06 to 0.5.
func newHead(f *face, a anatomy, albedo float64) *head {
	h := &head{face: f, anatomy: a, out: make([]float64, f.lattice.size()), wide: make([]float64,
		f.lattice.size())}
	eyes, _ := a.relief(f, spot{0.33, 0})
	h.surface = newSurface(len(f.lattice.xs), len(f.lattice.ys), f.pixels, skinMatter(f, albedo))
	for i := range h.out {
		p := f.lattice.spot(i)
		out, cover := a.relief(f, p)
		h.out[i], h.wide[i] = out-eyes, 1+max(eyes-out, -0.4)/taken
		v := &h.surface.now[i]
		v.cover = float32(cover)
		v.u, v.v = float32(p.x*f.pixels.unit+f.pixels.x0), float32(p.y*f.pixels.unit+f.pixels.y0)
		v.at = vec{p.x, p.y, -h.out[i]}
	}
	h.unlight()
	return h
}

// unlight takes out of the texture what light from ahead and a little above has left in it, or
// the head would be lit twice.
func (h *head) unlight() {
	h.surface.orient()
	lamp := vec{0, -0.4, -0.92}.unit()
	for i := range h.surface.now {
		v := &h.surface.now[i]
		lit := 0.3*max(v.normal.dot(lamp), 0)/lamp.dot(vec{0, 0, -1}) + 0.7*(0.75-0.35*v.normal.y-0.25*v.normal.z)
		v.tone = float32(min(max(1/lit, 0.7), 1.6))
	}
}

// hold puts the head into a pose with an expression. It turns about the neck, behind and below the eyes.
func (h *head) hold(p pose, e expression) {
	place, unit := p.place(), h.anatomy.eyes
	neck := vec{0, 0.7, 1}
	for i := range h.out {
		q := h.face.shift(i, e)
		v := &h.surface.now[i]
		out := h.out[i] + e.mouth*h.face.fields.deep[i]
		local := vec{q.x * h.wide[i], q.y * h.wide[i], -out}.minus(neck).times(unit)
		v.at = place.apply(local).plus(neck.times(unit))
		v.shade = float32(min(8*e.jaw, 0.85) * h.face.fields.gap[i])
	}
	h.surface.orient()
	if h.glasses != nil {
		h.glasses.hold(place, neck, unit)
	}
}

// shift is where an expression takes a place of the face's plane.
func (f *face) shift(i int, e expression) spot {
	p, m, c := f.lattice.spot(i), f.fields.mouth[i], f.fields.cheeks[i]
	left := e.mouth * (1 + e.skew*smooth(p.x*3+0.5) - e.skew/2)
	return spot{
		p.x + left*m.x + e.cheeks*c.x,
		p.y + left*m.y + e.cheeks*c.y + e.lids*f.fields.lids[i].y + 10*e.jaw*f.fields.jaw[i].y,
	}
}

// glasses are two frames in a plane before the eyes, with lenses that mirror a little.
type glasses struct {
	surface *surface
	at      []vec
}

func newGlasses(h *head, d *dice) *glasses {
	const w, t = 25, 240
	pic := newTexture(t, t/2)
	grey, rim := float32(d.between(0.01, 0.2)), d.between(0.018, 0.04)
	square := d.between(2, 4)
	rx, ry := d.between(0.24, 0.30), d.between(0.17, 0.24)
	for j := range pic.h {
		for i := range pic.w {
			x, y := (float64(i)/t-0.5)*1.7, (float64(j)/t-0.25)*1.7
			px, py := math.Abs(math.Abs(x)-0.33)/rx, math.Abs(y-0.03)/ry
			r := math.Pow(math.Pow(px, square)+math.Pow(py, square), 1/square)
			edge := math.Abs(r-1)*rx - rim/2
			if bridge := math.Abs(y+0.03) - rim/2; math.Abs(x) < 0.33-rx+0.02 {
				edge = min(edge, bridge)
			}
			cover := smooth(0.5 - edge/0.012)
			if r < 1 {
				cover = max(cover, 0.04) // the lens
			}
			copy(pic.pix[4*(j*t+i):], []float32{grey, grey, grey, float32(cover)})
		}
	}
	g := &glasses{surface: newSurface(w, 13, pic, matter{diffuse: 1, gloss: 0.3, lobe: 7})}
	stand := h.out[h.nearest(spot{0, 0})] + 0.03
	for j := range 13 {
		for i := range w {
			x, y := (float64(i)/(w-1)-0.5)*1.7, (float64(j)/12-0.5)*0.85
			g.at = append(g.at, vec{x, y, -stand + 0.12*x*x})
			v := &g.surface.now[j*w+i]
			v.u, v.v = float32(i)/(w-1)*(t-1), float32(j)/12*(t/2-1)
		}
	}
	return g
}

func (h *head) nearest(p spot) (best int) {
	for i := range h.out {
		q, b := h.face.lattice.spot(i), h.face.lattice.spot(best)
		if math.Hypot(q.x-p.x, q.y-p.y) < math.Hypot(b.x-p.x, b.y-p.y) {
			best = i
		}
	}
	return best
}

func (g *glasses) hold(place placed, neck vec, unit float64) {
	for i := range g.at {
		g.surface.now[i].at = place.apply(g.at[i].minus(neck).times(unit)).plus(neck.times(unit))
	}
	g.surface.orient()
}
