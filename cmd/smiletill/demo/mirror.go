package demo

import (
	"bytes"
	"context"
	"errors"
	"image"
	"image/draw"
	"image/jpeg"
	"math"
	"sync"
	"time"

	"smiletill/device/camera"
	"smiletill/device/screen"
)

const (
	// mirrorLate is when a light begins after it was asked for: what a page takes for it.
	mirrorLate = 50 * time.Millisecond
	// mirrorBright is the light of the screen's white on a face, as a share of the room's: some 18 lx of a
	// display of 7 inches at arm's length, in a room of 50 lx.
	mirrorBright = 0.35
	// mirrorTop and mirrorLow are how much of it is answered at the upper and the lower edge of the picture, so
	// that a forehead a third below the one answers 0.7 of it and a chin a third above the other 1.5: what a
	// head does that looks at a screen below the camera, by the heads of vision/attacks.
	mirrorTop, mirrorLow = 0.1, 2.1
	mirrorBands          = 24 // of rows that are lit alike
	mirrorQuality        = 92 // of the pictures' JPEG
)

// Mirror lets filmed visitors answer the terminal's light: it stands for the customer's page (Light), and
// lights the pictures of a camera in its colours.
type Mirror struct {
	mu    sync.Mutex
	light screen.Light
	begun time.Time
	film  bool
	last  time.Time // of the pictures, by a film's own time where it has one
}

// Film says that what is before the camera from now on is a film or a photo of somebody: it does not answer.
func (m *Mirror) Film(on bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.film = on
}

// Light begins a light, and says when its colours are shown.
func (m *Mirror) Light(l screen.Light) screen.Shown {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.light, m.begun = l, time.Now().Add(mirrorLate)
	if !m.last.IsZero() { // of a film that is played as fast as it is looked at
		m.begun = m.last.Add(mirrorLate)
	}
	s := screen.Shown{ID: l.ID, Ended: m.begun.Add(time.Duration(len(l.Colours)) * l.Slot)}
	for i := range l.Colours {
		s.At = append(s.At, m.begun.Add(time.Duration(i)*l.Slot))
	}
	return s
}

// shown is the colour of the screen at a time; false for the page.
func (m *Mirror) shown(at time.Time) (screen.Colour, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	since := at.Sub(m.begun)
	if m.film || m.light.Slot == 0 || since < 0 || since >= time.Duration(len(m.light.Colours))*m.light.Slot {
		return screen.Colour{}, false
	}
	return m.light.Colours[since/m.light.Slot], true
}

// passed notes how far a film is.
func (m *Mirror) passed(at time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.last = at
}

// Before gives a camera whose pictures are lit by the screen.
func (m *Mirror) Before(s camera.Source) camera.Source { return &lit{Source: s, mirror: m} }

type lit struct {
	camera.Source
	mirror *Mirror
	out    bytes.Buffer
}

// Next gives the next picture as the screen lights it.
func (l *lit) Next(ctx context.Context, f *camera.Frame) error {
	if err := l.Source.Next(ctx, f); err != nil {
		return err
	}
	if !f.Film.IsZero() {
		l.mirror.passed(f.Film)
	}
	c, ok := l.mirror.shown(f.Seen())
	if !ok {
		return nil
	}
	if f.Format != camera.MJPG {
		return errors.New("the mirror lights motion JPEG alone")
	}
	img, err := jpeg.Decode(bytes.NewReader(f.Data))
	if err != nil {
		return nil // damaged, as the film has it
	}
	l.out.Reset()
	if err := jpeg.Encode(&l.out, tinted(img, c), &jpeg.Options{Quality: mirrorQuality}); err != nil {
		return err
	}
	f.Data = append(f.Data[:0], l.out.Bytes()...)
	return nil
}

// tinted is a picture in the light of a screen of one colour, the more the lower.
//
//go:norace
func tinted(img image.Image, c screen.Colour) image.Image {
	b := img.Bounds()
	out := image.NewRGBA(b)
	draw.Draw(out, b, img, b.Min, draw.Src)
	for band := range mirrorBands {
		share := mirrorTop + (mirrorLow-mirrorTop)*float64(band)/(mirrorBands-1)
		var table [3][256]uint8
		for k := range table {
			more := 1 + mirrorBright*share*linear(float64(c[k])/255)
			for v := range table[k] {
				table[k][v] = uint8(math.Round(255 * min(encoded(linear(float64(v)/255)*more), 1)))
			}
		}
		from, to := band*b.Dy()/mirrorBands, (band+1)*b.Dy()/mirrorBands
		rows := out.Pix[from*out.Stride : to*out.Stride]
		for ; len(rows) >= 4; rows = rows[4:] {
			rows[0], rows[1], rows[2] = table[0][rows[0]], table[1][rows[1]], table[2][rows[2]]
		}
	}
	return out
}

// linear and encoded are sRGB's curve both ways (IEC 61966-2-1), 0..1.
func linear(v float64) float64 {
	if v <= 0.04045 {
		return v / 12.92
	}
	return math.Pow((v+0.055)/1.055, 2.4)
}

func encoded(v float64) float64 {
	if v <= 0.0031308 {
		return v * 12.92
	}
	return 1.055*math.Pow(v, 1/2.4) - 0.055
}
