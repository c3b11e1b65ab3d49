package accuracy

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"golang.org/x/sync/errgroup"
)

const (
	tailLoose   = 1e-2 // false accepts from which on a curve is fitted
	tailHits    = 10   // comparisons above a cosine below which it says nothing
	tailTop     = 2e-3 // false accepts of the table's first row
	tailEnd     = 5e-8 // and of its last, for 1,000 customers at one stranger in 10,000 and some more
	tailStep    = 0.01 // cosine from row to row
	tailRepeats = 3    // choices of each person's templates
)

// TailRow is one cosine of a tail table. Shares are of 1; Low and High hold 95 % of a bootstrap over
// people.
type TailRow struct {
	Cosine       float64 `json:"cosine"`
	FalseAccepts float64 `json:"false_accepts"` // of comparisons of a photo with a customer who is somebody else
	Low          float64 `json:"low"`
	High         float64 `json:"high"`
	Missed       float64 `json:"missed"` // of customers' photos, below the cosine with their own templates
}

// TailTable is the curve of customers with so many templates each, of whom the mean is compared.
type TailTable struct {
	Templates int       `json:"templates"`
	On        string    `json:"on"`
	Rows      []TailRow `json:"rows"`
}

// hit is a comparison of two people above the loose cosine.
type hit struct {
	score float32
	a, b  int32
}

// tailCounts are the comparisons of a choice of people.
type tailCounts struct {
	hits      []hit
	photos    []float64 // of each person, as probes
	customers []float64 // of each person, how often as a customer
	all       float64   // comparisons
	start     float64   // the loose cosine
}

// curve is log10 of the false accepts over the cosine: a + b x + c x², x from origin on.
type curve struct{ origin, a, b, c float64 }

func (k curve) log(cosine float64) float64 {
	x := cosine - k.origin
	return k.a + x*(k.b+x*k.c)
}

// at is the lowest cosine with so few false accepts.
func (k curve) at(far float64) float64 {
	low, high, want := k.origin, 1.0, math.Log10(far)
	for range 40 {
		if mid := (low + high) / 2; k.log(mid) > want {
			low = mid
		} else {
			high = mid
		}
	}
	return high
}

// falls says whether the curve does so all the way to the table's end.
func (k curve) falls() bool {
	end := k.at(tailEnd)
	return k.log(end) <= math.Log10(tailEnd)+0.1 && k.b < 0 && k.b+2*k.c*(end-k.origin) < 0
}

// customersOf makes the mean of each person who has enough photos; chosen are those photos.
func (f *faces) customersOf(
	of [][]int, people []int, each int, r *rand.Rand,
) (who []int, m matrix, rest [][]int) {
	var rows [][]float32
	for _, p := range people {
		if len(of[p]) < each {
			continue
		}
		photos := slices.Clone(of[p])
		r.Shuffle(len(photos), func(i, j int) { photos[i], photos[j] = photos[j], photos[i] })
		var own [][]float32
		for _, photo := range photos[:each] {
			own = append(own, f.sets[0][photo])
		}
		who, rows, rest = append(who, p), append(rows, meanOf(own)), append(rest, photos[each:])
	}
	return who, pack(rows), rest
}

// countTail compares all photos of the people with all customers among them.
func (f *faces) countTail(of [][]int, people []int, each int, r *rand.Rand) *tailCounts {
	t := &tailCounts{photos: make([]float64, len(of)), customers: make([]float64, len(of))}
	for repeat := range tailRepeats {
		who, m, _ := f.customersOf(of, people, each, r)
		if repeat == 0 {
			t.start = f.looseCosine(of, people, who, &m)
		}
		for _, w := range who {
			t.customers[w]++
		}
		for _, p := range people {
			t.photos[p] = float64(len(of[p]))
			for _, photo := range of[p] {
				for i, w := range who {
					score := dot(f.sets[0][photo], m.row(i))
					if float64(score) >= t.start && f.strange(p, w) {
						t.hits = append(t.hits, hit{score, int32(p), int32(w)})
					}
				}
			}
		}
	}
	t.all = t.total(f, nil)
	slices.SortFunc(t.hits, func(x, y hit) int {
		return cmp.Or(cmp.Compare(y.score, x.score), cmp.Compare(x.a, y.a), cmp.Compare(x.b, y.b))
	})
	return t
}

