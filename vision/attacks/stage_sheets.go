package attacks

import "math"

// paper is a print: white reflects 0.75 to 0.92, matt to glossy.
func paper(d *dice) matter {
	return matter{diffuse: d.between(0.75, 0.92), gloss: d.between(0.005, 0.05), lobe: 3 + d.pick(5)}
}

// still is a line of somebody who does nothing.
func (v *Visit) still() { v.line.mouth, v.line.cheeks, v.line.lids, v.line.skew = 0, 0, 0, 0 }

// printed puts a print before the camera.
func (v *Visit) printed(f *face, m matter, d *dice) *sheet {
	v.still()
	unit := d.between(0.054, 0.108)
	s := newSheet(f, m, unit)
	if d.chance(0.6) {
		s.border(d.between(0.003, 0.012), 0.9, m)
	}
	v.hold(s, d)
	return s
}

// hold gives the sheet to a hand, which every other time tilts it once.
func (v *Visit) hold(s *sheet, d *dice) {
	v.truth.Distance = s.unit * v.sensor.focal / span(d)
	s.sway = held(d, v.truth.Distance)
	v.scene.cast = []actor{s}
	if d.chance(0.5) {
		s.tilt = timeline{turnAt: d.between(0.4, 1.6), turn: d.between(-14, 14) * math.Pi / 180}
		s.nod = d.between(-0.5, 0.5)
	}
}

func stagePrint(v *Visit, p *Person, d *dice) { v.printed(p.faces[0], paper(d), d) }

func stagePrintCurved(v *Visit, p *Person, d *dice) {
	s := v.printed(p.faces[0], paper(d), d)
	k := 1 / d.between(0.08, 0.3)
	s.curl = func(float64) (float64, float64) { return k, 0 }
}

func stagePrintFlexed(v *Visit, p *Person, d *dice) {
	s := v.printed(p.faces[0], paper(d), d)
	line := *v.line
	line.mouth, line.last = 1, d.between(0.2, 0.8)
	v.line = &line
	before, across, along := d.between(0, 4), d.between(-3, 7), d.between(-3, 3)
	tip := d.between(-0.3, 0.3)
	s.curl = func(t float64) (float64, float64) {
		k := v.line.rise(t)
		s.sway.base.pitch = tip * k
		return mix(before, across, k), along * k
	}
}

func stagePrintBoosted(v *Visit, p *Person, d *dice) {
	f := *p.faces[0]
	f.pixels = f.pixels.saturated(d.between(1.3, 1.9))
	m := paper(d)
	m.diffuse = d.between(0.9, 0.98)
	s := v.printed(&f, m, d)
	v.truth.Distance = s.unit * v.sensor.focal / d.between(100, 118)
	s.sway.base.at.z = v.truth.Distance
}

// saturated is the texture with its colours that much further from grey.
func (t *texture) saturated(by float64) *texture {
	o := *t
	o.pix = make([]float32, len(t.pix))
	k := float32(by)
	for i := 0; i < len(t.pix); i += 4 {
		g := luma(t.pix[i:])
		for c := range 3 {
			o.pix[i+c] = min(max(g+k*(t.pix[i+c]-g), 0), 1)
		}
		o.pix[i+3] = t.pix[i+3]
	}
	return &o
}

func stagePrintMouth(v *Visit, p *Person, d *dice) {
	line := *v.line // the attacker's own
	f := p.faces[0]
	s := v.printed(f, paper(d), d)
	s.rim = nil
	s.cutMouth(d.between(1.05, 1.3))
	v.line = &line
	s.line = &timeline{last: 1}
	mouth := newHead(p.faces[len(p.faces)-1], newAnatomy(d),
		min(max(f.skin*s.shown[0].matter.diffuse*d.between(0.7, 1.4), 0.06), 0.5))
	mouth.anatomy.eyes = s.unit
	g := mouth.face
	lips := spot{g.marks[0].x, (g.marks[13].y + g.marks[14].y) / 2}
	stands := mouth.out[mouth.nearest(lips)]
	for k := range mouth.surface.now {
		q := g.lattice.spot(k)
		r := math.Hypot((q.x-lips.x)/0.6, (q.y-lips.y)/0.36)
		mouth.surface.now[k].cover *= float32(smooth((1 - r) / 0.1))
		mouth.out[k] = min(mouth.out[k], stands+0.05) // pressed against the paper's back
	}
	back := vec{0, f.marks[13].y - lips.y, stands}.times(s.unit).plus(vec{0, 0, d.between(0.008, 0.025)})
	v.scene.cast = append([]actor{&behind{mouth, v, s, back}}, v.scene.cast...)
	v.truth.Albedo = mouth.surface.matter.diffuse * g.skin
}

