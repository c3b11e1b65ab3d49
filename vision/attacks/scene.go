package attacks

import "math"

// Colour is the light of the terminal's screen, red, green and blue in linear light, 0..1 of its peak.
type Colour [3]float32

// scene is what is before the camera.
type scene struct {
	canvas *canvas
	room   room
	panel  panel
	cast   []actor // from the back to the front
}

// actor is something that is seen; act puts it where it is at t seconds and shows it.
type actor interface{ act(t float64, s *scene) }

// show lights a surface and draws it.
func (s *scene) show(f *surface) {
	f.illuminate(&s.room, &s.panel)
	s.canvas.draw(f)
}

// newRoom draws a light: 50 to 1,000 lx, from a lamp above or beside and from all sides, warm to cool; every
// third lamp flickers at 100 Hz.
func newRoom(d *dice) room {
	from := vec{d.between(-0.8, 0.8), d.between(-1, -0.2), d.between(-1, -0.5)}
	warm := d.between(-0.12, 0.28)
	r := room{lux: d.logBetween(50, 1000), lamp: from.unit(), share: d.between(0.15, 0.5),
		colour: [3]float64{1 + warm, 1, 1 - warm}}
	if d.chance(0.33) {
		r.flicker, r.phase = d.between(0.05, 0.4), d.between(0, 1)
	}
	return r
}

// newPanel is a display of 7 inches below the camera, 250 to 450 cd/m2.
func newPanel(d *dice) panel {
	return panel{width: 0.154, height: 0.086, middle: vec{d.between(-0.02, 0.02), d.between(0.055, 0.085), 0},
		peak: d.between(250, 450)}
}

// dark is a panel that is seen by nobody.
func darkPanel() panel { return panel{width: 0.1, height: 0.1, middle: vec{0, 0.05, 0}} }

// person is a head that stands before the camera.
type person struct {
	head *head
	line *timeline
	sway sway
}

func newPerson(h *head, line *timeline, d *dice, distance float64) *person {
	at := vec{d.between(-0.03, 0.03), d.between(-0.045, -0.015), distance}
	base := pose{at: at, yaw: d.between(-0.07, 0.07), pitch: d.between(-0.08, 0.08), roll: d.between(-0.05,
		0.05)}
	return &person{h, line, newSway(d, base, 0.004, 0.022, 0.0001)}
}

func (p *person) act(t float64, s *scene) {
	at := p.sway.at(t)
	at.yaw += p.line.turned(t)
	at.pitch += 0.3 * p.line.turned(t)
	p.head.hold(at, p.line.at(t))
	s.show(p.head.surface)
	if g := p.head.glasses; g != nil {
		s.show(g.surface)
	}
}

// sheet is a flat thing that shows photos of a face: paper or a screen.
type sheet struct {
	faces    [2]*face // the second is what is seen when fade is 1; may be nil
	shown    [2]*surface
	rim      *surface // paper's border or a screen's bezel; nil without
	rimWidth float64  // metres
	unit     float64  // metres between the outer corners of the eyes
	line     *timeline
	fade     func(t float64) float64
	curl     func(t float64) (across, along float64) // curvature, 1/m: around an upright and a level axis
	sway     sway
	tilt     timeline   // its turn is the hand's
	nod      float64    // how much of that is up or down
	window   [4]float64 // of the face's plane: x0, y0, x1, y1
}

func newSheet(f *face, m matter, unit float64) *sheet {
	s := &sheet{unit: unit, window: [4]float64{f.x0, f.y0, f.x1, f.y1}}
	s.put(0, f, m)
	return s
}

// put gives the sheet a face to show, as it is or after the change.
func (s *sheet) put(i int, f *face, m matter) {
	s.faces[i] = f
	s.shown[i] = newSurface(len(f.lattice.xs), len(f.lattice.ys), f.pixels, m)
	for k := range s.shown[i].now {
		p := s.clip(f.lattice.spot(k), f)
		v := &s.shown[i].now[k]
		v.u, v.v = float32(p.x*f.pixels.unit+f.pixels.x0), float32(p.y*f.pixels.unit+f.pixels.y0)
	}
}

