package attacks

import "math"

// vertex is a place of a surface in one frame.
type vertex struct {
	at           vec     // metres, as the camera sees it
	normal       vec     // towards the camera's side
	sx, sy       float32 // pixels of the frame
	near         float32 // 1 / z
	u, v         float32 // pixels of the texture
	room, screen float32 // light that falls on it, over pi: lux of the room, lux of the screen at white
	glossR       float32 // what it mirrors of them, cd/m2
	glossS       float32
	tone         float32    // what of the texture is the matter's own, not the light's that it was taken in
	cover, shade float32    // 0..1; of what is behind, of the light that is lost
	times, plus  [3]float32 // what the texture is multiplied by, and what is added, in the light of the row
}

// matter is how a surface answers light.
type matter struct {
	diffuse float64 // what of the texture is reflected; 0 for a screen that only glows
	glow    float64 // cd/m2 of white: a screen's own light
	gloss   float64 // reflectance of the coat or the skin's oil, at the middle of the lobe
	lobe    int     // its exponent is 2^lobe
	grid    float64 // contrast of the pixels of a screen, 0 for none
	pitch   float64 // pixels of the texture for one of the screen's
}

// surface is a raster of places with a texture.
type surface struct {
	w, h    int
	now     []vertex
	texture *texture
	matter  matter
	even    float32 // cd/m2 of white, of what was never lit by this room: the same everywhere
	tint    float32 // and how strongly a program colours it, as a share of that
}

func newSurface(w, h int, t *texture, m matter) *surface {
	s := &surface{w: w, h: h, now: make([]vertex, w*h), texture: t, matter: m}
	for i := range s.now {
		s.now[i].cover, s.now[i].tone = 1, 1
	}
	return s
}

// orient takes the normals from the places around each.
//
//go:norace
func (s *surface) orient() {
	for j := range s.h {
		for i := range s.w {
			a, b := s.now[j*s.w+max(i-1, 0)].at, s.now[j*s.w+min(i+1, s.w-1)].at
			c, d := s.now[max(j-1, 0)*s.w+i].at, s.now[min(j+1, s.h-1)*s.w+i].at
			n := b.minus(a).cross(d.minus(c)) // x cross y is z: away from the camera
			l := n.length()
			if l < 1e-12 {
				s.now[j*s.w+i].normal = vec{0, 0, -1}
				continue
			}
			s.now[j*s.w+i].normal = n.times(-1 / l)
		}
	}
}

// Panel is where the terminal's own screen is, seen from its camera: metres.
type panel struct {
	width, height float64
	middle        vec
	peak          float64 // cd/m2 of white
}

// room is the light that is there without the screen.
type room struct {
	lux     float64 // on something upright that faces the camera
	lamp    vec     // direction to the lamp
	share   float64 // of the lamp; the rest comes from all sides
	colour  [3]float64
	flicker float64 // depth of 100 Hz, 0..1
	phase   float64
}

// illuminate finds the light on every place: the room's lamp and sky, and the screen as an area of six parts,
// each with the inverse square of its distance and both cosines.
//
//go:norace
func (s *surface) illuminate(r *room, p *panel) {
	if s.even > 0 {
		for i := range s.now {
			s.now[i].room, s.now[i].screen = s.even, s.even*s.tint
		}
		return
	}
	sky := 1 - r.share
	front := max(r.lamp.dot(vec{0, 0, -1}), 0.4)
	area := p.width * p.height / 6
	var parts [6]vec
	for i := range parts {
		parts[i] = p.middle.plus(vec{(float64(i%3) - 1) / 3 * p.width, (float64(i/3) - 0.5) / 2 * p.height, 0})
	}
	for i := range s.now {
		v := &s.now[i]
		n := v.normal
		eye := v.at.times(-1).unit()
		lamp := max(n.dot(r.lamp), 0) / front
		v.room = float32(r.lux / math.Pi * (r.share*lamp + sky*(0.75-0.35*n.y-0.25*n.z)))
		var lux float64
		for _, q := range parts {
			d := q.minus(v.at)
			r2 := d.dot(d)
			if cos := n.dot(d); cos > 0 && d.z < 0 {
				lux += cos * -d.z / (r2 * r2)
			}
		}
		v.screen = float32(p.peak * area * lux / math.Pi)
		if s.matter.gloss == 0 {
			v.glossR, v.glossS = 0, 0
			continue
		}
		half := r.lamp.plus(eye).unit()
		v.glossR = float32(s.matter.gloss * r.share * r.lux * s.shine(n.dot(half)))
		to := p.middle.minus(v.at)
		half = to.unit().plus(eye).unit()
		v.glossS = float32(s.matter.gloss * p.peak * p.width * p.height / to.dot(to) * s.shine(n.dot(half)))
	}
}

// shine is Blinn's lobe, normalised so that a narrower one is brighter.
func (s *surface) shine(cos float64) float64 {
	if cos <= 0 {
		return 0
	}
	k := 1.0
	for range s.matter.lobe {
		cos, k = cos*cos, k*2
	}
	return cos * (k + 8) / (8 * math.Pi)
}
