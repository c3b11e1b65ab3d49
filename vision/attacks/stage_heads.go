package attacks

import "math"

// span draws how large a face is in the picture: pixels between the outer corners of the eyes.
func span(d *dice) float64 { return d.between(76, 116) }

// newHeadOf draws a head for the person.
func (v *Visit) newHeadOf(f *face, d *dice) *head {
	// Half of it is drawn, half the photo's: a pale face in dark skin is nobody.
	albedo := math.Sqrt(d.logBetween(0.06, 0.5) * min(max(f.skin, 0.08), 0.5))
	if v.options.Albedo > 0 {
		albedo = v.options.Albedo
	}
	h := newHead(f, newAnatomy(d), albedo)
	v.truth.Albedo, v.truth.Nose = albedo, h.anatomy.nose
	if d.chance(0.25) {
		h.glasses, v.truth.Glasses = newGlasses(h, d), true
	}
	return h
}

// standing puts a head before the camera.
func (v *Visit) standing(f *face, d *dice) *head {
	h := v.newHeadOf(f, d)
	v.truth.Distance = h.anatomy.eyes * v.sensor.focal / span(d)
	v.scene.cast = []actor{newPerson(h, v.line, d, v.truth.Distance)}
	return h
}

func stageLiving(v *Visit, p *Person, d *dice) {
	v.standing(p.faces[0], d)
	v.line.delay = d.between(0.5, 1.3) // who is honest reads the screen first
}

func stageInjectedClip(v *Visit, p *Person, d *dice) {
	v.standing(p.faces[0], d)
	v.light = func(float64) Colour { return Colour{} }
}

func stageInjectedCode(v *Visit, p *Person, d *dice) {
	v.standing(p.faces[0], d)
	v.scene.panel = newPanel(d)
	v.scene.dim(d)
	v.light = wrongCode(d)
}

func stageInjectedLate(v *Visit, p *Person, d *dice) {
	v.standing(p.faces[0], d)
	v.scene.panel = newPanel(d)
	v.scene.dim(d)
	v.lateBy(d.between(0.15, 1))
}

// lateBy has the attacker answer the terminal's own light, but late.
func (v *Visit) lateBy(late float64) {
	v.truth.Relay = seconds(late)
	light := v.light
	v.light = func(t float64) Colour { return light(max(t-late, 0)) }
}

// dim is a room that an attacker chooses, so that colours show.
func (s *scene) dim(d *dice) {
	to := d.between(40, 150)
	k := float32(to / s.room.lux)
	for i := range s.canvas.behind {
		s.canvas.behind[i] *= k
	}
	s.room.lux = to
}

// wrongCode is a light code that isn't the terminal's: hues of about the same brightness, each for 100 to
// 400 ms.
func wrongCode(d *dice) func(t float64) Colour {
	slot, start := d.between(0.1, 0.4), d.between(0, 1)
	sat := d.between(0.3, 0.9)
	colours := make([]Colour, 64)
	for i := range colours {
		hue := 2 * math.Pi * float64(d.pick(6)) / 6
		for k := range 3 {
			colours[i][k] = float32(0.5 * (1 + sat*math.Cos(hue-2*math.Pi*float64(k)/3)))
		}
	}
	return func(t float64) Colour { return colours[int((t+start)/slot)&63] }
}

// display is a phone, a tablet or a monitor: 100 to 400 cd/m2, pixels of 0.08 to 0.25 mm whose pattern still
// has 1 to 9 % of its contrast behind the camera's lens, a glossy glass. unit is how many pixels of the
// texture are a metre.
func (v *Visit) display(d *dice, unit float64) matter {
	rates := [...]float64{60, 90, 120, 240}
	v.refresh, v.depth = rates[d.pick(len(rates))]+d.between(-0.3, 0.3), d.between(0, 0.12)
	return matter{glow: d.logBetween(100, 400), gloss: d.between(0.005, 0.05), lobe: 9, grid: d.between(0.01,
		0.09),
		pitch: d.between(0.00008, 0.00025) * unit}
}

// held is a pose in a hand: tilted a little, trembling, and swinging.
func held(d *dice, distance float64) sway {
	at := vec{d.between(-0.02, 0.02), d.between(-0.04, -0.015), distance}
	base := pose{at: at, yaw: d.between(-0.12, 0.12), pitch: d.between(-0.12, 0.12), roll: d.between(-0.06,
		0.06)}
	return newSway(d, base, d.between(0.001, 0.006), d.between(0.008, 0.04), d.between(0.0001, 0.0005))
}

// replay puts a film of the person before the camera.
func (v *Visit) replay(p *Person, d *dice) *film {
	h := v.newHeadOf(p.faces[0], d)
	shown := d.between(0.06, 0.11) // metres between the eyes' corners
	f := newFilm(h, v.line, d, v.display(d, faceUnit/shown))
	f.unit = shown / faceUnit
	v.truth.Distance = shown * v.sensor.focal / span(d)
	f.sway = held(d, v.truth.Distance)
	v.scene.cast = []actor{f}
	return f
}

func stageReplayBezel(v *Visit, p *Person, d *dice) {
	v.replay(p, d).border(d.between(0.006, 0.025), matter{diffuse: 1, gloss: 0.03, lobe: 7})
}

func stageReplayBorderless(v *Visit, p *Person, d *dice) {
	f := v.replay(p, d)
	v.truth.Distance = f.unit * faceUnit * v.sensor.focal / d.between(98, 116)
	f.sway.base.at.z = v.truth.Distance
	f.fill(d)
}

func stageReplayCode(v *Visit, p *Person, d *dice) {
	f := v.replay(p, d)
	f.scene.panel = newPanel(d)
	f.scene.dim(d)
	f.gain *= float32(300 / f.scene.room.lux)
	f.light = wrongCode(d)
}
