package attacks

import (
	"errors"
	"fmt"
	"image"
	"math"
	"time"
)

// Options are what the caller decides of a visit.
type Options struct {
	// Screen says which colour the terminal's screen is told to show at a time of the visit's clock: the light
	// code. It is asked for times up to the frame that is being made, more than once and not in order. Nil is a
	// screen that shows a page: a steady grey.
	Screen func(at time.Duration) Colour
	// FPS is the camera's frame rate, 5 to 30; 0 draws it.
	FPS float64
	// Lux is the light of the room, 1 to 20,000; 0 draws 50 to 1,000. Injected clips have none.
	Lux float64
	// Albedo is what the skin reflects, 0.03 to 0.6; 0 draws it.
	Albedo float64
	// Length of the visit, up to a minute; 0 is long enough for a smile and the light code: 8 s, or 3.5 s after
	// the smile was asked for.
	Length time.Duration
}

// ErrOption says that an option is out of its range, or that the person has too few photos for the species.
var ErrOption = errors.New("out of range")

// Truth is what was drawn for a visit.
type Truth struct {
	Species  Species
	Living   bool
	Flat     bool          // what is before the camera is a plane or a cylinder
	Injected bool          // it never was before the camera
	Lux      float64       // of the room, 0 when injected
	Albedo   float64       // of the skin
	Distance float64       // metres from the camera to the eyes
	Glasses  bool          // of the head
	Flicker  float64       // depth of the room's 100 Hz, 0..1
	Passer   bool          // somebody goes by in the background
	FPS      float64       // of the camera
	Quality  int           // of its JPEGs
	Gamma    float64       // of its tone curve
	Latency  time.Duration // from the screen being told a colour to its light
	Onset    time.Duration // from being asked to the first movement of the smile
	Rise     time.Duration // from there to the full smile
	Relay    time.Duration // by which the attacker's light comes late, 0 for none
	Nose     float64       // how far it stands out, in distances of the eyes' outer corners
}

// Visit is one visit, rendered picture by picture. It serves one goroutine.
type Visit struct {
	truth   Truth
	options Options
	sensor  *sensor
	scene   scene
	line    *timeline
	light   func(t float64) Colour // what falls on what is before the camera
	refresh float64                // Hz of a replaying screen, 0 for none
	depth   float64                // of that, 0..1
	out     *image.YCbCr
	dice    *dice

	frame  int
	last   float64
	next   float64
	until  float64
	asked  bool
	redraw float64 // seconds in which the terminal's screen draws a page
}

const (
	visitFor  = 8.0
	afterAsk  = 3.5
	longest   = time.Minute
	jitterMax = 0.4 // of a frame's time
)

