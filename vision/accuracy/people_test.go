package accuracy

import (
	"slices"
	"strings"
	"testing"
)

// TestErrata measures people of whom two are one, under two names: as strangers to each other they rule
// what is accepted falsely; as known errors they are in no comparison, fold or gallery.
func TestErrata(t *testing.T) {
	person, vectors := crowd(5, 120, 4, 32, 0.4)
	twice := slices.Clone(vectors)
	copy(twice[4:8], vectors[0:4]) // person 1 is person 0
	in := Input{Person: person, Sets: []Set{{Name: "a", Vectors: twice,
		Cosine: func(int, int) float32 { return 0.9 }}}}
	bad := measured(t, in, Options{Seed: 1, Rounds: 50})
	in.Apart, in.Errata = [][2]int{{1, 0}, {0, 1}, {0, 999}}, Errata{Pairs: 3, Unknown: 2}
	good := measured(t, in, Options{Seed: 1, Rounds: 50})
	b, g := bad.Scopes[0], good.Scopes[0]
	if b.Impostor-g.Impostor != 16 || b.Genuine != g.Genuine {
		t.Errorf("%d pairs of two people, without the error %d; want 16 less", b.Impostor, g.Impostor)
	}
	// 16 pairs of 114,000 are more than one in 10,000.
	at, was := g.Verification[0].Points[1], b.Verification[0].Points[1]
	if at.Cosine.Value >= was.Cosine.Value || at.Cosine.High >= was.Cosine.High {
		t.Errorf("the cosine at FAR 1e-4 is %+v, with the error %+v", at.Cosine, was.Cosine)
	}
	for i, c := range g.InUse {
		if c.Missing == "" && (c.Alarms.Value != 0 || b.InUse[i].Alarms.Value == 0) {
			t.Errorf("%d customers: false alarms %+v, with the error %+v", c.Customers, c.Alarms, b.InUse[i].Alarms)
		}
	}
	f := choose(in, false)
	pairs, err := f.compare(t.Context(), twice, Options{Workers: 2}.filled(), "a")
	if err != nil || pairs.impostors != g.Impostor {
		t.Errorf("%d pairs of two people were counted, want %d; %v", pairs.impostors, g.Impostor, err)
	}
	all := make([]int, 120)
	for i := range all {
		all[i] = i
	}
	draws, fewest, missing := f.seatAll(f.photos(), all, 100, 3, Options{Seed: 1, Draws: 30})
	if missing != "" || len(draws) != 30 || fewest < 18*4 {
		t.Fatalf("%d draws, %d photos of strangers, %q", len(draws), fewest, missing)
	}
	for _, s := range draws {
		in, out := map[int]bool{}, map[int]bool{}
		for _, p := range slices.Concat(s.customers...) {
			in[person[p]] = true
		}
		for _, p := range s.strangers {
			out[person[p]] = true
		}
		if in[0] && (in[1] || out[1]) || in[1] && out[0] {
			t.Fatal("one is a customer, and the other, who may be the same, another or a stranger")
		}
	}
	if _, _, missing := f.seatAll(f.photos(), all, 120, 3, Options{Seed: 1, Draws: 3}); missing == "" {
		t.Error("all are customers, also two who may be one")
	}
	var text strings.Builder
	err = good.Markdown(&text)
	if err != nil || !strings.Contains(text.String(), "never compared as two: 3; ") {
		t.Errorf("%v\n%s", err, text.String())
	}
}

// TestGroups counts within a group alone, and says how little so few show.
func TestGroups(t *testing.T) {
	person, vectors := crowd(6, 40, 3, 32, 0.4)
	alike := slices.Clone(vectors)
	copy(alike[0:3], vectors[3:6]) // 0 and 1 are twins
	alike[30*3] = vectors[35*3]    // one photo of 30 is nobody's
	asked := func(int, int) float32 { return 0.5 }
	in := Input{Person: person, Sets: []Set{{Name: "a", Vectors: alike, Loose: 0.3, Cosine: asked}},
		Groups: []Group{{"few", []int{0, 1, 2, 3, 4, 5, 6, 7, 77}}, {"others", []int{30, 31, 32, 33, 34}}}}
	r := measured(t, in, Options{Seed: 1, Rounds: 200})
	few, others := r.Groups[0], r.Groups[1]
	if few.People != 8 || few.Impostor != 28*9 || few.Genuine != 24 || others.People != 5 {
		t.Fatalf("%+v\n%+v", few, others)
	}
	at := few.Points[0]
	if f := at.False; f.Value != 9.0/(28*9) || f.Low != 0 || f.High <= f.Value || at.Missed.Value != 0 {
		t.Errorf("twins in a group of 8: %+v", at)
	}
	p := others.Points[0]
	if p.False.Value != 0 || p.False.High < 0.5 || p.Missed.Value != 0.2 || p.Missed.Low == 0 {
		t.Errorf("one of five is missed, and nothing seen of two pairs of people: %+v", p)
	}
	if few.Points[1].False.Value < at.False.Value || few.Points[1].Cosine >= at.Cosine {
		t.Errorf("the loose cosine shows less: %+v", few.Points)
	}
	var text strings.Builder
	if err := r.Markdown(&text); err != nil || !strings.Contains(text.String(), "Of others, 5") ||
		!strings.Contains(text.String(), "52 % of such people") {
		t.Errorf("%v\n%s", err, text.String())
	}
}

// TestSmilesApart compares faces at rest with smiling ones, and no two at rest.
func TestSmilesApart(t *testing.T) {
	person, vectors := crowd(7, 20, 3, 32, 0.4)
	in := Input{Person: person, Sets: []Set{{Name: "a", Vectors: slices.Clone(vectors)}}}
	for i := range person {
		in.Faces = append(in.Faces, []Expression{Neutral, Smiling, AnyExpression}[i%3])
	}
	in.Apart = [][2]int{{3, 4}}
	in.Sets[0].Vectors[2*3+1] = nil // 2 has no smile
	r := measured(t, in, Options{Seed: 1}).Smiles
	if r == nil || r.People != 19 || r.Genuine != 19 || r.Impostor != 19*18-2 || r.EqualError.Value != 0 ||
		r.EqualError.High < 0.1 {
		t.Fatalf("%+v", r)
	}
	for p := range 10 { // half of the smiles are somebody else's
		in.Sets[0].Vectors[p*3+1] = vectors[(p+10)*3+1]
	}
	r = measured(t, in, Options{Seed: 1}).Smiles
	if e := r.EqualError; e.Value < 0.2 || e.Low >= e.Value || e.High <= e.Value {
		t.Errorf("%+v", e)
	}
	in.Faces = nil
	if measured(t, in, Options{Seed: 1}).Smiles != nil {
		t.Error("nobody is known to smile")
	}
}