// looseCosine is about where a share of tailLoose of the comparisons is above, of every tenth person's
// photos.
func (f *faces) looseCosine(of [][]int, people, who []int, m *matrix) float64 {
	var some []float32
	for i := 0; i < len(people); i += 10 {
		for _, photo := range of[people[i]] {
			for k, w := range who {
				if f.strange(people[i], w) {
					some = append(some, dot(f.sets[0][photo], m.row(k)))
				}
			}
		}
	}
	if len(some) == 0 {
		return 1
	}
	slices.Sort(some)
	return float64(some[int((1-1.5*tailLoose)*float64(len(some)-1))])
}

// total is the number of comparisons; weights are those of a bootstrap, nil for once each.
func (t *tailCounts) total(f *faces, weights []float64) float64 {
	var photos, customers, same float64
	w := func(p int) float64 {
		if weights == nil {
			return 1
		}
		return weights[p]
	}
	for p := range t.photos {
		photos += w(p) * t.photos[p]
		customers += w(p) * t.customers[p]
		same += w(p) * w(p) * t.photos[p] * t.customers[p]
		for _, other := range f.apart[p] {
			same += w(p) * w(other) * t.photos[p] * t.customers[other]
		}
	}
	return photos*customers - same
}

// fit draws the curve through the shares of comparisons above each cosine: a parabola of their logarithm,
// each weighed by how many there are, or where that does not fall a straight line of the last hundredth.
func (t *tailCounts) fit(f *faces, weights []float64) (curve, error) {
	all := t.all
	if weights != nil {
		all = t.total(f, weights)
	}
	type point struct{ cosine, log, weight float64 }
	var points []point
	sum, next := 0.0, len(t.hits)
	var cuts []float64
	for c := math.Ceil(t.start/tailStep) * tailStep; c < 1; c += tailStep {
		cuts = append(cuts, c)
	}
	next = 0
	for _, c := range slices.Backward(cuts) {
		for next < len(t.hits) && float64(t.hits[next].score) >= c {
			if h := t.hits[next]; weights == nil {
				sum++
			} else {
				sum += weights[h.a] * weights[h.b]
			}
			next++
		}
		if share := sum / all; share <= tailLoose && sum >= tailHits*tailRepeats {
			points = append(points, point{c, math.Log10(share), min(sum/tailRepeats, 3000)})
		}
	}
	if len(points) < 4 {
		return curve{}, fmt.Errorf("fit the tail: %d cosines with enough comparisons: %w", len(points), ErrTooFew)
	}
	for _, only := range []struct {
		degree int
		below  float64
	}{{2, tailLoose}, {1, tailLoose / 10}, {1, tailLoose}} {
		k := curve{origin: points[len(points)-1].cosine}
		var sums [5]float64
		var right [3]float64
		for _, p := range points {
			if p.log > math.Log10(only.below) {
				continue
			}
			x, power := p.cosine-k.origin, 1.0
			for d := range sums {
				sums[d] += p.weight * power
				if d < len(right) {
					right[d] += p.weight * power * p.log
				}
				power *= x
			}
		}
		k.a, k.b, k.c = solve3(sums, right, only.degree)
		if k.falls() {
			return k, nil
		}
	}
	return curve{}, fmt.Errorf("fit the tail: false accepts do not fall with the cosine: %w", ErrTooFew)
}