// behind is a mouth that looks through a hole of a sheet and moves with it.
type behind struct {
	head *head
	v    *Visit
	s    *sheet
	by   vec
}

func (b *behind) act(t float64, s *scene) {
	p := b.s.pose(t)
	p.at = p.at.plus(b.by)
	b.head.hold(p, b.v.line.at(t))
	s.show(b.head.surface)
}

// onScreen puts a photo on a screen before the camera.
func (v *Visit) onScreen(f *face, d *dice) *sheet {
	unit := d.between(0.054, 0.108)
	s := newSheet(f, v.display(d, faceUnit/unit), unit)
	if d.chance(0.4) {
		s.border(d.between(0.005, 0.02), 0.03, matter{diffuse: 1, gloss: 0.03, lobe: 7})
	}
	v.hold(s, d)
	return s
}

// programmed is what a program does that bends a photo: no blink, both sides alike.
func (v *Visit) programmed(how pace, mouth, cheeks float64, d *dice) {
	*v.line = timeline{smileAt: v.line.smileAt, delay: v.line.delay, last: d.between(0.2, 1), pace: how,
		mouth: mouth, cheeks: cheeks}
}

func (v *Visit) warped(p *Person, d *dice) {
	s := v.onScreen(p.faces[0], d)
	s.line = v.line
}

func stageWarpMouth(v *Visit, p *Person, d *dice) {
	v.programmed(even, d.between(0.9, 1.6), 0, d)
	v.warped(p, d)
}

func stageWarpFace(v *Visit, p *Person, d *dice) {
	k := d.between(0.8, 1.3)
	v.programmed(even, k, k, d)
	v.warped(p, d)
}

func stageWarpStrong(v *Visit, p *Person, d *dice) {
	k := d.between(1.5, 2)
	v.programmed(even, k, k, d)
	v.warped(p, d)
}

func stageWarpJump(v *Visit, p *Person, d *dice) {
	k := d.between(0.9, 1.8)
	v.programmed(stepped, k, k, d)
	v.warped(p, d)
}

func stageWarpAdaptive(v *Visit, p *Person, d *dice) {
	v.line.talkTo = 0
	v.warped(p, d)
}

func (v *Visit) swapped(p *Person, last float64, d *dice) {
	s := v.onScreen(p.faces[0], d)
	v.still()
	v.line.last = max(last, 0.001)
	if last == 0 {
		v.line.pace = stepped
	}
	a, b := p.faces[0], p.faces[1]
	s.window = [4]float64{max(a.x0, b.x0), max(a.y0, b.y0), min(a.x1, b.x1), min(a.y1, b.y1)}
	m := s.shown[0].matter
	s.put(0, a, m)
	s.put(1, b, m)
	s.fade = v.line.rise
}

func stageSwapCut(v *Visit, p *Person, d *dice) { v.swapped(p, 0, d) }

func stageSwapFade(v *Visit, p *Person, d *dice) { v.swapped(p, d.between(0.2, 0.8), d) }

// framed gives a photo to the terminal in place of the camera.
func (v *Visit) framed(p *Person, d *dice) *surface {
	k := d.between(0.8, 1.8)
	v.programmed(even, k, k, d)
	s := newSheet(p.faces[0], matter{diffuse: 1}, 0.09)
	s.line = v.line
	distance := 0.09 * v.sensor.focal / span(d)
	s.sway = newSway(d, pose{at: vec{d.between(-0.02, 0.02), d.between(-0.04, -0.015), distance}}, 0.002,
		0.01, 0)
	s.shown[0].even = 60
	v.scene.cast = []actor{s}
	v.light = func(float64) Colour { return Colour{} }
	return s.shown[0]
}

func stageInjectedWarp(v *Visit, p *Person, d *dice) { v.framed(p, d) }

func stageInjectedTint(v *Visit, p *Person, d *dice) {
	light := v.light
	v.framed(p, d).tint = float32(d.between(0.15, 0.8))
	v.light = light
	v.lateBy(d.between(0.1, 0.5))
}
