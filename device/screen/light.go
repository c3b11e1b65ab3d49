package screen

import (
	"context"
	"fmt"
	"math"
	"slices"
	"time"
)

// Colour is a colour of a screen: red, green and blue of sRGB, 0..255 each.
type Colour [3]uint8

// Light is a code of colours that the customer's page plays while the smile is asked for: it fills all but
// the words with each of them in turn, and the terminal's camera may look for their reflection on the face.
type Light struct {
	ID      string        // 1 to 64 bytes; each is played once, in however many Views it comes
	Colours []Colour      // 1 to 16, best of Palette
	Slot    time.Duration // how long each is shown: 150 ms to 1 s
}

// Lights hears what became of a Light.
type Lights interface {
	// Lit is called once for a Light that has been played or will not be. A second call takes the first back:
	// it came out that two screens have played it at different times, or it was declined after all. It is
	// never called for a page that was closed in the middle, nor for a Light that a View without it has
	// stopped. It may be called by several goroutines, and a page waits for its end.
	Lit(ctx context.Context, s Shown)
}

// Shown says when the colours of a Light were on the terminal's own display.
type Shown struct {
	ID string // of the Light; "" if it was declined before there was one
	// At is when each colour was on the panel, by this machine's monotonic clock: the frame after the one that
	// set it. It is late by the panel's own delay, and by what a request takes on this machine. nil if the
	// Light was not shown.
	At    []time.Time
	Ended time.Time // when the page was as usual again, as exactly as At
	Why   string    // "", or why it was not shown: one of the words below
}

// Why a Light was not shown.
const (
	WhyHidden        = "hidden"         // the page is behind another, or the screen is off
	WhyReducedMotion = "reduced_motion" // the browser is set to show nothing that moves
	WhyDeclined      = "declined"       // the customer wants none: none are played until they are offered anew
	WhyStalled       = "stalled"        // a colour was left out, or came so late that nobody can tell when
	WhyTwoScreens    = "two_screens"    // two pages on this machine, half a slot apart: one is not the panel
)

const (
	lightIDMax   = 64
	lightColours = 16
	slotMin      = 150 * time.Millisecond
	slotMax      = time.Second
	// flashFrom is the part of the brightest colour's relative luminance from which a pair of changes counts as
	// a flash (WCAG 2.2, "general flash"). It names the screen's full white, 2.0 left it open: this is stricter.
	flashFrom = 0.1
	// redFrom is the part of red in linear light from which WCAG 2.2 calls it saturated ("red flash").
	redFrom = 0.8
	// lightLeast is the relative luminance above which the page's ink (#15171c, 0.0085) has 4.5:1 on a colour.
	lightLeast = 0.22
)

// Palette returns the hues to make codes of, each of the same relative luminance within the 8 bits of sRGB.
//
// That luminance is red's and blue's together, 0.2126 + 0.0722. With it red and blue can each be off or on in
// full, and green makes up for them. Brighter, the same differences of linear light would lie on more white;
// darker, not all of them would fit. So the hues are as different in chromaticity as they can be where a
// camera sees the most of it. Red and blue take none, half and all of their linear light, without the one
// that has red alone, which WCAG 2.2 calls saturated.
func Palette() []Colour {
	const bright = redWeight + blueWeight
	var p []Colour
	for _, rb := range [...][2]float64{ // in the order of the hue, from amber; the last is nearly grey
		{0.5, 0}, {0, 0}, {0, 0.5}, {0, 1}, {0.5, 1}, {1, 1}, {1, 0.5}, {0.5, 0.5},
	} {
		green := (bright - redWeight*rb[0] - blueWeight*rb[1]) / greenWeight
		p = append(p, Colour{encode(rb[0]), encode(green), encode(rb[1])})
	}
	return p
}

// The weights of linear light in relative luminance: WCAG 2.2, from ITU-R BT.709.
const redWeight, greenWeight, blueWeight = 0.2126, 0.7152, 0.0722

// linear is the light, 0..1, of one part of a colour: IEC 61966-2-1 as WCAG 2.2 has it.
func linear(v uint8) float64 {
	x := float64(v) / 255
	if x <= 0.04045 {
		return x / 12.92
	}
	return math.Pow((x+0.055)/1.055, 2.4)
}

// encode is the nearest to the inverse of linear.
func encode(light float64) uint8 {
	x := 12.92 * light
	if light > 0.0031308 {
		x = 1.055*math.Pow(light, 1/2.4) - 0.055
	}
	return uint8(math.Round(255 * min(max(x, 0), 1)))
}

// luminance is the relative luminance, 0..1.
func (c Colour) luminance() float64 {
	return redWeight*linear(c[0]) + greenWeight*linear(c[1]) + blueWeight*linear(c[2])
}

// red is the part of red in the linear light, 0..1.
func (c Colour) red() float64 {
	r := linear(c[0])
	return r / max(r+linear(c[1])+linear(c[2]), 1e-9)
}

func (c Colour) css() string { return fmt.Sprintf("#%02x%02x%02x", c[0], c[1], c[2]) }

// wrong says why a Light is not to be played by a page in a state, "" if it is.
func (l *Light) wrong(in State) string {
	if in != Smile && in != Recognised {
		return "while no smile is asked for"
	}
	if l.ID == "" || len(l.ID) > lightIDMax {
		return fmt.Sprintf("with an ID of %d bytes", len(l.ID))
	}
	if n := len(l.Colours); n == 0 || n > lightColours {
		return fmt.Sprintf("of %d colours", n)
	}
	if l.Slot < slotMin || l.Slot > slotMax {
		return fmt.Sprintf("with slots of %v", l.Slot)
	}
	least, most := math.Inf(1), 0.0
	for _, c := range l.Colours {
		if c.red() >= redFrom {
			return "with the saturated red " + c.css()
		}
		least, most = min(least, c.luminance()), max(most, c.luminance())
	}
	switch {
	case least < lightLeast:
		return "too dark for the words on it"
	case most-least >= flashFrom*most:
		return "that flashes"
	}
	return ""
}

func (l *Light) same(m *Light) bool {
	if l == nil || m == nil {
		return l == m
	}
	return l.ID == m.ID && l.Slot == m.Slot && slices.Equal(l.Colours, m.Colours)
}

func (l *Light) clone() *Light {
	if l == nil {
		return nil
	}
	return &Light{ID: l.ID, Colours: slices.Clone(l.Colours), Slot: l.Slot}
}

// lightMessage is the wire form of a Light.
type lightMessage struct {
	ID      string   `json:"id"`
	Colours []string `json:"colours"`
	SlotMS  float64  `json:"slot_ms"`
}

func (l *Light) message() *lightMessage {
	if l == nil {
		return nil
	}
	m := &lightMessage{ID: l.ID, SlotMS: float64(l.Slot) / float64(time.Millisecond)}
	for _, c := range l.Colours {
		m.Colours = append(m.Colours, c.css())
	}
	return m
}
