package trial

import (
	"context"
	"errors"
	"fmt"
	"image"
	"image/color"
	"log/slog"
	"math"
	"math/rand/v2"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"

	"smiletill/device/camera"
	"smiletill/vision"
	"smiletill/vision/gallery"
	"smiletill/vision/visits"
)

const (
	benchWarmUp = 4    // frames, two of each format
	benchMost   = 4096 // frames of a run
)

// The stages of a frame, in their order.
const (
	stageYUYV = iota
	stageMJPG
	stageDetectCrop
	stageDetect
	stageMeshCrop
	stageMesh
	stageAlign
	stageEmbed
	stageMatch
	stagePassiveCrop
	stagePassive
	stageSkin
	stageWholeYUYV
	stageWholeMJPG
	stageBusyMJPG
	stages
)

func stageName(i int) string {
	return [stages]string{"decode YUYV", "decode MJPG", "detector: crop", "detector: network",
		"mesh: crop, light, sharpness", "mesh: network", "embedding: align", "embedding: network", "match and fuse",
		"liveness, apart: crop", "liveness, apart: network",
		"liveness, apart: light on the face", "frame to decision, YUYV",
		"frame to decision, MJPG", "frame to decision, MJPG, of a processor"}[i]
}

// benchFilm is somebody who stands before the terminal, in both of a camera's formats.
type benchFilm struct {
	name       string
	mjpg, yuyv []camera.Frame
}

func openBenchFilm() (benchFilm, error) {
	const name = "customer_neutral" // never smiles: the visit goes on for as long as the film is repeated
	clip, err := visits.Open(name)
	if err != nil {
		return benchFilm{}, err
	}
	f := benchFilm{name: name}
	var d camera.Decoder
	for _, data := range clip.Frames[clip.LoopFrom:clip.LoopTo] {
		j := camera.Frame{Data: data, Format: camera.MJPG}
		img, err := d.Decode(&j)
		if err != nil {
			return f, fmt.Errorf("clip %s: %w", name, err)
		}
		f.mjpg, f.yuyv = append(f.mjpg, j), append(f.yuyv, packed(img))
	}
	return f, nil
}

// packed is the frame that a camera would give of img in YUYV.
func packed(img image.Image) camera.Frame {
	b := img.Bounds()
	f := camera.Frame{Format: camera.YUYV, Width: b.Dx() &^ 1, Height: b.Dy()}
	for y := b.Min.Y; y < b.Max.Y; y++ {
		for x := b.Min.X; x < b.Min.X+f.Width; x += 2 {
			p := color.YCbCrModel.Convert(img.At(x, y)).(color.YCbCr)
			q := color.YCbCrModel.Convert(img.At(x+1, y)).(color.YCbCr)
			f.Data = append(f.Data, p.Y, p.Cb, q.Y, p.Cr)
		}
	}
	return f
}

// benchTill is what looks at the film: the payment path's own pipeline and visit, with a gallery that knows
// the film's customer among others.
type benchTill struct {
	film     benchFilm
	pipeline *vision.Pipeline
	visit    *vision.Visit
	gallery  *gallery.Gallery
	dir      string
	decoder  camera.Decoder
	took     [stages][]time.Duration
	refused  int // frames without an embedding
	reason   vision.Reason
}

func openBenchTill(
	n vision.Networks, t vision.Thresholds, film benchFilm, customers int,
) (_ *benchTill, err error) {
	b := &benchTill{film: film, pipeline: vision.New(n, t)}
	for i := range b.took {
		b.took[i] = make([]time.Duration, 0, benchMost)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, b.close())
		}
	}()
	img, err := b.decoder.Decode(&film.yuyv[0])
	if err != nil {
		return nil, err
	}
	look, err := vision.New(n, t.ForEnrolment()).Look(img, vision.Embed)
	if err != nil {
		return nil, err
	}
	if look.Reason != "" {
		return nil, fmt.Errorf("the models refuse the clip %s: %s", film.name, look.Reason)
	}
	if b.dir, err = os.MkdirTemp("", "smiletill-bench-"); err != nil {
		return nil, fmt.Errorf("gallery for the measurement: %w", err)
	}
	if b.gallery, err = gallery.Open(b.dir, gallery.Model{SHA256: strings.Repeat("0", 64), Agree: t.Verify,
		Same: t.Match}, slog.New(slog.DiscardHandler)); err != nil {
		return nil, err
	}
	if err := enrolStrangers(b.gallery, customers-1, len(look.Embedding)); err != nil {
		return nil, err
	}
	if err := enrolFive(b.gallery, "the film's customer", look.Embedding); err != nil {
		return nil, err
	}
	b.visit = vision.NewVisit(b.gallery, t)
	return b, nil
}

