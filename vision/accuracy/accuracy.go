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

	// Apart are two people each who may be one, by a known error of the labels: their photos are compared
	// with nobody's of the other.
	Apart  [][2]int
	Errata Errata
	Groups []Group      // of people, each reported by itself
	Faces  []Expression // of each picture that was read; may be nil
}

// Errata says what became of a list of known label errors.
type Errata struct {
	Pairs   int `json:"pairs"`             // of people, left out
	Unknown int `json:"names_not_in_here"` // pairs of which the photos lack one or both
}

// Set is what one set of models made of every picture.
type Set struct {
	Name    string
	Found   int         // pictures with a face
	Vectors [][]float32 // one a picture, of length 1; nil where there is no face that could be compared

	// Cosine is what a terminal with these models asks for in a gallery of customers with so many templates
	// each; nil: nothing is measured of it.
	Cosine func(customers, templates int) float32
	// Loose is the cosine of one comparison with more false accepts than the terminal's: where few people are
	// compared it shows more. 0: none.
	Loose float32
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
	r := Report{Seed: o.Seed, Rounds: o.Rounds, Draws: o.Draws, Photos: in.Photos, Unreadable: in.Unreadable,
		Errata: in.Errata}
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
	r.Groups = several.groups(in, o)
	r.Smiles = smiles(in, o)
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
	ids     []int    // of each person, the number in Input
	apart   [][]int  // of each person, the others who may be the same; nil for most
	names   []string // of the sets
	sets    [][][]float32
	asked   func(customers, templates int) float32 // of the set in use; may be nil
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
	f := &faces{singles: singles, sets: make([][][]float32, len(in.Sets)), asked: in.Sets[0].Cosine}
	for _, s := range in.Sets {
		f.names = append(f.names, s.Name)
	}
	f.ids, f.apart = people, make([][]int, len(people))
	for _, pair := range in.Apart {
		a, known := slices.BinarySearch(people, pair[0])
		b, too := slices.BinarySearch(people, pair[1])
		if known && too && a != b {
			f.apart[a], f.apart[b] = append(f.apart[a], b), append(f.apart[b], a)
		}
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

// strange says whether two people are known to be two.
func (f *faces) strange(a, b int) bool { return a != b && !slices.Contains(f.apart[a], b) }

// apartOf lists pairs of people, the lower first, who may be one.
func (f *faces) apartOf() (pairs [][2]int) {
	for a, others := range f.apart {
		for _, b := range others {
			if pair := [2]int{a, b}; a < b && !slices.Contains(pairs, pair) {
				pairs = append(pairs, pair)
			}
		}
	}
	return pairs
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
	for _, p := range f.apartOf() {
		s.Impostor -= counts[p[0]] * counts[p[1]]
	}
	for i, set := range f.sets {
		sc, err := f.compare(ctx, set, o, f.names[i])
		if err != nil {
			return Scope{}, err
		}
		sc.apart = f.apartOf()
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
	if s.InUse, err = f.inUse(ctx, o); err != nil {
		return Scope{}, err
	}
	s.Rules, err = f.rules(ctx, o)
	return s, err
}
