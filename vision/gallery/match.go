package gallery

import (
	"math"
	"slices"
)

// rows is what Match reads: a row a customer, one after the other, so that memory is read in a straight
// line. The row is the normalised mean of the customer's templates: it misses a third fewer customers than
// the best of them (vision/README.md), and is one comparison instead of five. A rows never changes; Enrol
// and Remove put another in its place.
type rows struct {
	dim    int
	values template // number of customers * dim
	ids    []string // of each customer, in the order of values
	smiles []Smile  // of each customer, zero where there is none
	digits []mark   // of each customer, zero where there are none
	counts []int    // of customers, by their number of templates
	cosine float32  // see Model.Cosine; 0: not known

	templates []int // of each customer
}

// renew puts what Match reads in place of what it read before. The caller holds mu, or nobody else has g
// yet.
func (g *Gallery) renew() {
	now, left := newRows(g.records), newRows(g.left)
	// A stranger is compared with the customers of both models: each asks for the cosine that so many want.
	all := slices.Clone(now.counts)
	for n, of := range left.counts {
		all[n] += of
	}
	now.cosine = g.now.cosine(all)
	g.rows.Store(now)
	if g.before != nil {
		left.cosine = g.before.cosine(all)
		g.older.Store(left)
	}
}

// cosine asks Model.Cosine; 0: not known.
func (m *model) cosine(counts []int) float32 {
	if m.Cosine == nil {
		return 0
	}
	return m.Cosine(counts)
}

// Cosine is what Match's best has to reach for the gallery as it is now: the more customers, the more. ok
// is false where that is not known, or the gallery is closed or locked. Like Match it waits for nobody.
func (g *Gallery) Cosine() (cosine float32, ok bool) { return g.faces().Cosine() }

// Counts are the customers that Match compares with, by their number of templates: Counts()[3] have three.
func (g *Gallery) Counts() []int { return g.faces().Counts() }

func newRows(records []record) *rows {
	r := &rows{counts: make([]int, TemplatesMax+1)}
	for _, rec := range records {
		r.dim = len(rec.templates[0])
		r.values = append(r.values, meanOf(rec.templates)...)
		r.ids = append(r.ids, rec.customer.ID)
		r.smiles = append(r.smiles, rec.smile)
		r.digits = append(r.digits, rec.digits)
		r.templates = append(r.templates, len(rec.templates))
		r.counts[len(rec.templates)]++
	}
	return r
}

// meanOf is the normalised mean of L2-normalised templates. Those of one record agree, so that it has a
// direction; without one it is 0, which is nobody's.
func meanOf(templates []template) template {
	mean := make(template, len(templates[0]))
	for _, t := range templates {
		for i, v := range t {
			mean[i] += v
		}
	}
	norm := math.Sqrt(float64(dot(mean, mean)))
	if !(norm > normSlack) {
		clear(mean)
		return mean
	}
	for i := range mean {
		mean[i] /= float32(norm)
	}
	return mean
}

// nobody is the lowest cosine there is: it passes no threshold.
const nobody = -1

// Match returns the customer the mean of whose templates is nearest to probe, that cosine, and the best
// cosine of any other customer; both are in [-1, 1]. The length of probe doesn't matter, its direction
// does. The id is "" with cosines of -1 when the gallery is empty or closed, or when probe isn't an
// embedding of the gallery's model (another dimension, all zero, not finite); second is -1 when there is no
// other customer. Match doesn't allocate, and any number of goroutines may call it, also during Enrol or
// Remove.
func (g *Gallery) Match(probe []float32) (id string, best, second float32) {
	return g.faces().Match(probe)
}

// match is Match of the rows with these digits, nil of all. A row of the others from the cosine rival on
// counts as a second best.
func (r *rows) match(probe []float32, only *mark, rival float32) (id string, best, second float32) {
	norm := math.Sqrt(float64(dot(probe, probe)))
	if len(probe) != r.dim || len(probe) == 0 || !(norm > 0) || math.IsInf(norm, 0) {
		return "", nobody, nobody
	}
	scale := float32(1 / norm)
	best, second = nobody, nobody
	for i := range r.ids {
		score := dot(probe, r.values[i*r.dim:(i+1)*r.dim]) * scale
		switch {
		case !r.among(i, only):
			if score >= rival {
				second = max(second, score)
			}
		case score > best:
			id, best, second = r.ids[i], score, max(second, best)
		default:
			second = max(second, score)
		}
	}
	return id, min(best, 1), min(second, 1)
}

// dot is the scalar product of a and b, which are equally long. Four sums keep the additions from
// waiting for one another (measured by BenchmarkMatch).
func dot(a, b []float32) float32 {
	var s0, s1, s2, s3 float32
	b = b[:len(a)]
	for len(a) >= 4 && len(b) >= 4 {
		s0 += a[0] * b[0]
		s1 += a[1] * b[1]
		s2 += a[2] * b[2]
		s3 += a[3] * b[3]
		a, b = a[4:], b[4:]
	}
	for i, v := range a {
		s0 += v * b[i]
	}
	return s0 + s1 + s2 + s3
}