// clip keeps a place on the sheet: what both photos show.
func (s *sheet) clip(p spot, f *face) spot {
	w := s.window
	return spot{min(max(p.x, w[0], f.x0), w[2], f.x1), min(max(p.y, w[1], f.y0), w[3], f.y1)}
}

// border puts a rim of one reflectance around the sheet, metres wide.
func (s *sheet) border(width float64, reflects float32, m matter) {
	t := newTexture(2, 2)
	for i := range 4 {
		copy(t.pix[4*i:], []float32{reflects, reflects, reflects, 1})
	}
	s.rim, s.rimWidth = newSurface(25, 25, t, m), width
}

// pose is where the hand holds the sheet.
func (s *sheet) pose(t float64) pose {
	p, turn := s.sway.at(t), s.tilt.turned(t)
	p.yaw += turn
	p.pitch += s.nod * turn
	return p
}

func (s *sheet) act(t float64, sc *scene) {
	place := s.pose(t).place()
	across, along := 0.0, 0.0
	if s.curl != nil {
		across, along = s.curl(t)
	}
	if s.rim != nil {
		s.holdRim(&place, across, along)
		sc.show(s.rim)
	}
	e := expression{}
	if s.line != nil {
		e = s.line.at(t)
	}
	share := 0.0
	if s.fade != nil {
		share = s.fade(t)
	}
	for i, f := range s.faces {
		if f == nil || i == 0 && share >= 1 || i == 1 && share <= 0 {
			continue
		}
		for k := range s.shown[i].now {
			p := s.clip(f.shift(k, e), f)
			v := &s.shown[i].now[k]
			v.at = place.apply(s.bent(p, across, along, -0.0002*float64(i)))
			v.shade = float32(min(8*e.jaw, 0.85) * f.fields.gap[k])
			if i == 1 {
				v.cover = float32(share)
			}
		}
		s.shown[i].orient()
		sc.show(s.shown[i])
	}
}

// bent is a place of the sheet in its own metres, on a cylinder about an upright and a level axis.
func (s *sheet) bent(p spot, across, along, behind float64) vec {
	x, y, z := p.x*s.unit, (p.y-0.35)*s.unit, behind
	roll := func(x, k float64) (float64, float64) {
		if math.Abs(k) < 1e-6 {
			return x, 0
		}
		sin, cos := math.Sincos(x * k)
		return sin / k, (1 - cos) / k
	}
	x, dz := roll(x, across)
	y, dy := roll(y, along)
	return vec{x, y + 0.35*s.unit, z + dz + dy}
}

func (s *sheet) holdRim(place *placed, across, along float64) {
	r := s.rimWidth / s.unit
	for k := range s.rim.now {
		u, v := float64(k%s.rim.w)/float64(s.rim.w-1), float64(k/s.rim.w)/float64(s.rim.h-1)
		p := spot{mix(s.window[0]-r, s.window[2]+r, u), mix(s.window[1]-r, s.window[3]+r, v)}
		s.rim.now[k].at = place.apply(s.bent(p, across, along, 0.0004))
	}
	s.rim.orient()
}

// cutMouth opens the sheet where the mouth is.
func (s *sheet) cutMouth(grow float64) {
	f := s.faces[0]
	a, b, top, low := f.marks[61], f.marks[291], f.marks[0], f.marks[17]
	mid := spot{(a.x + b.x) / 2, (top.y + low.y) / 2}
	rx, ry := max((b.x-a.x)/2, 0.2)*grow, max((low.y-top.y)/2, 0.1)*grow
	for k := range s.shown[0].now {
		p := f.lattice.spot(k)
		r := math.Hypot((p.x-mid.x)/rx, (p.y-mid.y)/ry)
		s.shown[0].now[k].cover = float32(smooth((r - 0.95) / 0.1))
	}
}
