package rates

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	_ "image/gif" // as photos come
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"smiletill/device/camera"
	"smiletill/models"
	"smiletill/payment"
	"smiletill/vision"
	"smiletill/vision/accuracy"
	"smiletill/vision/networks"
)

// album is a folder of photos, one folder a person. Names stay in here.
type album struct {
	dir    string
	files  []string       // Name/photo.jpg
	person []int          // of each file
	number map[string]int // of each person
}

func openAlbum(o AccuracyOptions) (*album, error) {
	out, err := excluded(o.Exclude)
	if err != nil {
		return nil, err
	}
	const layout = "lay photos out as FACES/Name/photo.jpg, two or more of each person"
	people, err := os.ReadDir(o.Faces)
	if err != nil {
		return nil, payment.WithHintf(fmt.Errorf("read the folder of faces: %w", err), layout)
	}
	a := &album{dir: o.Faces, number: map[string]int{}}
	several, loose := 0, 0
	for number, p := range people {
		if isPhoto(p.Name()) {
			loose++
		}
		if strings.HasPrefix(p.Name(), ".") || out[p.Name()] {
			continue
		}
		files, err := photosIn(filepath.Join(o.Faces, p.Name()))
		if err != nil {
			return nil, payment.WithHintf(fmt.Errorf("read the folder of faces: %w", err),
				"make it readable for this user")
		}
		if len(files) > 1 {
			several++
		} else if !o.Singles {
			continue
		}
		a.number[p.Name()] = number
		for _, f := range files {
			a.files = append(a.files, filepath.Join(p.Name(), f))
			a.person = append(a.person, number)
		}
	}
	if several < 2 {
		where := fmt.Sprintf("entries in it: %d", len(people))
		if loose > 0 {
			where = fmt.Sprintf("photos in it without a folder for their person: %d", loose)
		}
		return nil, payment.WithHintf(
			fmt.Errorf("read the folder of faces %s: people with two photos or more: %d, "+
				"needed are two: %w", o.Faces, several, accuracy.ErrTooFew),
			"%s; %s",
			layout,
			where,
		)
	}
	return a, nil
}

// photosIn lists the photos of a person's folder, none if it is no folder.
func photosIn(dir string) ([]string, error) {
	if fi, err := os.Stat(dir); err != nil || !fi.IsDir() { // Stat follows a link to a folder
		return nil, err
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		if !e.IsDir() && isPhoto(e.Name()) {
			names = append(names, e.Name())
		}
	}
	return names, nil
}

func isPhoto(name string) bool {
	kinds := []string{".jpg", ".jpeg", ".png", ".gif"}
	return !strings.HasPrefix(name, ".") && slices.Contains(kinds, strings.ToLower(filepath.Ext(name)))
}

// excluded reads names of people, one a line.
func excluded(path string) (map[string]bool, error) {
	names := map[string]bool{}
	if path == "" {
		return names, nil
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, payment.WithHintf(fmt.Errorf("read --exclude: %w", err),
			"name a text file with one name a line")
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		if name := strings.TrimSpace(lines.Text()); name != "" {
			names[name] = true
		}
	}
	if err := lines.Err(); err != nil {
		return nil, payment.WithHintf(fmt.Errorf("read --exclude %s: %w", path, err), "write one name a line")
	}
	return names, nil
}

// seen is what the sets made of each photo of an album.
type seen struct {
	bad     []string          // why a photo could not be read; "" if it could
	reasons [][]vision.Reason // of each set, each photo: why it could not be used
	found   [][]bool
	vectors [][][]float32
}

// measuring are the thresholds of a set with every gate of quality open: what is measured is the models.
func (s modelSet) measuring(centre float32) vision.Thresholds {
	inf := float32(math.Inf(1))
	return vision.Thresholds{FaceScore: s.set.Model(models.Detect).Thresholds.Score, Views: s.views,
		RivalMin: inf, FaceMax: inf, CentreMax: centre, BrightnessMax: inf, YawMax: inf, PitchMax: inf,
		RollMax: inf}
}

