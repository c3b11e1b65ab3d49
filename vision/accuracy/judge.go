package accuracy

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"strconv"

	"golang.org/x/sync/errgroup"
)

const (
	judgeSplits    = 20 // halves of the people
	judgeGalleries = 10 // drawn in each
)

// TailReport is the tail tables of all people, and how tables of one half of them did on the other half.
type TailReport struct {
	Seed   uint64
	People int
	Photos int
	Errata Errata
	Alarms float64     // strangers' photos that may find somebody, the share that was asked for
	Tables []TailTable // of one template, and of the mean of three
	Judged []Judged
}

// Judged is what came of a size of gallery with the cosine that the other half's table gave.
type Judged struct {
	Customers, Templates int
	Missing              string
	Galleries            int     // 0: by the tables of all people, nothing was searched
	Cosine               float64 // mean over the halves
	Alarms, Missed       Interval
}

// MeasureTail fits the tail tables of the first set, people of one photo too, and judges the way they are
// made: in random halves of the people, tables of one and galleries of the other, bounds by a bootstrap
// over people. alarms is the share of strangers' photos that may find somebody.
func MeasureTail(ctx context.Context, in Input, alarms float64, o Options) (TailReport, error) {
	o = o.filled()
	if err := check(in); err != nil {
		return TailReport{}, err
	}
	in.Sets = in.Sets[:1]
	f := choose(in, true)
	of := f.photos()
	r := TailReport{Seed: o.Seed, People: len(of), Photos: len(f.person), Errata: in.Errata, Alarms: alarms}
	everybody := make([]int, len(of))
	for i := range everybody {
		everybody[i] = i
	}
	for i, each := range templateCounts {
		o.Progress("fitting the tail", i, len(templateCounts))
		table, k, err := f.table(ctx, of, everybody, each, o)
		if err != nil {
			return TailReport{}, fmt.Errorf("measure the tail of %d templates: %w", each, err)
		}
		r.Tables = append(r.Tables, table)
		for _, size := range inUseSizes[:3] {
			j, err := f.judge(ctx, of, size, each, alarms, o)
			if err != nil {
				return TailReport{}, err
			}
			r.Judged = append(r.Judged, j)
		}
		size := inUseSizes[3]
		cut := k.at(alarms / float64(size))
		missed := shareBelow(f.genuineOf(of, everybody, each, o), float32(cut))
		r.Judged = append(r.Judged, Judged{Customers: size, Templates: each, Cosine: cut,
			Alarms: Interval{alarms, alarms, alarms}, Missed: Interval{missed, missed, missed}})
	}
	return r, nil
}

// half is what was seen with one half's table in galleries of the other.
type half struct {
	cosine  float64
	alarms  [][2]int  // stranger, customer: one a photo that found somebody
	asked   []float64 // photos of each stranger
	right   int
	missed  int
	failure string
}