// enrolStrangers enrols n customers with random faces of size values.
func enrolStrangers(g *gallery.Gallery, n, size int) error {
	rng := rand.New(rand.NewPCG(1, 2))
	for i := range n {
		face := make([]float32, size)
		var square float64
		for j := range face {
			face[j] = float32(rng.NormFloat64())
			square += float64(face[j]) * float64(face[j])
		}
		for j := range face {
			face[j] /= float32(math.Sqrt(square))
		}
		if err := enrolFive(g, fmt.Sprintf("customer %d", i), face); err != nil {
			return err
		}
	}
	return nil
}

func enrolFive(g *gallery.Gallery, name string, face []float32) error {
	var moments [][]float32
	for i := range 5 { // of one face, and no two the same
		m, square := slices.Clone(face), float64(0)
		m[i] += 0.1
		for _, v := range m {
			square += float64(v) * float64(v)
		}
		for j := range m {
			m[j] /= float32(math.Sqrt(square))
		}
		moments = append(moments, m)
	}
	_, err := g.Enrol(name, moments, nil)
	return err
}

func (b *benchTill) close() error {
	var err error
	if b.gallery != nil {
		err = b.gallery.Close()
	}
	if b.dir != "" {
		err = errors.Join(err, os.RemoveAll(b.dir))
	}
	return err
}

// measure looks at frames of both formats in turn for as long as each, but at a few at least.
func (b *benchTill) measure(ctx context.Context, run *benchRun, each time.Duration) error {
	for i := range benchWarmUp {
		if err := b.frame(i); err != nil {
			return err
		}
	}
	for i := range b.took {
		b.took[i] = b.took[i][:0]
	}
	b.refused = 0
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	start := time.Now()
	for ; run.Frames < benchWarmUp || time.Since(start) < each && run.Frames < benchMost; run.Frames++ {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := b.frame(run.Frames); err != nil {
			return err
		}
	}
	runtime.ReadMemStats(&after)
	if err := b.apart(ctx, each/4); err != nil {
		return err
	}
	if b.refused > 0 {
		return fmt.Errorf("%d of %d frames of the clip were refused, the last as %s: the figures would flatter",
			b.refused, run.Frames, b.reason)
	}
	run.Allocated = float64(after.Mallocs-before.Mallocs) / float64(run.Frames)
	run.Resident = resident(os.DirFS("/"))
	for i, took := range b.took {
		slices.Sort(took)
		run.Stages = append(run.Stages, benchStage{stageName(i), percentile(took, 50), percentile(took, 95)})
	}
	return nil
}

// frame takes one frame all the way; even ones are YUYV, odd ones MJPG.
func (b *benchTill) frame(i int) error {
	frames, decode, whole := b.film.yuyv, stageYUYV, stageWholeYUYV
	if i%2 == 1 {
		frames, decode, whole = b.film.mjpg, stageMJPG, stageWholeMJPG
	}
	start, busy := time.Now(), processor()
	img, err := b.decoder.Decode(&frames[i/2%len(frames)])
	if err != nil {
		return err
	}
	decoded := time.Now()
	look, err := b.pipeline.Look(img, vision.Embed)
	if err != nil {
		return err
	}
	looked := time.Now()
	b.visit.Observe(look, looked)
	end := time.Now()
	if busy = processor() - busy; whole == stageWholeMJPG {
		b.add(stageBusyMJPG, busy)
	}
	if look.Depth != vision.Embed {
		b.refused, b.reason = b.refused+1, look.Reason
	}
	t := &look.Took
	b.add(decode, decoded.Sub(start))
	for j, d := range [...]time.Duration{t.DetectCrop, t.Detect, t.MeshCrop, t.Mesh, t.Align, t.Embed} {
		b.add(stageDetectCrop+j, d)
	}
	b.add(stageMatch, end.Sub(looked))
	b.add(whole, end.Sub(start))
	return nil
}

// apart measures what not every payment asks for, after the frames and not among them: the threads of one
// more network would keep the others' waiting.
func (b *benchTill) apart(ctx context.Context, each time.Duration) error {
	start := time.Now()
	for i := 0; i < benchWarmUp || time.Since(start) < each && i < benchMost; i++ {
		if err := ctx.Err(); err != nil {
			return err
		}
		img, err := b.decoder.Decode(&b.film.yuyv[i%len(b.film.yuyv)])
		if err != nil {
			return err
		}
		look, err := b.pipeline.Look(img, vision.Landmarks|vision.WithPassive|vision.WithSkin)
		if err != nil {
			return err
		}
		if look.Took.Skin > 0 {
			b.add(stageSkin, look.Took.Skin)
		}
		if look.Passive.Done {
			b.add(stagePassiveCrop, look.Took.PassiveCrop)
			b.add(stagePassive, look.Took.Passive)
		}
	}
	return nil
}

func (b *benchTill) add(stage int, d time.Duration) { b.took[stage] = append(b.took[stage], d) }

// percentile of sorted times, in milliseconds: the least of them that p of a hundred don't exceed.
func percentile(sorted []time.Duration, p int) float64 {
	if len(sorted) == 0 {
		return 0
	}
	i := (len(sorted)*p+99)/100 - 1
	return float64(sorted[max(i, 0)]) / float64(time.Millisecond)
}
