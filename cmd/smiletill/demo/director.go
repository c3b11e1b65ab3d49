package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"testing/fstest"

	"smiletill/device/camera"
	"smiletill/vision/visits"
)

// Director stands for the shop: it decides who is in front of the demo's camera.
type Director struct {
	live  *camera.Switch
	idle  *camera.Clip
	clips map[string]act
	photo func() (*camera.Clip, error) // made when it is first held up: it is a film of its own to encode
	fps   float64
}

// act is a visit: all of it once, then its last part for as long as it is wanted.
type act struct{ visit, rest *camera.Clip }

// NewDirector shows the empty shop; speed is how much faster than filmed everything is played.
func NewDirector(speed float64) (*Director, error) {
	d := &Director{clips: map[string]act{}, fps: speed * visits.FPS,
		photo: sync.OnceValues(func() (*camera.Clip, error) { return photoOf("customer_neutral") })}
	for _, name := range visits.Names() {
		c, err := visits.Open(name)
		if err != nil {
			return nil, err
		}
		a := act{}
		if a.visit, err = load(name, c.Frames); err != nil {
			return nil, err
		}
		if rest := stay(c); len(rest) > 0 {
			if a.rest, err = load(name+"-rest", rest); err != nil {
				return nil, err
			}
		}
		d.clips[name] = a
	}
	idle, ok := d.clips["idle"]
	if !ok {
		return nil, errors.New("the clip of the empty shop is missing")
	}
	d.idle = idle.visit
	d.live = camera.NewSwitch(d.empty())
	return d, nil
}

// stay is the part of a clip that is repeated while its visitor stays; empty for one who goes away.
func stay(c visits.Clip) [][]byte {
	if c.LoopTo > c.LoopFrom && c.LoopFrom >= 0 {
		return c.Frames[c.LoopFrom:c.LoopTo]
	}
	if c.Name == "stranger_smile" { // who leaves that soon is not refused
		return c.Frames[c.Near+visits.FPS/2:] // from where the face stands, so that it does not jump
	}
	return nil
}

func load(name string, frames [][]byte) (*camera.Clip, error) {
	var film []byte
	for _, f := range frames {
		film = append(film, f...)
	}
	file := name + ".mjpeg"
	return camera.Load(fstest.MapFS{file: {Data: film}}, file)
}

func (d *Director) empty() camera.Source {
	return d.idle.Play(camera.Playback{FPS: d.fps, Loop: true})
}

// Enter lets the visits happen one after the other; the last one stays until the next cut.
func (d *Director) Enter(names ...string) error {
	var parts []camera.Source
	for i, name := range names {
		a, ok := d.clips[name]
		if name == photoClip {
			photo, err := d.photo()
			if err != nil {
				return err
			}
			a, ok = act{photo, photo}, true
		}
		if !ok {
			return fmt.Errorf("no clip is called %q", name)
		}
		parts = append(parts, a.visit.Play(camera.Playback{FPS: d.fps}))
		if i == len(names)-1 && a.rest != nil {
			parts = append(parts, a.rest.Play(camera.Playback{FPS: d.fps, Loop: true}))
		}
	}
	d.live.Cut(&sequence{parts: append(parts, d.empty())})
	return nil
}

// Live is the camera: what it shows follows Enter and Leave.
func (d *Director) Live() camera.Source { return d.live }

// Leave shows the empty shop.
func (d *Director) Leave() { d.live.Cut(d.empty()) }

// sequence plays sources one after the other.
type sequence struct{ parts []camera.Source }

// Next gives the next frame of the source that plays.
func (s *sequence) Next(ctx context.Context, f *camera.Frame) error {
	for {
		err := s.parts[0].Next(ctx, f)
		if !errors.Is(err, io.EOF) || len(s.parts) == 1 {
			return err
		}
		if err := s.parts[0].Close(); err != nil {
			return err
		}
		s.parts = s.parts[1:]
	}
}

// Close ends what has not played yet.
func (s *sequence) Close() error {
	var err error
	for _, p := range s.parts {
		err = errors.Join(err, p.Close())
	}
	return err
}
