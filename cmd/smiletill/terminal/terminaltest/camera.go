package terminaltest

import (
	"context"
	"errors"
	"time"

	"smiletill/device/camera"
	"smiletill/vision/visits"
)

// plug opens the camera: the customer's visit, over and over, three times as fast as filmed.
func (s *Shop) plug() (camera.Source, error) {
	s.PlugAt()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.pulled {
		return nil, errors.New("no camera is plugged in")
	}
	return &pullable{shop: s, Source: s.clip.Play(camera.Playback{FPS: 3 * visits.FPS, Loop: true})}, nil
}

// Pull takes the camera out, or puts it back.
func (s *Shop) Pull(out bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pulled = out
}

// kept is a camera that outlives the terminal which closes it.
type kept struct{ camera.Source }

// Close leaves it open.
func (kept) Close() error { return nil }

// pullable is a camera that can be pulled out, and whose film waits for the terminal while that looks: a busy
// machine sees the same frames as another, only later.
type pullable struct {
	camera.Source
	shop  *Shop
	taken uint64    // how many frames had been looked at when the last one was given,
	given time.Time // and when that was
}

// Next gives the next frame when the last one was looked at.
func (p *pullable) Next(ctx context.Context, f *camera.Frame) error {
	p.shop.mu.Lock()
	out := p.shop.pulled
	p.shop.mu.Unlock()
	if out {
		return errors.New("no such device")
	}
	const patience = 400 * time.Millisecond // while nobody looks; well below what counts as a camera's silence
	for p.shop.Term.FramesTaken() == p.taken && time.Since(p.given) < patience {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(2 * time.Millisecond):
		}
	}
	taken := p.shop.Term.FramesTaken()
	err := p.Source.Next(ctx, f)
	p.taken, p.given = taken, time.Now()
	return err
}
