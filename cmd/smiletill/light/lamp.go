package light

import (
	"context"
	"crypto/rand"
	"fmt"
	"math"
	"time"

	"smiletill/device/screen"
	"smiletill/vision"
)

const (
	// slot is how long each colour is shown: six of them take 1.2 s, and change luminance five times, by less
	// than a flash (WCAG 2.3.1).
	slot = 200 * time.Millisecond
	// unheard are the page's reports that may wait to be looked at; a page sends one or two for a light.
	unheard = 8
)

// Page shows light codes to the customer.
type Page interface {
	// Light has the page of a payment play a light; nil ends it. offer says that one may come, which the
	// customer may decline.
	Light(payment string, l *screen.Light, offer bool)
}

// Lamp is the terminal's screen as a light. It hears the page's reports (screen.Lights).
type Lamp struct {
	page     Page
	simulate func(screen.Light) screen.Shown
	said     chan screen.Shown
	colours  []screen.Colour
	palette  []vision.Colour // the same in linear light
	tally    tally
}

// New returns the light of a page. simulate stands for the page where there is none: it says at once when the
// colours will have been shown. nil: the page says when.
func New(page Page, simulate func(screen.Light) screen.Shown) *Lamp {
	return &Lamp{page: page, simulate: simulate, said: make(chan screen.Shown, unheard),
		colours: screen.Palette(), palette: Palette()}
}

// Palette is the screen's palette in linear light.
func Palette() (out []vision.Colour) {
	for _, c := range screen.Palette() {
		out = append(out, linear(c))
	}
	return out
}

// linear is a colour of sRGB in linear light (IEC 61966-2-1).
func linear(c screen.Colour) (out vision.Colour) {
	for i, v := range c {
		x := float64(v) / 255
		if x <= 0.04045 {
			out[i] = float32(x / 12.92)
		} else {
			out[i] = float32(math.Pow((x+0.055)/1.055, 2.4))
		}
	}
	return out
}

// Lit takes what the page says of a light. The newest count: nobody may be waiting.
func (l *Lamp) Lit(_ context.Context, s screen.Shown) {
	for {
		select {
		case l.said <- s:
			return
		default:
		}
		select {
		case <-l.said:
		default:
		}
	}
}

// Screen is what facts call the screen: "simulated", or "" for a page.
func (l *Lamp) Screen() string {
	if l.simulate != nil {
		return "simulated"
	}
	return ""
}

// Play is one visit's light. It serves the visit's goroutine.
type Play struct {
	lamp    *Lamp
	payment string
	visit   *vision.Visit
	delay   time.Duration
	off     bool // no light can be played, or is wanted
	playing string
	told    string // the light that the visit was told of last
	done    bool   // the visit has its verdict
	colours []vision.Colour
}

// For is the light of a visit that was asked to demand one. Without a delay that was measured none is played:
// nobody could tell an answer from one that comes late. Nor is one if it is automatic and the room has been
// too bright for it: it would only make the customer wait.
func (l *Lamp) For(payment string, visit *vision.Visit, delay Delay, automatic bool) *Play {
	p := &Play{lamp: l, payment: payment, visit: visit, delay: delay.By,
		off: !delay.Known && l.simulate == nil || automatic && l.bright()}
	for len(l.said) > 0 {
		<-l.said // of another visit
	}
	if p.off {
		visit.Dark()
	}
	l.page.Light(payment, nil, !p.off)
	return p
}

// Follow does what the visit wishes after a frame.
func (p *Play) Follow(f vision.Finding) error {
	p.hear()
	if f.Stage == vision.Consented {
		if !p.done { // the visit says so in every frame from now on
			p.done = true
			p.lamp.ended(f)
		}
		return nil
	}
	switch {
	case p.off:
	case f.Light && p.playing == "":
		return p.begin()
	case !f.Light && p.playing != "": // who was there has gone
		p.playing = ""
		p.lamp.page.Light(p.payment, nil, true)
	}
	return nil
}

// End takes the light off the page.
func (p *Play) End() { p.lamp.page.Light(p.payment, nil, false) }

// hear tells the visit what the page has said.
func (p *Play) hear() {
	for {
		select {
		case s := <-p.lamp.said:
			p.take(s)
		default:
			return
		}
	}
}

func (p *Play) take(s screen.Shown) {
	switch {
	case s.Why != "" && (s.ID == p.playing || s.ID == p.told): // "": declined before there was one
		p.visit.Dark()
		p.lamp.dark(s.Why)
		p.off, p.playing = true, ""
		p.lamp.page.Light(p.payment, nil, false)
	case s.ID != p.playing || p.playing == "" || len(s.At) != len(p.colours):
		return // of a light that was ended
	default:
		l := vision.Lit{Page: p.lamp.besides(), Colours: p.colours, Until: s.Ended.Add(p.delay)}
		for _, at := range s.At {
			l.At = append(l.At, at.Add(p.delay))
		}
		p.visit.Lit(l)
		p.lamp.dark("")
		p.told, p.playing = p.playing, ""
		if p.lamp.simulate == nil { // else a page may be playing it still, for who watches
			p.lamp.page.Light(p.payment, nil, true)
		}
	}
}

// Fills is how much of the page takes the colours; the rest are words in ink (a 800x480 page, counted in its
// picture).
const Fills = 0.87

// Besides is what the page shows before and after the colours, in the unit of theirs: white, and amber
// (#ffc72e) on a third. Read from its picture, too.
func Besides() vision.Colour { return vision.Colour{0.98, 0.83, 0.63} }

// besides is the same of a page or of a simulated screen.
func (l *Lamp) besides() vision.Colour {
	if l.simulate != nil {
		return vision.Colour{0.3, 0.3, 0.3}
	}
	return Besides()
}

func (p *Play) begin() error {
	one, colours, err := p.lamp.draw()
	if err != nil {
		return err
	}
	p.playing, p.colours = one.ID, colours
	p.lamp.show(p.payment, one)
	return nil
}

// show has the page play a light to whoever pays.
func (l *Lamp) show(payment string, one screen.Light) {
	l.page.Light(payment, &one, true)
	l.simulated(one)
}

// simulated has a simulated screen say when it will have played a light.
func (l *Lamp) simulated(one screen.Light) {
	if l.simulate != nil {
		l.Lit(context.Background(), l.simulate(one))
	}
}

// draw makes a light that nobody knows, and its colours in linear light.
func (l *Lamp) draw() (screen.Light, []vision.Colour, error) {
	code, err := vision.DrawCode(l.palette, l.besides(), rand.Reader)
	if err != nil {
		return screen.Light{}, nil, fmt.Errorf("play a light: %w", err)
	}
	one := screen.Light{ID: rand.Text(), Slot: slot}
	var colours []vision.Colour
	for _, n := range code {
		one.Colours, colours = append(one.Colours, l.colours[n]), append(colours, l.palette[n])
	}
	return one, colours, nil
}
