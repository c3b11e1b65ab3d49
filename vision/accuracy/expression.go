package accuracy

import (
	"math/rand/v2"
	"slices"
)

// Expression is what the face of a picture shows.
type Expression int

// The expressions that are told apart.
const (
	AnyExpression Expression = iota
	Neutral
	Smiling
)

// SmilesApart is how well people are told apart between a picture at rest and one that smiles: at a till most
// are enrolled at rest, and pay with a smile.
type SmilesApart struct {
	People     int      `json:"people"` // with both
	Genuine    int      `json:"pairs_of_one_person"`
	Impostor   int      `json:"pairs_of_two_people"`
	EqualError Interval `json:"equal_error_rate"` // bounds by a bootstrap over people
}

// smiles compares each neutral picture with each smiling one, by the set in use; nil without two people who
// have both.
func smiles(in Input, o Options) *SmilesApart {
	rest, smile := map[int][]int{}, map[int][]int{}
	for i, e := range in.Faces {
		switch p := in.Person[i]; {
		case in.Sets[0].Vectors[i] == nil:
		case e == Neutral:
			rest[p] = append(rest[p], i)
		case e == Smiling:
			smile[p] = append(smile[p], i)
		}
	}
	var people []int
	for p := range rest {
		if len(smile[p]) > 0 {
			people = append(people, p)
		}
	}
	if len(people) < 2 {
		return nil
	}
	slices.Sort(people)
	all := comparisons(in, people, rest, smile)
	every := make([]int, len(people))
	for i := range every {
		every[i] = i
	}
	out := &SmilesApart{People: len(people)}
	same, other := gather(all, every)
	out.Genuine, out.Impostor = len(same), len(other)
	out.EqualError.Value = equalError(same, other)
	rng := rand.New(rand.NewPCG(o.Seed, 0x5311e5))
	var rates []float64
	for range min(o.Rounds, 200) { // each sorts all comparisons
		for i := range every {
			every[i] = rng.IntN(len(people))
		}
		if same, other = gather(all, every); len(other) > 0 {
			rates = append(rates, equalError(same, other))
		}
	}
	out.EqualError.bound(rates)
	if out.EqualError.Value == 0 { // all draws have none, which proves nothing of other people
		_, out.EqualError.High = Bounds(0, len(people))
	}
	return out
}

// comparisons are the cosines of the neutral pictures of one with the smiling ones of another, by places in
// people; none for two who may be one.
func comparisons(in Input, people []int, rest, smile map[int][]int) [][][]float32 {
	v, all := in.Sets[0].Vectors, make([][][]float32, len(people))
	for i, a := range people {
		all[i] = make([][]float32, len(people))
		for j, b := range people {
			if slices.Contains(in.Apart, [2]int{a, b}) || slices.Contains(in.Apart, [2]int{b, a}) {
				continue
			}
			for _, x := range rest[a] {
				for _, y := range smile[b] {
					all[i][j] = append(all[i][j], dot(v[x], v[y]))
				}
			}
		}
	}
	return all
}

// gather sorts the comparisons of drawn people; one drawn twice is no impostor of themselves.
func gather(all [][][]float32, drawn []int) (same, other []float32) {
	for _, a := range drawn {
		same = append(same, all[a][a]...)
		for _, b := range drawn {
			if a != b {
				other = append(other, all[a][b]...)
			}
		}
	}
	slices.Sort(same)
	slices.Sort(other)
	return same, other
}

func (s *SmilesApart) markdown(t *text) {
	if s == nil {
		return
	}
	t.section("## At rest against smiling: the same person?")
	t.line("%s people, one side at rest, the other smiling: %s pairs of one person, %s of two people. "+
		"Equal error, %%: %s.",
		thousands(s.People), thousands(s.Genuine), thousands(s.Impostor), s.EqualError.percent())
	t.line("The bounds are of a bootstrap over people or, of no error at all, the exact ones of as many people.")
}
