package accuracy

import (
	"fmt"
	"math/rand/v2"
)

// Group is people who have something in common, by their numbers in Input.
type Group struct {
	Name   string
	People []int
}

// GroupResult is how the set in use does within a group, among people with two photos or more.
type GroupResult struct {
	Name     string       `json:"name"`
	People   int          `json:"people"`
	Genuine  int          `json:"pairs_of_one_person"`
	Impostor int          `json:"pairs_of_two_people"`
	Points   []GroupPoint `json:"points"`
}

// GroupPoint is one cosine. False is a share of the pairs of two people of the group; its bounds are of a
// bootstrap over people and, where none was seen, the exact ones of half as many independent pairs as there
// are people, of whom none is in two. Missed is a share of the people: of whom one pair at least is
// refused, with exact bounds.
type GroupPoint struct {
	Cosine float64  `json:"cosine"`
	False  Interval `json:"false_matches"`
	Missed Interval `json:"people_missed"`
}

// groups are the figures of each group at the cosine of one customer with one template, and at the loose one.
func (f *faces) groups(in Input, o Options) (out []GroupResult) {
	number := map[int]int{}
	for p, id := range f.ids {
		number[id] = p
	}
	of, set := f.photos(), f.sets[0]
	var cuts []float32
	if f.asked != nil {
		cuts = append(cuts, f.asked(1, 1))
	}
	if in.Sets[0].Loose > 0 {
		cuts = append(cuts, in.Sets[0].Loose)
	}
	for _, g := range in.Groups {
		var people []int
		for _, id := range g.People {
			if p, ok := number[id]; ok {
				people = append(people, p)
			}
		}
		r := GroupResult{Name: g.Name, People: len(people)}
		for i, a := range people {
			r.Genuine += len(of[a]) * (len(of[a]) - 1) / 2
			for _, b := range people[:i] {
				if f.strange(a, b) {
					r.Impostor += len(of[a]) * len(of[b])
				}
			}
		}
		for _, cut := range cuts {
			r.Points = append(r.Points, f.within(people, of, set, cut, r, o))
		}
		out = append(out, r)
	}
	return out
}

// within counts what is wrong within a group at one cosine.
func (f *faces) within(
	people []int, of [][]int, set [][]float32, cut float32, r GroupResult, o Options,
) GroupPoint {
	type event struct{ a, b int } // places in people
	var events []event
	missed := 0
	sizes := make([]float64, len(people))
	for i, a := range people {
		sizes[i] = float64(len(of[a]))
		wrong := false
		for k, x := range of[a] {
			for _, y := range of[a][:k] {
				wrong = wrong || dot(set[x], set[y]) < cut
			}
			for j, b := range people[:i] {
				for _, y := range of[b] {
					if f.strange(a, b) && dot(set[x], set[y]) >= cut {
						events = append(events, event{i, j})
					}
				}
			}
		}
		if wrong {
			missed++
		}
	}
	p := GroupPoint{Cosine: float64(cut),
		False:  Interval{Value: ratio(float64(len(events)), float64(r.Impostor))},
		Missed: Interval{Value: ratio(float64(missed), float64(len(people)))}}
	p.Missed.Low, p.Missed.High = Bounds(missed, len(people))
	if len(events) == 0 {
		p.False.Low, p.False.High = Bounds(0, len(people)/2)
		return p
	}
	rng := rand.New(rand.NewPCG(o.Seed, 0x6702))
	var rates []float64
	weight := make([]float64, len(people))
	for range o.Rounds {
		clear(weight)
		for range people {
			weight[rng.IntN(len(people))]++
		}
		var sum, same, seen float64
		for i, w := range weight {
			sum, same = sum+w*sizes[i], same+w*w*sizes[i]*sizes[i]
		}
		for _, e := range events {
			seen += weight[e.a] * weight[e.b]
		}
		rates = append(rates, ratio(seen, (sum*sum-same)/2))
	}
	p.False.bound(rates)
	return p
}

func ratio(a, b float64) float64 {
	if b == 0 {
		return 0
	}
	return a / b
}

func (r *Report) groupsMarkdown(t *text) {
	if len(r.Groups) == 0 {
		return
	}
	t.section("## By group of people")
	t.line("The models in use, pairs within a group. Bounds are over people: a group whose false matches are 0")
	t.line("may have any rate up to the upper bound. Missed are people of whom one pair of photos at least is")
	t.line("refused.")
	t.line("")
	t.table("group", "people", "pairs of two people", "cosine", "false matches, % (95 %)",
		"people missed, % (95 %)")
	fewest, smallest := 0, ""
	for _, g := range r.Groups {
		if smallest == "" || g.People < fewest {
			fewest, smallest = g.People, g.Name
		}
		for _, p := range g.Points {
			t.table(g.Name, thousands(g.People), thousands(g.Impostor), fmt.Sprintf("%.3f", p.Cosine),
				p.False.thousandths(), p.Missed.percent())
		}
	}
	_, high := Bounds(0, fewest)
	t.line("")
	t.line("What this can show: that a group is failed grossly. What it can't: that groups are treated alike.")
	t.line("Of %s, %s people, none missed would still leave up to %.0f %% of such people open; and", smallest,
		thousands(fewest), 100*high)
	t.line("a shop's strangers are more people than these: what is as rare as a till wants it is not seen here.")
}
