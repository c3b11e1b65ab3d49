package rates

import (
	"context"
	"errors"
	"fmt"
	"image"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"smiletill/cmd/smiletill/config"
	"smiletill/cmd/smiletill/trial"
	"smiletill/device/camera"
	"smiletill/payment"
	"smiletill/vision"
	"smiletill/vision/accuracy"
	"smiletill/vision/networks"
)

const (
	smileRests  = 24 // resting frames rendered of each neutral photo
	smileSmiles = 12 // smiling frames of each smiling one, the photo as it is first
)

// smilePair are a person's two photos.
type smilePair struct{ neutral, smiling string }

// MeasureSmiles measures how well a smile is told from a face at rest, on a folder of people with a neutral
// and a smiling photo each, and prints the report.
func MeasureSmiles(
	ctx context.Context, cfg config.Config, o AccuracyOptions, out, progress io.Writer,
) error {
	if o.Workers < 1 {
		return config.Usage(payment.WithHint(errors.New("measure smiles: --workers is out of range"),
			"take 1 or more"))
	}
	pairs, err := smilePairs(o.Faces)
	if err != nil {
		return err
	}
	set, err := trial.OpenModels(cfg)
	if err != nil {
		return err
	}
	smilers := make([]*accuracy.Smiler, len(pairs))
	meter := newMeter(progress)
	g, ctx := errgroup.WithContext(ctx)
	next := make(chan int)
	g.Go(func() error {
		defer close(next)
		for i := range pairs {
			select {
			case next <- i:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		return nil
	})
	var mu sync.Mutex
	done := 0
	for range min(o.Workers, len(pairs)) {
		g.Go(func() (err error) {
			n, closers, err := networks.Open(set, networks.OnPayments())
			if err != nil {
				return err
			}
			defer networks.CloseAll(closers, &err)
			p := vision.New(n, vision.DefaultThresholds())
			for i := range next {
				// Seeds go with people, so that the number of workers changes nothing.
				one, err := pairs[i].measure(ctx, p, rand.New(rand.NewPCG(o.Seed, uint64(i))))
				if err != nil {
					return err
				}
				mu.Lock()
				smilers[i], done = one, done+1
				meter.step("looking at people", done, len(pairs))
				mu.Unlock()
			}
			return nil
		})
	}
	err = g.Wait()
	meter.end()
	if err != nil {
		return fmt.Errorf("look at photos: %w", err)
	}
	return reportSmiles(smilers, o.Seed, out)
}

func reportSmiles(smilers []*accuracy.Smiler, seed uint64, out io.Writer) error {
	var usable []accuracy.Smiler
	for _, s := range smilers {
		if s != nil {
			usable = append(usable, *s)
		}
	}
	r, err := accuracy.MeasureSmiles(usable, vision.DefaultThresholds().SmileRise, seed)
	if err != nil {
		return payment.WithHint(err, smileLayout)
	}
	if n := len(smilers) - len(usable); n > 0 {
		fmt.Fprintf(out, "%d people left out: no face that a terminal would take in one of the photos\n", n)
	}
	_, err = fmt.Fprint(out, r)
	return err
}

const smileLayout = "lay photos out as DIR/Name/neutral.jpg and DIR/Name/smiling.jpg, of two people or more"

// smilePairs finds the people of a folder.
func smilePairs(dir string) (pairs []smilePair, err error) {
	people, err := os.ReadDir(dir)
	if err != nil {
		return nil, payment.WithHint(fmt.Errorf("read the folder of faces: %w", err), smileLayout)
	}
	for _, person := range people {
		files, err := photosIn(filepath.Join(dir, person.Name()))
		if err != nil {
			return nil, payment.WithHint(fmt.Errorf("read the folder of faces: %w", err),
				"make it readable for this user")
		}
		var one smilePair
		for _, f := range files {
			switch name := strings.ToLower(f); {
			case strings.HasPrefix(name, "neutral"):
				one.neutral = filepath.Join(dir, person.Name(), f)
			case strings.HasPrefix(name, "smiling"):
				one.smiling = filepath.Join(dir, person.Name(), f)
			}
		}
		if one.neutral != "" && one.smiling != "" {
			pairs = append(pairs, one)
		}
	}
	if len(pairs) < 2 {
		return nil, payment.WithHint(fmt.Errorf("read the folder of faces %s: people with both photos: %d: %w", dir,
			len(pairs), accuracy.ErrTooFew), smileLayout)
	}
	return pairs, nil
}

// mouth is what a frame shows of one.
type mouth struct{ smile, lips float32 }

// measure renders frames of both photos and gives their rise over the rest that a visit would take; nil if
// one of them can't be used.
func (s smilePair) measure(
	ctx context.Context, p *vision.Pipeline, rng *rand.Rand,
) (*accuracy.Smiler, error) {
	rests, err := s.look(ctx, p, rng, s.neutral, smileRests)
	if err != nil || len(rests) < smileRests/2 {
		return nil, err
	}
	smiles, err := s.look(ctx, p, rng, s.smiling, smileSmiles)
	if err != nil || len(smiles) < smileSmiles/2 {
		return nil, err
	}
	// The rest is taken of one half of the frames, and tried on the other.
	t, half := vision.DefaultThresholds(), len(rests)/2
	var shut []float32
	for _, m := range rests[:half] {
		shut = append(shut, m.smile)
	}
	base := vision.RestOf(shut, t.RestSlots)
	rise := func(frames []mouth) (out []float32) {
		for _, m := range frames {
			v := m.smile - base
			if m.smile < t.SmileMin || m.lips > t.LipsShut && v < t.LeastRise(m.lips) {
				v = 0 // too little for a smile, whatever the rest, or for lips so far apart
			}
			out = append(out, v)
		}
		return out
	}
	return &accuracy.Smiler{Rest: rise(rests[half:]), Smile: rise(smiles)}, nil
}

func (s smilePair) look(
	ctx context.Context, p *vision.Pipeline, rng *rand.Rand, path string, n int,
) (values []mouth, err error) {
	data, err := camera.ReadPhoto(path)
	if err != nil {
		return nil, err
	}
	img, err := camera.DecodePhoto(data, photoSide)
	if err != nil {
		return nil, payment.WithHint(fmt.Errorf("%s: %w", path, err),
			"put another photo in its place, or leave that person out")
	}
	j := newJitter(img)
	for i := range n {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		var frame image.Image = j.plain()
		if i > 0 {
			frame = j.frame(rng)
		}
		l, err := p.Look(frame, vision.Landmarks)
		if err != nil {
			return nil, err
		}
		t := p.Thresholds()
		switch {
		case l.Reason != "":
		case t.Tells(&l):
			values = append(values, mouth{l.Smile, l.Lips})
		case path == s.smiling:
			values = append(values, mouth{}) // a mouth so wide open is no smile, nor is it rest
		}
	}
	return values, nil
}