// look runs every set over every photo.
func (a *album) look(ctx context.Context, sets []modelSet, o AccuracyOptions, m *meter) (*seen, error) {
	s := &seen{bad: make([]string, len(a.files))}
	for range sets {
		s.reasons = append(s.reasons, make([]vision.Reason, len(a.files)))
		s.found = append(s.found, make([]bool, len(a.files)))
		s.vectors = append(s.vectors, make([][]float32, len(a.files)))
	}
	err := each(ctx, sets, o, len(a.files), m, func(i int, pipelines []*vision.Pipeline) error {
		return s.photo(i, filepath.Join(a.dir, a.files[i]), pipelines)
	})
	if err != nil {
		return nil, err
	}
	return s, nil
}

// each has every photo of n looked at, by o.Workers goroutines with pipelines of their own.
func each(
	ctx context.Context, sets []modelSet, o AccuracyOptions, n int, m *meter,
	look func(i int, pipelines []*vision.Pipeline) error,
) error {
	g, ctx := errgroup.WithContext(ctx)
	next := make(chan int)
	g.Go(func() error {
		defer close(next)
		for i := range n {
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
	for range min(o.Workers, n) {
		g.Go(func() (err error) {
			pipelines, closeAll, err := openPipelines(sets, o.Centre)
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, closeAll()) }()
			for i := range next {
				if err := look(i, pipelines); err != nil {
					return err
				}
				mu.Lock()
				done++
				m.step("looking at photos", done, n)
				mu.Unlock()
			}
			return nil
		})
	}
	err := g.Wait()
	m.end()
	if err != nil {
		return fmt.Errorf("look at photos: %w", err)
	}
	return nil
}

// openPipelines opens one pipeline a set, all for one goroutine.
func openPipelines(sets []modelSet, centre float32) ([]*vision.Pipeline, func() error, error) {
	var closers []func() error
	shut := func() (err error) {
		networks.CloseAll(closers, &err)
		return err
	}
	var pipelines []*vision.Pipeline
	for _, set := range sets {
		n, c, err := networks.Open(set.set, networks.OnPayments())
		if err != nil {
			return nil, nil, errors.Join(fmt.Errorf("models %s: %w", set.name, err), shut())
		}
		closers = append(closers, c...)
		pipelines = append(pipelines, vision.New(n, set.measuring(centre)))
	}
	return pipelines, shut, nil
}

// photoSide is the most pixels that a photo has on a side when it is looked at; a larger one is shrunk.
const photoSide = 4096

// photo looks at one photo with every set. What is no picture is noted; an error is one of the networks.
func (s *seen) photo(i int, path string, pipelines []*vision.Pipeline) error {
	data, err := camera.ReadPhoto(path)
	if err != nil {
		s.bad[i] = "cannot be read: " + withoutPath(err)
		return nil
	}
	img, err := camera.DecodePhoto(data, photoSide)
	if err != nil {
		s.bad[i] = err.Error()
		return nil
	}
	for k, p := range pipelines {
		l, err := p.Look(img, vision.Embed)
		if err != nil {
			return err
		}
		s.found[k][i], s.reasons[k][i] = l.Faces > 0, l.Reason
		if l.Reason == "" {
			s.vectors[k][i] = slices.Clone([]float32(l.Embedding))
		}
	}
	return nil
}

func withoutPath(err error) string {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		return pe.Err.Error()
	}
	return err.Error()
}

// input leaves the names behind.
func (s *seen) input(a *album, sets []modelSet) accuracy.Input {
	in := accuracy.Input{Photos: len(a.files), Sets: make([]accuracy.Set, len(sets))}
	for i, bad := range s.bad {
		if bad != "" {
			in.Unreadable++
			continue
		}
		in.Person = append(in.Person, a.person[i])
		in.Faces = append(in.Faces, expressionOf(a.files[i]))
		for k := range sets {
			in.Sets[k].Name = sets[k].name
			in.Sets[k].Vectors = append(in.Sets[k].Vectors, s.vectors[k][i])
			if s.found[k][i] {
				in.Sets[k].Found++
			}
		}
	}
	return in
}

// usable counts the photos that the set in use could use.
func (s *seen) usable() int {
	n := 0
	for _, v := range s.vectors[0] {
		if v != nil {
			n++
		}
	}
	return n
}

// listMisses names the photos that the set in use could not use.
func (s *seen) listMisses(w io.Writer, a *album) {
	for i, file := range a.files {
		switch why := s.reasons[0][i]; {
		case s.bad[i] != "":
			fmt.Fprintf(w, "%s: %s\n", file, s.bad[i])
		case why != "":
			fmt.Fprintf(w, "%s: %s\n", file, why)
		}
	}
}
