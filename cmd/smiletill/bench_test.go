//go:build !notflite

package main

import (
	"fmt"
	"log/slog"
	"math"
	"math/rand/v2"
	"path/filepath"
	"testing"

	"smiletill/device/camera"
	"smiletill/models"
	"smiletill/vision"
	"smiletill/vision/gallery"
	"smiletill/vision/visits"
)

// BenchmarkFrameToDecision is what one frame of a visit costs, from the camera's JPEG to the finding: decode,
// look in full depth, match against 100 customers of 5 templates, fuse. The detector, mesh and embedding run
// on every frame.
func BenchmarkFrameToDecision(b *testing.B) {
	set, err := models.Open("")
	if err != nil {
		b.Fatal(err)
	}
	l, err := openLooker(set)
	if err != nil {
		b.Fatal(err)
	}
	defer l.close()
	g := crowd(b, 100)
	clip, err := visits.Open("customer_neutral")
	if err != nil {
		b.Fatal(err)
	}
	jpeg := clip.Frames[clip.LoopFrom]
	frame := camera.Frame{Data: jpeg, Format: camera.MJPG, Width: 640, Height: 480}
	var decoder camera.Decoder
	img, err := decoder.Decode(&frame)
	if err != nil {
		b.Fatal(err)
	}
	v := vision.NewVisit(g, vision.DefaultThresholds())
	observe := func(look vision.Look) { v.Observe(look) }
	b.Run("jpeg", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			img, err := decoder.Decode(&frame)
			if err != nil {
				b.Fatal(err)
			}
			if err := l.look(img, vision.Embed, observe); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("decoded", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if err := l.look(img, vision.Embed, observe); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// crowd is a gallery of n customers with random faces.
func crowd(b *testing.B, n int) *gallery.Gallery {
	b.Helper()
	dir := filepath.Join(b.TempDir(), "gallery")
	model := gallery.Model{SHA256: fmt.Sprintf("%064d", 0), Agree: 0.531, Same: 0.599}
	g, err := gallery.Open(dir, model, slog.New(slog.DiscardHandler))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := g.Close(); err != nil {
			b.Error(err)
		}
	})
	rng := rand.New(rand.NewPCG(1, 2))
	for i := range n {
		face := make([]float32, 192)
		var square float64
		for j := range face {
			face[j] = float32(rng.NormFloat64())
			square += float64(face[j]) * float64(face[j])
		}
		for j := range face {
			face[j] /= float32(math.Sqrt(square))
		}
		five := [][]float32{face, face, face, face, face}
		if _, err := g.Enrol(fmt.Sprintf("customer %d", i), five); err != nil {
			b.Fatal(err)
		}
	}
	return g
}
