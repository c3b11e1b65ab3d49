package accuracy

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"golang.org/x/sync/errgroup"
)

// The galleries of the table, and the shares of strangers who may be taken for a customer.
var (
	gallerySizes   = [...]int{100, 300, 1000}
	templateCounts = [...]int{1, 3}
	falseAlarms    = [...]float64{1e-2, 1e-3}
)

// seats is one gallery: templates, and the photos that are asked.
type seats struct {
	templates []int   // photos; those of one customer follow one another
	each      int     // templates of a customer
	customers [][]int // of each customer, the photos that are no templates
	strangers []int   // all photos of the others
}

// identify searches in galleries that are drawn anew o.Draws times. One photo a search.
func (f *faces) identify(ctx context.Context, o Options) ([]Identification, error) {
	var out []Identification
	for _, each := range templateCounts {
		for _, size := range gallerySizes {
			cells, err := f.gallery(ctx, size, each, o)
			if err != nil {
				return nil, err
			}
			out = append(out, cells...)
		}
	}
	return out, nil
}

// gallery returns the figures of one size and number of templates, a cell for each rate of false alarms.
func (f *faces) gallery(ctx context.Context, size, each int, o Options) ([]Identification, error) {
	cells := make([]Identification, len(falseAlarms))
	for i, fpir := range falseAlarms {
		cells[i] = Identification{Customers: size, Templates: each, FPIR: fpir}
	}
	of := f.photos()
	var fit []int // people who have a photo beyond their templates
	for p, photos := range of {
		if len(photos) > each {
			fit = append(fit, p)
		}
	}
	draws, fewest, missing := f.seatAll(of, fit, size, each, o)
	if missing != "" {
		for i := range cells {
			cells[i].Missing = missing
		}
		return cells, nil
	}
	found := make([][]searches, len(f.sets))
	for i, set := range f.sets {
		var err error
		step := fmt.Sprintf("searching in galleries of %d with %d (%s)", size, each, f.names[i])
		if found[i], err = search(ctx, set, draws, byMean, o, step); err != nil {
			return nil, err
		}
	}
	for i := range cells {
		c := &cells[i]
		c.Strangers = fewest
		switch {
		case float64(fewest)*c.FPIR < 1:
			c.Missing = fmt.Sprintf("needs at least %s photos of strangers; there are %s",
				thousands(needed(c.FPIR)), thousands(fewest))
			continue
		case fewest < needed(c.FPIR):
			c.Rough = true
		}
		for s := range f.sets {
			c.Results = append(c.Results, miss(found[s], c.FPIR, f.names[s]))
		}
	}
	return cells, nil
}

// seatAll draws the galleries of one size; missing says what there is too little of. fewest is the photos of
// strangers in the draw that has the fewest.
func (f *faces) seatAll(of [][]int, fit []int, size, each int, o Options) (
	draws []seats, fewest int, missing string,
) {
	fewest = math.MaxInt
	for d := range o.Draws {
		r := rand.New(rand.NewPCG(o.Seed, uint64(size*10+each)<<32+uint64(d)))
		s := f.seat(of, fit, size, each, r)
		if len(s.customers) < size || len(s.strangers) == 0 {
			return nil, 0, fmt.Sprintf("needs %s people with %d photos or more, and others as strangers; "+
				"there are %s", thousands(size), each+1, thousands(len(fit)))
		}
		draws, fewest = append(draws, s), min(fewest, len(s.strangers))
	}
	return draws, fewest, ""
}

// seat draws the customers and which of their photos are templates. Who may be the same person as a
// customer is neither another customer nor a stranger.
func (f *faces) seat(of [][]int, fit []int, size, each int, r *rand.Rand) seats {
	s := seats{each: each}
	in := map[int]bool{}
	for _, i := range r.Perm(len(fit)) {
		p := fit[i]
		if in[p] || len(s.customers) == size {
			continue
		}
		in[p] = true
		for _, other := range f.apart[p] {
			in[other] = true
		}
		photos := slices.Clone(of[p])
		r.Shuffle(len(photos), func(i, j int) { photos[i], photos[j] = photos[j], photos[i] })
		s.templates = append(s.templates, photos[:each]...)
		s.customers = append(s.customers, photos[each:])
	}
	for p, photos := range of {
		if !in[p] {
			s.strangers = append(s.strangers, photos...)
		}
	}
	return s
}

// searches are the results of one draw.
type searches struct {
	right     []float32 // best cosine of each customer's photo; -1 where it is another customer's
	strangers []float32 // best cosine of each stranger's
}

func search(
	ctx context.Context, set [][]float32, draws []seats, by rule, o Options, step string,
) ([]searches, error) {
	out := make([]searches, len(draws))
	g, ctx := errgroup.WithContext(ctx)
	for w := range o.Workers {
		g.Go(func() error {
			for d := w; d < len(draws); d += o.Workers {
				if err := ctx.Err(); err != nil {
					return err
				}
				out[d] = draws[d].search(set, by)
				if w == 0 {
					o.Progress(step, d, len(draws))
				}
			}
			return nil
		})
	}
	return out, g.Wait()
}

func (s *seats) search(set [][]float32, by rule) searches {
	rows, each := s.rows(set, by)
	m := pack(rows)
	best := func(photo int) (int, float32) {
		at, top := -1, float32(-2)
		for i := range rows {
			if score := dot(set[photo], m.row(i)); score > top {
				at, top = i/each, score
			}
		}
		return at, top
	}
	var out searches
	for c, photos := range s.customers {
		for _, photo := range photos {
			who, score := best(photo)
			if who != c {
				score = -1
			}
			out.right = append(out.right, score)
		}
	}
	for _, photo := range s.strangers {
		_, score := best(photo)
		out.strangers = append(out.strangers, score)
	}
	return out
}

// miss reads the share of customers who are not found, at the threshold that fpir of all strangers reach.
func miss(draws []searches, fpir float64, name string) IdentificationResult {
	var strangers []float32
	for _, d := range draws {
		strangers = append(strangers, d.strangers...)
	}
	slices.Sort(strangers)
	k := int(fpir*float64(len(strangers)) + 1e-9) // so many may be above
	cut := math.Nextafter32(strangers[len(strangers)-1-k], 2)
	out := IdentificationResult{Set: name, Cosine: float64(cut)}
	missed, all := 0, 0
	for _, d := range draws {
		n := 0
		for _, s := range d.right {
			if s < cut {
				n++
			}
		}
		out.rates = append(out.rates, float64(n)/float64(len(d.right)))
		missed, all = missed+n, all+len(d.right)
	}
	out.Missed.Value = float64(missed) / float64(all)
	out.Missed.bound(out.rates)
	return out
}