// judge draws halves of the people and galleries of them.
func (f *faces) judge(
	ctx context.Context, of [][]int, size, each int, alarms float64, o Options,
) (Judged, error) {
	j := Judged{Customers: size, Templates: each, Galleries: judgeSplits * judgeGalleries}
	halves := make([]half, judgeSplits)
	g, ctx := errgroup.WithContext(ctx)
	for w := range o.Workers {
		g.Go(func() error {
			for i := w; i < judgeSplits; i += o.Workers {
				if err := ctx.Err(); err != nil {
					return err
				}
				r := rand.New(rand.NewPCG(o.Seed, uint64(size*100+each*10)<<32+uint64(i)))
				halves[i] = f.judgeHalf(of, size, each, alarms, r)
				if w == 0 {
					o.Progress(fmt.Sprintf("judging galleries of %d with %d", size, each), i, judgeSplits)
				}
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return j, err
	}
	right, missed := 0, 0
	for _, h := range halves {
		if h.failure != "" {
			return Judged{Customers: size, Templates: each, Missing: h.failure}, nil
		}
		j.Cosine += h.cosine / judgeSplits
		right, missed = right+h.right, missed+h.missed
	}
	share := float64(missed) / float64(max(right, 1))
	j.Missed = Interval{share, share, share}
	weights := make([]float64, len(of))
	for i := range weights {
		weights[i] = 1
	}
	j.Alarms.Value = weighed(halves, weights)
	r := rand.New(rand.NewPCG(o.Seed, 0x7a11))
	var rates []float64
	for range o.Rounds {
		clear(weights)
		for range of {
			weights[r.IntN(len(of))]++
		}
		rates = append(rates, weighed(halves, weights))
	}
	j.Alarms.bound(rates)
	return j, nil
}

// weighed is the share of strangers' photos that found somebody, with a weight a person.
func weighed(halves []half, weights []float64) float64 {
	var found, asked float64
	for _, h := range halves {
		for _, a := range h.alarms {
			found += weights[a[0]] * weights[a[1]]
		}
		for p, n := range h.asked {
			asked += weights[p] * n
		}
	}
	return ratio(found, asked)
}

// judgeHalf draws two halves of the people, of whom those with enough photos go to the judged one first
// when half of them were too few for a gallery.
func (f *faces) judgeHalf(of [][]int, size, each int, alarms float64, r *rand.Rand) (h half) {
	var fit, judged, few []int
	for _, p := range r.Perm(len(of)) {
		if len(of[p]) >= each {
			judged = append(judged, p)
		} else {
			few = append(few, p)
		}
	}
	keep := max(len(judged)/2, size)
	if keep > len(judged)*3/4 || each == 1 && size > len(judged)/2 {
		h.failure = fmt.Sprintf("needs more people with %d photos or more; there are %s", each,
			thousands(len(judged)))
		return h
	}
	fit, judged = append(fit, judged[keep:]...), judged[:keep]
	more := min(max(len(of)/2-len(fit), 0), len(few))
	fit, judged = append(fit, few[:more]...), append(judged, few[more:]...)
	k, err := f.countTail(of, fit, each, r).fit(f, nil)
	if err != nil {
		h.failure = err.Error()
		return h
	}
	h.cosine, h.asked = k.at(alarms/float64(size)), make([]float64, len(of))
	for range judgeGalleries {
		f.tryGallery(of, judged, size, each, &h, r)
	}
	return h
}

// tryGallery draws one gallery of the judged people, with the others as strangers.
func (f *faces) tryGallery(of [][]int, judged []int, size, each int, h *half, r *rand.Rand) {
	var customers, others []int
	in := map[int]bool{}
	for _, i := range r.Perm(len(judged)) {
		switch p := judged[i]; {
		case in[p]:
		case len(of[p]) >= each && len(customers) < size:
			customers, in[p] = append(customers, p), true
			for _, other := range f.apart[p] {
				in[other] = true
			}
		default:
			others = append(others, p)
		}
	}
	who, m, rest := f.customersOf(of, customers, each, r)
	best := func(photo int) (int, float32) {
		at, top := -1, float32(-2)
		for i := range who {
			if score := dot(f.sets[0][photo], m.row(i)); score > top {
				at, top = i, score
			}
		}
		return at, top
	}
	for _, p := range others {
		if in[p] {
			continue
		}
		h.asked[p] += float64(len(of[p]))
		for _, photo := range of[p] {
			if at, score := best(photo); float64(score) >= h.cosine {
				h.alarms = append(h.alarms, [2]int{p, who[at]})
			}
		}
	}
	for i, photos := range rest {
		for _, photo := range photos {
			h.right++
			if at, score := best(photo); at != i || float64(score) < h.cosine {
				h.missed++
			}
		}
	}
}

// Markdown writes the tables and how they were judged.
func (r TailReport) Markdown(w io.Writer) error {
	t := &text{}
	t.line("# Thresholds by the size of a gallery")
	t.line("")
	t.line("%s photos of %s people; seed %d.", thousands(r.Photos), thousands(r.People), r.Seed)
	if e := r.Errata; e != (Errata{}) {
		t.line("Known label errors left out: %s pairs of people; not among these photos: %s.", thousands(e.Pairs),
			thousands(e.Unknown))
	}
	t.section("## Tables of one half of the people, judged on the other half")
	t.line("Asked for: %s strangers' photos that finds somebody. The cosine of each half is where its",
		rate(r.Alarms))
	t.line("table has that, divided by the customers, of one comparison. One photo a search, no margin.")
	t.line("%d halves, %d galleries in each; bounds by a bootstrap over people, for the halves' cosines as",
		judgeSplits, judgeGalleries)
	t.line("they are.")
	t.line("")
	t.table("customers", "templates each", "cosine", "false alarms, % (95 %)", "of what was asked for",
		"missed, %")
	for _, j := range r.Judged {
		size, each := thousands(j.Customers), strconv.Itoa(j.Templates)
		switch cosine := fmt.Sprintf("%.3f", j.Cosine); {
		case j.Missing != "":
			t.table(size, each, "-", "-", "-", j.Missing)
		case j.Galleries == 0:
			t.table(size, each, cosine, "by prediction, not searched", "-", percent(j.Missed.Value))
		default:
			t.table(size, each, cosine, j.Alarms.thousandths(), fmt.Sprintf("%.2f", j.Alarms.Value/r.Alarms),
				percent(j.Missed.Value))
		}
	}
	for _, table := range r.Tables {
		t.section("## %d templates each, all people", table.Templates)
		t.table("cosine", "false accepts of a comparison (95 %)", "missed, %")
		for _, row := range table.Rows {
			t.table(fmt.Sprintf("%.3f", row.Cosine), fmt.Sprintf("%.2e (%.2e to %.2e)", row.FalseAccepts, row.Low,
				row.High), percent(row.Missed))
		}
	}
	_, err := io.WriteString(w, t.String())
	return err
}
