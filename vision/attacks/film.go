package attacks

import "math"

// film is a recording of a head that is played on a flat screen held before the camera.
type film struct {
	scene  *scene // where it was filmed
	light  func(t float64) Colour
	rate   float64 // pictures a second
	gain   float32
	frame  int // that the screen shows now
	screen *surface
	rim    *surface
	rimBy  float64 // metres
	unit   float64 // metres for a pixel of the film
	sway   sway
}

const (
	filmWidth, filmHeight = 400, 560
	filmFocal             = 640
)

// newFilm makes the recording's studio: the head before a wall in good light.
func newFilm(h *head, line *timeline, d *dice, m matter) *film {
	sc := &scene{canvas: newCanvas(filmWidth, filmHeight, filmFocal), room: newRoom(d), panel: darkPanel()}
	sc.room.lux, sc.room.flicker = 300, 0
	newBackground(sc.canvas, &sc.room, d)
	distance := h.anatomy.eyes * filmFocal / faceUnit
	p := newPerson(h, line, d, distance)
	p.sway.base.at = vec{d.between(-0.01, 0.01), d.between(-0.05, -0.035), distance}
	sc.cast = []actor{p}
	t := newTexture(filmWidth, filmHeight)
	f := &film{scene: sc, rate: 25, frame: -1, screen: newSurface(17, 17, t, m)}
	albedo := h.surface.matter.diffuse * h.face.skin
	f.gain = float32(0.3 * math.Pi / (albedo * sc.room.lux))
	for k := range f.screen.now {
		u, v := float64(k%17)/16, float64(k/17)/16
		f.screen.now[k].u, f.screen.now[k].v = float32(u*(filmWidth-1)), float32(v*(filmHeight-1))
	}
	return f
}

// play renders the picture of the recording that the screen shows at t.
//
//go:norace
func (f *film) play(t float64) {
	n := int(t * f.rate)
	if n == f.frame {
		return
	}
	f.frame = n
	t = float64(n) / f.rate
	c := f.scene.canvas
	if f.light != nil {
		colour := f.light(t)
		for y := range c.h {
			c.light.screen[y] = [3]float32(colour)
		}
	}
	c.clear()
	for _, a := range f.scene.cast {
		a.act(t, f.scene)
	}
	to := f.screen.texture.pix
	for i := range c.w * c.h {
		for k := range 3 {
			to[4*i+k] = min(c.pix[3*i+k]*f.gain, 1)
		}
		to[4*i+3] = 1
	}
}

func (f *film) border(width float64, m matter) {
	t := newTexture(2, 2)
	for i := range 4 {
		copy(t.pix[4*i:], []float32{0.03, 0.03, 0.03, 1})
	}
	f.rim, f.rimBy = newSurface(9, 9, t, m), width
}

// fill lets the film's wall, of one colour, go on beyond the film to all sides.
func (f *film) fill(d *dice) {
	wall, light := [3]float32{}, d.between(0.3, 0.7)
	for k, c := range f.scene.room.colour {
		wall[k] = float32(light*c) / f.gain
	}
	behind := f.scene.canvas.behind
	for i := range behind {
		behind[i] = wall[i%3]
	}
	t := newTexture(2, 2)
	for i := range 4 {
		for k := range wall {
			t.pix[4*i+k] = min(wall[k]*f.gain, 1)
		}
		t.pix[4*i+3] = 1
	}
	m := f.screen.matter
	m.grid = 0
	f.rim, f.rimBy = newSurface(33, 33, t, m), 0.5
}

func (f *film) act(t float64, s *scene) {
	f.play(t)
	place := f.sway.at(t).place()
	lay := func(to *surface, by, behind float64) {
		for k := range to.now {
			u, v := float64(k%to.w)/float64(to.w-1), float64(k/to.w)/float64(to.h-1)
			x, y := (u-0.5)*(filmWidth*f.unit+2*by), (v-0.41)*filmHeight*f.unit+(2*v-1)*by
			to.now[k].at = place.apply(vec{x, y, behind})
		}
		to.orient()
		s.show(to)
	}
	if f.rim != nil {
		lay(f.rim, f.rimBy, 0.0005)
	}
	lay(f.screen, 0, 0)
}