// solve3 gives the parabola, or line, of least squares from the sums of x^0 to x^4 and of y x^0 to y x^2.
func solve3(s [5]float64, y [3]float64, degree int) (a, b, c float64) {
	if degree == 1 {
		det := s[0]*s[2] - s[1]*s[1]
		return (y[0]*s[2] - y[1]*s[1]) / det, (s[0]*y[1] - s[1]*y[0]) / det, 0
	}
	det := func(m [3][3]float64) float64 {
		return m[0][0]*(m[1][1]*m[2][2]-m[1][2]*m[2][1]) - m[0][1]*(m[1][0]*m[2][2]-m[1][2]*m[2][0]) +
			m[0][2]*(m[1][0]*m[2][1]-m[1][1]*m[2][0])
	}
	m := [3][3]float64{{s[0], s[1], s[2]}, {s[1], s[2], s[3]}, {s[2], s[3], s[4]}}
	whole := det(m)
	part := func(col int) float64 {
		n := m
		for i := range n {
			n[i][col] = y[i]
		}
		return det(n) / whole
	}
	return part(0), part(1), part(2)
}

// table is the whole curve of some people, with bounds.
func (f *faces) table(
	ctx context.Context, of [][]int, people []int, each int, o Options,
) (TailTable, curve, error) {
	t := f.countTail(of, people, each, rand.New(rand.NewPCG(o.Seed, uint64(each))))
	k, err := t.fit(f, nil)
	if err != nil {
		return TailTable{}, k, err
	}
	out := TailTable{Templates: each}
	for c := math.Floor(k.at(tailTop)/tailStep) * tailStep; ; c += tailStep {
		out.Rows = append(out.Rows, TailRow{Cosine: math.Round(c*1000) / 1000,
			FalseAccepts: math.Pow(10, k.log(c))})
		if k.log(c) <= math.Log10(tailEnd) {
			break
		}
	}
	rates := make([][]float64, len(out.Rows))
	rounds := min(o.Rounds, 200)
	drawn := make([]curve, rounds)
	g, ctx := errgroup.WithContext(ctx)
	for w := range o.Workers {
		g.Go(func() error {
			for i := w; i < rounds; i += o.Workers {
				if err := ctx.Err(); err != nil {
					return err
				}
				r := rand.New(rand.NewPCG(o.Seed, uint64(1000+i)))
				weights := make([]float64, len(of))
				for range people {
					weights[people[r.IntN(len(people))]]++
				}
				var err error
				if drawn[i], err = t.fit(f, weights); err != nil {
					drawn[i] = k // too few in this draw
				}
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return TailTable{}, k, err
	}
	missed := f.genuineOf(of, people, each, o)
	for i := range out.Rows {
		row := &out.Rows[i]
		for _, d := range drawn {
			rates[i] = append(rates[i], math.Pow(10, d.log(row.Cosine)))
		}
		b := Interval{Value: row.FalseAccepts}
		b.bound(rates[i])
		row.Low, row.High = min(b.Low, row.FalseAccepts), max(b.High, row.FalseAccepts)
		row.Missed = shareBelow(missed, float32(row.Cosine))
		for _, v := range []*float64{&row.FalseAccepts, &row.Low, &row.High} {
			*v = rounded(*v)
		}
		row.Missed = math.Round(row.Missed*1e4) / 1e4
	}
	return out, k, nil
}

// rounded keeps three digits.
func rounded(v float64) float64 {
	scale := math.Pow(10, 2-math.Floor(math.Log10(v)))
	return math.Round(v*scale) / scale
}

// genuineOf are the cosines of photos with their own person's templates, which they are none of.
func (f *faces) genuineOf(of [][]int, people []int, each int, o Options) (scores []float32) {
	r := rand.New(rand.NewPCG(o.Seed, uint64(100+each)))
	for range 5 {
		_, m, rest := f.customersOf(of, people, each, r)
		for i, photos := range rest {
			for _, photo := range photos {
				scores = append(scores, dot(f.sets[0][photo], m.row(i)))
			}
		}
	}
	return scores
}
