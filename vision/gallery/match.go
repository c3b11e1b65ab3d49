package gallery

import "math"

// rows is what Match reads: all templates one after the other, so that memory is read in a straight
// line. A rows never changes; Enrol and Remove put another in its place.
type rows struct {
	dim    int
	values template // number of templates * dim
	ids    []string // of each customer, in the order of values
	ends   []int    // end of each customer's templates in values
	smiles []Smile  // of each customer, zero where there is none
}

func newRows(records []record) *rows {
	r := &rows{}
	for _, rec := range records {
		for _, t := range rec.templates {
			r.dim = len(t)
			r.values = append(r.values, t...)
		}
		r.ids = append(r.ids, rec.customer.ID)
		r.ends = append(r.ends, len(r.values))
		r.smiles = append(r.smiles, rec.smile)
	}
	return r
}

// nobody is the lowest cosine there is: it passes no threshold.
const nobody = -1

// Match returns the customer whose best template is nearest to probe, that cosine, and the best cosine
// of any other customer; both are in [-1, 1]. The length of probe doesn't matter, its direction does. The
// id is "" with cosines of -1 when the gallery is empty or closed, or when probe isn't an embedding of
// the gallery's model (another dimension, all zero, not finite); second is -1 when there is no other
// customer. Match doesn't allocate, and any number of goroutines may call it, also during Enrol or Remove.
func (g *Gallery) Match(probe []float32) (id string, best, second float32) {
	r := g.rows.Load()
	norm := math.Sqrt(float64(dot(probe, probe)))
	if len(probe) != r.dim || len(probe) == 0 || !(norm > 0) || math.IsInf(norm, 0) {
		return "", nobody, nobody
	}
	scale := float32(1 / norm)
	best, second = nobody, nobody
	begin := 0
	for i, end := range r.ends {
		score := float32(nobody)
		for ; begin < end; begin += r.dim {
			score = max(score, dot(probe, r.values[begin:begin+r.dim])*scale)
		}
		if score > best {
			id, best, second = r.ids[i], score, best
		} else {
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
