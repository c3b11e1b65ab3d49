package gallery

import (
	"errors"
	"fmt"
	"slices"
	"testing"
)

// sface is an embedding of the second network's dimension, of one of picture's people.
func sface(person, shot uint64) []float32 { return normalise(picture(person+1000, shot)[:128]) }

func shots(of func(person, shot uint64) []float32, person, from uint64) (all [][]float32) {
	for i := range uint64(3) {
		all = append(all, of(person, from+i))
	}
	return all
}

// comingOver is a gallery of modelB to which customers of modelA come over: n of them are enrolled with it,
// Customer k is person k.
func comingOver(t *testing.T, dir string, n int) (g *Gallery, all []Customer) {
	t.Helper()
	g = mustOpen(t, dir, modelA)
	for i := range n {
		all = append(all, mustEnrol(t, g, fmt.Sprint("Customer ", i), uint64(i), 3))
		if err := g.KeepSmile(all[i].ID, Smile{Rest: 1, Rise: 0.2}); err != nil {
			t.Fatal(err)
		}
	}
	if err := g.Close(); err != nil {
		t.Fatal(err)
	}
	return mustOpen(t, dir, twoModels()), all
}

// twoModels asks for more the more customers there are, of the model before for more still.
func twoModels() Model {
	rising := func(from float32) func([]int) float32 {
		return func(counts []int) (c float32) {
			c = from
			for _, n := range counts {
				c += float32(n) / 1000
			}
			return c
		}
	}
	now, before := modelB, modelA
	now.Cosine, before.Cosine = rising(0.4), rising(0.6)
	now.Before = &before
	return now
}

// TestCustomersComeOver: of 20 customers of the model before each is known all the time, by one of the two
// models and as nobody else, while half of them come over; and each model asks for the cosine that the
// customers of both together want.
func TestCustomersComeOver(t *testing.T) {
	dir := t.TempDir() + "/g"
	g, all := comingOver(t, dir, 20)
	known := func(carried int) {
		t.Helper()
		for i, c := range all {
			now, best, second := g.Match(sface(uint64(i), 9))
			then, bestThen, secondThen := g.Before().Match(picture(uint64(i), 9))
			if i >= carried {
				now, best, second, then, bestThen, secondThen = then, bestThen, secondThen, now, best, second
			}
			if now != c.ID || best < 0.8 || second > 0.5 || then == c.ID || bestThen > 0.5 || secondThen > 0.5 {
				t.Errorf("%d over: customer %d is %q (%v, other %v), by the other model %q (%v, other %v)", carried, i,
					now, best, second, then, bestThen, secondThen)
			}
		}
		a, okA := g.Cosine()
		b, okB := g.Before().Cosine()
		if !okA || !okB || a < 0.419 || a > 0.421 || b < 0.619 || b > 0.621 {
			t.Errorf("%d over: cosines %v and %v, want those of 20 customers, 0.42 and 0.62", carried, a, b)
		}
		if now, then := g.Counts()[3], g.Before().Counts()[3]; now != carried || then != 20-carried {
			t.Errorf("%d over: %d of the model now, %d before", carried, now, then)
		}
	}
	known(0)
	for i := range uint64(10) {
		var said Change
		c, err := g.CarryOver(all[i].ID, shots(sface, i, 20), shots(picture, i, 20),
			func(c Change) error { said = c; return nil })
		if err != nil || c.ID != all[i].ID || c.Name != all[i].Name || !said.Carried || !said.Again ||
			said.Unmatched || said.Record == "" {
			t.Fatalf("%v, %+v, %v", c, said, err)
		}
	}
	known(10)
	g.Close()
	g = mustOpen(t, dir, twoModels())
	known(10)
	for _, c := range all {
		f := g.Before()
		if slices.ContainsFunc(g.List(), func(l Customer) bool { return l.ID == c.ID }) {
			f = g.faces()
		}
		if _, rise, ok := f.Smile(c.ID); !ok || rise != 0.2 {
			t.Errorf("the smile of %s did not come along: %v %v", c.ID, rise, ok)
		}
	}
	if err := errors.Join(g.Remove(all[0].ID), g.Remove(all[19].ID)); err != nil {
		t.Fatal(err)
	}
	if id, _, _ := g.Before().Match(picture(19, 9)); id == all[19].ID || len(g.Stale()) != 9 {
		t.Errorf("%s was removed: %q, %d are left", all[19].ID, id, len(g.Stale()))
	}
	g.Lock()
	if id, _, _ := g.Before().Match(picture(15, 9)); id != "" {
		t.Errorf("a locked gallery knows %s", id)
	}
}

