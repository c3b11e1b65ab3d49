package accuracy

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
)

// LFW's View 2: ten folds of people, in each 300 pairs of one person and 300 of two.
const (
	foldCount = 10
	foldPairs = 300
	foldLeast = 10 // pairs of each kind in a fold, below which a share says nothing
)

// question is one pair of photos.
type question struct {
	a, b int
	same bool
}

// folds asks balanced pairs with the threshold that did best on the nine other folds.
func (f *faces) folds(o Options) Folds {
	out := Folds{Pairs: 2 * foldPairs * foldCount}
	shares := make([][][foldCount]float64, len(f.sets)) // of each set, each draw
	for d := range o.Draws {
		o.Progress("ten folds", d, o.Draws)
		asked, least := f.ask(rand.New(rand.NewPCG(o.Seed, 1000+uint64(d))))
		if least < foldLeast {
			return Folds{Missing: fmt.Sprintf(
				"needs ten folds of people with %d pairs of each kind at least; a fold has %d", foldLeast, least)}
		}
		out.Pairs = min(out.Pairs, 2*least*foldCount)
		for i, set := range f.sets {
			shares[i] = append(shares[i], answer(asked, set))
		}
	}
	for i, name := range f.names {
		mean, spread := meanAndError(shares[i])
		out.Results = append(out.Results, FoldResult{Set: name, Accuracy: mean, Error: spread, shares: shares[i]})
	}
	return out
}

// ask draws the pairs of each fold. least is the fewest of one kind in any fold.
func (f *faces) ask(r *rand.Rand) (asked [foldCount][]question, least int) {
	least = foldPairs
	of := f.photos()
	order := r.Perm(len(of))
	for k := range foldCount {
		var people []int
		for i := k; i < len(order); i += foldCount {
			people = append(people, order[i])
		}
		var same []question
		for _, p := range people {
			for i, a := range of[p] {
				for _, b := range of[p][i+1:] {
					same = append(same, question{a, b, true})
				}
			}
		}
		r.Shuffle(len(same), func(i, j int) { same[i], same[j] = same[j], same[i] })
		n := min(len(same), foldPairs)
		others := f.strangers(people, of, n, r)
		n = min(n, len(others))
		least = min(least, n)
		asked[k] = append(slices.Clone(same[:n]), others[:n]...)
	}
	return asked, least
}

// strangers draws up to n different pairs of photos of two people.
func (f *faces) strangers(people []int, of [][]int, n int, r *rand.Rand) []question {
	var out []question
	if len(people) < 2 {
		return nil
	}
	seen := map[[2]int]bool{}
	for try := 0; len(out) < n && try < 20*n; try++ {
		i, j := r.IntN(len(people)), r.IntN(len(people)-1)
		if j >= i {
			j++
		}
		if !f.strange(people[i], people[j]) {
			continue
		}
		a, b := of[people[i]], of[people[j]]
		q := question{a: a[r.IntN(len(a))], b: b[r.IntN(len(b))]}
		if key := [2]int{min(q.a, q.b), max(q.a, q.b)}; !seen[key] {
			seen[key] = true
			out = append(out, q)
		}
	}
	return out
}

// answer is the share of right answers in each fold.
func answer(asked [foldCount][]question, set [][]float32) (shares [foldCount]float64) {
	var score [foldCount][]float32
	for k := range asked {
		for _, q := range asked[k] {
			score[k] = append(score[k], dot(set[q.a], set[q.b]))
		}
	}
	for k := range asked {
		var same, other []float32
		for l := range asked {
			for i, q := range asked[l] {
				switch {
				case l == k:
				case q.same:
					same = append(same, score[l][i])
				default:
					other = append(other, score[l][i])
				}
			}
		}
		cut, right := bestCut(same, other), 0
		for i, q := range asked[k] {
			if (score[k][i] >= cut) == q.same {
				right++
			}
		}
		shares[k] = float64(right) / float64(len(asked[k]))
	}
	return shares
}

// bestCut is the threshold with the most right answers; the middle of the way to the next lower cosine.
func bestCut(same, other []float32) float32 {
	slices.Sort(same)
	slices.Sort(other)
	most, cut, o := -1, float32(1), 0
	for i, s := range same { // accept from s on: all before are refused
		for o < len(other) && other[o] < s {
			o++
		}
		if right := len(same) - i + o; right > most {
			most, cut = right, s
			if o > 0 {
				cut = (s + other[o-1]) / 2
			}
			if i > 0 {
				cut = max(cut, (s+same[i-1])/2)
			}
		}
	}
	return cut
}

// meanAndError returns the mean and the standard error over the ten folds of a draw, its mean square over the
// draws: more draws do not make it smaller, as the people are the same.
func meanAndError(draws [][foldCount]float64) (mean, spread float64) {
	for _, folds := range draws {
		var own, square float64
		for _, v := range folds {
			own += v
		}
		own /= foldCount
		for _, v := range folds {
			square += (v - own) * (v - own)
		}
		mean += own
		spread += square / (foldCount - 1) / foldCount
	}
	n := float64(len(draws))
	return mean / n, math.Sqrt(spread / n)
}