// New makes the visit of a species by a person for a seed. A species that needs two photos of the person
// (Needs) has ErrOption without, as have options out of their range.
func New(species Species, p *Person, seed Seed, o Options) (*Visit, error) {
	in, ok := find(species)
	if !ok {
		return nil, fmt.Errorf("attacks: species %q: %w", species, ErrOption)
	}
	if p == nil || len(p.faces) < in.Needs {
		return nil, fmt.Errorf("attacks: %s needs %d photos of a person: %w", species, in.Needs, ErrOption)
	}
	if o.FPS != 0 && !(o.FPS >= 5 && o.FPS <= 30) || o.Lux != 0 && !(o.Lux >= 1 && o.Lux <= 20000) ||
		o.Albedo != 0 && !(o.Albedo >= 0.03 && o.Albedo <= 0.6) || o.Length < 0 || o.Length > longest {
		return nil, fmt.Errorf("attacks: options %+v: %w", o, ErrOption)
	}
	v := &Visit{options: o, truth: Truth{Species: species, Living: in.Living, Flat: in.Flat,
		Injected: in.Injected}}
	d := newDice(seed, string(species))
	v.dice = d
	v.setUp(d, in.Injected)
	in.stage(v, p, d)
	if !in.Injected && d.chance(0.2) {
		v.scene.cast = append([]actor{newPasser(d)}, v.scene.cast...)
		v.truth.Passer = true
	}
	v.truth.Onset, v.truth.Rise = seconds(v.line.delay), seconds(v.line.last)
	v.until = visitFor
	if o.Length > 0 {
		v.until = o.Length.Seconds()
	}
	ratio := image.YCbCrSubsampleRatio420
	v.out = image.NewYCbCr(image.Rect(0, 0, Width, Height), ratio)
	return v, nil
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

// setUp draws the camera and the room.
func (v *Visit) setUp(d *dice, injected bool) {
	s := &v.scene
	s.room, s.panel = newRoom(d), newPanel(d)
	if v.options.Lux > 0 {
		s.room.lux = v.options.Lux
	}
	v.sensor = newSensor(d, s.room.lux)
	latency, redraw := d.between(0.02, 0.12), d.between(0.008, 0.02)
	v.redraw = redraw
	if injected {
		v.sensor = perfectSensor(d)
		s.room.lux, s.room.flicker = 300, 0
		s.panel, v.redraw = darkPanel(), 0
	}
	if v.options.FPS > 0 {
		v.sensor.fps = v.options.FPS
		v.sensor.jitter = min(v.sensor.jitter, 0.12/v.sensor.fps)
		v.sensor.readout = min(v.sensor.readout, 0.9/v.sensor.fps)
	}
	s.canvas = newCanvas(Width, Height, v.sensor.focal)
	for k, c := range s.room.colour {
		s.canvas.light.colour[k] = float32(c)
	}
	newBackground(s.canvas, &s.room, d)
	page := d.between(0.15, 0.5)
	v.light = func(t float64) Colour {
		if v.options.Screen == nil {
			return Colour{float32(page), float32(page), float32(page)}
		}
		return v.options.Screen(seconds(max(t-latency, 0)))
	}
	line := newTimeline(d)
	v.line = &line
	t := &v.truth
	t.FPS, t.Quality, t.Gamma, t.Latency = v.sensor.fps, v.sensor.quality, v.sensor.gamma, seconds(latency)
	if !injected {
		t.Lux, t.Flicker = s.room.lux, s.room.flicker
	}
}

// Truth is what was drawn.
func (v *Visit) Truth() Truth { return v.truth }

// Ask tells whoever is there, at a time of the visit's clock, that the screen asks for the smile now. The
// first call counts. Without one it begins by itself after 2 to 3 s.
func (v *Visit) Ask(at time.Duration) {
	if v.asked {
		return
	}
	v.asked = true
	v.line.smileAt = at.Seconds() + v.line.delay
	v.line.talkTo = min(v.line.talkTo, v.line.smileAt)
	if v.options.Length == 0 {
		v.until = min(v.line.smileAt+v.line.last+afterAsk, longest.Seconds())
	}
}

// Next renders the next picture that the camera delivers, and the time at which it was taken, from the
// start of the visit; ok is false when the visit is over. The picture is the visit's: the next call writes
// over it.
func (v *Visit) Next() (img *image.YCbCr, at time.Duration, ok bool) {
	t := v.next
	for {
		if t >= v.until {
			return nil, 0, false
		}
		v.frame++
		period := 1 / v.sensor.fps
		jitter := min(max(v.sensor.jitter*v.dice.gauss(), -jitterMax*period), jitterMax*period)
		v.next = float64(v.frame)*period + jitter
		if v.frame == 1 || !v.dice.chance(v.sensor.dropped) {
			break
		}
		t = v.next
	}
	v.render(t)
	return v.out, seconds(t), true
}

func (v *Visit) render(t float64) {
	c := v.scene.canvas
	v.expose(t)
	c.clear()
	for _, a := range v.scene.cast {
		a.act(t, &v.scene)
	}
	if v.frame == 1 {
		v.sensor.settle(c, v.dice)
	} else {
		v.sensor.follow(c, t-v.last)
	}
	v.last = t
	v.sensor.develop(c, v.out)
}

// expose finds the light while each row is exposed.
func (v *Visit) expose(t float64) {
	l := &v.scene.canvas.light
	late := v.redraw * v.dice.between(0, 1) // a screen draws a new page within its own frame
	exposure := v.sensor.exposure
	// Over a time of exposure a wave keeps sin(x)/x of its depth.
	kept := func(hz float64) float64 {
		x := math.Pi * hz * exposure
		return math.Abs(math.Sin(x) / x)
	}
	deep, band := v.scene.room.flicker*kept(100), v.depth
	if v.refresh > 0 {
		band *= kept(v.refresh)
	}
	const same = 12 // rows for which the screen is asked once
	for y := range l.room {
		row := t + v.sensor.readout*float64(y)/Height
		if deep > 0.003 {
			l.room[y] = float32(1 + deep*math.Sin(2*math.Pi*(100*row+v.scene.room.phase)))
		}
		if band > 0.003 {
			l.glow[y] = float32(1 + band*math.Sin(2*math.Pi*v.refresh*row))
		}
		if y%same != 0 {
			l.screen[y] = l.screen[y-1]
			continue
		}
		var sum [3]float32
		for k := range 3 {
			colour := v.light(max(row-late-exposure*float64(k)/3, 0))
			for i := range sum {
				sum[i] += min(max(colour[i], 0), 1) / 3
			}
		}
		l.screen[y] = sum
	}
}