// TestCarryOverRefuses: a customer's account goes to no other face, and what is refused changes nothing.
func TestCarryOverRefuses(t *testing.T) {
	g, all := comingOver(t, t.TempDir()+"/g", 3)
	if _, err := g.CarryOver(all[2].ID, shots(sface, 2, 20), shots(picture, 2, 20), nil); err != nil {
		t.Fatal(err)
	}
	no := errors.New("the journal is full")
	for what, c := range map[string]struct {
		id        string
		now, seen [][]float32
		before    func(Change) error
		want      error
	}{
		"another's face, by the model before": {all[0].ID, shots(sface, 0, 20), shots(picture, 1, 20), nil,
			ErrOtherFace},
		"one picture of another": {all[0].ID, shots(sface, 0, 20),
			[][]float32{picture(0, 20), picture(0, 21), picture(1, 22)}, nil, ErrOtherFace},
		"a face that is enrolled": {all[0].ID, shots(sface, 2, 30), shots(picture, 0, 20), nil,
			ErrAlreadyEnrolled},
		"pictures of two people": {all[0].ID, [][]float32{sface(0, 1), sface(0, 2), sface(7, 3)},
			shots(picture, 0, 20), nil, ErrDisagree},
		"nothing of the model before": {all[0].ID, shots(sface, 0, 20), nil, nil, ErrTemplates},
		"who came over already": {all[2].ID, shots(sface, 2, 30), shots(picture, 2, 30), nil,
			ErrUnknownCustomer},
		"not written down": {all[0].ID, shots(sface, 0, 20), shots(picture, 0, 20),
			func(Change) error { return no }, no},
	} {
		if _, err := g.CarryOver(c.id, c.now, c.seen, c.before); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", what, err, c.want)
		}
		if id, best, _ := g.Before().Match(picture(0, 9)); id != all[0].ID || best < 0.8 || len(g.Stale()) != 2 {
			t.Errorf("%s: customer 0 is %q, %v; %d are left", what, id, best, len(g.Stale()))
		}
	}
	g.Close()
	_, err := g.CarryOver(all[0].ID, shots(sface, 0, 20), shots(picture, 0, 20), nil)
	if !errors.Is(err, ErrClosed) {
		t.Errorf("a closed gallery: %v", err)
	}
}

// TestEnrolAgainByTheModelBefore: a customer who is left under the model before and is enrolled again is held
// against the templates of it, so that the account goes to no other face; without pictures by that model
// nothing can tell, and the change says so.
func TestEnrolAgainByTheModelBefore(t *testing.T) {
	g, all := comingOver(t, t.TempDir()+"/g", 3)
	var said Change
	say := func(c Change) error { said = c; return nil }
	for what, c := range map[string]struct {
		seen [][]float32
		want error
	}{
		"another's face":         {shots(picture, 1, 20), ErrOtherFace},
		"one picture of another": {[][]float32{picture(0, 20), picture(0, 21), picture(1, 22)}, ErrOtherFace},
		"too few":                {shots(picture, 0, 20)[:2], ErrTemplates},
	} {
		_, err := g.EnrolAgain(all[0].ID, shots(sface, 0, 20), c.seen, say)
		if !errors.Is(err, c.want) || said.ID != "" || len(g.Stale()) != 3 {
			t.Errorf("%s: %v, %+v, %d left", what, err, said, len(g.Stale()))
		}
	}
	if _, err := g.EnrolAgain(all[0].ID, shots(sface, 0, 20), shots(picture, 0, 20), say); err != nil ||
		!said.Carried || said.Unmatched || !said.Again {
		t.Errorf("the same face: %+v, %v", said, err)
	}
	if _, err := g.Numbered("4711").EnrolAgain(all[1].ID, shots(sface, 1, 20), shots(picture, 1, 20),
		say); err != nil || !said.Carried || said.Unmatched {
		t.Errorf("the same face, with digits: %+v, %v", said, err)
	}
	if _, err := g.EnrolAgain(all[2].ID, shots(sface, 2, 20), nil, say); !errors.Is(err, ErrIncomparable) {
		t.Errorf("nothing by the model before is taken for the same face: %v", err)
	}
	if _, err := g.EnrolAgainAs(all[2].ID, shots(sface, 2, 20), nil, Wish{OtherFace: true},
		say); err != nil || said.Carried || !said.Unmatched {
		t.Errorf("nothing by the model before: %+v, %v", said, err)
	}
	// Who is of the model in force is compared by that one alone.
	if _, err := g.EnrolAgain(all[0].ID, shots(sface, 0, 30), shots(picture, 1, 30), say); err != nil ||
		said.Carried || said.Unmatched {
		t.Errorf("of the model in force: %+v, %v", said, err)
	}
}

// TestModelBefore: without the model before its customers wait, as those of any other; the same model twice
// is a mistake.
func TestModelBefore(t *testing.T) {
	dir := t.TempDir() + "/g"
	g, _ := comingOver(t, dir, 2)
	for _, s := range g.Stale() {
		if !s.Known {
			t.Errorf("%v is not known, with the model before", s)
		}
	}
	g.Close()
	g = mustOpen(t, dir, modelB)
	if id, _, _ := g.Before().Match(picture(0, 9)); id != "" || len(g.Stale()) != 2 || g.Stale()[0].Known {
		t.Errorf("without the model before: %q, %+v", id, g.Stale())
	}
	g.Close()
	bad := modelB
	bad.Before = &modelB
	if _, err := Open(dir, bad, quiet()); err == nil {
		t.Error("a model that is its own predecessor")
	}
}
