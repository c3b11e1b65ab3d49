package accuracy

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"
)

// ErrTooFew marks photos with which nothing can be measured at all.
var ErrTooFew = errors.New("too few photos")

// Input is what the sets of models made of the photos.
type Input struct {
	Photos     int   // files that were looked at
	Unreadable int   // of these, files that are no picture
	Person     []int // who is on each picture that was read; any numbers
	Sets       []Set // at least one; the first is the one in use
}

// Set is what one set of models made of every picture.
type Set struct {
	Name    string
	Found   int         // pictures with a face
	Vectors [][]float32 // one a picture, of length 1; nil where there is no face that could be compared
}

// Format writes the name alone: embeddings are biometric data.
func (s Set) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, s.Name+" [redacted]") }

// Options of Measure. Zero fields take the value named.
type Options struct {
	Seed    uint64 // of everything that is drawn
	Rounds  int    // of the bootstrap: 1000
	Draws   int    // of folds and of galleries: 20
	Workers int    // goroutines: one a processor
	// Singles adds a second scope, in which people with one photo are strangers.
	Singles bool
	// Progress hears what is done out of what; from one goroutine at a time. May be nil.
	Progress func(step string, done, total int)
}

func (o Options) filled() Options {
	if o.Rounds <= 0 {
		o.Rounds = 1000 // the bounds then vary by a few hundredths of their width
	}
	if o.Draws <= 0 {
		o.Draws = 20
	}
	if o.Workers <= 0 {
		o.Workers = runtime.GOMAXPROCS(0)
	}
	if o.Progress == nil {
		o.Progress = func(string, int, int) {}
	}
	return o
}

// Measure computes the report. Only pictures that every set has a vector for are compared, so that the sets
// answer the same questions. Its errors are ErrTooFew (without two photos of somebody and one of another),
// that of ctx, and those of vectors that do not fit together.
func Measure(ctx context.Context, in Input, o Options) (Report, error) {
	o = o.filled()
	if err := check(in); err != nil {
		return Report{}, err
	}
	r := Report{Seed: o.Seed, Rounds: o.Rounds, Draws: o.Draws, Photos: in.Photos, Unreadable: in.Unreadable}
	for _, s := range in.Sets {
		usable := 0
		for _, v := range s.Vectors {
			if v != nil {
				usable++
			}
		}
		r.Detection = append(r.Detection, Detection{Set: s.Name, Pictures: len(in.Person), Found: s.Found,
			Usable: usable})
	}
	several, all := choose(in, false), choose(in, true)
	if several.genuine() == 0 || len(several.counts()) < 2 {
		return Report{}, fmt.Errorf("measure accuracy: two photos of each of two people are needed at least: %w",
			ErrTooFew)
	}
	scopes := []*faces{several}
	if o.Singles && len(all.person) > len(several.person) {
		scopes = append(scopes, all)
	}
	for _, f := range scopes {
		s, err := f.measure(ctx, o)
		if err != nil {
			return Report{}, fmt.Errorf("measure accuracy: %w", err)
		}
		r.Scopes = append(r.Scopes, s)
	}
	return r, nil
}

func check(in Input) error {
	if len(in.Sets) == 0 {
		return errors.New("measure accuracy: no set of models")
	}
	for _, s := range in.Sets {
		if len(s.Vectors) != len(in.Person) {
			return fmt.Errorf("measure accuracy: set %s has %d vectors for %d pictures", s.Name, len(s.Vectors),
				len(in.Person))
		}
		dim := 0
		for _, v := range s.Vectors {
			if v == nil {
				continue
			}
			if dim == 0 {
				dim = len(v)
			}
			if l := dot(v, v); len(v) != dim || !(l > 0.99 && l < 1.01) {
				return fmt.Errorf("measure accuracy: set %s: a vector with %d values and square %v, want %d and 1",
					s.Name, len(v), l, dim)
			}
		}
	}
	return nil
}

// faces are the photos of one scope, sorted by person; people are numbered from 0.
type faces struct {
	singles bool
	person  []int    // of each photo
	names   []string // of the sets
	sets    [][][]float32
}

// choose takes the pictures that every set has a vector for, of people who then have two at least or, with
// singles, of everybody.
func choose(in Input, singles bool) *faces {
	of := map[int][]int{}
	for i, p := range in.Person {
		usable := true
		for _, s := range in.Sets {
			usable = usable && s.Vectors[i] != nil
		}
		if usable {
			of[p] = append(of[p], i)
		}
	}
	var people []int
	for p, photos := range of {
		if singles || len(photos) > 1 {
			people = append(people, p)
		}
	}
	slices.Sort(people)
	f := &faces{singles: singles, sets: make([][][]float32, len(in.Sets))}
	for _, s := range in.Sets {
		f.names = append(f.names, s.Name)
	}
	for number, p := range people {
		for _, photo := range of[p] {
			f.person = append(f.person, number)
			for i, s := range in.Sets {
				f.sets[i] = append(f.sets[i], s.Vectors[photo])
			}
		}
	}
	return f
}

// counts is the number of photos of each person.
func (f *faces) counts() []int {
	if len(f.person) == 0 {
		return nil
	}
	n := make([]int, f.person[len(f.person)-1]+1)
	for _, p := range f.person {
		n[p]++
	}
	return n
}

// photos lists the photos of each person.
func (f *faces) photos() [][]int {
	of := make([][]int, len(f.counts()))
	for i, p := range f.person {
		of[p] = append(of[p], i)
	}
	return of
}

func (f *faces) genuine() int {
	n := 0
	for _, c := range f.counts() {
		n += c * (c - 1) / 2
	}
	return n
}

func (f *faces) measure(ctx context.Context, o Options) (Scope, error) {
	counts := f.counts()
	n, g := len(f.person), f.genuine()
	s := Scope{Singles: f.singles, People: len(counts), Photos: n, Genuine: g, Impostor: n*(n-1)/2 - g}
	for i, set := range f.sets {
		sc, err := f.compare(ctx, set, o, f.names[i])
		if err != nil {
			return Scope{}, err
		}
		s.Verification = append(s.Verification, sc.verify(f.names[i], counts, o))
	}
	if !f.singles {
		s.Folds = f.folds(o)
	}
	var err error
	if s.Identification, err = f.identify(ctx, o); err != nil {
		return Scope{}, err
	}
	s.differences()
	return s, nil
}
