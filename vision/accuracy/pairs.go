package accuracy

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"golang.org/x/sync/errgroup"
)

const (
	binWidth = 1e-4 // cosine
	bins     = 20001
	// tailShare of the impostor pairs, the highest, are kept one by one: ten times the largest FAR of the
	// tables, since a bootstrap round may weigh the highest pairs less.
	tailShare = 0.01
	tailMin   = 100_000 // pairs that are kept in any case
)

// pair is the cosine of two photos and who is on them.
type pair struct {
	score float32
	a, b  int32
}

// scores are the cosines of all pairs of photos.
type scores struct {
	genuine   []pair       // of one person each; falling
	tail      []pair       // of two people each, the highest; falling
	bin       [bins]uint64 // all pairs of two people
	impostors int
	apart     [][2]int // people who may be one: their pairs are in none of these
}

func binOf(s float32) int { return min(max(int((float64(s)+1)/binWidth+0.5), 0), bins-1) }

// compare runs over all pairs twice: to count them, and to keep the highest of two people.
func (f *faces) compare(ctx context.Context, set [][]float32, o Options, name string) (*scores, error) {
	s := &scores{}
	m := pack(set)
	counts := make([][bins]uint64, o.Workers)
	genuine := make([][]pair, o.Workers)
	step := fmt.Sprintf("comparing pairs (%s)", name)
	if err := f.rows(ctx, o, step, 0, func(w, i int) {
		own := &counts[w]
		for j := i + 1; j < len(set); j++ {
			score := dot(m.row(i), m.row(j))
			if f.person[i] == f.person[j] {
				genuine[w] = append(genuine[w], pair{score, int32(f.person[i]), int32(f.person[j])})
			} else if f.strange(f.person[i], f.person[j]) {
				own[binOf(score)]++
			}
		}
	}); err != nil {
		return nil, err
	}
	for w := range counts {
		s.genuine = append(s.genuine, genuine[w]...)
		for b, n := range counts[w] {
			s.bin[b] += n
			s.impostors += int(n)
		}
	}
	from := s.tailFrom()
	tails := make([][]pair, o.Workers)
	if err := f.rows(ctx, o, step, len(set), func(w, i int) {
		for j := i + 1; j < len(set); j++ {
			if !f.strange(f.person[i], f.person[j]) {
				continue
			}
			if score := dot(m.row(i), m.row(j)); binOf(score) >= from {
				tails[w] = append(tails[w], pair{score, int32(f.person[i]), int32(f.person[j])})
			}
		}
	}); err != nil {
		return nil, err
	}
	s.tail = slices.Concat(tails...)
	fall(s.genuine)
	fall(s.tail)
	return s, nil
}

// tailFrom is the bin from which upwards pairs are kept.
func (s *scores) tailFrom() int {
	want := uint64(max(tailShare*float64(s.impostors), tailMin))
	var kept uint64
	for b := bins - 1; b > 0; b-- {
		if kept += s.bin[b]; kept >= want {
			return b
		}
	}
	return 0
}

// fall sorts falling; people settle ties, so that the order does not depend on the workers.
func fall(p []pair) {
	slices.SortFunc(p, func(x, y pair) int {
		return cmp.Or(cmp.Compare(y.score, x.score), cmp.Compare(x.a, y.a), cmp.Compare(x.b, y.b))
	})
}

// rows calls do for every photo i, on o.Workers goroutines of number w, and tells the progress of one of
// two rounds; before is 0 in the first.
func (f *faces) rows(ctx context.Context, o Options, step string, before int, do func(w, i int)) error {
	n := len(f.person)
	g, ctx := errgroup.WithContext(ctx)
	for w := range o.Workers {
		g.Go(func() error {
			for i := w; i < n; i += o.Workers { // interleaved: the first rows are the longest
				if err := ctx.Err(); err != nil {
					return err
				}
				do(w, i)
				if w == 0 {
					o.Progress(step, before+i, 2*n)
				}
			}
			return nil
		})
	}
	return g.Wait()
}

// matrix holds vectors one after the other.
type matrix struct {
	dim    int
	values []float32
}

func pack(vectors [][]float32) matrix {
	m := matrix{}
	for _, v := range vectors {
		m.dim = len(v)
		m.values = append(m.values, v...)
	}
	return m
}

func (m *matrix) row(i int) []float32 { return m.values[i*m.dim : (i+1)*m.dim] }

// dot is the scalar product of a and b, which are equally long. Eight sums keep the additions from waiting
// for one another.
//
//go:norace
func dot(a, b []float32) float32 {
	var s0, s1, s2, s3, s4, s5, s6, s7 float32
	for len(a) >= 8 && len(b) >= 8 {
		s0 += a[0] * b[0]
		s1 += a[1] * b[1]
		s2 += a[2] * b[2]
		s3 += a[3] * b[3]
		s4 += a[4] * b[4]
		s5 += a[5] * b[5]
		s6 += a[6] * b[6]
		s7 += a[7] * b[7]
		a, b = a[8:], b[8:]
	}
	for i, v := range a {
		s0 += v * b[i]
	}
	return ((s0 + s1) + (s2 + s3)) + ((s4 + s5) + (s6 + s7))
}
